"""A journal that is read over days: found again where its file is another than before."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bot.domain.errors import JournalError
from bot.journal.database import FILE
from bot.journal.reader import Reader


class Following:
    """The journal of one instance, which may come later, be moved away or be begun anew."""

    found = False
    """Whether there ever was one."""

    def __init__(self, state_dir: Path, instance: str) -> None:
        self._state_dir, self._instance = state_dir, instance
        self._path = state_dir / instance / FILE
        self._reader: Reader | None = None
        self._file = 0

    def reader(self) -> Reader | None:
        """Return the journal as it lies there now; None while there is none that can be read."""
        try:
            file = self._path.stat().st_ino
        except OSError:
            self.close()
            return None
        if self._reader is None or file != self._file:
            self.close()
            self._file, self.found = file, True
            with suppress(JournalError):
                self._reader = Reader.open(self._state_dir, self._instance)
        return self._reader

    def close(self) -> None:
        """Let go of the journal."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
