"""A stretch of one coin's recording in memory, and the two tables that it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.domain import deribit
from bot.domain.quotes import Chain, FloatArray, IntArray, Quote
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from greeks import black76

if TYPE_CHECKING:
    import polars as pl

NS_PER_US: Final = 1_000
PERCENT: Final = 100.0
NS_PER_YEAR: Final = NS_PER_S * SECONDS_PER_YEAR


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One coin at one moment: the rows of a chain that are kept, and the fresh futures beside it.

    `dated` names the future of each expiry that has one.
    """

    ts_ns: int
    chain: Chain
    row: IntArray
    quotes: tuple[Quote, ...]
    dated: Mapping[int, str]


@dataclass(slots=True)
class Part:
    """Snapshots of one coin that will be one file, and one of futures, in the order of time."""

    coin: str
    shots: list[Shot] = field(default_factory=list)

    @property
    def first_ns(self) -> int:
        """Return the time of the first snapshot."""
        return self.shots[0].ts_ns

    def days(self, day_ns: int) -> Iterator[Part]:
        """Yield the part day by day (UTC); almost always it is one."""
        for _, shots in groupby(self.shots, key=lambda shot: shot.ts_ns // day_ns):
            yield Part(self.coin, list(shots))

    def chain(self) -> pl.DataFrame:
        """Return the option rows in the columns that `recording` reads."""
        import polars as pl

        shots = self.shots
        numbers = {name: np.concatenate([_numbers(s)[name] for s in shots]) for name in _NUMBERS}
        names = [s.chain.listing.names[place] for s in shots for place in s.row.tolist()]
        under = [name for s in shots for name in _underlyings(s)]
        at = np.concatenate([np.full(len(s.row), s.ts_ns // NS_PER_US) for s in shots])
        row = np.concatenate([np.arange(len(s.row), dtype=np.int64) for s in shots])
        return pl.DataFrame(
            {
                "snapshot_ts": _times(at),
                "row": row,
                "currency": pl.repeat(self.coin, len(names), eager=True),
                "instrument_name": names,
                "underlying_name": under,
                **numbers,
            }
        )

    def futures(self) -> pl.DataFrame:
        """Return the futures' rows in the columns that `recorded_futures` reads."""
        import polars as pl

        seen = [(shot, quote) for shot in self.shots for quote in shot.quotes]
        at = np.array([shot.ts_ns // NS_PER_US for shot, _ in seen], dtype=np.int64)
        made = np.array([quote.ts_venue_ns // NS_PER_US for _, quote in seen], dtype=np.int64)
        figures = ("bid", "ask", "bid_size", "ask_size", "mark", "index", "funding_8h")
        return pl.DataFrame(
            {
                "snapshot_ts": _times(at),
                "currency": pl.repeat(self.coin, len(seen), eager=True),
                "instrument_name": [quote.instrument for _, quote in seen],
                "quote_ts": _times(made),
            }
            | {
                name: np.array([getattr(quote, name) for _, quote in seen], dtype=np.float64)
                for name in figures
            }
        ).rename({"index": "index_price"})


_NUMBERS: Final = (
    *("underlying_price", "index_price", "bid", "ask", "bid_size", "ask_size"),
    *("mark", "mark_iv_pct", "delta"),
)


def _numbers(shot: Shot) -> dict[str, FloatArray]:
    """Return the columns of numbers of one snapshot."""
    chain, row = shot.chain, shot.row
    listing = chain.listing
    years = np.maximum(listing.expiry_ns[row] - shot.ts_ns, 0) / NS_PER_YEAR
    forward, vol = chain.forward[row], chain.vol[row]
    value = black76.first(listing.is_call[row], forward, listing.strike[row], years, vol)
    return {
        "underlying_price": forward,
        "index_price": np.full(len(row), chain.index),
        "bid": chain.bid[row],
        "ask": chain.ask[row],
        "bid_size": chain.bid_size[row],
        "ask_size": chain.ask_size[row],
        "mark": chain.mark[row],
        "mark_iv_pct": vol * PERCENT,
        "delta": value.delta,
    }


def _underlyings(shot: Shot) -> list[str]:
    """Return each row's dated future of the same expiry, or the name of a synthetic one."""
    listing = shot.chain.listing
    expiries, which = np.unique(listing.expiry_ns[shot.row], return_inverse=True)
    names = [
        shot.dated.get(expiry_ns) or f"SYN.{listing.coin}-{deribit.date_code(expiry_ns)}"
        for expiry_ns in expiries.tolist()
    ]
    return [names[i] for i in which.tolist()]


def _times(microseconds: IntArray) -> pl.Series:
    """Return UTC times as a column."""
    import polars as pl

    return pl.Series(microseconds, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
