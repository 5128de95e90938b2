"""A forked program is one like any other: what it is given, what it says, how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import warm

SCRIPT = """
import os, signal, sys, time
from pathlib import Path
Path(sys.argv[1]).write_text(str(os.getpid()))
{then}
"""


HEARING = """
signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
signal.raise_signal(signal.SIGUSR1)
"""


@pytest.fixture
def start(tmp_path):
    """Return a starter of scripts that say their process number in the file `pid`."""

    def begin(then: str, python=warm.python, **environ: str) -> subprocess.Popen:
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.format(then=then))
        return subprocess.Popen(
            [*python(), str(script), str(tmp_path / "pid"), "a b"],
            cwd=tmp_path,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def running(folder: Path) -> int:
    """Return the number of the program once it has said it."""
    while not (folder / "pid").is_file() or not (folder / "pid").read_text():
        time.sleep(0.005)
    return int((folder / "pid").read_text())


def alive(pid: int) -> bool:
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("python", [warm.python, lambda: (sys.executable,)], ids=["warm", "plain"])
@pytest.mark.parametrize(
    "then,code,out,err",
    [
        ("print(sys.argv[2], os.getcwd() == str(Path(sys.argv[1]).parent))", 0, "a b True\n", ""),
        ("print(os.environ['COLOUR'], sys.stdin.read())", 0, "red \n", ""),
        ("sys.exit(7)", 7, "", ""),
        ("sys.exit('why')", 1, "", "why\n"),
        ("import atexit; atexit.register(print, 'last')", 0, "last\n", ""),
        ("signal.raise_signal(signal.SIGTERM)", -signal.SIGTERM, "", ""),
        (HEARING, 0, "heard\n", ""),
    ],
)  # fmt: skip
def test_it_is_given_what_another_is_and_ends_alike(start, python, then, code, out, err):
    """The same script in an interpreter of its own comes to the same."""
    process = start(then, python, COLOUR="red")
    assert process.communicate() == (out, err)
    assert process.returncode == code


def test_a_fault_is_shown_and_is_exit_code_1(start):
    """With its traceback."""
    process = start("raise OSError('no room')")
    assert process.communicate()[1].endswith("OSError: no room\n")
    assert process.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_it(start, tmp_path, number):
    """And the end that it causes is the end of the process that was started."""
    process = start("time.sleep(60)")
    pid = running(tmp_path)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == -number
    assert not alive(pid)


def test_a_kill_is_one_of_the_program(start, tmp_path):
    """By the kernel, also where the program would rather not end."""
    process = start("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(60)")
    pid = running(tmp_path)
    process.kill()
    process.communicate()  # its output ends with the program
    assert process.returncode == -signal.SIGKILL
    while alive(pid):
        time.sleep(0.005)
