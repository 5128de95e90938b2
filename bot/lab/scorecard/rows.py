"""A stretch of one coin's path as preallocated arrays: a row a second, a column an instrument.

A row is what was known and held at the end of a market second, before anything of ours that arrives
after it. Money that flowed since the row before (premiums, fees, futures traded) lies in the row
that follows it. The last row of a stretch is the first of the next, so that stretches are cut into
steps without loss.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bot.domain.instruments import Instrument
from bot.domain.quotes import BoolArray, FloatArray, IntArray
from bot.domain.units import Unit

CAPACITY = 600


@dataclass(frozen=True, slots=True)
class Expired:
    """An option that settled: the row after it, its column, its payoff in USD per coin."""

    row: int
    column: int
    payoff_usd: float


@dataclass(slots=True)
class Side:
    """One book's holdings per row (options in coins, futures in their unit), and what flowed.

    `traded` is the worth (see `worth`) of futures traded since the row before, per column;
    `cost_usd` what options traded since then cost; `fees_usd` is positive when paid.
    """

    options: FloatArray
    futures: FloatArray
    traded: FloatArray
    cost_usd: FloatArray
    fees_usd: FloatArray

    @classmethod
    def empty(cls, options: int, futures: int, rows: int = CAPACITY) -> Side:
        """Return a side for so many columns."""
        return cls(
            np.zeros((rows, options)),
            np.zeros((rows, futures)),
            np.zeros((rows, futures)),
            np.zeros(rows),
            np.zeros(rows),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What does not change along a stretch: one entry per option column, one per future column."""

    names: tuple[str, ...]
    is_call: BoolArray
    inverse: BoolArray
    strike: FloatArray
    expiry_ns: IntArray
    averaging_s: FloatArray
    futures: tuple[Instrument, ...]
    futures_usd: BoolArray

    @classmethod
    def of(cls, options: tuple[Instrument, ...], futures: tuple[Instrument, ...]) -> Terms:
        """Return the terms of instruments."""
        return cls(
            tuple(o.name for o in options),
            np.array([o.is_call for o in options], dtype=np.bool_),
            np.array([o.is_inverse for o in options], dtype=np.bool_),
            np.array([o.strike for o in options], dtype=np.float64),
            np.array([o.expiry_ns for o in options], dtype=np.int64),
            np.array([o.averaging_s for o in options], dtype=np.float64),
            futures,
            np.array([f.unit is Unit.USD for f in futures], dtype=np.bool_),
        )


@dataclass(slots=True)
class Rows:
    """The arrays; `count` rows are written. Prices in USD; `bid` and `ask` are of futures column 0.

    `average` is the known part of the settlement average (USD, NaN outside a window), `collateral`
    what of the collateral counts as delta (coin), `funding_8h` a fraction per eight hours.
    """

    terms: Terms
    ts_ns: IntArray
    index: FloatArray
    average: FloatArray
    collateral: FloatArray
    bid: FloatArray
    ask: FloatArray
    vol: FloatArray
    ratio: FloatArray
    mark: FloatArray
    funding_8h: FloatArray
    all: Side
    owner: Side
    expired: list[Expired] = field(default_factory=list)
    count: int = 0

    @classmethod
    def empty(cls, terms: Terms) -> Rows:
        """Return rows without content."""
        n, m = len(terms.names), len(terms.futures)
        return cls(
            terms,
            np.zeros(CAPACITY, dtype=np.int64),
            np.full(CAPACITY, np.nan),
            np.full(CAPACITY, np.nan),
            np.full(CAPACITY, np.nan),
            np.full(CAPACITY, np.nan),
            np.full(CAPACITY, np.nan),
            np.full((CAPACITY, n), np.nan),
            np.full((CAPACITY, n), np.nan),
            np.full((CAPACITY, m), np.nan),
            np.full((CAPACITY, m), np.nan),
            Side.empty(n, m),
            Side.empty(n, m),
        )

    def carry(self) -> None:
        """Start the next stretch: keep the last row as the first."""
        last = self.count - 1
        for part in self._arrays():
            part[0] = part[last]
        self.expired.clear()
        self.count = 1

    def moved_to(self, terms: Terms) -> Rows:
        """Return rows for other columns with this stretch's first row (call after `carry`)."""
        new = Rows.empty(terms)
        if not self.count:
            return new
        for name in ("ts_ns", "index", "average", "collateral", "bid", "ask"):
            getattr(new, name)[0] = getattr(self, name)[0]
        options = _places(terms.names, self.terms.names)
        futures = _places(
            tuple(f.name for f in terms.futures), tuple(f.name for f in self.terms.futures)
        )
        pairs = [(new.vol, self.vol, options), (new.ratio, self.ratio, options)]
        pairs += [(new.mark, self.mark, futures), (new.funding_8h, self.funding_8h, futures)]
        for side, old in ((new.all, self.all), (new.owner, self.owner)):
            pairs += [(side.options, old.options, options), (side.futures, old.futures, futures)]
        for mine, theirs, places in pairs:
            for here, there in places:
                mine[0, here] = theirs[0, there]
        new.count = 1
        return new

    def _arrays(self) -> list[FloatArray | IntArray]:
        arrays: list[FloatArray | IntArray] = [
            self.ts_ns, self.index, self.average, self.collateral, self.bid, self.ask,
            self.vol, self.ratio, self.mark, self.funding_8h,
        ]  # fmt: skip
        for side in (self.all, self.owner):
            arrays += [side.options, side.futures, side.traded, side.cost_usd, side.fees_usd]
        return arrays


def _places(here: tuple[str, ...], there: tuple[str, ...]) -> list[tuple[int, int]]:
    return [(i, there.index(name)) for i, name in enumerate(here) if name in there]


def worth(usd: BoolArray, quantity: FloatArray, price: FloatArray) -> FloatArray:
    """Return what futures are worth in what they settle in, so that a difference is a profit.

    N USD of an inverse contract are worth -N/price coins, q coins of a linear one q*price USD.
    Nothing held is worth nothing, whatever its price.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value: FloatArray = np.where(usd, -quantity / price, quantity * price)
    return np.where(quantity == 0.0, 0.0, value)
