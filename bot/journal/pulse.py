"""The pulse of a bot's decisions as another process sees it: the journal's heartbeat.

The heartbeat is written by the loop that decides, so that one that hangs has none. A journal that
cannot be read now is no news: what was last seen still counts.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import JournalError
from bot.journal import lock
from bot.journal.database import FILE
from bot.journal.reader import Reader


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the newest run stands: `beat_ns` is when it last said that it decides, None if never.

    `alive` tells whether a process holds the journal, `ended` that the run was closed in order
    and left no order behind.
    """

    run: int
    beat_ns: int | None
    alive: bool
    ended: bool


class PulseReader:
    """Feels the pulse of one instance, whose journal may come later or be moved away."""

    def __init__(self, state_dir: Path, instance: str) -> None:
        self._state_dir, self._instance = state_dir, instance
        self._path = state_dir / instance / FILE
        self._reader: Reader | None = None
        self._file = 0
        self._last: Pulse | None = None

    def feel(self) -> Pulse | None:
        """Return the pulse now; None while no bot has ever run there."""
        try:
            file = self._path.stat().st_ino
        except OSError:
            self.close()
            return self._last
        if self._reader is None or file != self._file:
            self.close()
            self._file = file
            with suppress(JournalError):
                self._reader = Reader.open(self._state_dir, self._instance)
        if self._reader is not None:
            with suppress(JournalError):
                run, beat_ns, ended = self._reader.newest_beat()
                alive = lock.held(self._path.parent)
                self._last = Pulse(run, beat_ns, alive, ended)
        return self._last

    def close(self) -> None:
        """Let go of the journal."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
