"""Equal seeds, equal digests: in this process, in another one, at any speed."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import config
from bot.wiring.kernels import choose
from tests.simulation.drive import START_NS, seconds, start
from tests.simulation.live import live

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = config.load().settings
MINUTE = 60.0


@pytest.fixture(autouse=True)
def _same_kernels():
    """Compute here as the command does: one digest is of one arithmetic."""
    choose("auto")
    yield
    choose("numpy")


@cache
def driven(minutes: float, seed: int = 7) -> str:
    """Return the digest of the bare core."""
    return start(SETTINGS, seed=seed).until(START_NS + seconds(minutes * MINUTE)).digest.hexdigest()


def engined(folder: Path, minutes: float, *, speed: float | None) -> str:
    """Return the digest of a journalled run on the real engine."""
    run = live(SETTINGS, folder).run(minutes * MINUTE, speed=speed)
    return run.journal.digest.hexdigest()


def commanded(folder: Path, hash_seed: str, length: str):
    """Return the digest that the paper command prints in a process of its own."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bot", "paper", "--for", length, "--speed", "max"),
            *("--seed", "7", "--json", "--set", f"state_dir={folder}"),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
        timeout=900,  # only ends what hangs: a busy machine takes its time
    )
    return json.loads(done.stdout.strip().splitlines()[-1])["digest"]


def test_the_digest_does_not_depend_on_speed_engine_or_journal(tmp_path):
    """Unpaced, paced and driven by hand: the jump's half hour is the same, byte for byte."""
    unpaced = engined(tmp_path / "unpaced", 27, speed=None)
    assert engined(tmp_path / "paced", 27, speed=20_000.0) == unpaced
    assert driven(27) == unpaced


def test_two_processes_with_other_hash_seeds_come_to_the_digest_of_this_one(tmp_path):
    """The command prints the same digest wherever the interpreter puts its sets."""
    mine = driven(27)
    assert commanded(tmp_path / "one", "1", "27m") == mine
    assert commanded(tmp_path / "two", "4242", "27m") == mine


def test_different_seeds_decide_differently():
    """The digest hears the market."""
    assert driven(5, seed=7) != driven(5, seed=8)


@pytest.mark.slow
def test_two_hours_are_the_same_here_and_in_another_process(tmp_path):
    """Jump, lost reply and settlement included, the digest is the same."""
    assert commanded(tmp_path, "4242", "2h") == driven(120)
