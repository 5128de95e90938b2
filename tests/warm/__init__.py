"""Programs under test that need not import what they use: a server that has forks for each of them.

Importing the bot with ccxt takes seconds of the processor, and hundreds of tests start it. Here

    python()      what stands before `-m bot …` or `SCRIPT …` where a test would say sys.executable
    launcher.py   the process that the test started: it hands its arguments, environment, folder
                  and descriptors to the server, passes signals on, and ends as the program ends
    server.py     has imported everything, forks, and becomes `python -m bot` in the child

The program is a process of its own with real descriptors and signals; SIGKILL of the launcher is
SIGKILL of the program, by the kernel. Only its number is another. Where a fresh interpreter is
what a test is about (hash seeds, what is imported, closed outputs), it says sys.executable.
"""

import atexit
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


def python() -> tuple[str, ...]:
    """Return the words that stand for the interpreter."""
    return (sys.executable, "-I", "-S", str(HERE / "launcher.py"), str(_address()))


@cache
def _address() -> Path:
    """Start this process's server, which ends with it, and return where it listens."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    address = Path(folder.name) / "socket"
    server = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), str(address)],
        cwd=HERE.parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.close()  # its lifeline
        server.wait()
        server.stdout.close()
        folder.cleanup()

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return address
