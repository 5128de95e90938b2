"""Doubts that stand: those of a run that somebody has to look at, from their rows in the journal.

A row says that a doubt began or is over. Whoever begins to follow a run in its middle reads what
stands there already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.domain.reasons import Reason
from bot.journal.reader import Reader
from bot.journal.rows import from_json
from bot.journal.tail import News
from bot.monitor.alerts.alert import Severity
from bot.monitor.alerts.events import reasons
from bot.monitor.alerts.troubles import RARELY, Trouble
from bot.monitor.levels import PAGED

_TOLD: Final = PAGED | {Reason.UNHEDGED, Reason.STILL_OUTSIDE, Reason.PNL_UNEXPLAINED}
_OF_RUN: Final = (
    "SELECT coin, because, active FROM doubts WHERE run = (SELECT max(id) FROM runs) ORDER BY seq"
)


class Doubts:
    """What a run doubts now, by coin (empty: the instance) and reason."""

    def __init__(self) -> None:
        """Know of none."""
        self._standing: dict[tuple[str, str], Mapping[str, Any]] = {}

    def begin(self, reader: Reader) -> None:
        """Take over what stands in the newest run; raises JournalError."""
        self._standing.clear()
        for row in reader.rows(_OF_RUN):
            self._take(row["coin"], from_json(row["because"]), bool(row["active"]))

    def hear(self, news: News) -> None:
        """Take what is new; a run that begins doubts nothing that one before it did."""
        row = news.fields
        if news.kind == "doubt":
            self._take(row["coin"], row["because"], bool(row["active"]))
        elif news.kind == "run" and row["ended_ns"] is None and row["outcome"] is None:
            self._standing.clear()

    def troubles(self) -> Iterator[Trouble]:
        """Yield what stands."""
        for (coin, reason), because in self._standing.items():
            severity = Severity.CRITICAL if reason in PAGED else Severity.WARNING
            title = f"{coin or 'the bot'}: {reason.replace('_', ' ')}"
            text = reasons([because])
            yield Trouble(f"doubt {reason}", coin, severity, title, text=text, rarely=RARELY)

    def _take(self, coin: str, because: Mapping[str, Any], active: bool) -> None:  # noqa: FBT001
        reason = str(because["reason"])
        if reason not in _TOLD:
            return
        if active:
            self._standing[coin, reason] = because
        else:
            self._standing.pop((coin, reason), None)
