"""A real paper run whose figures are served."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.monitor.metrics.bots import INSTANCE

TOP = Path(__file__).parents[3]
PATIENCE_S = 60.0


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class PaperRun:
    """A process of its own from the beginning: SIGSTOP must reach the bot, and it alone."""

    def __init__(self, folder: Path) -> None:
        """Start it."""
        self._port = free_port()
        kept = {name: x for name, x in os.environ.items() if not name.startswith("DELTABAND_")}
        own = {"HOME": str(folder), "PYTHONPATH": str(TOP)}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bot", "paper", "--json"),
                *("--set", f"state_dir={folder}", "--set", f"instance={INSTANCE}"),
                *("--set", f"metrics.listen=127.0.0.1:{self._port}"),
            ],
            cwd=folder,
            env=kept | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def get(self, path: str, until: Callable[[str], bool]) -> str:
        """Ask for a path until its answer is as it should be, and return that."""
        deadline, found = time.monotonic() + PATIENCE_S, "no answer"
        while time.monotonic() < deadline:
            assert self.process.poll() is None
            try:
                url = f"http://127.0.0.1:{self._port}{path}"
                with urllib.request.urlopen(url, timeout=5) as answer:
                    found = str(answer.read(), "utf-8")
            except urllib.error.HTTPError as error:
                found = str(error.read(), "utf-8")
            except OSError as error:
                found = str(error)
            if until(found):
                return found
            time.sleep(0.2)
        pytest.fail(f"expected another answer of {path}, found {found[-2000:]}")


@pytest.fixture
def paper_run(tmp_path):
    """Return a paper run with a monitor beside it, which must end in order."""
    run = PaperRun(tmp_path)
    try:
        yield run
    finally:
        run.process.send_signal(signal.SIGCONT)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(30) == 0
