"""Addresses that messages go to, each with a thread and a bounded queue of its own.

A service that hangs holds up its own thread alone. What it refuses is tried again a few times, ever
more slowly; a queue that is full drops its oldest and least urgent message first. An address
carries tokens: a channel is known by its service's name and its place in the list, never by it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.domain.units import iso
from bot.monitor.alerts.alert import Alert, Severity

ROOM: Final = 200
ROOM_OF_A_PAGE: Final = 32_768
"""Characters that a service takes which shows whole pages, such as mail: chats know bold alone."""
TRIES_S: Final = (0.0, 2.0, 10.0, 30.0)
"""How long to wait before each try of one message."""

PROBE: Final = "probe"
"""What is sent only to see whether anything is taken; its loss is none."""
GRACE_S: Final = 10.0
"""For how long a channel may refuse what it takes then."""
PROBE_S: Final = 60.0
"""For how long a channel that fails and has nothing to send is left alone until it is asked."""

Send: TypeAlias = Callable[[Alert], bool]


class UnknownAddressError(ValueError):
    """An address that no service answers to; the message does not repeat it."""


@dataclass(slots=True, eq=False)
class _Waiting:
    alert: Alert
    tries: int = 0


class Channel:
    """One address. `failing` is since when (monotonic seconds) it has taken nothing.

    What is most urgent is sent first, and waits for nothing less urgent that is tried again.
    """

    def __init__(self, name: str, send: Send, tries_s: Sequence[float] = TRIES_S) -> None:
        self.name = name
        self.sent = self.lost = 0
        self.failing: float | None = None
        self._send, self._tries_s = send, tuple(tries_s)
        self._waiting: list[_Waiting] = []
        self._wake = threading.Condition()
        self._busy = self._closing = False
        self._tried_at = 0.0
        self._thread = threading.Thread(target=self._work, name=f"alerts {name}", daemon=True)
        self._thread.start()

    def put(self, alert: Alert) -> None:
        """Queue a message; never waits."""
        with self._wake:
            self._waiting.append(_Waiting(alert))
            if len(self._waiting) > ROOM:
                least = min(self._waiting, key=lambda one: one.alert.severity)
                self._waiting.remove(least)  # the oldest of the least urgent, this one included
                self.lost += 1
            self._wake.notify()

    @property
    def idle(self) -> bool:
        """Tell whether everything has left."""
        with self._wake:
            return not self._waiting and not self._busy

    def resting(self, now_s: float) -> bool:
        """Tell whether a failing channel has nothing to try and could be asked again by now."""
        return self.failing is not None and self.idle and now_s - self._tried_at >= PROBE_S

    def fails(self, now_s: float) -> bool:
        """Tell whether it takes nothing, and has not for longer than a moment."""
        since = self.failing
        return since is not None and now_s - since >= GRACE_S

    def close(self) -> None:
        """Stop after the message that is on its way; what waits behind it is lost."""
        with self._wake:
            self._closing = True
            self._wake.notify()

    def _work(self) -> None:
        while (one := self._next()) is not None:
            done = self._once(one.alert)
            with self._wake:
                self._tried_at, self._busy = time.monotonic(), False
                one.tries += 1
                if done:
                    self.sent, self.failing = self.sent + 1, None
                    continue
                self.failing = self.failing or time.monotonic()
                if one.tries < len(self._tries_s):
                    self._waiting.insert(0, one)
                else:
                    self.lost += one.alert.kind != PROBE

    def _next(self) -> _Waiting | None:
        """Return what is to be tried once its time has come; None at the end."""
        with self._wake:
            while not self._closing:
                one = max(self._waiting, key=lambda one: one.alert.severity, default=None)
                pause_s = self._tries_s[one.tries] if one else None
                left_s = pause_s and self._tried_at + pause_s - time.monotonic()
                if one is None or (left_s and left_s > 0.0):
                    self._wake.wait(left_s)
                    continue
                self._waiting.remove(one)
                self._busy = True
                return one
            return None

    def _once(self, alert: Alert) -> bool:
        try:
            return self._send(alert)
        except Exception:  # noqa: BLE001  whatever a service's library raises, it took nothing
            return False


def channels(urls: Sequence[str], who: str) -> list[Channel]:
    """Return a channel for each address; messages begin with `who` they are about.

    UnknownAddressError for one that no service knows.
    """
    return [Channel(*_sender(url, number, who)) for number, url in enumerate(urls, start=1)]


def _sender(url: str, number: int, who: str) -> tuple[str, Send]:
    import logging

    import apprise

    # Its log lines hold addresses, and what matters of them is told by the outlet.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        scheme, there, _ = url.partition("://")
        found = (
            f"address {number}, {f'which begins with {scheme[:20]!r}' if there else 'of no kind'}"
        )
        raise UnknownAddressError(f"expected addresses that apprise knows, found {found}")
    address = apprise.Apprise()
    address.add(service)
    if "overflow=" not in url.lower():
        # By default what is too long for a service is refused by it: the day's report, of a chat.
        service.overflow_mode = apprise.OverflowMode.SPLIT
    html = service.resolve_format() == apprise.NotifyFormat.HTML
    pages = html and service.body_maxlen >= ROOM_OF_A_PAGE
    kinds = {
        Severity.INFO: apprise.NotifyType.INFO,
        Severity.WARNING: apprise.NotifyType.WARNING,
        Severity.CRITICAL: apprise.NotifyType.FAILURE,
    }

    def send(alert: Alert) -> bool:
        as_page = bool(alert.html) and pages
        form = apprise.NotifyFormat.HTML if as_page else apprise.NotifyFormat.TEXT
        done = address.notify(
            title=f"{who}: {alert.title}",
            body=alert.html if as_page else _body(alert),
            body_format=form,
            notify_type=kinds[alert.severity],
        )
        return bool(done)

    return f"{number} ({service.service_name})", send


def _body(alert: Alert) -> str:
    """Return the text and when it was so: a message may be old when it arrives."""
    when = None if alert.at_ns is None else f"{iso(alert.at_ns)[:19].replace('T', ' ')} UTC"
    return "\n".join(filter(None, (alert.text, when))) or alert.title
