"""What a shadow would have done: per day and underlying, its hedges, their cost, and the delta.

A day ends at 08:00 UTC, with the settlement; the last one when the run does. Told once a day, and
kept for the summary. `delta_before` is the account's delta as it really is at the day's end (coin),
`delta_after` with all that the shadow has hedged since its start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from bot.book.numeraire import future_delta
from bot.book.trades import Trades
from bot.core import Core
from bot.domain.events import Event, Filled
from bot.domain.positions import Fill
from bot.domain.records import HedgeDone, Told
from bot.domain.units import iso
from bot.monitor import Voice
from bot.sim.exchange.settlement import next_settlement

Day: TypeAlias = dict[str, object]


@dataclass(slots=True)
class _Tally:
    """One underlying's day; slippage against the mid at the decision, USD, positive when worse."""

    bought: dict[str, Decimal] = field(default_factory=dict)
    orders: set[str] = field(default_factory=set)
    fees_usd: float = 0.0
    slippage_usd: float = 0.0


class WouldHave:
    """Observer of a shadow's engine."""

    def __init__(self, core: Core, start_ns: int, voice: Voice) -> None:
        """Begin a day at `start_ns`; `voice` is told each day's end."""
        self.days: list[Day] = []
        self._core, self._voice, self._from_ns = core, voice, start_ns
        self._until_ns = next_settlement(start_ns)
        self._tallies = {coin: _Tally() for coin in core.rules}
        self._held: dict[str, Decimal] = {}
        self._trades = Trades()

    def see(self, event: Event) -> None:
        """Count fills, and end the day when it is over."""
        if event.ts_ns >= self._until_ns:
            self.close(self._until_ns)
            self._until_ns = next_settlement(event.ts_ns)
        if isinstance(event, Filled) and not self._trades.knows(event.fill):
            self._trades.add(event.fill)
            self._count(event.fill)

    def note(self, record: Told) -> None:
        """Count what a finished hedge cost beyond its fees."""
        if isinstance(record, HedgeDone):
            self._tallies[record.coin].slippage_usd += record.slippage_usd

    def close(self, now_ns: int) -> None:
        """Tell the day so far and begin the next."""
        for coin, tally in self._tallies.items():
            told = self._day(coin, tally, now_ns)
            self.days.append(told)
            self._voice.say("shadow.would_have_done", "info", **told)
            self._tallies[coin] = _Tally()
        self._from_ns = now_ns

    def _count(self, fill: Fill) -> None:
        instrument = self._core.floor.book.instruments.get(fill.instrument)
        if instrument is None or instrument.coin not in self._tallies:
            return
        tally, size = self._tallies[instrument.coin], fill.quantity.value
        tally.bought[fill.instrument] = tally.bought.get(fill.instrument, Decimal(0)) + size
        self._held[fill.instrument] = self._held.get(fill.instrument, Decimal(0)) + size
        tally.orders.add(fill.label)
        index = self._core.floor.book.packed(instrument.coin).market.index
        tally.fees_usd += fill.fee if fill.fee_unit == "USD" else fill.fee * index

    def _day(self, coin: str, tally: _Tally, now_ns: int) -> Day:
        delta = self._core.sample(coin, now_ns).delta_coin
        return {
            "from": iso(self._from_ns),
            "until": iso(now_ns),
            "coin": coin,
            "hedges": {name: float(size) for name, size in sorted(tally.bought.items())},
            "orders": len(tally.orders),
            "fees_usd": round(tally.fees_usd, 2),
            "slippage_usd": round(tally.slippage_usd, 2),
            "cost_usd": round(tally.fees_usd + tally.slippage_usd, 2),
            "delta_before": round(delta - self._hedged(coin, now_ns), 6),
            "delta_after": round(delta, 6),
        }

    def _hedged(self, coin: str, now_ns: int) -> float:
        """Return the delta (coin) of everything that was hedged since the start."""
        book = self._core.floor.book
        index = book.packed(coin).market.index
        rows = {str(row["instrument"]): row for row in self._core.greek_rows(now_ns)}
        total = 0.0
        for name, size in self._held.items():
            instrument = book.instruments.get(name)
            row = rows.get(name)
            if not size or instrument is None or instrument.coin != coin:
                continue
            if not instrument.is_option:
                total += future_delta(instrument, float(size), index, index)
            elif row is not None and row["quantity"]:
                total += float(size) * float(str(row["delta_coin"])) / float(str(row["quantity"]))
        return total
