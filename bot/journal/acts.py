"""What stands now, bound to the chain: each change of it leaves a row of `acts`.

Rows of some tables change: how a run ended, what became of a command, which words and halts hold.
An act is a copy of such a row as its change left it (JSON; NULL once it is gone), and acts are
chained. So the newest act of every name gives back what stands, and what stands without one, or
otherwise than its act says, was put there by somebody else.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Statement = tuple[str, tuple[Any, ...]]
AT_THE_DOOR: Final = "refused at the door: "
"""What the outcome of a command begins with that was kept from every bot."""


@dataclass(frozen=True, slots=True)
class Place:
    """A table whose rows change, the columns that name a row, and all of them.

    `unasked` says which rows need no act: those that no bot has had to do with.
    """

    table: str
    name: tuple[str, ...]
    columns: tuple[str, ...]
    unasked: str = "0"

    @property
    def named(self) -> str:
        """Return the expression that names a row."""
        return f"json_array({', '.join(self.name)})"

    @property
    def copied(self) -> str:
        """Return the expression that copies a row."""
        return f"json_array({', '.join(self.columns)})"


PLACES: Final = {
    place.table: place
    for place in (
        Place(
            "commands",
            ("id",),
            (
                *("seq", "id", "verb", "coin", "arguments", "who", "why", "at_ns"),
                *("taken_ns", "done_ns", "accepted", "outcome"),
            ),
            # One that waits, one that a bot died with, and what never came to any bot: taken back,
            # or refused before. Such a row says that nothing was done, whoever wrote it.
            "done_ns IS NULL OR (accepted = 0 AND (outcome = 'withdrawn'"
            f" OR substr(outcome, 1, {len(AT_THE_DOOR)}) = '{AT_THE_DOOR}'))",
        ),
        Place(
            "parked",
            ("ledger", "instrument"),
            (
                *("ledger", "instrument", "run", "ts_ns", "coin", "position", "held"),
                *("since_ns", "until_ns"),
            ),
        ),
        Place(
            "runs",
            ("id",),
            (
                *("id", "ledger", "pid", "started_ns", "ended_ns", "market_start_ns", "mode"),
                *("market", "seed", "version", "settings", "digest", "summary", "outcome"),
            ),
        ),
        Place(
            "standing",
            ("coin", "word"),
            ("coin", "word", "run", "ts_ns", "until_ns", "because"),
        ),
        Place("sticky", ("coin",), ("coin", "run", "ts_ns", "state", "reasons")),
    )
}


def _statement(place: Place) -> str:
    marks = [f"?{number}" for number in range(2, 2 + len(place.name))]
    where = " AND ".join(f"{name} = {mark}" for name, mark in zip(place.name, marks, strict=True))
    return (
        "INSERT INTO acts (run, place, name, body) VALUES"  # noqa: S608  names of this package
        f" (?1, '{place.table}', json_array({', '.join(marks)}),"
        f" (SELECT {place.copied} FROM {place.table} WHERE {where}))"
    )


_STATEMENTS: Final = {name: _statement(place) for name, place in PLACES.items()}


def act(place: str, run: int, *name: str | int) -> Statement:
    """Return what copies a row of a table as it stands then; say it after what changes the row."""
    return _STATEMENTS[place], (run, *name)


def copy_all(db: sqlite3.Connection) -> None:
    """Copy everything that stands now, as the work of no run."""
    for place in PLACES.values():
        db.execute(
            "INSERT INTO acts (run, place, name, body)"  # noqa: S608  names of this package
            f" SELECT 0, '{place.table}', {place.named}, {place.copied} FROM {place.table}"
            f" WHERE NOT ({place.unasked}) ORDER BY rowid"
        )


def strangers(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield the table and the name of each row that is not as its newest act left it."""
    said: dict[tuple[str, str], str | None] = {
        (place, name): body
        for place, name, body in db.execute("SELECT place, name, body FROM acts ORDER BY seq")
    }
    for place in PLACES.values():
        found = db.execute(
            f"SELECT {place.named}, {place.copied}, {place.unasked} FROM {place.table}"  # noqa: S608  names of this package
        )
        for name, body, unasked in found:
            act_body = said.pop((place.table, name), None)
            if act_body != body and not (act_body is None and unasked):
                yield place.table, shown(name)
    yield from ((place, shown(name)) for (place, name), body in said.items() if body is not None)


def shown(name: str) -> str:
    """Return the name of a row for people."""
    return " ".join(str(part) or "(all)" for part in json.loads(name))
