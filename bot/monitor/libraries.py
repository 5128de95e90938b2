"""What libraries log through the standard library comes out as our lines, redacted like them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol


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
