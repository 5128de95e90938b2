"""What systemd is told of a daemon (`Type=notify`): that it is ready, decides, and ends.

Datagrams to the socket that NOTIFY_SOCKET names, as sd_notify(3) describes; without that variable
nobody is told. It never waits and never fails. READY is said when the bot is past RECONCILING: its
positions are agreed, or a person's earlier word keeps it from trading. Until then each heartbeat
asks for more time, so that only a start that hangs runs out of it. WATCHDOG follows the heartbeat
of the loop that decides: a loop that hangs has none, and systemd ends and starts what has none.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Final, Self

from bot.domain.states import State
from bot.engine import Nobody, Supervisor

CLIMBING: Final = frozenset({State.BOOT, State.RECONCILING})
EVERY_S: Final = 1.0
MORE_TIME: Final = "EXTEND_TIMEOUT_USEC=60000000"
_USEC: Final = 1_000_000


class Systemd:
    """The service manager that started this process."""

    def __init__(self, address: str, every_s: float, status: Callable[[], str]) -> None:
        """Tell `address` at least `every_s`; `status` is one line about how things stand."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._every_s, self._status = every_s, status
        self._told_at = float("-inf")
        self._ready = False

    @classmethod
    def of(cls, environ: MutableMapping[str, str], status: Callable[[], str]) -> Self | None:
        """Take what the environment says, out of it: programs that we start are not the service."""
        address = environ.pop("NOTIFY_SOCKET", "")
        asked, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            return None
        mine = whose in {"", str(os.getpid())}
        limit_s = int(asked) / _USEC if asked.isdecimal() and mine else 2.0 * EVERY_S
        return cls(address, min(EVERY_S, limit_s / 2.0), status)

    def beat(self, state: State) -> None:
        """Hear that the loop decides, and tell it if that is due."""
        now = time.monotonic()
        begins = not self._ready and state not in CLIMBING
        if now - self._told_at < self._every_s and not begins:
            return
        self._told_at = now
        self._ready |= begins
        lines = ["READY=1"] if begins else [] if self._ready else [MORE_TIME]
        self._tell(*lines, "WATCHDOG=1", f"STATUS={self._status()}")

    def stopping(self) -> None:
        """Hear that the run ends, and tell it."""
        self._tell("STOPPING=1", "STATUS=stopping: what works is being cancelled")

    def _tell(self, *lines: str) -> None:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.setblocking(False)
            way.sendto("\n".join(lines).encode(), socket.MSG_NOSIGNAL, self._address)


def supervisor(status: Callable[[], str]) -> Supervisor:
    """Return who started this process, if it wants to be told."""
    return Systemd.of(os.environ, status) or Nobody()
