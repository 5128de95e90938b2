"""The daily settlement at 08:00 UTC and the index average that it pays on.

The settlement price is the mean of the index over the half hour before 08:00 (after 07:30:00, up
to and including 08:00:00), one sample per market move. A recording too coarse to have a sample in
that half hour settles on the straight line between its last index before 08:00 and its first one
after. A real venue publishes its own price some seconds later, which `VenueAverages` waits for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from bot.domain.deribit import AVERAGING_S, SETTLEMENT_HOUR_UTC
from bot.domain.instruments import Instrument
from bot.domain.units import NS_PER_S

PAUSE_NS: Final = 2 * NS_PER_S
_DAY_NS: Final = 86_400 * NS_PER_S
_HOUR_NS: Final = SETTLEMENT_HOUR_UTC * 3_600 * NS_PER_S
_WINDOW_NS: Final = round(AVERAGING_S * NS_PER_S)
_PUBLISHED_WITHIN_NS: Final = 60 * NS_PER_S


def next_settlement(now_ns: int) -> int:
    """Return the first 08:00 UTC after `now_ns`."""
    return ((now_ns - _HOUR_NS) // _DAY_NS + 1) * _DAY_NS + _HOUR_NS


def payoff(instrument: Instrument, settlement_usd: float) -> float:
    """Return what one unit of price pays at settlement: an option's payoff, a future's price."""
    if not instrument.is_option:
        return settlement_usd
    towards = 1.0 if instrument.is_call else -1.0
    usd = max(0.0, towards * (settlement_usd - instrument.strike))
    return usd / settlement_usd if instrument.is_inverse else usd


@dataclass(slots=True)
class Averages:
    """The running index average of every coin towards the next settlement."""

    next_ns: int
    _sums: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _before: dict[str, tuple[int, float]] = field(default_factory=dict)
    _after: dict[str, tuple[int, float]] = field(default_factory=dict)

    def sample(self, coin: str, ts_ns: int, index: float) -> None:
        """Take one index value; times never go back."""
        if ts_ns > self.next_ns:
            self._after[coin] = (ts_ns, index)
            return
        self._before[coin] = (ts_ns, index)
        if ts_ns > self.next_ns - _WINDOW_NS:
            self._sums[coin] = self._sums.get(coin, 0.0) + index
            self._counts[coin] = self._counts.get(coin, 0) + 1

    def due(self, now_ns: int) -> bool:
        """Tell whether the next settlement can happen now."""
        return now_ns >= self.next_ns

    def so_far(self, coin: str) -> float:
        """Return the average of what was sampled since the window opened; NaN before it."""
        count = self._counts.get(coin, 0)
        return self._sums[coin] / count if count else math.nan

    def price(self, coin: str) -> float:
        """Return the settlement price of the settlement that is due (USD per coin)."""
        count = self._counts.get(coin, 0)
        if count:
            return self._sums[coin] / count
        late = self._after[coin]
        early = self._before.get(coin)
        if early is None:
            return late[1]
        part = (self.next_ns - early[0]) / (late[0] - early[0])
        return early[1] + part * (late[1] - early[1])

    def roll(self) -> None:
        """Go on to the next day's settlement; what came after this one may belong to it."""
        self.next_ns += _DAY_NS
        self._sums.clear()
        self._counts.clear()
        late, self._after = self._after, {}
        for coin, (ts_ns, index) in late.items():
            self.sample(coin, ts_ns, index)


@dataclass
class VenueAverages(Averages):
    """Settlement on the price that a venue publishes, and on our own average where it does not.

    A settlement waits up to a minute for the price of every coin.
    """

    _published: dict[str, float] = field(default_factory=dict)

    def publish(self, coin: str, expiry_ns: int, price_usd: float) -> None:
        """Take a price that the venue published; one of another settlement is passed over."""
        if expiry_ns == self.next_ns:
            self._published[coin] = price_usd

    def due(self, now_ns: int) -> bool:
        """Tell whether the next settlement can happen now."""
        if now_ns < self.next_ns:
            return False
        known = self._before.keys() | self._after.keys() <= self._published.keys()
        return known or now_ns >= self.next_ns + _PUBLISHED_WITHIN_NS

    def price(self, coin: str) -> float:
        """Return the settlement price of the settlement that is due (USD per coin)."""
        published = self._published.get(coin)
        return super().price(coin) if published is None else published

    def roll(self) -> None:
        """Go on to the next day's settlement."""
        self._published.clear()
        super().roll()
