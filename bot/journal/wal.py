"""The write-ahead log, kept out of the way of orders.

A commit that syncs is quickest where it writes over blocks of the log that exist. It takes longer
where the file must grow, and many times as long where it also copies the log back into the
database. So the log is grown before the first order leaves, and copied back between events.
"""

from __future__ import annotations

import sqlite3
from typing import Final

GROWN_PAGES: Final = 600
COPY_AFTER: Final = 60  # commits, of some eight pages each
LONGEST_PAGES: Final = 4_000  # a commit copies back after all where nobody has had the time
_COPY: Final = "PRAGMA wal_checkpoint(PASSIVE)"


def grow(db: sqlite3.Connection) -> None:
    """Fill the log of a fresh connection with pages that mean nothing, and begin it anew.

    Call it with `synchronous = NORMAL`: the copying back is what syncs then. `user_version` is a
    number in the first page that nobody reads; it is 0 afterwards.
    """
    for number in reversed(range(GROWN_PAGES)):
        db.execute(f"PRAGMA user_version = {number}")
    db.execute(_COPY).fetchone()


class CopyBack:
    """Counts commits and copies the log back when there is time for it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Begin with a log that has just been copied back."""
        db.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_PAGES}")
        self._db, self._commits = db, 0

    def committed(self) -> None:
        """Count a commit."""
        self._commits += 1

    def spare(self) -> None:
        """Take a moment in which nobody waits. A reader that stands in the way is left alone."""
        if self._commits >= COPY_AFTER:
            self._commits = 0
            self._db.execute(_COPY).fetchone()

    def all_of_it(self) -> bool:
        """Copy back and tell whether nothing is left: then all that was committed is on disk."""
        busy, pages, copied = self._db.execute(_COPY).fetchone()
        return bool(not busy and pages == copied)
