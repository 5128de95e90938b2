"""The newest link, kept beside the journal: a file that was set back to an older one is noticed.

The head is written after the commit that it names is safely on disk, never before, and is not
synced itself: with the power it may fall behind the journal, but the journal never behind it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.domain.errors import JournalError
from bot.journal.chain import DIGITS, Link

NAME: Final = "journal.head"
_LENGTH: Final = 19 + 1 + DIGITS + 1  # always written over, so that a full disk has the room


class Head:
    """The open file."""

    def __init__(self, folder: Path, *, at_once: bool) -> None:
        """Open it, new or old; `at_once` where every commit is on disk when it returns."""
        self._at_once = at_once
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(folder / NAME, flags, 0o600)

    def committed(self, end: Link) -> None:
        """Hear of a commit."""
        if self._at_once:
            self.keep(end)

    def keep(self, end: Link) -> None:
        """Write down a link that is on disk; where that cannot be done the old one says enough."""
        if self._fd >= 0:
            with suppress(OSError):
                os.pwrite(self._fd, f"{end.seq:>19} {end.link}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the file; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def known(folder: Path) -> tuple[int, str] | None:
    """Return the number and the link of the newest commit that the head knows; None without one.

    Raises JournalError for a file that is no head.
    """
    path = folder / NAME
    try:
        text = path.read_bytes()[: _LENGTH + 1].decode(errors="replace").strip("\0\n")
    except FileNotFoundError:
        return None
    if not text:  # made just before the power failed
        return None
    number, _, link = text.strip().partition(" ")
    if not number.isdecimal() or len(link) != DIGITS:
        raise JournalError(
            f"expected the newest commit of a journal in {path}, found {text[:40]!r}:"
            " remove it if the journal beside it is the one that you mean"
        )
    return int(number), link


def reached(db: sqlite3.Connection, path: Path, head: tuple[int, str] | None) -> None:
    """Raise JournalError where a journal does not hold the commit that its head knows."""
    if head is None:
        return
    seq, link = head
    there = db.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'chain'")
    row = None
    if there.fetchone() is not None:
        row = db.execute("SELECT link FROM chain WHERE seq = ?", (seq,)).fetchone()
    if row == (link,):
        return
    found = "an older or another journal" if row is None else "other rows in that place"
    raise JournalError(
        f"expected commit {seq} in {path}, which {path.parent / NAME} knows, found {found}:"
        " orders may have left that it knows nothing of; if it was put there on purpose, see on"
        " the exchange that nothing is open and remove that file"
    )
