"""Prices that lie: frozen, stuck, crossed, one-sided, absurd, swapped, or not numbers at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bot.domain.events import Event
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_S, seconds_between
from tests.simulation.campaign.faults import Fault, Later


@dataclass(slots=True)
class Spell(Fault):
    """For a while every piece of market data of one coin goes through `_spoil`; None: it is lost.

    `longest_s` bounds the spell; what has not begun does nothing.
    """

    longest_s: float = 30.0
    coin: str = ""
    until_ns: int = 0
    since_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether the spell goes on."""
        return now_ns < self.until_ns

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Spoil it while the spell lasts."""
        if not isinstance(event, Quote | Chain):
            return [(0, event)]
        if self.due(now_ns) and self._fits(event):
            self.strike(now_ns)
            self.coin, self.since_ns = event.coin, now_ns
            self.until_ns = now_ns + round(self.chance.uniform(0.5, self.longest_s) * NS_PER_S)
        if self.off or event.coin != self.coin or now_ns >= self.until_ns or not self._fits(event):
            return [(0, event)]
        spoilt = self._spoil(event)
        return [] if spoilt is None else [(0, spoilt)]

    def _fits(self, event: Quote | Chain) -> bool:  # noqa: ARG002
        return True

    def _spoil(self, event: Quote | Chain) -> Event | None:  # noqa: ARG002
        return None


class Frozen(Spell):
    """Nothing more is heard of a coin's prices, and no error comes."""


@dataclass(slots=True)
class Stuck(Spell):
    """Prices go on, but the exchange's time in them stands still."""

    def _spoil(self, event: Quote | Chain) -> Event:
        return replace(event, ts_venue_ns=min(event.ts_venue_ns, self.since_ns))


@dataclass(slots=True)
class SameAgain(Spell):
    """The same old prices come again and again, as if they were new."""

    kept: dict[str, Event] = field(default_factory=dict)

    def _spoil(self, event: Quote | Chain) -> Event:
        name = event.instrument if isinstance(event, Quote) else f"{event.coin} chain"
        old = self.kept.setdefault(name, event)
        if old.ts_ns < self.since_ns:
            old = self.kept[name] = event
        return replace(old, ts_ns=event.ts_ns)


class _OfQuotes(Spell):
    def _fits(self, event: Quote | Chain) -> bool:
        return isinstance(event, Quote)


class Crossed(_OfQuotes):
    """Bid and ask cross."""

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Quote)
        return replace(event, bid=event.ask * 1.001, ask=event.bid)


class OneSided(_OfQuotes):
    """One side of a future's book is gone."""

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Quote)
        if self.chance.random() < 0.5:
            return replace(event, bid=math.nan, bid_size=0.0)
        return replace(event, ask=math.nan, ask_size=0.0)


ROW_S = 3
NONSENSE = (math.nan, 0.0, -1.0, 1e308, math.inf)


class NotNumbers(_OfQuotes):
    """A price, a size, the mark or the index is nothing that a price can be."""

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Quote)
        name = self.chance.choice(("bid", "ask", "mark", "index", "bid_size", "ask_size"))
        nonsense: dict[str, Any] = {name: self.chance.choice(NONSENSE)}
        return replace(event, **nonsense)


class Outlier(_OfQuotes):
    """One print of index and mark is a tenth away, or two in a row: three would be the market."""

    def strike(self, now_ns: int) -> None:
        """Let what follows a second one be."""
        second = seconds_between(self.since_ns, now_ns) < ROW_S
        super().strike(now_ns)
        if second:
            self.due_ns = max(self.due_ns, now_ns + ROW_S * NS_PER_S)

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Quote)
        self.until_ns = 0
        by = self.chance.choice((0.9, 1.1))
        names = ("bid", "ask", "mark", "index") if self.chance.random() < 0.5 else ("index",)
        return replace(event, **{name: getattr(event, name) * by for name in names})


class Swapped(_OfQuotes):
    """The index in a quote is another coin's."""

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Quote)
        return replace(event, index=event.index * (0.034 if event.coin == "BTC" else 29.0))


class _OfChains(Spell):
    def _fits(self, event: Quote | Chain) -> bool:
        return isinstance(event, Chain)


class AbsurdVols(_OfChains):
    """Some marked volatilities are absurd, or no numbers."""

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Chain)
        vol = np.array(event.vol)
        some = self.chance.sample(range(len(vol)), max(1, len(vol) // 5))
        vol[some] = self.chance.choice((5.0, 50.0, 0.0, -0.5, math.nan, 1e308))
        return replace(event, vol=vol)


class AbsurdForwards(_OfChains):
    """The forwards of a whole batch are those of another underlying, or no numbers."""

    def _spoil(self, event: Quote | Chain) -> Event:
        assert isinstance(event, Chain)
        return replace(event, forward=event.forward * self.chance.choice((0.03, 30.0, math.nan)))


class NoChain(Frozen):
    """Options are heard of no more; futures go on."""

    def _fits(self, event: Quote | Chain) -> bool:
        return isinstance(event, Chain)


class NoQuotes(Frozen):
    """Futures are heard of no more; options, and with them the index, go on."""

    def _fits(self, event: Quote | Chain) -> bool:
        return isinstance(event, Quote)
