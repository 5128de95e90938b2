"""Which day's report is due: over restarts, and once.

`alerts.day` beside the journal holds the start of the day that is under way; the reports of all
days before it were sent, or there was nobody to ask for them yet.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from bot.domain.units import DAY_NS, NS_PER_S, iso
from bot.monitor.keeping import replace_file

NAME: Final = "alerts.day"
_LONGEST: Final = 100
_BACK: Final = 7
"""How many days back something to report is looked for."""


class Days:
    """The memory of one instance; a file that says nothing is as none, and is written anew."""

    def __init__(self, folder: Path) -> None:
        """Read what an earlier monitor wrote into the instance's folder."""
        self._path = folder / NAME
        self._day_ns: int | None = None
        try:
            with self._path.open("rb") as file:
                said = datetime.fromisoformat(file.read(_LONGEST).decode().strip())
            self._day_ns = round(said.timestamp()) * NS_PER_S
        except (OSError, ValueError, OverflowError):
            return

    def due(self, day_ns: int) -> tuple[int, ...]:
        """Return the days that ended before the one that began at `day_ns`, the newest first.

        None of them was reported. Whose clock went back has no day to report.
        """
        if self._day_ns is None:
            return ()
        first = max(self._day_ns, day_ns - _BACK * DAY_NS)
        return tuple(range(day_ns - DAY_NS, first - 1, -DAY_NS))

    def keep(self, day_ns: int) -> None:
        """Remember which day is under way; OSError where that lasts only as long as this process.

        It is known here whatever becomes of the file.
        """
        if day_ns == self._day_ns:
            return
        self._day_ns = day_ns
        replace_file(self._path, f"{iso(day_ns)}\n".encode())
