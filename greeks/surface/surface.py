"""A volatility surface: one SVI slice for each expiry, when it was fitted, and how well.

Between expiries total variance is linear in variance time at fixed k. Before the first, volatility
keeps its moneyness in deviations, k/sqrt(time); beyond the last, its at-the-money level, while
the smile keeps its shape in total variance. Neither brings in arbitrage. As time passes without a
new fit, volatilities per variance time stay.

`chain.fit` makes one.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks.surface import svi
from greeks.surface.clock import Clock
from greeks.surface.svi import Least, Shape, Svi

__all__ = ["Surface", "Verdict"]

Array = NDArray[np.float64]


class Verdict(IntEnum):
    """What became of the newest attempt to fit a slice."""

    FITTED = 0
    FEW = 1  # fewer strikes than parameters
    ROUGH = 2  # it misses most of its quotes
    TORN = 3  # its butterflies have negative prices
    CROSSED = 4  # taken; but it is quoted below an earlier slice, by more than spreads explain


@dataclass(frozen=True, slots=True)
class Surface:
    """Slices by expiry; arrays of shape (n). A slice that was never fitted is NaN."""

    clock: Clock
    expiry_s: Array  # seconds of the epoch, rising
    fitted_s: Array  # when the quotes of each slice were
    variance_years: Array  # variance time to expiry then
    a: Array  # the slice then, see `Svi`
    b: Array
    rho: Array
    m: Array
    s: Array
    low: Array  # log-moneyness of the lowest quoted strike
    high: Array  # and of the highest
    quotes: NDArray[np.int64]  # how many were fitted
    error: Array  # root of the weighted mean square error, volatility per calendar year
    inside: Array  # share of the quotes met within half their spread
    from_marks: Array  # mean of the fit less the exchange's marks, near the money; NaN without
    verdict: NDArray[np.int8]  # values of `Verdict`: on the newest attempt, not on what is kept

    def slices(self, now_s: float) -> Svi:
        """Return every slice as it is by now, arrays of shape (n); NaN from its expiry on."""
        with np.errstate(invalid="ignore", divide="ignore"):
            grown = self.clock.variance_years(now_s, self.expiry_s) / self.variance_years
        grown = np.where(grown > 0.0, grown, np.nan)
        return Svi(self.a * grown, self.b * grown, self.rho, self.m, self.s)

    def at(self, k: ArrayLike, expiry_s: ArrayLike, now_s: float) -> Shape:
        """Return total variance and its derivatives in k at any expiry; NaN where there is none.

        ``k`` is ln(K/F) on the forward of that expiry. `smile` makes volatilities of it.
        """
        asked, moneyness = np.broadcast_arrays(
            np.asarray(expiry_s, dtype=np.float64), np.asarray(k, dtype=np.float64)
        )
        earlier, later, share, side = self._between(asked, now_s)
        if earlier.size == 0 or not len(self.expiry_s):
            nothing = np.full(asked.shape, np.nan)
            return Shape(nothing, nothing, nothing)
        known = self.clock.variance_years(now_s, self.expiry_s)
        wanted = self.clock.variance_years(now_s, asked)
        with np.errstate(all="ignore"):
            short = np.where(side < 0, np.sqrt(wanted / known[later]), 1.0)
            beyond = np.where(side > 0, wanted / known[later] - 1.0, 0.0)
            stretched = moneyness / short
        now = self.slices(now_s)
        first, second, level = (
            svi.shape(Svi(*(np.asarray(p)[rows] for p in now)), where)
            for rows, where in ((earlier, moneyness), (later, stretched), (later, 0.0))
        )
        with np.errstate(all="ignore"):
            variance = short * short * second.variance + beyond * level.variance
            return Shape(
                first.variance + share * (variance - first.variance),
                first.slope + share * (short * second.slope - first.slope),
                first.bend + share * (second.bend - first.bend),
            )

    def age_s(self, expiry_s: ArrayLike, now_s: float) -> Array:
        """Return for how long nothing newer has been fitted of what `at` looks at, in seconds."""
        asked = np.asarray(expiry_s, dtype=np.float64)
        earlier, later, share, _ = self._between(asked, now_s)
        if not len(self.expiry_s):
            return np.full(asked.shape, np.nan)
        oldest = np.minimum(
            np.where(share < 1.0, self.fitted_s[earlier], np.inf), self.fitted_s[later]
        )
        return np.where(np.isfinite(share), now_s - oldest, np.nan)

    def crossings(self, now_s: float) -> Least:
        """Return the least of each living slice's w over the one before it, where both were quoted.

        One element less than there are slices with a fit and a time: below 0 there is calendar
        arbitrage. Of one fit only slices with the verdict `CROSSED` have any; a slice that was kept
        beside newer ones can.
        """
        alive = self._alive(now_s)
        now = Svi(*(np.asarray(p)[alive] for p in self.slices(now_s)))
        near, far = (
            Svi(*(np.asarray(p)[part] for p in now)) for part in (slice(-1), slice(1, None))
        )
        reach = np.maximum(np.abs(self.low), np.abs(self.high))[alive]
        return svi.gap(near, far, np.minimum(reach[:-1], reach[1:]))

    def _alive(self, now_s: float) -> NDArray[np.intp]:
        """Return the rows of slices that were fitted and have not expired."""
        return np.flatnonzero(np.isfinite(self.a) & (self.expiry_s > now_s))

    def _between(
        self, asked: Array, now_s: float
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], Array, NDArray[np.int8]]:
        """Return the slices around each expiry, the later one's share, and on which side it lies.

        The side is -1 before the first living slice, 1 after the last, else 0; both slices are that
        one there.
        """
        alive = self._alive(now_s)
        if alive.size == 0:
            row = np.zeros(asked.shape, dtype=np.intp)
            return row, row, np.full(asked.shape, np.nan), np.zeros(asked.shape, dtype=np.int8)
        place = np.searchsorted(self.expiry_s[alive], asked)
        earlier = alive[np.clip(place - 1, 0, alive.size - 1)]
        later = alive[np.clip(place, 0, alive.size - 1)]
        side = np.where(place == alive.size, 1, np.where(place == 0, -1, 0)).astype(np.int8)
        exact = asked == self.expiry_s[later]
        start, end, here = (
            self.clock.variance_years(now_s, when)
            for when in (self.expiry_s[earlier], self.expiry_s[later], asked)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(exact | (end <= start), 1.0, (here - start) / (end - start))
        share = np.where(here > 0.0, share, np.nan)
        return earlier, later, share, np.where(exact, 0, side).astype(np.int8)
