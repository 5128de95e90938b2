"""What is new in a journal since the last look: how another process follows a bot.

Each table has a place of its own, the last row that was seen; a look reads what came after it in
one short transaction and lets go again, so that no reader keeps the log from being copied back.
Rows come in the order of their market times; of what happened at one moment, causes before effects.
A first look sees nothing of what was there before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.journal.acts import PLACES
from bot.journal.reader import Reader
from bot.journal.rows import from_json

MOST: Final = 500
"""Rows of a table that one look reads; the rest waits for the next."""


@dataclass(frozen=True, slots=True)
class News:
    """One row: what `kind` of thing it is, in which run, at which market time, and its columns.

    Of commands and runs `ts_ns` is wall time. What a column holds as JSON is read; a figure that
    could not be measured is None. What `stands` no longer (a word, a parked position) has its name
    alone.
    """

    kind: str
    seq: int
    run: int
    ts_ns: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """A table, the kind of its rows, their market time, and which columns hold JSON."""

    table: str
    kind: str
    when: str = "ts_ns"
    nested: tuple[str, ...] = ()


# In the order in which things follow from each other.
_SOURCES: Final = (
    _Source("states", "state", nested=("reasons",)),
    _Source("doubts", "doubt", nested=("because",)),
    _Source(
        "decisions",
        "decision",
        nested=("trades", "candidates", "reasons", "refused", "snapshot"),
    ),
    _Source("intents", "intent", when="created_ns"),
    _Source("transitions", "order"),
    _Source("fills", "fill"),
    _Source("paid", "paid"),
    _Source("hedges", "hedge"),
    _Source("exposure", "exposure", nested=("shocks", "vega_by_tenor_usd", "doubts")),
    _Source("margins", "margin"),
    _Source("equity", "equity", nested=("split",)),
    _Source("attribution", "attribution"),
    _Source("breaches", "breach"),
)
_ACTS: Final = {"commands": "command", "runs": "run", "standing": "standing", "parked": "parked"}
_NESTED: Final = {
    "command": ("arguments",),
    "run": ("settings", "summary"),
    "standing": ("because",),
    "parked": ("position",),
}
# When an act was: market time where its row has one, else the wall time of its last change.
_WHEN: Final = ("ts_ns", "done_ns", "ended_ns", "started_ns")
KINDS: Final = (*(source.kind for source in _SOURCES), *_ACTS.values())


class Tail:
    """What each look finds that the one before had not seen."""

    def __init__(self, kinds: Iterable[str] = KINDS, *, whole_run: bool = False) -> None:
        """Follow rows of these kinds (see `KINDS`); `whole_run` begins where the newest run did."""
        self._kinds = frozenset(kinds)
        if strange := self._kinds - set(KINDS):
            raise ValueError(f"expected kinds among {KINDS}, found {sorted(strange)}")
        self._places = tuple(place for place, kind in _ACTS.items() if kind in self._kinds)
        self._whole_run = whole_run
        self._reader: Reader | None = None
        self._seen: dict[str, int] = {}
        self._began_ns: int | None = None

    def news(self, reader: Reader) -> list[News]:
        """Return the rows since the last look, oldest first; raises JournalError.

        In another journal than the last one everything is new: its bot began after that. One that
        came back (a folder that was away, a backup) is the same: only what comes after is news.
        """
        if reader is not self._reader:
            self._seen, self._began_ns = self._places_in(reader), _began_ns(reader)
            self._reader = reader
        before = dict(self._seen)
        try:
            return self._look(reader)
        except BaseException:
            self._seen = before  # what was read of it was handed to nobody
            raise

    def none_yet(self) -> None:
        """Know that there is no journal now: of one that comes, its newest run is news."""
        self._whole_run = self._whole_run or self._reader is None

    def _places_in(self, reader: Reader) -> dict[str, int]:
        """Return where to begin in a journal that was not looked at before, or comes back."""
        if self._reader is None:
            return _ends(reader, before_run=self._whole_run)
        if _began_ns(reader) != self._began_ns:
            return {}
        ends = _ends(reader, before_run=False)
        return {table: min(seq, ends.get(table, 0)) for table, seq in self._seen.items()}

    def _look(self, reader: Reader) -> list[News]:
        found = [row for source in _SOURCES for row in self._read(reader, source)]
        found.sort(key=lambda row: row.ts_ns)  # stable: of one moment causes come first
        acts = list(self._acts(reader))
        begun = [row for row in acts if row.kind == "run" and row.fields["ended_ns"] is None]
        return begun + found + [row for row in acts if row not in begun]

    def _read(self, reader: Reader, source: _Source) -> Iterable[News]:
        if source.kind not in self._kinds:
            return
        for row in self._newer(reader, source.table, "1"):
            fields = _plain(row, source.nested)
            yield News(source.kind, row["seq"], row["run"], row[source.when], fields)

    def _acts(self, reader: Reader) -> Iterable[News]:
        marks = ", ".join("?" * len(self._places))
        for row in self._newer(reader, "acts", f"place IN ({marks})", *self._places):
            place, kind = PLACES[row["place"]], _ACTS[row["place"]]
            stands = row["body"] is not None
            columns, text = (place.columns, row["body"]) if stands else (place.name, row["name"])
            body = dict(zip(columns, from_json(text), strict=True))
            fields = _plain(body, _NESTED[kind]) | {"stands": stands}
            when = next((body[name] for name in _WHEN if body.get(name) is not None), 0)
            yield News(kind, row["seq"], row["run"], when, fields)

    def _newer(self, reader: Reader, table: str, where: str, *values: str) -> list[dict[str, Any]]:
        rows = reader.rows(
            f"SELECT * FROM {table} WHERE seq > ? AND {where} ORDER BY seq LIMIT {MOST}",  # noqa: S608  names of this package
            *(self._seen.get(table, 0), *values),
        )
        if rows:
            self._seen[table] = rows[-1]["seq"]
        return rows


def _began_ns(reader: Reader) -> int | None:
    """Return when a journal's first run began, by which journals are told apart."""
    found = reader.rows("SELECT started_ns FROM runs ORDER BY id LIMIT 1")
    return found[0]["started_ns"] if found else None


def _ends(reader: Reader, *, before_run: bool) -> dict[str, int]:
    """Return the last row of each table, of all or before the newest run."""
    where = " WHERE run < (SELECT max(id) FROM runs)" if before_run else ""
    sql = " UNION ALL ".join(
        f"SELECT '{table}' AS name, coalesce(max(seq), 0) AS seq FROM {table}{where}"  # noqa: S608  names of this package
        for table in (*(source.table for source in _SOURCES), "acts")
    )
    return {row["name"]: row["seq"] for row in reader.rows(sql)}


def _plain(row: Mapping[str, Any], nested: tuple[str, ...]) -> dict[str, Any]:
    """Return a row's columns with what is JSON read, and without its place in the table."""
    fields = {name: value for name, value in row.items() if name not in {"seq", "run", "ledger"}}
    return fields | {name: from_json(fields[name]) for name in nested if name in fields}
