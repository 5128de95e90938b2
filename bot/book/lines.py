"""What single legs of an account contributed over a step, line by line, in USD.

Everything is told at the step's end: coins that a leg earned count at the index there, and what
coins were worth before belongs to the account's translation (see `explained`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from bot.book.marks import Marks
from bot.domain.instruments import Instrument
from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from greeks import attribution

YEAR_NS: Final = SECONDS_PER_YEAR * NS_PER_S
GREEK_LINES: Final = ("delta", "gamma", "theta", "vega", "vanna", "volga", "charm")
Lines: TypeAlias = dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Price:
    """What a future, perpetual or spot pair cost at one moment, and the index then (USD)."""

    ts_ns: int
    index: float
    price: float


@dataclass(frozen=True, slots=True)
class Ending:
    """An instrument settled at a price (USD per coin)."""

    ts_ns: int
    price: float

    def pays(self, instrument: Instrument) -> float:
        """Return what a unit of its own price pays: an option's payoff, a future's price."""
        if not instrument.is_option:
            return self.price
        paid = self.intrinsic(instrument)
        return paid / self.price if instrument.is_inverse else paid

    def intrinsic(self, option: Instrument) -> float:
        """Return an option's payoff, USD per coin."""
        towards = 1.0 if option.is_call else -1.0
        return max(towards * (self.price - option.strike), 0.0)


def option_lines(start: Marks, end: Marks, *, in_coin: bool) -> Lines:
    """Return what one coin of each option earned from start to end; rows of both are the same.

    `in_coin` tells a coin book, where an option counts net of its premium.
    """
    moved = end.moves - start.moves
    taylor = attribution.taylor(
        start.greeks,
        moved=moved,
        shifted=end.vol - start.vol,
        passed=(np.minimum(end.ts_ns, start.expiry_ns) - start.ts_ns) / YEAR_NS,
        actual=end.greeks.price - start.greeks.price,
    )
    at_end = np.where(start.inverse, end.index / end.payout, 1.0)
    lines = {name: getattr(taylor, name) * at_end for name in GREEK_LINES}
    # What the index alone did to the price that the option moves with; the rest of it is basis.
    index_moved = end.index / start.index - 1.0
    along = np.where(start.inside, moved, start.moves * index_moved)
    lines["delta"] = start.greeks.delta * along * at_end
    lines["basis"] = start.greeks.delta * (moved - along) * at_end
    worth, premium = start.greeks.price, start.greeks.price / start.payout
    if in_coin:
        paid = np.where(start.inverse, -premium * at_end, 0.0)
        whole = paid * (end.payout - start.payout)
        part = np.where(start.inside, whole, paid * start.payout * index_moved)
        lines["delta"] += part
        lines["basis"] += whole - part
    else:
        dollars = worth * (end.index / end.payout - start.index / start.payout)
        lines["basis"] += np.where(start.inverse, dollars, 0.0)
    return lines


def future_lines(instrument: Instrument, start: Price, end: Price) -> dict[str, float]:
    """Return what one unit of a future, perpetual or spot pair earned: delta, basis."""
    moved = end.index / start.index - 1.0
    if instrument.is_inverse:
        earned = (1.0 / start.price - 1.0 / end.price) * end.index
        along = moved * start.index / start.price
    else:
        earned, along = end.price - start.price, start.price * moved
    return {"delta": along, "basis": earned - along}


def settled(end: Marks, start: Marks, options: Mapping[str, tuple[Instrument, Ending]]) -> Marks:
    """Return the marks of an end with those of settled options replaced by what they paid."""
    if not options:
        return end
    price, moves = end.greeks.price.copy(), end.moves.copy()
    payout, vol = end.payout.copy(), end.vol.copy()
    for row, name in enumerate(end.names):
        if name not in options:
            continue
        option, ending = options[name]
        price[row] = ending.intrinsic(option)
        moves[row] = payout[row] = ending.price
        vol[row] = start.vol[row]
    greeks = end.greeks._replace(price=price)
    return replace(end, greeks=greeks, moves=moves, payout=payout, vol=vol)
