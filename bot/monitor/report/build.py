"""What a day's report says, gathered from a journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.units import DAY_NS
from bot.journal.day import day_figures
from bot.journal.reader import Reader
from bot.monitor.report.expiring import Expiring, expiring


@dataclass(frozen=True, slots=True)
class Report:
    """A day's figures (see `bot.journal.day`), how the bot stands now, and what expires next.

    `now` is None where the day is not the newest: what stands now is not of it.
    """

    day_ns: int
    figures: Mapping[str, Any]
    now: Mapping[str, Any] | None
    expiring: tuple[Expiring, ...]

    @property
    def over(self) -> bool:
        """Tell whether the day was watched to its end."""
        return bool(self.figures["to_ns"] >= self.day_ns + DAY_NS)


def build(reader: Reader, day_ns: int) -> Report:
    """Return the report of the day that began at `day_ns`; raises JournalError."""
    figures, status = day_figures(reader, day_ns), reader.status()
    # The morning after is still about this day: what expires then is what comes.
    newest = status["ts_ns"] < day_ns + 2 * DAY_NS
    greeks = reader.greeks() if newest else []
    ends = tuple(
        expiring(coin, greeks, one["index"], status["ts_ns"])
        for coin, one in status["underlyings"].items()
        if newest and one["measured"] and any("instrument" in row for row in greeks)
    )
    return Report(day_ns, figures, status if newest else None, ends)
