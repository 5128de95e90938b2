"""Opening the journal as its one writer: new, older or sound, and never one that is in doubt."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from bot.domain.errors import JournalError
from bot.journal import chain, head, migrations, verification, wal
from bot.journal.database import (
    WRITER_BUSY_MS,
    be_patient,
    belongs,
    connect,
    faults_named,
    transaction,
)
from bot.journal.schema import SCHEMA_VERSION, TABLES

_OLDEST_SQLITE: Final = (3, 38, 0)


def open_writer(path: Path, instance: str, *, full: bool) -> sqlite3.Connection:
    """Open or create the journal for its one writer and check it; `full` syncs at every commit."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise JournalError(f"expected SQLite 3.38 or newer, found {sqlite3.sqlite_version}")
    with faults_named(path, "open"):
        known = head.known(path.parent)
        if known is not None and not path.exists():
            raise JournalError(
                f"expected the journal {path}, which {path.parent / head.NAME} knows, found none:"
                " orders may have left that nobody knows of; if it was taken away on purpose, see"
                " on the exchange that nothing is open and remove that file"
            )
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        path.chmod(0o600)
        db = connect(path)
    try:
        with faults_named(path, "open"):
            (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if not tables:  # new, or a birth that was cut short
                db.execute("PRAGMA journal_mode = WAL")
                create(db, instance)
            else:
                head.reached(db, path, known)
                migrations.migrate(db, path, instance)
            sound(db, path, instance)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            be_patient(db, WRITER_BUSY_MS)
            if full:
                wal.grow(db)
                db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


def create(db: sqlite3.Connection, instance: str) -> None:
    """Write the tables, say whose they are, and begin the chain."""
    now_ns = time.time_ns()
    facts = {
        "schema_version": str(SCHEMA_VERSION),
        "instance": instance,
        "created_ns": str(now_ns),
    }
    with transaction(db):
        migrations.run(db, TABLES)
        db.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", facts.items())
        chain.begin(db, now_ns)


def sound(db: sqlite3.Connection, path: Path, instance: str) -> None:
    """Raise JournalError unless the file is whole, ours, and its newest commits are as written."""
    belongs(db, path, instance)
    with closing(db.execute("PRAGMA quick_check(1)")) as cursor:
        (found,) = cursor.fetchone()
    if found != "ok":
        raise JournalError(f"expected {path} to be sound, found it damaged: {found}")
    verification.verify(db, path, verification.AT_START)
