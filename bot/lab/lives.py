"""Recorded options one by one: from a sale to the last snapshot, with our own deltas.

Deltas are Black-76 at the venue's mark volatility and each option's own forward. Rows that cannot
be priced (a NaN, no volatility, past expiry) are left out. Everything is at marks and without fees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.sim.recorded import CoinRecord
from greeks import black76, inverse

NS_PER_DAY: Final = SECONDS_PER_DAY * NS_PER_S
NS_PER_YEAR: Final = SECONDS_PER_YEAR * NS_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """One option from its sale to its last snapshot: marks and deltas in coin, forwards in USD.

    `vol` is the venue's mark volatility (1.00 = 100 %). `net_delta` is what an account counted in
    coin must hold against it, `plain_delta` is N(d1) of Black-76 (negative for puts), which is
    right for an account counted in USD.
    """

    name: str
    ts_ns: IntArray
    forward: FloatArray
    mark: FloatArray
    vol: FloatArray
    net_delta: FloatArray
    plain_delta: FloatArray

    def unhedged(self) -> FloatArray:
        """Return the running profit of one short option in coin, zero at the sale."""
        profit: FloatArray = self.mark[0] - self.mark
        return profit

    def hedged(self, delta: FloatArray) -> FloatArray:
        """Return the running profit with `delta` coins of the inverse future held over each step.

        N = delta x F dollars bought at F0 earn N (1/F0 - 1/F1) = delta (1 - F0/F1) coins.
        """
        steps = delta[:-1] * (1.0 - self.forward[:-1] / self.forward[1:])
        hedge: FloatArray = np.concatenate([[0.0], np.cumsum(steps)])
        return self.unhedged() + hedge

    def turnover(self) -> float:
        """Return the coins of future traded after the set-up, with the last hedge closed."""
        return float(np.abs(np.diff(self.net_delta[:-1], append=0.0)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """All rows of a coin that can be priced, option by option, each option in time."""

    start: IntArray
    ts_ns: IntArray
    days: FloatArray
    forward: FloatArray
    mark: FloatArray
    vol: FloatArray
    delta: FloatArray

    @classmethod
    def of(cls, record: CoinRecord) -> Rows:
        """Return the rows of a coin's snapshots."""
        shots = record.snapshots
        option = np.concatenate([shot.option for shot in shots])
        ts_ns = np.repeat([shot.ts_ns for shot in shots], [len(shot.option) for shot in shots])
        forward, mark, vol, delta = (
            np.concatenate([getattr(shot, name) for shot in shots])
            for name in ("forward", "mark", "vol", "delta")
        )
        days = (record.expiry_ns[option] - ts_ns) / NS_PER_DAY
        good = (
            np.isfinite(forward * mark * vol * delta) & (forward > 0.0) & (vol > 0.0) & (days > 0)
        )
        order = np.flatnonzero(good)[np.lexsort((ts_ns[good], option[good]))]
        start = np.searchsorted(option[order], np.arange(len(record.names) + 1))
        return cls(
            start=start,
            ts_ns=ts_ns[order],
            days=days[order],
            forward=forward[order],
            mark=mark[order],
            vol=vol[order],
            delta=delta[order],
        )

    def span(self, option: int) -> tuple[int, int]:
        """Return where an option's rows begin and end."""
        return int(self.start[option]), int(self.start[option + 1])

    def row(self, option: int, at_ns: int) -> int | None:
        """Return where an option's row of this time is, if it was recorded."""
        begin, end = self.span(option)
        place = begin + int(np.searchsorted(self.ts_ns[begin:end], at_ns))
        return place if place < end and self.ts_ns[place] == at_ns else None

    def life(self, record: CoinRecord, option: int, begin: int, end: int) -> Life:
        """Return an option's rows with our own deltas at the venue's mark volatility."""
        part = slice(begin, end)
        years = self.days[part] * NS_PER_DAY / NS_PER_YEAR
        terms = (
            record.is_call[option],
            self.forward[part],
            record.strike[option],
            years,
            self.vol[part],
        )
        return Life(
            name=record.names[option],
            ts_ns=self.ts_ns[part],
            forward=self.forward[part],
            mark=self.mark[part],
            vol=self.vol[part],
            net_delta=inverse.greeks(*terms).net_delta,
            plain_delta=black76.first(*terms).delta,
        )
