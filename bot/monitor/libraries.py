"""What libraries log through the standard library comes out as our lines, redacted like them.

But for what strangers can make an HTTP server log at will: requests that are none are answered with
a 400 and are no news, and any other fault that a request meets is told once a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

_SERVER: Final = "aiohttp.server"
_OF_STRANGERS: Final = frozenset({"aiohttp.http_exceptions", "aiohttp.web_protocol"})
_QUIET_S: Final = 60.0


class Sayer(Protocol):
    """The part of a voice that is needed here."""

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Hear an event outside the records."""
        ...


def capture(voice: Sayer, root: logging.Logger | None = None) -> Callable[[], None]:
    """Take over warnings and above of a logger, all of them by default; return what lets go."""
    root = root or logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers[:] = [_Bridge(voice)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)

    def release() -> None:
        root.handlers[:] = before
        root.setLevel(level)
        logging.captureWarnings(capture=False)

    return release


class _Bridge(logging.Handler):
    """From the standard library's logging to ours."""

    def __init__(self, voice: Sayer) -> None:
        super().__init__(logging.WARNING)
        self._voice = voice
        self._told_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what a stranger could fill a log with."""
        error = record.exc_info[1] if record.exc_info else None
        if record.name != _SERVER:
            return True
        if not _OF_STRANGERS.isdisjoint(kind.__module__ for kind in type(error).__mro__):
            return False
        kind, now_s = type(error).__name__, time.monotonic()
        if now_s - self._told_s.get(kind, -_QUIET_S) < _QUIET_S:
            return False
        self._told_s[kind] = now_s
        return True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  a library's broken format string
            message = str(record.msg)
        rank = "error" if record.levelno >= logging.ERROR else "warning"
        fields: dict[str, object] = {"logger": record.name, "message": message}
        if record.exc_info and record.exc_info[1] is not None:
            fields["exc_info"] = record.exc_info[1]
        self._voice.say("library.logged", rank, **fields)
