"""The journal's file: where it lies, how one connects to it, and whose it is.

Folders are 0700 and files 0600; SQLite gives its -wal and -shm the mode of the database. A file
of another schema version or instance and one that is no journal are refused. Every fault of SQLite
or of the disk leaves here as a JournalError that says what was expected and what was found.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.domain.errors import JournalBusyError, JournalError
from bot.journal import lock
from bot.journal.schema import OLDEST_VERSION, SCHEMA_VERSION

FILE: Final = "journal.sqlite"
MIN_FREE_BYTES: Final = 64 * 1024 * 1024
BUSY_MS: Final = 2_000
# A writer that waits holds up hedging; what another process does here takes milliseconds.
WRITER_BUSY_MS: Final = 500
# SQLite's own waiting sleeps ever longer and starves beside a bot that commits without pause.
_GUEST_S: Final = 10.0
_GUEST_PAUSE_S: Final = 0.000_2
_FOUND: Final = {
    "SQLITE_FULL": "expected room on the disk, found it full",
    "SQLITE_READONLY": "expected a file that can be written, found it read-only",
    "SQLITE_BUSY": "expected the file free within seconds, found it held by another process",
    "SQLITE_LOCKED": "expected the file free, found it locked in this process",
    "SQLITE_CORRUPT": "expected a sound file, found it damaged",
    "SQLITE_NOTADB": "expected a SQLite database, found another kind of file",
    "SQLITE_CANTOPEN": "expected a file that can be opened, found that it cannot",
    "SQLITE_IOERR": "expected the disk to answer, found an input/output error",
    "SQLITE_CONSTRAINT": "expected rows that keep the journal's rules, found one that does not",
}


@contextmanager
def faults_named(path: Path, deed: str) -> Iterator[None]:
    """Turn what SQLite or the disk raises while the journal is to `deed` into a JournalError."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        family = "_".join(name.split("_")[:2])
        found = _FOUND.get(family, "expected SQLite to do it, found a fault")
        kind = JournalBusyError if family == "SQLITE_BUSY" else JournalError
        raise kind(f"cannot {deed} {path}: {found} ({name}: {error})") from error
    except OSError as error:
        raise JournalError(
            f"cannot {deed} {path}: expected a folder and a disk that can be used,"
            f" found {error.strerror or error} ({error.filename or path})"
        ) from error


def prepare(folder: Path, min_free_bytes: int) -> Path:
    """Make the instance's private folder, see that its disk has room, return the journal's path."""
    path = folder / FILE
    with faults_named(path, "prepare"):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        free = os.statvfs(folder)
    found = free.f_bavail * free.f_frsize
    if found < min_free_bytes:
        raise JournalError(
            f"expected at least {min_free_bytes / 1e6:.0f} MB free for {path},"
            f" found {found / 1e6:.1f} MB"
        )
    return path


def connect(path: Path, *, frozen: bool = False) -> sqlite3.Connection:
    """Connect to an existing file; `frozen` is for one on a read-only disk that nobody writes."""
    query = "mode=ro&immutable=1" if frozen else "mode=rw"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{query}", uri=True, isolation_level=None)
    be_patient(db, BUSY_MS)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def connect_to_read(path: Path, instance: str | None) -> sqlite3.Connection:
    """Connect to a journal of this version to read it, also on a read-only disk."""
    db = connect(path)
    try:
        belongs(db, path, instance)
    except sqlite3.OperationalError:
        # A read-only disk: without a writer the file alone is the whole journal.
        db.close()
        if lock.held(path.parent):
            raise
        db = connect(path, frozen=True)
        belongs(db, path, instance)
    return db


def be_patient(db: sqlite3.Connection, wait_ms: int) -> None:
    """Wait so long for another process that holds the file."""
    db.execute(f"PRAGMA busy_timeout = {wait_ms}")


def must_be_there(path: Path, file: int) -> None:
    """Raise JournalError where a file was taken away: what is written to it is nowhere."""
    with faults_named(path, "find"):
        try:
            found = path.stat().st_ino
        except FileNotFoundError:
            found = None
    if found != file:
        there = "another file there" if found else "none: it was moved or removed under the bot"
        raise JournalError(f"expected the journal {path} as it was opened, found {there}")


def version(db: sqlite3.Connection) -> int | None:
    """Return the schema_version of a file; None where it has none that is a number."""
    meta = db.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'")
    if meta.fetchone() is None:
        return None
    said = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return int(said[0]) if said is not None and said[0].isdecimal() else None


def belongs(
    db: sqlite3.Connection, path: Path, instance: str | None, expected: int = SCHEMA_VERSION
) -> None:
    """Raise JournalError for a file of another program, version or instance (None: of any)."""
    meta = db.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'")
    if meta.fetchone() is None:
        raise JournalError(f"expected {path} to be a journal, found a database without its tables")
    facts: dict[str, str] = dict(db.execute("SELECT key, value FROM meta"))
    found = facts.get("schema_version")
    if found != str(expected):
        raise JournalError(
            f"expected a journal of schema_version {expected}, found {found} in {path}:"
            f" {_what_to_do(found, expected)}"
        )
    if instance is not None and facts.get("instance") != instance:
        raise JournalError(
            f"expected the journal of instance {instance!r},"
            f" found that of {facts.get('instance')!r} in {path}"
        )


def _what_to_do(found: str | None, expected: int) -> str:
    """Say how one comes to read a file of another version."""
    if found in {str(number) for number in range(OLDEST_VERSION, expected)}:
        return "start its bot with this release, which brings it up to date, or use the older one"
    return "use the release that wrote it, or move its folder away to begin a new one"


@contextmanager
def transaction(db: sqlite3.Connection, *, guest: bool = False) -> Iterator[None]:
    """Write all or nothing; the lock is taken at the start. A `guest` writes beside the bot."""
    if guest:
        _begin_as_guest(db)
    else:
        db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself rolls back on some faults, e.g. a full disk
            db.execute("ROLLBACK")
        raise


def _begin_as_guest(db: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _GUEST_S
    be_patient(db, 0)
    try:
        while True:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_GUEST_PAUSE_S)
            else:
                return
    finally:
        be_patient(db, BUSY_MS)
