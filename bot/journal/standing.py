"""What stands until a time: operators' words (off, hold) and what is parked, written and read back.

Words belong to the instance and outlive a fresh account; what is parked belongs to its ledger. A
row is there while its record was the last one to say so; whether its time is over is for the reader
to judge.
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any, Final

from bot.domain.reasons import Because, Reason
from bot.domain.records import Parked, Standing, Word
from bot.domain.units import iso
from bot.journal.acts import Statement, act
from bot.journal.rows import from_json, read_position, to_json

_STAND: Final = (
    "REPLACE INTO standing (coin, word, run, ts_ns, until_ns, because) VALUES (?, ?, ?, ?, ?, ?)"
)
_UNSTAND: Final = "DELETE FROM standing WHERE coin = ? AND word = ?"
_PARK: Final = (
    "REPLACE INTO parked"
    " (ledger, instrument, run, ts_ns, coin, position, held, since_ns, until_ns)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UNPARK: Final = "DELETE FROM parked WHERE ledger = ? AND instrument = ?"


def statements(record: Standing | Parked, run: int, ledger: int) -> tuple[Statement, Statement]:
    """Return what writes a record down, or takes back what an earlier one said, and its act."""
    if isinstance(record, Standing):
        done = act("standing", run, record.coin, record.word)
    else:
        done = act("parked", run, ledger, record.position.instrument)
    return _statement(record, run, ledger), done


def _statement(record: Standing | Parked, run: int, ledger: int) -> Statement:
    if isinstance(record, Standing):
        key = (record.coin, record.word)
        if not record.active:
            return _UNSTAND, key
        return _STAND, (*key, run, record.ts_ns, record.until_ns, to_json(record.because))
    position = record.position
    if not position.quantity:
        return _UNPARK, (ledger, position.instrument)
    row = (ledger, position.instrument, run, record.ts_ns, record.coin, to_json(position))
    return _PARK, (*row, str(record.held), record.since_ns, record.until_ns)


def standing(db: sqlite3.Connection) -> tuple[Standing, ...]:
    """Return the words that were not taken back."""
    rows = db.execute(
        "SELECT ts_ns, coin, word, until_ns, because FROM standing ORDER BY coin, word"
    )
    return tuple(
        Standing(ts_ns, coin, Word(word), until_ns, active=True, because=_because(because))
        for ts_ns, coin, word, until_ns, because in rows
    )


def parked(db: sqlite3.Connection, ledger: int) -> tuple[Parked, ...]:
    """Return what was not released in a ledger."""
    rows = db.execute(
        "SELECT ts_ns, coin, position, held, since_ns, until_ns FROM parked"
        " WHERE ledger = ? ORDER BY instrument",
        (ledger,),
    )
    return tuple(
        Parked(ts_ns, coin, read_position(from_json(position)), Decimal(held), since_ns, until_ns)
        for ts_ns, coin, position, held, since_ns, until_ns in rows
    )


def shown(db: sqlite3.Connection, ledger: int, coin: str, now_ns: int) -> dict[str, Any]:
    """Return what stands for a coin at a market time, as `status --json` prints it."""
    stand = {
        one.word: {
            "until": None if one.until_ns is None else iso(one.until_ns),
            "why": one.because.subject,
        }
        for one in standing(db)
        if one.coin == coin and (one.until_ns is None or one.until_ns > now_ns)
    }
    left = [one for one in parked(db, ledger) if one.coin == coin and one.until_ns > now_ns]
    return {
        "off": stand.get(Word.OFF),
        "hold": stand.get(Word.HOLD),
        "review": stand.get(Word.REVIEW),
        "moved": stand.get(Word.TARGET),
        "parked": [
            {
                "instrument": one.position.instrument,
                "quantity": float(one.position.quantity),
                "unit": str(one.position.quantity.unit),
                "until": iso(one.until_ns),
            }
            for one in left
        ],
    }


def _because(text: str) -> Because:
    read = from_json(text)
    return Because(Reason(read["reason"]), read["subject"], read["numbers"])
