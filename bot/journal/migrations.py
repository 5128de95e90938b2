"""Older journals, brought to the shape of this release by the writer that opens one.

A file is copied beside itself first. Then every step from its version to ours runs in order in one
transaction, which is committed only if no row of the older tables was lost and all verifies: what
fails leaves the file as it was. Adding a version is a new block in `schema`, a step here, and a
file of the version before it in the tests.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bot.domain.errors import JournalError
from bot.journal import acts, chain
from bot.journal.backup import back_up
from bot.journal.database import belongs, transaction, version
from bot.journal.schema import SCHEMA_VERSION, SINCE_3, SINCE_4
from bot.journal.verification import verify

Step = Callable[[sqlite3.Connection], None]


def _to_3(db: sqlite3.Connection) -> None:
    """Begin the chain: its first link binds every row that is there, and what stands."""
    run(db, SINCE_3)
    acts.copy_all(db)
    chain.begin(db, time.time_ns())


def _to_4(db: sqlite3.Connection) -> None:
    """Make room for what profit and loss came from, and for time outside the bands."""
    run(db, SINCE_4)


STEPS: Final[Mapping[int, Step]] = MappingProxyType({2: _to_3, 3: _to_4})


def run(db: sqlite3.Connection, statements: str) -> None:
    """Execute what a block of the schema says, in the transaction that is open."""
    for statement in statements.split(";\n"):
        db.execute(statement)


def migrate(db: sqlite3.Connection, path: Path, instance: str) -> Path | None:
    """Bring an older journal to this version and return where its copy is; None for one that fits.

    A file that no step leads on from is for `belongs` to refuse.
    """
    found = version(db)
    if found is None or found == SCHEMA_VERSION or found not in STEPS:
        return None
    belongs(db, path, instance, found)
    _must_have_room(path)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    copy = path.with_name(f"journal.v{found}.{stamp}.sqlite")
    before = back_up(path, copy, lambda copied, _: _counts(copied))
    with transaction(db):
        for number in range(found, SCHEMA_VERSION):
            STEPS[number](db)
        db.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(SCHEMA_VERSION),))
        _must_be_whole(db, path, before)
    return copy


def _must_have_room(path: Path) -> None:
    about, size = os.statvfs(path.parent), path.stat().st_size
    free = about.f_bavail * about.f_frsize
    if free < 3 * size:  # the copy, the log, and what is new
        raise JournalError(
            f"expected {3 * size / 1e6:.0f} MB free to bring {path} to schema_version"
            f" {SCHEMA_VERSION}, found {free / 1e6:.0f} MB"
        )


def _must_be_whole(db: sqlite3.Connection, path: Path, before: Mapping[str, int]) -> None:
    after = _counts(db)
    lost = {name: rows for name, rows in before.items() if after.get(name, 0) != rows}
    if lost:
        raise JournalError(f"expected {path} to keep its rows, found others in {sorted(lost)}")
    if (broken := db.execute("PRAGMA foreign_key_check").fetchone()) is not None:
        raise JournalError(f"expected rows of {path} to keep their run, found {broken}")
    verify(db, path)


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    tables = db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {
        name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  a table's own name
        for (name,) in tables
    }
