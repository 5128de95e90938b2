"""What is counted from news: orders, fills, costs, times. It begins with the monitor.

Costs come with a sign and counters only grow: what was received is counted beside what was paid,
and the difference of two counters is the net.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.instruments import coin_of
from bot.domain.orders import TERMINAL, OrderState
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.journal.tail import News
from bot.monitor.metrics.page import Page

REMEMBERED: Final = 5_000
"""Decisions and orders whose fills may still come."""
EXCHANGE: Final = "exchange"
OTHER: Final = "other"
SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
LEFT: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0)
BPS: Final = (-10.0, -5.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0)
BOUNDS: Final[Mapping[str, Sequence[float]]] = {
    "breach_duration_seconds": LEFT,
    "hedge_duration_seconds": SECONDS,
    "trigger_to_fill_seconds": SECONDS,
    "hedge_slippage_bps": BPS,
}
_REASONS: Final = frozenset(map(str, Reason))
_ENDS: Final = frozenset(map(str, TERMINAL))
Labels = tuple[str, ...]


@dataclass(slots=True)
class _Spread:
    """A histogram that grows."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class Counted:
    """Counters and histograms by name and labels."""

    counters: dict[tuple[str, Labels], float] = field(default_factory=dict)
    spreads: dict[tuple[str, Labels], _Spread] = field(default_factory=dict)
    _decided: OrderedDict[Any, tuple[int, str]] = field(default_factory=OrderedDict)
    _sent: OrderedDict[Any, int] = field(default_factory=OrderedDict)

    def hear(self, news: Iterable[News]) -> None:
        """Count what is new."""
        for one in news:
            count = _COUNTS.get(one.kind)
            if count is not None:
                count(self, one, one.fields)

    def tell(self, page: Page) -> None:
        """Put everything on a page."""
        for (name, labels), value in self.counters.items():
            page.tell(name, value, *labels)
        for (name, labels), spread in self.spreads.items():
            bounds = BOUNDS[name]
            total = spread.total if bounds[0] >= 0.0 else None
            page.spread(name, bounds, spread.counts, total, *labels)

    def _add(self, name: str, value: float, *labels: str) -> None:
        key = (name, labels)
        self.counters[key] = self.counters.get(key, 0.0) + value

    def _cost(self, paid: str, received: str, value: float | None, coin: str) -> None:
        """Count a cost, and one below nothing to what was received; both are there from then on."""
        if value is not None:
            self._add(paid, max(value, 0.0), coin)
            self._add(received, max(-value, 0.0), coin)

    def _observe(self, name: str, value: float | None, *labels: str) -> None:
        if value is None:
            return
        key, bounds = (name, labels), BOUNDS[name]
        spread = self.spreads.get(key)
        if spread is None:
            spread = self.spreads[key] = _Spread([0] * (len(bounds) + 1))
        spread.counts[bisect_left(bounds, value)] += 1
        spread.total += value

    def _decision(self, news: News, row: Mapping[str, Any]) -> None:
        for because in row["refused"] or ():
            self._add("rejects_total", 1.0, row["coin"], _reason(because))
        why = _reason(row["reasons"][0]) if row["reasons"] else OTHER
        _keep(self._decided, (news.run, row["id"]), (news.ts_ns, why))

    def _intent(self, news: News, row: Mapping[str, Any]) -> None:
        found = self._decided.get((news.run, row["decision"]))
        side = "sell" if str(row["quantity"]).startswith("-") else "buy"
        why = OTHER if found is None else found[1]
        self._add("hedge_orders_total", 1.0, coin_of(row["instrument"]), side, why)
        if found is not None:
            _keep(self._sent, (news.run, row["label"]), found[0])

    def _fill(self, news: News, row: Mapping[str, Any]) -> None:
        coin = coin_of(row["instrument"])
        self._add("fills_total", 1.0, coin, "maker" if row["maker"] else "taker")
        decided_ns = self._sent.pop((news.run, row["label"]), None)
        if decided_ns is not None:
            self._observe("trigger_to_fill_seconds", (news.ts_ns - decided_ns) / 1e9, coin)

    def _order(self, _: News, row: Mapping[str, Any]) -> None:
        coin, end = coin_of(row["instrument"]), row["after"]
        if end in _ENDS and row["before"] not in _ENDS:
            self._add("orders_ended_total", 1.0, coin, end)
        if end == OrderState.REJECTED:
            self._add("rejects_total", 1.0, coin, EXCHANGE)

    def _paid(self, _: News, row: Mapping[str, Any]) -> None:
        coin = row["coin"]
        self._cost("fees_usd_total", "rebates_usd_total", row["fee_usd"], coin)
        gained = "price_improvement_usd_total"
        self._cost("slippage_usd_total", gained, row["slippage_usd"], coin)
        self._observe("hedge_slippage_bps", row["slippage_bps"], coin)

    def _hedge(self, _: News, row: Mapping[str, Any]) -> None:
        self._add("hedges_total", 1.0, row["coin"], row["kind"])
        self._observe("hedge_duration_seconds", row["seconds"], row["coin"])

    def _breach(self, _: News, row: Mapping[str, Any]) -> None:
        if row["seconds"] is not None:
            self._add("band_left_seconds_total", row["seconds"], row["coin"], row["kind"])
            if row["over"]:
                lasted_s = (row["ts_ns"] - row["since_ns"]) / NS_PER_S
                self._observe("breach_duration_seconds", lasted_s, row["coin"], row["kind"])


_COUNTS: Final[Mapping[str, Callable[[Counted, News, Mapping[str, Any]], None]]] = {
    "decision": Counted._decision,  # noqa: SLF001  its own table of ways
    "intent": Counted._intent,  # noqa: SLF001
    "fill": Counted._fill,  # noqa: SLF001
    "order": Counted._order,  # noqa: SLF001
    "paid": Counted._paid,  # noqa: SLF001
    "hedge": Counted._hedge,  # noqa: SLF001
    "breach": Counted._breach,  # noqa: SLF001
}


def _reason(because: Mapping[str, Any]) -> str:
    """Return a reason as a label: of another release's words only that they are others."""
    found = str(because.get("reason"))
    return found if found in _REASONS else OTHER


def _keep(table: OrderedDict[Any, Any], key: object, value: object) -> None:
    table[key] = value
    while len(table) > REMEMBERED:
        table.popitem(last=False)
