"""The beginning and the end of a run, written down."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.journal.acts import act
from bot.journal.rows import insert, to_json

_BEGIN: Final = insert(
    "runs",
    (
        *("id", "ledger", "pid", "started_ns", "market_start_ns"),
        *("mode", "market", "seed", "version", "settings"),
    ),
)
STOPPED: Final = "stopped"  # how a run ends that leaves nothing behind
END: Final = "UPDATE runs SET ended_ns = ?, digest = ?, summary = ?, outcome = ? WHERE id = ?"
_UNENDED: Final = "SELECT id FROM runs WHERE outcome IS NULL"
_INTERRUPT: Final = "UPDATE runs SET outcome = 'interrupted' WHERE id = ?"
_LAST: Final = (
    "SELECT coalesce(max(id), 0), (SELECT ledger FROM runs ORDER BY id DESC LIMIT 1) FROM runs"
)


@dataclass(frozen=True, slots=True)
class RunStart:
    """What a run is: `fresh` begins a new ledger, otherwise the newest one is carried on.

    `settings` must hold no secrets. `market_start_ns` is the first market time.
    """

    mode: str
    market: str
    seed: int | None
    version: str
    market_start_ns: int
    settings: Mapping[str, Any]
    fresh: bool


def begin(db: sqlite3.Connection, start: RunStart, now_ns: int) -> tuple[int, int]:
    """Write a run down in the transaction that is open, and return its number and its ledger's.

    Earlier runs without an end are marked as interrupted; `now_ns` is wall time.
    """
    last, ledger = db.execute(_LAST).fetchone()
    run = last + 1
    if start.fresh or ledger is None:
        ledger = run
    for (unended,) in db.execute(_UNENDED).fetchall():
        db.execute(_INTERRUPT, (unended,))
        db.execute(*act("runs", run, unended))
    db.execute(
        _BEGIN,
        (
            *(run, ledger, os.getpid(), now_ns),
            *(start.market_start_ns, start.mode, start.market, start.seed),
            *(start.version, to_json(start.settings)),
        ),
    )
    db.execute(*act("runs", run, run))
    return run, ledger
