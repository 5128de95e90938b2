"""The Makefile: it explains itself, names what is missing, and leaves Ctrl-C to the daemon."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
STOPPABLE = f"""#!{sys.executable}
import signal, sys, time
def stop(number, frame):
    print("closed by", signal.Signals(number).name, flush=True)
    sys.exit(int(sys.argv[-1]))
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
print("running", flush=True)
while True:
    time.sleep(0.02)  # signal.pause() would miss a signal that comes just before it
"""


@pytest.fixture(autouse=True)
def no_make_above(monkeypatch):
    """Let the tests run the same whether or not a make runs them."""
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def house(tmp_path):
    """Return a folder in which `make paper` starts a process that answers signals as a daemon."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", ".ci/foreground.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(TOP / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "deltaband").write_text(STOPPABLE, encoding="utf-8")
    (programs / "deltaband").chmod(0o755)
    (tmp_path / ".venv" / ".made").touch()
    (tmp_path / ".venv" / ".runtime").touch()
    return tmp_path


def on_terminal(house, code, typed):
    """Run make on a terminal, type once the daemon runs, and return what it showed and its code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(house)
        os.execvp("make", ["make", "paper", f"ARGS={code}"])
    shown, last = b"", time.monotonic() + 20
    while time.monotonic() < last:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if b"running" in shown and typed:
            os.write(terminal, typed)
            typed = b""
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_ctrl_c_ends_the_daemon_and_make_with_zero(house):
    """A clean end is no interrupt."""
    shown, code = on_terminal(house, 0, b"\x03")
    assert ("closed by SIGINT" in shown, "make:" in shown, code) == (True, False, 0)


def test_a_daemon_that_fails_makes_make_fail(house):
    """The daemon's own exit code is named, and make's is not 0."""
    shown, code = on_terminal(house, 4, b"\x03")
    assert ("Error 4" in shown, code) == (True, 2)


def test_ctrl_z_does_not_put_a_trading_daemon_to_sleep(house):
    """A sleeping daemon would leave the book unhedged and the terminal hung."""
    shown, code = on_terminal(house, 0, b"\x1a\x03")
    assert ("closed by SIGINT" in shown, code) == (True, 0)


def test_sigterm_to_make_reaches_the_daemon(house):
    """A supervisor that stops make stops what make started."""
    make = subprocess.Popen(
        ["make", "paper", "ARGS=0"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with make:
        assert make.stdout is not None
        assert make.stdout.readline() == "running\n"
        make.terminate()
        assert make.stdout.read() == "closed by SIGTERM\n"


def test_help_lists_every_target():
    """What can be asked for is written down beside it."""
    targets = re.findall(r"^\.PHONY: (.+)$", (TOP / "Makefile").read_text("utf-8"), re.MULTILINE)
    shown = subprocess.run(["make"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE) == targets


def test_a_python_without_venv_is_named_with_its_remedy(house):
    """The one system package that is needed is asked for by name."""
    shutil.rmtree(house / ".venv")
    bare = house / "bare-python"
    bare.write_text(f'#!/bin/sh\ncase "$2" in *venv*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    bare.chmod(0o755)
    made = subprocess.run(
        ["make", "paper", f"PYTHON={bare}"], cwd=house, capture_output=True, text=True, check=False
    )
    assert made.returncode == 2
    assert "expected Python's venv module, found none: install python3-venv" in made.stderr


def test_an_old_python_is_named_with_its_version(house):
    """A Python before 3.11 fails before anything is built."""
    shutil.rmtree(house / ".venv")
    old = house / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    made = subprocess.run(
        ["make", "paper", f"PYTHON={old}"], cwd=house, capture_output=True, text=True, check=False
    )
    assert "expected Python 3.11 or newer, found: Python 3.9.2" in made.stderr
    assert not (house / ".venv").exists()
