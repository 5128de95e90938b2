"""Profit and loss sampled each minute: tracking error, and total effectiveness with its interval.

Minutes in which a coarse market says nothing are minutes without a change. Of a run of more than a
year the newest year or so is kept. The interval is a percentile bootstrap over blocks of ten
minutes with a fixed seed: 95 %, 1,000 resamples. On a short-gamma book total effectiveness measures
the book rather than its hedger.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import NS_PER_S

MINUTE_NS = 60 * NS_PER_S
MINUTES_PER_DAY = 1_440
BLOCK = 10
KEPT = 366 * MINUTES_PER_DAY
RESAMPLES = 1_000
BOOTSTRAP_SEED = 20_260_105
LEAST_BLOCKS = 5


@dataclass(slots=True)
class Minutes:
    """Cumulated USD of hedged, unhedged and frictionless book at the first row of each minute."""

    minute: array[int] = field(default_factory=lambda: array("q"))
    _values: array[float] = field(default_factory=lambda: array("d"))

    @property
    def values(self) -> FloatArray:
        """Return the values of each minute that was kept (minutes, 3)."""
        return np.array(self._values).reshape(-1, 3)

    def add(self, ts_ns: IntArray, cumulated: FloatArray) -> None:
        """Take rows (rows, 3); a row is kept when its minute has none yet."""
        numbers = ts_ns // MINUTE_NS
        last = self.minute[-1] if self.minute else -1
        fresh = np.flatnonzero(np.diff(numbers, prepend=last) > 0)
        self.minute.extend(numbers[fresh].tolist())
        self._values.extend(cumulated[fresh].ravel().tolist())
        if len(self.minute) > KEPT + MINUTES_PER_DAY:
            del self.minute[:-KEPT], self._values[: -3 * KEPT]

    def dense(self, first: int, last: int) -> FloatArray:
        """Return the values at every minute from first to last; a missing one is the one before."""
        known = np.array(self.minute)
        place = np.searchsorted(known, np.arange(first, last + 1), side="right") - 1
        return self.values[place]


def changes(parts: Iterable[Minutes]) -> FloatArray:
    """Return one-minute changes of several coins together, over the minutes that all have."""
    known = [part for part in parts if part.minute]
    if not known:
        return np.empty((0, 3))
    first, last = max(p.minute[0] for p in known), min(p.minute[-1] for p in known)
    if last <= first:
        return np.empty((0, 3))
    pooled: FloatArray = np.diff(sum(p.dense(first, last) for p in known), axis=0)
    return pooled


def tracking_error_usd(change: FloatArray) -> float:
    """Return the deviation of hedged less frictionless one-minute changes, per root of a day."""
    if len(change) < 2:  # noqa: PLR2004 - a deviation needs two
        return 0.0
    return float(np.std(change[:, 0] - change[:, 2], ddof=1)) * math.sqrt(MINUTES_PER_DAY)


def total_effectiveness(change: FloatArray) -> float | None:
    """Return 1 - variance hedged / unhedged of one-minute changes; None without variance."""
    if len(change) < 2:  # noqa: PLR2004 - a variance needs two
        return None
    hedged, unhedged = np.var(change[:, 0]), np.var(change[:, 1])
    return float(1.0 - hedged / unhedged) if unhedged > 0.0 else None


def effectiveness_interval(change: FloatArray) -> tuple[float, float] | None:
    """Return the 95 % interval of total effectiveness; None with fewer than fifty minutes."""
    blocks = len(change) // BLOCK
    if blocks < LEAST_BLOCKS or total_effectiveness(change) is None:
        return None
    whole = change[: blocks * BLOCK, :2].reshape(blocks, BLOCK, 2)
    sums, squares = whole.sum(axis=1), (whole**2).sum(axis=1)
    generator = np.random.Generator(np.random.PCG64(BOOTSTRAP_SEED))
    drawn = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        pick = generator.integers(blocks, size=blocks)
        mean, square = sums[pick].mean(axis=0) / BLOCK, squares[pick].mean(axis=0) / BLOCK
        variance = square - mean**2
        drawn[i] = 1.0 - variance[0] / variance[1] if variance[1] > 0.0 else np.nan
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)
