"""The paper command as a process: what signals do to it, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.domain.errors import JournalError
from bot.journal import Reader

ROOT = Path(__file__).resolve().parents[2]
INSTANCE = "signals"


@contextmanager
def paper(folder: Path):
    """Run the demo at speed 60 until the test is over, READY when handed out."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bot", "paper", "--speed", "60", "--seed", "7", "--json"),
            *("--set", f"state_dir={folder}", "--set", f"instance={INSTANCE}"),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(folder, "RUNNING", process)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def state(folder: Path) -> str:
    """Return the state that a reader sees."""
    try:
        reader = Reader.open(folder, INSTANCE)
    except JournalError:
        return "no journal yet"
    try:
        return str(reader.status()["state"])
    except JournalError:
        return "no run yet"
    finally:
        reader.close()


def wait_for(folder: Path, wanted: str, process: subprocess.Popen) -> None:
    """Wait until the journal shows a state."""
    until = time.monotonic() + 20.0
    while (found := state(folder)) != wanted:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, f"expected {wanted}, found {found}"
        time.sleep(0.05)


def summary(process):
    """Return the object that ends stdout, of a process that ends with exit code 0."""
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return json.loads(out.strip().splitlines()[-1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_cleanly_and_a_second_is_the_same_request(tmp_path, number):
    """Exit code 0, the summary printed, and no order left open in the journal."""
    with paper(tmp_path) as process:
        process.send_signal(number)
        time.sleep(0.05)
        process.send_signal(number)
        end = summary(process)
    assert end["orders"] > 0
    assert end["unknown_orders"] == 0
    assert Path(end["journal"]).exists()
    assert len(end["digest"]) == 64


def test_sigusr1_halts_and_a_stop_still_ends_with_exit_code_0(tmp_path):
    """The halted bot stays up, says so, and ends when it is told to."""
    with paper(tmp_path) as process:
        process.send_signal(signal.SIGUSR1)
        wait_for(tmp_path, "HALTED", process)
        process.send_signal(signal.SIGTERM)
        assert summary(process)["orders"] > 0
    assert state(tmp_path) == "HALTED"


def test_a_halt_file_halts_a_running_bot(tmp_path):
    """The file beside the journal is seen within its poll."""
    with paper(tmp_path) as process:
        (tmp_path / INSTANCE / "HALT").touch()
        wait_for(tmp_path, "HALTED", process)
        process.send_signal(signal.SIGINT)
        assert summary(process)["orders"] > 0
