"""Imports run one way, and pure rooms know neither the clock nor chance nor the world."""

from pathlib import Path

import pytest

from tests.architecture.rules import PACKAGES, ROOMS, room_of, violations

TOP = Path(__file__).parents[2]
MODULES = sorted(path for package in PACKAGES for path in (TOP / package).rglob("*.py"))


def write(top: Path, module: str, source: str) -> Path:
    """Write a module below a temporary house."""
    path = top.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def test_the_house_has_modules_to_judge():
    """An empty walk would make every rule hold."""
    assert {path.relative_to(TOP).parts[0] for path in MODULES} == set(PACKAGES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_module_keeps_the_rules(path):
    """Every module imports what its room may and nothing else."""
    assert violations(path, TOP) == []


def test_every_named_room_is_its_own_room():
    """The table names no room that another row would swallow, and none that it does not hold."""
    assert [room_of(room) for room in ROOMS] == list(ROOMS)
    assert {target for may in ROOMS.values() for target in may} <= set(ROOMS)


@pytest.mark.parametrize(
    "module,source",
    [
        ("greeks.black76", "import numpy as np\nfrom scipy import special\nfrom greeks import x\n"),
        ("bot.book.exposure", "from decimal import Decimal\nfrom bot.domain.units import coin\n"),
        ("bot.book.market", "from .account import Account\nfrom ..domain import units\n"),
        ("bot.core", "import bot.strategy.bands\nfrom bot import risk, execution, book\n"),
        ("bot.sim.wire.server", "import asyncio, aiohttp\nfrom bot.sim import exchange\n"),
        ("bot.engine", "import asyncio, time\nfrom bot import core, journal\n"),
        ("bot.wiring", "from config import schema\nfrom bot.engine import run\n"),
        ("bot.sim.market", "import numpy as np\ndef f(rng: np.random.Generator): ...\n"),
        ("bot.book.account", "from datetime import UTC, datetime\nx = datetime.fromtimestamp\n"),
    ],
)
def test_what_a_room_may_do_passes(tmp_path, module, source):
    """The rules do not cry wolf."""
    assert violations(write(tmp_path, module, source), tmp_path) == []


@pytest.mark.parametrize(
    "module,source,sentence",
    [
        ("greeks.paths", "from bot.domain import units\n", "of the house, found bot.domain"),
        ("greeks.paths", "import pydantic\n", "greeks is pure and may not import pydantic"),
        ("config.load", "import greeks.black76\n", "nothing of the house, found greeks.black76"),
        ("bot.domain.units", "import greeks\n", "nothing of the house, found greeks"),
        ("bot.domain.units", "from scipy import stats\n", "may not import scipy"),
        ("bot.book.market", "from ..strategy import bands\n", "found bot.strategy.bands"),
        ("bot.strategy.bands", "from bot.risk.gate import gate\n", "found bot.risk.gate"),
        ("bot.risk.gate", "from bot import execution\n", "found bot.execution"),
        ("bot.execution.orders", "import bot.strategy\n", "found bot.strategy"),
        ("bot.execution.orders", "import bot\n", "found bot"),
        ("bot.sim.exchange", "from bot.risk import margin\n", "found bot.risk.margin"),
        ("bot.sim.exchange", "from bot.sim.wire import server\n", "found bot.sim.wire.server"),
        ("bot.core", "from bot.engine import run\n", "found bot.engine.run"),
        ("bot.core", "from config import schema\n", "found config.schema"),
        ("bot.journal.store", "def f():\n    from config import load\n", "found config.load"),
        ("bot.engine", "from bot.wiring import paper\n", "found bot.wiring.paper"),
        ("bot.book.market", "import time\n", "may not import time"),
        ("bot.strategy.plan", "from os.path import join\n", "may not import os"),
        ("bot.risk.gate", "import structlog\n", "may not import structlog"),
        ("bot.sim.market", "import random\n", "may not import random"),
        ("bot.core", "def f():\n    import asyncio\n", "may not import asyncio"),
        ("bot.book.a", "import datetime\nx = datetime.datetime.now()\n", "reads no clock"),
        ("bot.book.a", "from datetime import date\nx = date.today()\n", "reads no clock"),
        ("bot.sim.market", "import numpy as np\nx = np.random.normal()\n", "is handed chance"),
        ("bot.sim.market", "import numpy as np\nx = np.random.default_rng()\n", "handed chance"),
        ("bot.helpers.text", "x = 1\n", "found none that holds it"),
    ],
)
def test_what_a_room_may_not_do_is_found(tmp_path, module, source, sentence):
    """Each rule is broken once, and the finding says by what."""
    (found,) = violations(write(tmp_path, module, source), tmp_path)
    assert sentence in found
