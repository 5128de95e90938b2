"""The visible order book as a ladder of levels, and how much of it we have already eaten.

A future shows its best size and then the levels of its book where the market has one, otherwise
`depth_usd` at each next level, a tenth more each time. An
option shows its best size and then, half a volatility point, one and a half, three ... further
away (never less than a tick each), half as much again each time: beyond the best price an option
book is thin and steep. What we take is missing until the market moves, and comes back with a
half-life, not at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from bot.domain.instruments import Instrument
from bot.domain.units import NS_PER_S, Unit
from bot.sim.ports import FutureMove

FUTURE_LEVELS: Final = 40
FUTURE_GROWTH: Final = 0.1
OPTION_LEVELS: Final = 6
OPTION_GROWTH: Final = 0.5
OPTION_STEP_VOL: Final = 0.005
FUTURE_HALF_LIFE_S: Final = 2.0
OPTION_HALF_LIFE_S: Final = 20.0


class Level(NamedTuple):
    """A price on the grid and the size shown there, in the instrument's unit."""

    price: Decimal
    size: float


@dataclass(frozen=True, slots=True)
class OptionView:
    """One option as its market maker shows it now: prices in its own unit, NaN = absent."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    vol_point: float  # price change for 1.00 of volatility


def snap(price: float, instrument: Instrument, rounding: str) -> Decimal:
    """Return a price brought to the grid; what is on it (to ten digits) stays."""
    exact = Decimal(f"{price:.10f}")
    tick = instrument.ticks.at(exact)
    return (exact / tick).to_integral_value(rounding) * tick


def lots(size: float, instrument: Instrument) -> Decimal:
    """Return a size rounded down to whole lots."""
    if size <= 0.0:
        return Decimal(0)
    whole = Decimal(f"{size:.8f}") / instrument.lot
    return whole.to_integral_value(ROUND_FLOOR) * instrument.lot


def in_unit(usd: float, instrument: Instrument, price: float) -> float:
    """Return a USD volume in the instrument's unit."""
    return usd if instrument.unit is Unit.USD else usd / price


def future_levels(instrument: Instrument, move: FutureMove, *, buying: bool) -> Iterator[Level]:
    """Yield what a taker meets, best first; nothing where the side is empty."""
    quote = move.quote
    price = quote.ask if buying else quote.bid
    size = quote.ask_size if buying else quote.bid_size
    if not (price > 0.0 and size > 0.0):
        return
    best = snap(price, instrument, ROUND_CEILING if buying else ROUND_FLOOR)
    yield Level(best, size)
    shown = move.asks if buying else move.bids
    if shown:
        levels = (Level(snap(p, instrument, ROUND_HALF_EVEN), s) for p, s in shown)
        yield from (one for one in levels if (one.price > best if buying else one.price < best))
        return
    tick = instrument.ticks.at(best)
    gap = max(tick, snap(move.level_gap_usd, instrument, ROUND_HALF_EVEN))
    step = gap if buying else -gap
    depth = in_unit(move.depth_usd, instrument, price)
    for k in range(1, FUTURE_LEVELS):
        at = best + k * step
        if at <= 0:
            return
        yield Level(at, depth * (1.0 + FUTURE_GROWTH * k))


def option_levels(instrument: Instrument, view: OptionView, *, buying: bool) -> Iterator[Level]:
    """Yield what a taker of an option meets, best first; nothing where the side is empty."""
    price = view.ask if buying else view.bid
    size = view.ask_size if buying else view.bid_size
    if not (price > 0.0 and size > 0.0):
        return
    rounding = ROUND_CEILING if buying else ROUND_FLOOR
    last = snap(price, instrument, rounding)
    if last > 0:
        yield Level(last, size)
    sign = 1.0 if buying else -1.0
    step = OPTION_STEP_VOL * view.vol_point if view.vol_point > 0.0 else 0.0
    for k in range(1, OPTION_LEVELS):
        tick = instrument.ticks.at(last)
        beyond = last + tick if buying else last - tick
        wished = price + sign * step * k * (k + 1) / 2.0
        if min(wished, float(beyond)) <= 0.0:
            return
        at = snap(wished, instrument, rounding)
        last = max(at, beyond) if buying else min(at, beyond)
        if last <= 0:
            return
        yield Level(last, size * (1.0 + OPTION_GROWTH * k))


@dataclass(slots=True)
class Eaten:
    """Liquidity that we took, per instrument and side, coming back as the market moves on."""

    _taken: dict[tuple[str, bool], tuple[float, int]] = field(default_factory=dict)

    def at(self, instrument: Instrument, *, buying: bool, moved_ns: int) -> float:
        """Return the size still missing from the front of a side, at the market's last move."""
        taken = self._taken.get((instrument.name, buying))
        if taken is None:
            return 0.0
        half_life = OPTION_HALF_LIFE_S if instrument.is_option else FUTURE_HALF_LIFE_S
        elapsed = (moved_ns - taken[1]) / NS_PER_S
        return taken[0] * math.exp2(-elapsed / half_life)

    def forget(self, name: str) -> None:
        """Leave out an instrument that is no more."""
        for buying in (True, False):
            self._taken.pop((name, buying), None)

    def take(self, instrument: Instrument, size: float, *, buying: bool, moved_ns: int) -> None:
        """Add what was just taken."""
        missing = self.at(instrument, buying=buying, moved_ns=moved_ns) + size
        self._taken[instrument.name, buying] = (missing, moved_ns)
