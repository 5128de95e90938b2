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
from bot.journal.following import Following


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
        self._journal = Following(state_dir, instance)
        self._last: Pulse | None = None

    def feel(self) -> Pulse | None:
        """Return the pulse now; None while no bot has ever run there."""
        reader = self._journal.reader()
        if reader is not None:
            with suppress(JournalError):
                run, beat_ns, ended = reader.newest_beat()
                alive = lock.held(reader.path.parent)
                self._last = Pulse(run, beat_ns, alive, ended)
        return self._last

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()
