"""What systemd hears, over a real socket, from a real process."""

import os
import signal
import socket
import sys
import time
from contextlib import closing

import pytest

from bot.cli import notify
from bot.cli.notify import MORE_TIME, Systemd
from bot.domain.states import State
from bot.engine import Nobody

PATIENCE_S = 30.0


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        """Listen at a path, or (with @) at a name without one."""
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.heard: list[dict[str, str]] = []

    def close(self):
        """Stop listening."""
        self.socket.close()

    def hears(self, name: str, patience_s: float = PATIENCE_S) -> dict[str, str] | None:
        """Wait for a message with an assignment and return it; None where none came."""
        until = time.monotonic() + patience_s
        while (left := until - time.monotonic()) > 0.0:
            self.socket.settimeout(left)
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                return None
            said = dict(line.split("=", 1) for line in text.splitlines())
            self.heard.append(said)
            if name in said:
                return said
        return None

    def silent(self, for_s: float) -> bool:
        """Tell whether nothing came for a while, after what had come before."""
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(4096)
        except BlockingIOError:
            pass
        self.socket.settimeout(for_s)
        try:
            self.socket.recv(4096)
        except TimeoutError:
            return True
        return False


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """Return a listening manager."""
    name = f"@deltaband-test-{os.getpid()}-{time.monotonic_ns()}"
    with closing(Manager(name if request.param == "abstract" else f"{tmp_path}/s")) as one:
        yield one


def test_a_paper_run_says_that_it_is_ready_decides_and_ends(deltaband, manager):
    """READY once, WATCHDOG from the loop that decides and from no other, STOPPING at SIGTERM."""
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "500000"}
    # A process of its own from the beginning: SIGSTOP must reach the bot itself.
    command = [sys.executable, "-m", "bot", "paper", "--speed", "60", "--json"]
    process = deltaband._start(command, env)
    try:
        ready = manager.hears("READY")
        assert ready is not None, process.communicate(timeout=5)
        assert ready["READY"] == "1"
        assert "BTC" in ready["STATUS"]
        beats = [manager.hears("WATCHDOG", 10.0) for _ in range(4)]
        assert all(beats)
        assert not any("READY" in beat for beat in beats if beat)
        process.send_signal(signal.SIGSTOP)
        assert manager.silent(1.5)
        process.send_signal(signal.SIGCONT)
        assert manager.hears("WATCHDOG", 10.0)
        process.send_signal(signal.SIGTERM)
        assert manager.hears("STOPPING", 10.0)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    assert out


def test_a_climbing_bot_asks_for_time_and_one_that_is_paused_is_ready(manager):
    """A start that hangs is the only one that runs out of time."""
    said = {"NOTIFY_SOCKET": manager.address}
    systemd = Systemd.of(said, lambda: "how it stands")
    assert systemd is not None
    assert said == {}  # programs that the bot starts do not speak for it
    systemd.beat(State.RECONCILING)
    first = manager.hears("WATCHDOG")
    assert first == {
        "WATCHDOG": "1",
        "STATUS": "how it stands",
        MORE_TIME.split("=")[0]: MORE_TIME.split("=")[1],
    }
    systemd.beat(State.RECONCILING)  # too soon for another word
    systemd.beat(State.PAUSED)
    assert manager.hears("READY") is not None
    assert len(manager.heard) == 2
    systemd.stopping()
    assert manager.hears("STOPPING") is not None


def test_a_manager_that_is_gone_or_does_not_read_stops_nobody(tmp_path, monkeypatch):
    """A datagram that cannot leave is lost; nothing is raised and nothing waits."""
    gone = Systemd(f"{tmp_path}/nobody", 0.0, lambda: "")
    gone.beat(State.RUNNING)
    with closing(Manager(f"{tmp_path}/deaf")) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        full = Systemd(deaf.address, 0.0, lambda: "x" * 1_000)
        for _ in range(2_000):
            full.beat(State.RUNNING)
    for value in ("", "vsock:2:1234"):
        monkeypatch.setenv("NOTIFY_SOCKET", value)
        assert isinstance(notify.supervisor(lambda: ""), Nobody)


@pytest.mark.parametrize(
    "asked,whose,every_s",
    [("", "", 1.0), ("10000000", "", 1.0), ("400000", "", 0.2), ("400000", "1", 1.0)],
)
def test_the_watchdog_is_fed_twice_in_its_time(asked, whose, every_s):
    """And once a second where there is none, or where it is another process's."""
    said = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": asked, "WATCHDOG_PID": whose}
    systemd = Systemd.of(said, lambda: "")
    assert systemd is not None
    assert systemd._every_s == every_s
