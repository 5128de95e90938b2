"""The log disk is full: the orders are the same, order for order, as without any log."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.monitor import LogFile, Logs, Voices
from tests.monitor.runs import demo
from tests.processes.disk import NotPermittedError, tiny_disk
from tests.struck import struck

MINUTES = 30.0


@pytest.fixture(scope="module")
def without(tmp_path_factory) -> list:
    """Return the orders of a slice of the day that nobody is told of."""
    return demo(tmp_path_factory.mktemp("silent"), None, MINUTES).sent


def full_file(folder: Path, held: ExitStack) -> LogFile:
    """Return a log file on a disk that fills up with the first lines."""
    try:
        disk = held.enter_context(tiny_disk(folder, 64 << 10))
    except NotPermittedError as error:
        pytest.skip(f"no small file system here: {error}")
    return LogFile(disk / "bot.jsonl", max_bytes=64 << 20, keep=1)


@pytest.mark.parametrize("wait", [True, False])
def test_orders_are_the_same_with_the_log_disk_full(tmp_path, without, wait):
    """File and terminal both: written in place, and from a thread."""
    (tmp_path / "disk").mkdir()
    with ExitStack() as held:
        terminal = held.enter_context(open("/dev/full", "w"))  # noqa: PTH123  a device
        file = full_file(tmp_path / "disk", held)
        kept = Logs(file, lowest="debug", wait=wait)
        voice = Voices(Logs(terminal, lowest="debug", wait=wait), kept, str(file.path))
        told = demo(tmp_path, voice, MINUTES).sent
        voice.finish({})
        voice.close()
        struck("F74")
        assert len(without) > 5
        assert told == without
        assert voice.lost()["log_lines_failed"] > 100
        assert "No space left on device" in kept.sink.trouble
