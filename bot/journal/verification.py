"""Whether a journal still says what was written into it: its links and its acts, read anew.

Needs the file alone. A whole verification reads every chained row; `newest` reads those of the
newest commits, so that a start takes the same time however old the journal is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.errors import JournalError
from bot.journal import acts, chain
from bot.journal.chain import FLOOR, Link
from bot.journal.schema import CHAINED

AT_START: Final = 2_000  # commits: some tenths of a second
WHAT_TO_DO: Final = (
    "do not trade on it; put back a backup or begin a new journal, as docs/journal.md says"
)
_COUNT: Final = "SELECT count(*) FROM chain"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found sound: commits that were read, of how many, their rows, the newest link."""

    commits: int
    of: int
    rows: int
    end: Link


class _Rows:
    """The rows of one chained table in their order, taken commit by commit; `taken` counts them."""

    def __init__(self, db: sqlite3.Connection, table: str, after: int | None) -> None:
        self.table = table
        self.taken = 0
        start, value = (">=", FLOOR) if after is None else (">", after)
        self._rows = db.execute(
            f"SELECT * FROM {table} WHERE seq {start} ? ORDER BY seq",  # noqa: S608  names of this package
            (value,),
        )
        self._next = self._rows.fetchone()

    def upto(self, seq: int) -> Iterator[chain.Row]:
        """Take the rows as far as a commit went."""
        while self._next is not None and self._next[0] <= seq:
            self.taken += 1
            yield self._next
            self._next = self._rows.fetchone()

    @property
    def left(self) -> int | None:
        """Return the `seq` of the first row that was not taken."""
        return None if self._next is None else self._next[0]


def verify(db: sqlite3.Connection, path: Path, newest: int | None = None) -> Verified:
    """Return what the newest commits (None: all) hold; JournalError names the first bad link.

    The caller sees to it that what is read does not change meanwhile.
    """
    (of,) = db.execute(_COUNT).fetchone()
    before = start = _start(db, path, newest)
    rows = [_Rows(db, table, start.upto.get(table) if start.seq else None) for table in CHAINED]
    first = start.seq + 1 if start.seq else FLOOR
    for row in db.execute("SELECT * FROM chain WHERE seq >= ? ORDER BY seq", (first,)):
        link = _read(path, row)
        _follows(path, before, link, rows)
        before = link
    if before is start:
        raise broken(path, "expected a chain of commits, found none")
    for one in rows:
        if one.left is not None:
            found = f"a row of {one.table} (seq {one.left}) that no commit wrote"
            raise broken(path, f"expected nothing after commit {before.seq}, found {found}")
    for table, name in acts.strangers(db):
        expected = "what stands as the newest act left it"
        raise broken(path, f"expected {expected}, found {table} {name} otherwise")
    return Verified(before.seq - start.seq, of, sum(one.taken for one in rows), before)


def broken(path: Path, what: str) -> JournalError:
    """Return the error that a journal was changed by something else than its bot."""
    return JournalError(f"{path} was changed after it was written: {what}: {WHAT_TO_DO}")


def _start(db: sqlite3.Connection, path: Path, newest: int | None) -> Link:
    """Return the link after which the reading begins; the beginning to read all."""
    (end,) = db.execute("SELECT coalesce(max(seq), 0) FROM chain").fetchone()
    if newest is None or end <= newest:
        return chain.beginning(db)
    row = db.execute("SELECT * FROM chain WHERE seq = ?", (end - newest,)).fetchone()
    if row is None:
        raise broken(path, f"expected commit {end - newest} in the chain, found none")
    return _read(path, row)


def _read(path: Path, row: chain.Row) -> Link:
    try:
        return chain.read(row)
    except ValueError as error:
        raise broken(path, f"commit {row[0]}: {error}") from error


def _follows(path: Path, before: Link, link: Link, rows: list[_Rows]) -> None:
    """Raise unless a link follows from the one before and its rows."""
    if link.seq != before.seq + 1:
        raise broken(path, f"expected commit {before.seq + 1} in the chain, found {link.seq}")
    taken = ((one.table, one.upto(link.upto.get(one.table, 0))) for one in rows)
    number = (link.seq, link.run, link.at_ns)
    if chain.bound(before.link, number, link.text, taken) != link.link:
        what = f"commit {link.seq} (run {link.run}, {_spans(before.upto, link.upto) or 'no rows'})"
        raise broken(path, f"expected {what} as it was made, found what does not fit its link")


def _spans(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Say which rows a commit wrote."""
    grown = {table: seq for table, seq in after.items() if seq != before.get(table)}
    return ", ".join(f"{table} {before.get(table, 0) + 1}-{seq}" for table, seq in grown.items())
