"""What the journal keeps beside news and sights: the day's profit and loss, and what was told.

Read again when there is something new, in short transactions of the monitor's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bot.book.explained import USD
from bot.domain.errors import JournalError
from bot.domain.reasons import Reason
from bot.domain.records import PROFIT_LINES
from bot.domain.units import day_start
from bot.journal import Reader
from bot.journal.so_far import pnl_since, still_told
from bot.journal.tail import News
from bot.monitor.metrics.page import Page
from bot.monitor.outlet import Sight

_REASONS = frozenset(map(str, Reason))


class Day:
    """What has been made since 08:00 UTC, by coin and line, and the doubts that stand."""

    def __init__(self, reader: Callable[[], Reader | None]) -> None:
        self._reader = reader
        self._due = True
        self._day_ns = -1
        self._pnl: dict[str, Mapping[str, float | None]] = {}
        self._told: dict[tuple[str, str], bool] = {}

    def hear(self, news: Sequence[News]) -> None:
        """Look again after a step of profit and loss, a doubt, or the beginning of a run."""
        self._due = self._due or any(one.kind in {"attribution", "doubt", "run"} for one in news)

    def see(self, sight: Sight) -> None:
        """Look into the journal, if there is something new or another day began."""
        if sight.status is None:
            return
        day_ns = day_start(sight.status["ts_ns"])
        if not self._due and day_ns == self._day_ns:
            return
        with suppress(JournalError):  # the next look tries again
            reader = self._reader()
            if reader is not None:
                coins = (*sight.status["underlyings"], USD)
                self._pnl, self._told = pnl_since(reader, coins, day_ns), still_told(reader)
                self._due, self._day_ns = False, day_ns

    def tell(self, page: Page, coins: Mapping[str, Any]) -> None:
        """Put both on a page; `coins` are how the sight shows the underlyings."""
        for coin, sums in self._pnl.items():
            for line in PROFIT_LINES:
                page.tell("day_pnl_usd", sums[line], coin, line)
            page.tell("day_equity_change_usd", sums["total"], coin)
            page.tell("day_hedges_pnl_usd", sums["hedges"], coin)
        for (coin, reason), count in self._doubts(coins).items():
            page.tell("doubts", count, coin, reason)

    def _doubts(self, coins: Mapping[str, Any]) -> Counter[tuple[str, str]]:
        found = [(coin, str(d["reason"])) for coin, one in coins.items() for d in one["doubts"]]
        known = [(coin, reason if reason in _REASONS else "other") for coin, reason in found]
        shown = Counter(known)
        shown.update(key for key, stands in self._told.items() if stands)
        return shown
