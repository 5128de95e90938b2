"""What the simulated exchange asks of a market, synthetic or recorded.

A market is pulled forward in time: `next_time` says when it moves next, `advance` moves it there
and says where the futures stand, `chain` gives the option quotes of a coin at that moment. Prices
are exogenous: our own orders take liquidity but do not move the market.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, Quote


@dataclass(frozen=True, slots=True)
class FutureMove:
    """Where a future stands, how deep its book is, and what was traded since before.

    `depth_usd` lies at the best price of each side, and at each of the next levels `level_gap_usd`
    apart (a little more at each level further out). `bought_usd` and `sold_usd` are the volumes of
    aggressive buyers and sellers since the previous move, which is what fills resting orders.
    `bids` and `asks` are the levels (price, size in the instrument's unit) of a book that is really
    there, best first; where they are empty, the levels behind the best price are modelled.
    """

    quote: Quote
    depth_usd: float
    level_gap_usd: float
    bought_usd: float
    sold_usd: float
    bids: tuple[tuple[float, float], ...] = ()
    asks: tuple[tuple[float, float], ...] = ()


class Market(Protocol):
    """Prices of one or more coins over event time."""

    @property
    def start_ns(self) -> int:
        """Return the first time at which the market has prices."""
        ...

    @property
    def coins(self) -> tuple[str, ...]:
        """Return the coins, in a fixed order."""
        ...

    @property
    def cadence(self) -> Cadence:
        """Return how often this market speaks; staleness is judged against it."""
        ...

    def next_time(self, now_ns: int) -> int | None:
        """Return the next time after `now_ns` at which the market moves; None at its end."""
        ...

    def advance(self, now_ns: int) -> tuple[FutureMove, ...]:
        """Move to `now_ns` (never backwards) and return every future that moved."""
        ...

    def chain_due(self, coin: str, now_ns: int) -> bool:
        """Tell whether a new option batch of the coin is published at `now_ns`."""
        ...

    def chain(self, coin: str, now_ns: int) -> Chain:
        """Return the coin's option quotes at the time of the last advance."""
        ...

    def instruments(self, coin: str, now_ns: int) -> tuple[Instrument, ...]:
        """Return what is listed at `now_ns`: the same tuple object while nothing changes."""
        ...


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often perpetuals, option batches and dated futures come, in seconds of market time."""

    quote_s: float
    chain_s: float
    future_s: float
