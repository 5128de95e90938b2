"""Who cannot be told just now: kept while the monitor runs, for whoever asks how it does.

A monitor that lives and whose channels take nothing tells nobody. What its outlets say of their
channels and their broker is remembered here and in `monitor.unreached` beside the journal, which
`deltaband status` reads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.monitor.keeping import replace_file
from bot.monitor.newsroom import Say

NAME: Final = "monitor.unreached"
MQTT: Final = "mqtt"
_LONGEST: Final = 10_000
_LOST: Final = {"alerts.channel_failed": "channel", "mqtt.lost": ""}
_BACK: Final = {"alerts.channel_back": "channel", "mqtt.connected": "", "mqtt.back": ""}


class Reach:
    """Says what outlets say, and remembers who takes nothing: since when (wall), by name."""

    def __init__(
        self, folder: Path | None, say: Say, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Begin with everybody within reach; in the instance's folder, where it is to be kept."""
        self.unreached: dict[str, int] = {}
        self._path = None if folder is None else folder / NAME
        self._say, self._wall_ns = say, wall_ns
        self._keep()

    def __call__(self, event: str, level: str = "info", **fields: object) -> None:
        """Tell an event."""
        before = len(self.unreached)
        if event in _LOST:
            self.unreached.setdefault(self._who(event, _LOST, fields), self._wall_ns())
        elif event in _BACK:
            self.unreached.pop(self._who(event, _BACK, fields), None)
        if len(self.unreached) != before:
            self._keep()
        self._say(event, level, **fields)

    @staticmethod
    def _who(event: str, by: dict[str, str], fields: dict[str, object]) -> str:
        return f"alerts {fields[by[event]]}" if by[event] else MQTT

    def _keep(self) -> None:
        if self._path is None:
            return
        with suppress(OSError):  # a full disk is told by others
            replace_file(self._path, json.dumps(self.unreached).encode())


def unreached(folder: Path) -> dict[str, int]:
    """Return whom an instance's monitor cannot tell by its last word, since when (wall ns)."""
    try:
        with (folder / NAME).open("rb") as file:
            said = json.loads(file.read(_LONGEST).decode())
    except (OSError, ValueError, RecursionError):
        return {}
    fits = isinstance(said, dict) and all(type(since) is int for since in said.values())
    return {str(who): since for who, since in said.items()} if fits else {}
