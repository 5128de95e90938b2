"""Room that is kept on the disk for the end of a run: given back when the disk is full.

The last rows (what became of orders, how the run ended) are written into it. It is never used to
send one more order.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

NAME: Final = "journal.reserve"
BYTES: Final = 1_000_000


class Reserve:
    """The file that takes the room."""

    def __init__(self, folder: Path) -> None:
        """Take the room, or what is missing of it; OSError where the disk has not got it."""
        self._path = folder / NAME
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._path, flags, 0o600)
        try:
            os.posix_fallocate(fd, 0, BYTES)
        finally:
            os.close(fd)

    def release(self) -> bool:
        """Give the room back; return whether there was any left to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
