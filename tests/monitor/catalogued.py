"""What of a run's JSON lines the catalogue does not know."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.monitor.catalogue import EVENTS, FIGURES, LINE, SUFFIXES

EVERYWHERE = {one.name for one in LINE}
CAUSE = {"reason", "subject"}
TRADE = {
    *("instrument", "quantity", "unit", "limit", "cost_usd", "gamma_coin_per_pct"),
    "theta_usd_day",
}


def uncatalogued(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what is strange about lines, one sentence each; nothing where all is catalogued."""
    return [f"{line['event']}: {what}" for line in lines for what in _strange(line)]


def _strange(line: Mapping[str, Any]) -> Iterator[str]:
    event = EVENTS.get(line["event"])
    if event is None:
        yield "no such event"
        return
    if line["level"] not in event.levels:
        yield f"level {line['level']}"
    if missing := EVERYWHERE - line.keys():
        yield f"without {sorted(missing)}"
    more = line.keys() - EVERYWHERE - event.names
    if unknown := [name for name in more if not (event.figures and _named(name))]:
        yield f"fields {sorted(unknown)}"
    yield from _nested(line)


def _nested(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is strange about causes and trades."""
    for name in ("reasons", "refused", "doubts"):
        for cause in line.get(name, ()):
            if not cause.keys() >= CAUSE or not all(map(_named, cause.keys() - CAUSE)):
                yield f"{name} {cause}"
    for name in ("trades", "candidates", "plan"):
        for trade in line.get(name, ()):
            if not trade.keys() <= TRADE:
                yield f"{name} {trade}"


def _named(figure: str) -> bool:
    """Tell whether a figure of a reason says its unit, or is one of those that need none."""
    return figure.endswith(SUFFIXES) or figure in FIGURES
