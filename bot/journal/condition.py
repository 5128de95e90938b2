"""How a bot is, beside its figures: why it stands as it does, and who keeps it from writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from bot.domain.states import STICKY, State
from bot.domain.units import iso
from bot.journal.database import BUSY_MS, be_patient
from bot.journal.rows import from_json

_NEWEST = (
    "SELECT coin, after, ts_ns, reasons FROM states WHERE seq IN"
    " (SELECT max(seq) FROM states WHERE run = ? GROUP BY coin)"
)
_KEPT = "SELECT coin, state, ts_ns, reasons FROM sticky"
_TOLD = STICKY | {State.REDUCE_DELTA_ONLY}


def whys(db: sqlite3.Connection, run: int) -> dict[str, dict[str, Any]]:
    """Return by coin (empty: the instance) since when and why it does not run freely."""
    found: dict[str, dict[str, Any]] = {}
    # What an earlier run left halted has no change of its own in this one.
    for coin, state, ts_ns, reasons in (*db.execute(_KEPT), *db.execute(_NEWEST, (run,))):
        found.pop(coin, None)
        if State(state) in _TOLD:
            found[coin] = {"state": state, "since": iso(ts_ns), "reasons": from_json(reasons)}
    return found


def why_of(coin: str, found: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what applies to a coin: what is true of the instance, then of itself."""
    return [found[place] for place in ("", coin) if place in found]


def held_by_another(db: sqlite3.Connection) -> bool:
    """Tell whether some process holds the file now; a bot's own commits take milliseconds."""
    be_patient(db, 200)
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    else:
        db.execute("ROLLBACK")
        return False
    finally:
        be_patient(db, BUSY_MS)
