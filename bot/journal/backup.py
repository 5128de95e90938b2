"""A copy of a journal while its bot goes on: whole, of one moment, verified, in one private file.

A read transaction holds that moment. It stands in nobody's way: the bot's log only grows meanwhile.
The copy is made in steps under another name, and gets its own once it is found sound and is on
disk.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from bot.domain.errors import JournalError
from bot.journal.database import connect, faults_named

STEP_PAGES: Final = 256  # 1 MB, some milliseconds of a disk
PAUSE_S: Final = 0.01
T = TypeVar("T")


def back_up(source: Path, target: Path, check: Callable[[sqlite3.Connection, Path], T]) -> T:
    """Copy a journal to a file that does not exist yet; return what `check` says of the copy.

    Raises JournalError, and leaves no file then.
    """
    part = target.with_name(f"{target.name}.part")
    with faults_named(target, "back up to"):
        if os.path.lexists(target):
            raise JournalError(f"expected no file at {target} yet, found one")
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with faults_named(target, "back up to"):
            _copy(source, part)
            with closing(connect(part)) as db:
                (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
                if found != "ok":
                    raise JournalError(f"expected a sound copy of {source}, found {found}")
                said = check(db, part)
            _sync(part)
            os.link(part, target)  # never over a file that has come meanwhile
            _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)
    return said


def _copy(source: Path, part: Path) -> None:
    with closing(connect(source)) as old, closing(connect(part)) as new:
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the moment is now
        old.backup(new, pages=STEP_PAGES, progress=_pause)
        old.execute("COMMIT")
        new.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def _pause(_status: int, left: int, _all: int) -> None:
    """Leave the disk to others between two steps; `sleep` of the interface only waits for locks."""
    if left:
        time.sleep(PAUSE_S)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
