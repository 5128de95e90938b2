"""The monitor as a process of its own: only one tells of an instance, and none is missed."""

import json
import os
import signal
import socket
import sys
import time
from contextlib import closing

import pytest

from bot.cli.beside import Beside
from bot.journal.lock import MONITOR, SILENT_S, lives
from bot.journal.reader import Reader
from tests.cli.conftest import fill_journal
from tests.cli.test_notify import Manager

LISTEN = ("--set", 'metrics.listen="127.0.0.1:0"', "--json")


def heard(process, event):
    """Read a process's lines up to an event and return it."""
    for line in process.stdout:
        found = json.loads(line)
        if found["event"] == event:
            return found
    raise AssertionError(f"expected {event}, found the end of the log")


@pytest.mark.slow
def test_a_second_monitor_waits_for_the_end_of_the_first(deltaband):
    """A container that is exchanged, or two by mistake: one tells, and somebody always does."""
    first = deltaband.start("monitor", *LISTEN)
    heard(first, "monitor.started")
    second = deltaband.start("monitor", *LISTEN)
    waits = heard(second, "monitor.waits")
    assert "found it held by pid " in waits["found"]
    first.kill()
    heard(second, "monitor.started")
    third = deltaband.start("monitor", *LISTEN)
    heard(third, "monitor.waits")
    for one in (third, second):
        one.send_signal(signal.SIGTERM)
        one.communicate(timeout=60)
        assert one.returncode == 0
    first.communicate(timeout=60)


def started(deltaband, *args, **env):
    """Start a monitor in a process of its own from the beginning: SIGSTOP must reach it."""
    command = [sys.executable, "-m", "bot", "monitor", *LISTEN, *map(str, args)]
    return deltaband._start(command, env)


def ended(*processes):
    """Leave nobody, and return what they said on stderr."""
    for one in processes:
        one.send_signal(signal.SIGCONT)
        one.kill()
    return [one.communicate(timeout=60)[1] for one in processes]


def test_one_that_hangs_is_none(deltaband):
    """It holds its lock still; its file says since when it has not lived."""
    fill_journal(deltaband.state)
    path = deltaband.state / "demo" / MONITOR
    one, reader = started(deltaband), Reader.open(deltaband.state, "demo")
    try:
        heard(one, "monitor.started")
        shown = path.stat().st_mtime
        deadline = time.monotonic() + 10.0
        while path.stat().st_mtime == shown:
            assert time.monotonic() < deadline, "it does not show that it lives"
            time.sleep(0.05)
        assert reader.monitored()
        one.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        past = path.stat().st_mtime - SILENT_S - 1.0
        os.utime(path, (past, past))
        assert not reader.monitored()
        one.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + 10.0
        while not reader.monitored():
            assert time.monotonic() < deadline, "it does not show that it lives again"
            time.sleep(0.05)
    finally:
        reader.close()
        ended(one)
    assert not reader.monitored()


def test_systemd_hears_from_the_loop_of_a_monitor_whether_it_tells_or_waits(deltaband, tmp_path):
    """And nothing from one that hangs, nor from one beside a bot, which is not its service."""
    limit = {"WATCHDOG_USEC": "1000000"}
    with (
        closing(Manager(f"{tmp_path}/first")) as manager,
        closing(Manager(f"{tmp_path}/second")) as of_second,
        closing(Manager(f"{tmp_path}/third")) as of_third,
    ):
        first = started(deltaband, NOTIFY_SOCKET=manager.address, **limit)
        heard(first, "monitor.started")
        second = started(deltaband, NOTIFY_SOCKET=of_second.address, **limit)
        third: Beside | None = None
        try:
            ready = manager.hears("READY")
            assert ready is not None
            assert ready["STATUS"] == "tells of demo"
            assert all(manager.hears("WATCHDOG", 10.0) for _ in range(3))
            heard(second, "monitor.waits")
            assert all(of_second.hears("WATCHDOG", 10.0) for _ in range(3))
            first.send_signal(signal.SIGSTOP)
            assert manager.silent(1.5)
            first.send_signal(signal.SIGCONT)
            assert manager.hears("WATCHDOG", 10.0)
            ended(first, second)
            env = {**deltaband.env, **limit, "NOTIFY_SOCKET": of_third.address}
            third = Beside.start("bot", "monitor", "--beside", *LISTEN, env=env)
            deadline = time.monotonic() + 60.0
            while not lives(deltaband.state / "demo", MONITOR):
                assert time.monotonic() < deadline, "none begins"
                time.sleep(0.05)
            assert of_third.silent(1.5)
        finally:
            ended(*(one for one in (first, second) if one.returncode is None))
            if third is not None:
                third.end()


def test_one_that_nobody_is_to_be_told_by_does_not_pretend(deltaband):
    """A file of addresses with none in it: the run that misses a monitor says so."""
    urls = deltaband.home / "urls"
    urls.write_text("# none yet\n", encoding="utf-8")
    urls.chmod(0o600)
    done = deltaband("monitor", "--json", "--set", f"alerts.urls_file={urls}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"found nobody to tell: no address in {urls}" in done.stderr


JUNK = (
    b"GET /metrics HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"GET //[:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"\x16\x03\x01\x02\r\n\r\n",
)
STRANGE = (
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Accept: application/openmetrics-text;version=x\r\n\r\n"
)


def answer(port, request):
    """Return the first line that a server answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=20.0) as one:
        one.sendall(request)
        return one.recv(200).split(b"\r\n")[0]


def test_junk_over_http_fills_no_log(deltaband):
    """It is answered with a 400: no traceback stands between the lines, and no line."""
    one = started(deltaband)
    port = heard(one, "metrics.listening")["port"]
    for request in JUNK * 3:
        answer(port, request)
    assert answer(port, JUNK[0]) == b"HTTP/1.0 400 Bad Request"
    assert answer(port, STRANGE) == b"HTTP/1.1 200 OK"
    one.send_signal(signal.SIGTERM)
    out, error = one.communicate(timeout=60)
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["monitor.stopped"]
    assert error == ""
