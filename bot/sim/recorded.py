"""What was recorded of a market: option chains at their snapshots and prices of the perpetual.

Plain arrays without a file behind them: `lab.recording` reads them, `sim.replay` plays them and
`lab.recorded_study` measures on them. Times are UTC nanoseconds and strictly increasing. Cells that
were absent are NaN; NaN, zero, negative and crossed prices are kept as they were found, because
whether a quote may be trusted is for the book's quality door to say. Some recorders saw sizes and
the futures' own books, some did not: what was not seen is None or absent here, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.quotes import BoolArray, FloatArray, IntArray
from bot.domain.units import NS_PER_S

LONGEST_GAP_NS: Final = 24 * 3600 * NS_PER_S
"""Beyond this a recording is torn: nothing is held, interpolated or hedged across."""


@dataclass(frozen=True, slots=True)
class Top:
    """A future's best prices at one moment: USD per coin, sizes in its own unit, NaN for absent.

    `funding_8h` is the fraction that longs pay per eight hours, zero where there is none.
    """

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    mark: float
    funding_8h: float


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One coin's option chain at one moment; `option` holds positions in the coin's `names`.

    `index`, `forward` and `futures` are USD per coin, `vol` is the venue's mark volatility (1.00 =
    100 %), `mark`, `bid` and `ask` are in coin per coin, `delta` is the venue's own Black-Scholes
    delta. `futures` maps dated futures to their prices. Sizes are in coins (NaN: unknown; None: the
    recorder knew none), `tops` holds the perpetual and the dated futures whose books were seen.
    """

    ts_ns: int
    index: float
    option: IntArray
    forward: FloatArray
    vol: FloatArray
    mark: FloatArray
    bid: FloatArray
    ask: FloatArray
    delta: FloatArray
    futures: Mapping[str, float]
    bid_size: FloatArray | None = None
    ask_size: FloatArray | None = None
    tops: Mapping[str, Top] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class PriceTrack:
    """Prices of a perpetual (USD per coin), coins traded since the point before (NaN: unknown)."""

    ts_ns: IntArray
    price: FloatArray
    volume_coin: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class CoinRecord:
    """Everything recorded of one coin. Options are in the order in which they were first seen."""

    coin: str
    names: tuple[str, ...]
    is_call: BoolArray
    strike: FloatArray
    expiry_ns: IntArray
    snapshots: tuple[Snapshot, ...]
    perpetual: PriceTrack


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The coins of one recording, in the order asked for."""

    coins: Mapping[str, CoinRecord]
