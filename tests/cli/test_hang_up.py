"""A terminal that closes under a bot: a real one, whose other end goes away."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import closing, suppress

import pytest

from bot.cli.stops import stops
from bot.journal import Reader

WAIT_S = 60.0


def ready(deltaband):
    """Wait until the bot trades."""
    deadline = time.monotonic() + WAIT_S
    while '"state":"RUNNING"' not in deltaband("status", "--json").stdout.replace(" ", ""):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def on_a_terminal(deltaband, *before):
    """Start a paper run as a shell on a terminal does; return it and the terminal's other end."""
    ours, theirs = pty.openpty()

    def own_it():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    command = [*before, sys.executable, "-m", "bot", "paper", "--no-dashboard", "--seed", "7"]
    process = subprocess.Popen(
        command,
        cwd=deltaband.home,
        env=deltaband.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=own_it,  # noqa: PLW1509  the child has no threads yet
    )
    os.close(theirs)
    threading.Thread(target=drained, args=[ours], daemon=True).start()
    return process, ours


def drained(terminal):
    """Read what is shown, so that nothing waits for a reader."""
    with suppress(OSError):
        while os.read(terminal, 65_536):
            pass


@pytest.mark.slow
def test_a_run_whose_terminal_closes_ends_in_order(deltaband):
    """As by Ctrl-C: its journal says that it was stopped, not that it was cut off."""
    process, terminal = on_a_terminal(deltaband)
    try:
        ready(deltaband)
        os.close(terminal)
        os.kill(process.pid, signal.SIGHUP)  # what a kernel sends when the last holder is gone
        assert process.wait(30) == 0
        with closing(Reader.open(deltaband.state, "demo")) as reader:
            assert reader.run()["outcome"] == "stopped"
    finally:
        process.kill()


@pytest.mark.slow
def test_a_run_that_nohup_started_outlives_its_terminal(deltaband):
    """Its owner has said so."""
    process, terminal = on_a_terminal(deltaband, "nohup")
    try:
        ready(deltaband)
        os.close(terminal)
        os.kill(process.pid, signal.SIGHUP)
        time.sleep(2.0)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()


@pytest.mark.parametrize("heard,expected", [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_a_hang_up_counts_unless_it_is_ignored(heard, expected):
    """By whoever started the program."""
    before = signal.signal(signal.SIGHUP, heard)
    try:
        assert (signal.SIGHUP in stops()) is expected
        assert {signal.SIGINT, signal.SIGTERM} <= set(stops())
    finally:
        signal.signal(signal.SIGHUP, before)
