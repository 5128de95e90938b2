# deltaband: `make` lists what can be done.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=
SEEDS ?= 1:8
HOURS ?= 1
N ?= 200
FOR ?= 600
DAYS ?= 7
WHAT ?= week
WORKERS ?= $(shell echo $$(( $$(nproc) * 2 )))

# Tests that read recorded market data run where it lies beside the project.
ifndef DELTABAND_DATA
ifneq ($(wildcard ../shared/data/.),)
export DELTABAND_DATA := $(abspath ../shared/data)
endif
endif

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.PHONY: paper
paper: $(VENV)/.runtime ## hedge the demo book on paper; options in ARGS="--for 6h --speed max"
	@exec $(BIN)/python .ci/foreground.py $(BIN)/deltaband paper $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## run the tests; ARGS="-k name" narrows
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadscope --no-loadscope-reorder $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## lint, format, types and the architecture of the imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/architecture

.PHONY: format
format: $(VENV)/.dev ## put the code into the house format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: bench
bench: $(VENV)/.dev ## print the benchmark tables; ONLY=core|greeks|wire|decisions|monitor narrows, BENCH_JSON=FILE also writes rows
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(BENCH_JSON),--json $(BENCH_JSON)) $(ARGS)

.PHONY: simulate
simulate: $(VENV)/.dev ## let seeds of faulty market hours run: SEEDS=1:100 HOURS=4
	@$(BIN)/python -m tests.simulation.campaign $(SEEDS) $(HOURS) $(ARGS)

.PHONY: mutants
mutants: $(VENV)/.dev ## plant bugs in the bot, one at a time, and see each caught: NAME="..." narrows, ARGS=--keep
	@$(BIN)/python -m tests.simulation.campaign.mutants $(NAME) $(ARGS)

.PHONY: crashes
crashes: $(VENV)/.dev ## list each minute that crash days leave delta outside, with its cause: ARGS=--keep
	@$(BIN)/python -m tests.simulation.outside $(ARGS)

.PHONY: kills
kills: $(VENV)/.dev ## kill a bot's process over and over on the served exchange: N=200 ARGS="--fresh"
	@$(BIN)/python -m tests.processes.kills $(N) 1 $(ARGS)

.PHONY: faults
faults: $(VENV)/.dev ## let its connections fail, its disk fill and both processes freeze: FOR=600 (seconds) ARGS=--keep
	@$(BIN)/python -m tests.processes.faults $(FOR) 1 $(ARGS)
	@$(BIN)/python -m tests.processes.freeze 10
	@$(BIN)/python -m tests.processes.silence 10
	@$(BIN)/python -m tests.processes.disk 3

.PHONY: faults-count
faults-count: $(VENV)/.dev ## count how often tests make each fault of the catalogue strike: ARGS=--keep
	@$(BIN)/python -m tests.struck --numprocesses=$(WORKERS) $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## WHAT=week lets DAYS=7 of market time pass, flood 5,000 quotes a second for FOR=600: what grows?
	@case "$(WHAT)" in \
	week) exec $(BIN)/python -m tests.processes.soak $(DAYS) ;; \
	flood) exec $(BIN)/python -m tests.processes.flood $(FOR) ;; \
	*) echo "expected WHAT=week or WHAT=flood, found $(WHAT)" >&2; exit 2 ;; \
	esac

.PHONY: lock
lock: $(VENV)/.dev ## resolve the dependencies again and write the locks
	$(LOCK) --extra build --output-file requirements.lock
	$(LOCK) --extra build --extra data --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) --extra bench --constraint requirements-dev.lock --output-file requirements-bench.lock

LOCK = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-header --upgrade pyproject.toml

.PHONY: docker
docker: ## build the container image
	docker build --tag deltaband .

.PHONY: peers
peers: $(VENV)/.dev ## add the libraries that `make bench` compares the mathematics with
	@$(PIP) install --require-hashes --requirement requirements-bench.lock

.PHONY: clean
clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: venv
venv: $(VENV)/.dev ## build .venv with everything that development needs

# The stamps say which lock the environment was last filled from.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "expected Python 3.11 or newer, found: $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "expected Python's venv module, found none: install python3-venv" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/.made
	@echo "filling $(VENV) from requirements.lock (about a minute the first time)" >&2
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "filling $(VENV) from requirements-dev.lock" >&2
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
