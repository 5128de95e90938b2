"""The chain: every commit of rows that say what was done is bound to all that came before it.

A link is the SHA-256 of the link before it and of the rows that its commit added, as they stand in
the file. A row that is changed, removed, put in or moved later no longer fits its link, and whoever
makes the links anew cannot make those that are known elsewhere: `head` keeps the newest one beside
the file, and people can note one. There is no key in it.

`upto` of a link says how far each chained table went with its commit. The first link holds every
row that was there before it: none in a new journal.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from bot.journal.database import transaction
from bot.journal.schema import CHAINED

ORIGIN: Final = "deltaband journal"
DIGITS: Final = 64
FLOOR: Final = -(2**63)  # no row comes before it
_ENDS: Final = "SELECT " + ", ".join(f"(SELECT max(seq) FROM {table})" for table in CHAINED)  # noqa: S608  names of this package
_SINCE: Final = {table: f"SELECT * FROM {table} WHERE seq > ? ORDER BY seq" for table in CHAINED}  # noqa: S608  names of this package
_INSERT: Final = "INSERT INTO chain (seq, run, at_ns, upto, link) VALUES (?, ?, ?, ?, ?)"
_LAST: Final = "SELECT seq, run, at_ns, upto, link FROM chain ORDER BY seq DESC LIMIT 1"
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Link:
    """One commit: its number, the run that made it and when (wall time), and what it binds.

    `upto` has the greatest `seq` of every chained table that has rows; `text` is how it is written.
    """

    seq: int
    run: int
    at_ns: int
    upto: Mapping[str, int]
    text: str
    link: str


def beginning(db: sqlite3.Connection) -> Link:
    """Return what stands before the first link: whose journal it is, and since when."""
    facts = dict(db.execute("SELECT key, value FROM meta"))
    whose = (ORIGIN, facts.get("instance"), facts.get("created_ns"))
    return Link(0, 0, 0, {}, "", sha256(ascii(whose).encode()).hexdigest())


def bound(
    before: str,
    number: tuple[int, int, int],
    upto: str,
    rows: Iterable[tuple[str, Iterable[Row]]],
) -> str:
    """Return the link after `before`, 64 hexadecimal digits.

    `number` is seq, run and at_ns, `upto` as it stands in the file; `rows` are those that the
    commit added, by table in the order of CHAINED, each as `ascii` prints it. Columns that a later
    version appends are NULL in older rows and do not count.
    """
    content = sha256(f"{before} {number!a} {upto}\n".encode())
    for table, some in rows:
        for row in some:
            content.update(f"{table} {_plain(row)!a}\n".encode())
    return content.hexdigest()


def _plain(row: Row) -> Row:
    end = len(row)
    while row[end - 1] is None:  # the first column is the row's number
        end -= 1
    return row if end == len(row) else row[:end]


def last(db: sqlite3.Connection) -> Link:
    """Return the newest link of a chain that has begun."""
    return read(db.execute(_LAST).fetchone())


def read(row: Row) -> Link:
    """Return a row of `chain` as a link; ValueError for one that nobody of us wrote."""
    seq, run, at_ns, text, link = row
    upto = json.loads(text)
    if not isinstance(upto, dict) or not all(type(end) is int for end in upto.values()):
        raise ValueError(f"expected how far each table went, found {text[:80]!r}")
    return Link(seq, run, at_ns, upto, text, link)


def begin(db: sqlite3.Connection, at_ns: int) -> None:
    """Bind every row that is there by the first link, in the transaction that is open."""
    _bind(db, beginning(db), 0, at_ns, always=True)


class Chain:
    """The writer's end of the chain: `run` is whose commits they are, `end` the newest on disk."""

    def __init__(
        self,
        db: sqlite3.Connection,
        wall_ns: Callable[[], int],
        told: Callable[[Link], None],
    ) -> None:
        """Go on where the chain of a journal ends; `told` hears of every commit."""
        self.run = 0
        self.end = last(db)
        self._db, self._wall_ns, self._told = db, wall_ns, told

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing, with a link for the chained rows that were added."""
        with transaction(self._db):
            yield
            end = _bind(self._db, self.end, self.run, self._wall_ns())
        if end is not self.end:
            self.end = end
            self._told(end)


def _bind(db: sqlite3.Connection, end: Link, run: int, at_ns: int, *, always: bool = False) -> Link:
    """Add the link of what was written since `end` and return it; `end` itself if nothing was."""
    ends = zip(CHAINED, db.execute(_ENDS).fetchone(), strict=True)
    upto = {table: seq for table, seq in ends if seq is not None}
    old = end.upto
    grown = [table for table, seq in upto.items() if seq != old.get(table)]
    if not grown and not always:
        return end
    rows = ((table, db.execute(_SINCE[table], (old.get(table, FLOOR),))) for table in grown)
    number = (end.seq + 1, run, at_ns)
    text = _encode(upto)
    link = bound(end.link, number, text, rows)
    db.execute(_INSERT, (*number, text, link))
    return Link(*number, upto, text, link)
