"""Prices as they reach us: one quote per future or perpetual, one array batch per option chain.

A missing price is NaN, never zero. Both shapes carry the venue's time and ours, because a stream
can stay alive with stale data. Whether a quote may be trusted is decided in `book.quality`, not
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask of a perpetual, future or spot pair.

    Prices are USD per coin; sizes are in the instrument's own unit (USD for inverse contracts).
    `index` is the venue's index of the coin at the same time, `mark` the venue's mark price.
    `funding_8h` is the venue's current rate (fraction per eight hours, paid by longs when
    positive).
    """

    instrument: str
    coin: str
    ts_ns: int
    ts_venue_ns: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    mark: float
    index: float
    funding_8h: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """The options of one coin in a fixed order; replaced whole when the venue changes its list.

    Arrays have one entry per name. Strikes are USD per coin.
    """

    coin: str
    names: tuple[str, ...]
    is_call: BoolArray
    strike: FloatArray
    expiry_ns: IntArray
    row: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Index the names once."""
        object.__setattr__(self, "row", {name: i for i, name in enumerate(self.names)})


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One batch of option quotes, row by row as in its listing.

    `forward` is each option's own underlying price (USD), `vol` the venue's mark volatility (1.00 =
    100 %), `mark`, `bid`, `ask` prices in the options' own unit (coin for inverse), sizes in coins.
    NaN = absent.
    """

    listing: Listing
    ts_ns: int
    ts_venue_ns: int
    index: float
    forward: FloatArray
    vol: FloatArray
    mark: FloatArray
    bid: FloatArray
    ask: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray

    @property
    def coin(self) -> str:
        """Return the coin whose options these are."""
        return self.listing.coin
