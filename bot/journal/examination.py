"""A journal looked through from its first row to its last, beside its bot or without one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import JournalError
from bot.journal import head
from bot.journal.database import connect_to_read, faults_named
from bot.journal.verification import Verified, broken, verify


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found sound; `headed` where the head beside the file knows a commit of it too."""

    instance: str
    found: Verified
    headed: bool


def examine(path: Path, *, instance: str | None = None, knows: str | None = None) -> Examined:
    """Read a whole journal as of one moment; JournalError says what is wrong with it.

    `knows` is a link that was noted earlier and must still be one of its commits. An instance of
    None is any. A running bot is not held up; its log grows while this reads.
    """
    with faults_named(path, "verify"):
        known = head.known(path.parent)  # before the moment: the journal is never behind it
        with closing(connect_to_read(path, instance)) as db:
            db.execute("BEGIN")
            (whose,) = db.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()
            (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise JournalError(f"expected {path} to be sound, found it damaged: {found}")
            verified = verify(db, path)
            head.reached(db, path, known)
            if knows is not None and not _has(db, knows):
                raise broken(path, f"expected a commit with the link {knows}, found none")
            return Examined(whose, verified, known is not None)


def _has(db: sqlite3.Connection, link: str) -> bool:
    row = db.execute("SELECT 1 FROM chain WHERE link = ?", (link,)).fetchone()
    return row is not None
