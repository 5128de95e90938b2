"""Rows that wait for the disk, all written in one transaction or none.

A batch that cannot be written is kept for the next attempt. Another process that holds the file is
waited for once, briefly; until it lets go, attempts give up almost at once, for the bot has more
to do than to wait.
"""

from __future__ import annotations

import sqlite3
import time
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from bot.domain.errors import JournalBusyError
from bot.journal.chain import Chain
from bot.journal.database import WRITER_BUSY_MS, be_patient, faults_named

STILL_BUSY_MS: Final = 20


class Batch:
    """`rows` wait to be written; `failing` after an attempt that failed, `busy` if by others.

    `commits` counts what was written, `commit_ns` how long that took.
    """

    def __init__(self, db: sqlite3.Connection, path: Path, chain: Chain) -> None:
        """Begin empty."""
        self.failing = self.busy = False
        self.commits = self.commit_ns = 0
        self._db, self._path, self._chain = db, path, chain
        self.rows: list[tuple[str, tuple[Any, ...]]] = []

    def add(self, sql: str, values: tuple[Any, ...]) -> None:
        """Take a statement with its values."""
        self.rows.append((sql, values))

    def write(self) -> bool:
        """Put everything on disk; return whether there was anything. Raises JournalError."""
        if not self.rows:
            return False
        self.failing = True
        begun_ns = time.perf_counter_ns()
        try:
            with faults_named(self._path, "write"), self._chain.transaction():
                for sql, group in groupby(self.rows, key=itemgetter(0)):
                    self._db.executemany(sql, [values for _, values in group])
        except JournalBusyError:
            self._others(hold=True)
            raise
        self._others(hold=False)
        self.failing = False
        self.rows.clear()
        self.commits += 1
        self.commit_ns += time.perf_counter_ns() - begun_ns
        return True

    def forget(self) -> None:
        """Give up what waits."""
        self.rows.clear()

    def _others(self, *, hold: bool) -> None:
        if hold is not self.busy:
            self.busy = hold
            be_patient(self._db, STILL_BUSY_MS if hold else WRITER_BUSY_MS)
