"""The tables of docs/logs.md, made from the catalogue; the prose around them is the page's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bot.monitor.catalogue.event import Event, Field
from bot.monitor.catalogue.fields import FIELDS, FIGURES, LINE
from bot.monitor.catalogue.monitor import MONITOR
from bot.monitor.catalogue.orders import ORDERS
from bot.monitor.catalogue.records import RECORDS
from bot.monitor.catalogue.said import RUN, WATCHDOG
from bot.monitor.catalogue.venue import VENUE

BEGIN: Final = "<!-- the catalogue: python -m bot.monitor.catalogue docs/logs.md -->"
END: Final = "<!-- the end of the catalogue -->"
_SECTIONS: Final = (
    ("Decisions, measures and states", RECORDS),
    ("Orders", ORDERS),
    ("The run and its logs", RUN),
    ("The connection", VENUE),
    ("The watchdog (`deltaband watchdog`)", WATCHDOG),
    ("The monitor (`deltaband monitor`)", MONITOR),
)


def tables() -> str:
    """Return every event and every field as markdown."""
    parts = ["## Events", "An event that no flood limit leaves out is marked ●."]
    for title, events in _SECTIONS:
        parts += [f"### {title}", _events(events)]
    parts += ["## Fields", "### On every line", _fields(LINE)]
    parts += ["### Wherever they stand", _fields(FIELDS.values())]
    parts += ["### In one event alone", _own()]
    parts += ["### Figures of reasons without a unit in their names", _figures()]
    return "\n\n".join(parts)


def renewed(page: str) -> str:
    """Return a page with the tables as they are now between its two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the marks {BEGIN} and {END}, found one missing")
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (heads, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]])


def _events(events: Sequence[Event]) -> str:
    rows = []
    for one in events:
        names = ", ".join(f"`{name}`" for name in _ordered(one))
        more = f"{names} and the figures of its reason" if one.figures else names or "–"
        mark = " ●" if one.whole else ""
        rows.append((f"`{one.name}`{mark}", ", ".join(one.levels), one.when, more))
    return _table(("event", "level", "when", "fields"), rows)


def _ordered(event: Event) -> list[str]:
    return [one if isinstance(one, str) else one.name for one in event.fields]


def _fields(fields: Iterable[Field]) -> str:
    rows = ((f"`{one.name}`", one.unit, one.meaning) for one in fields)
    return _table(("field", "unit", "meaning"), rows)


def _own() -> str:
    back, *flaws = VENUE
    sources = [(one.name, one.own) for one in (*RECORDS, *ORDERS, *RUN, back)]
    sources.append(("venue.…", flaws[0].own))  # all flaws have the same
    sources += [(one.name, one.own) for one in (*WATCHDOG, *MONITOR)]
    rows = [(f"`{name}`", f"`{f.name}`", f.unit, f.meaning) for name, own in sources for f in own]
    return _table(("event", "field", "unit", "meaning"), rows)


def _figures() -> str:
    return _table(("figure", "meaning"), ((f"`{name}`", what) for name, what in FIGURES.items()))
