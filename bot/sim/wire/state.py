"""The state file of a served exchange: what it has promised survives the end of its process.

One SQLite file of plain JSON rows: what the exchange was opened with, the account, every order and
every trade. Whatever changes is committed, in one transaction, before anybody is told of it; the
file belongs to one process at a time. A killed process loses nothing; when the power fails the last
moments may be missing, but never half of one.

The market is not in the file. It follows from seed, regime, compression and the time at which the
exchange was first opened, so it is worked out again up to the present.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from bot.domain.errors import BadInputError
from bot.sim.wire.instruments import Json

FORMAT: Final = 1
_OURS: Final = 0x64_62_65_78  # "dbex": tells such a file from anybody else's
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ticket (id TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS trade (number INTEGER PRIMARY KEY, body BLOB NOT NULL)",
)
_PUT: Final = {
    "fact": "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
    "ticket": "INSERT INTO ticket VALUES (?, ?) "
    "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    "trade": "INSERT INTO trade VALUES (?, ?)",
}


class StateError(BadInputError):
    """A state file cannot be used; the message says what was expected and found."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a state file holds: facts by name, tickets by id and trades by number, oldest first."""

    facts: dict[str, Json]
    tickets: dict[str, Json]
    trades: dict[int, Json]


class StateFile:
    """An open state file. `saved` is what it held when it was opened, None where it is new."""

    def __init__(self, path: Path) -> None:
        """Open or make it; StateError where it is not ours, of another format, or in use."""
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        except sqlite3.Error as fault:
            raise StateError(f"expected a state file at {path}, found: {fault}") from fault
        try:
            self.saved = self._open()
        except sqlite3.Error as fault:
            self._db.close()
            raise StateError(f"expected a state file at {path}, found: {fault}") from fault
        except StateError:
            self._db.close()
            raise

    def save(
        self,
        facts: Iterable[tuple[str, Json]],
        tickets: Iterable[tuple[str, Json]] = (),
        trades: Iterable[tuple[int, Json]] = (),
    ) -> None:
        """Commit all of this, or nothing and raise StateError."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for table, rows in (("fact", facts), ("ticket", tickets), ("trade", trades)):
                packed = [(key, orjson.dumps(body)) for key, body in rows]
                self._db.executemany(_PUT[table], packed)
            self._db.execute("COMMIT")
        except sqlite3.Error as fault:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StateError(f"expected to write {self.path}, found: {fault}") from fault

    def close(self) -> None:
        """Let it go; harmless when repeated."""
        self._db.close()

    def _open(self) -> Saved | None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("BEGIN IMMEDIATE")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        owner = self._db.execute("PRAGMA application_id").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and owner != _OURS:
            raise StateError(f"expected the state of an exchange, found another file: {self.path}")
        if tables and version != FORMAT:
            raise StateError(
                f"expected a state file of format {FORMAT}, found format {version}: {self.path}"
            )
        for statement in _TABLES:
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {FORMAT}")
        self._db.execute(f"PRAGMA application_id = {_OURS}")
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        facts = {name: orjson.loads(body) for name, body in self._rows("fact")}
        if not facts:
            return None
        return Saved(
            facts,
            {str(key): orjson.loads(body) for key, body in self._rows("ticket")},
            {int(key): orjson.loads(body) for key, body in self._rows("trade")},
        )

    def _rows(self, table: str) -> list[tuple[str, bytes]]:
        return self._db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()  # noqa: S608
