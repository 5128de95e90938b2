"""What one family of policies costs less than another where both leave the same deviation.

Costs at a deviation are read off between a family's parameters, on straight lines between
logarithms. Intervals come from blocks of the recording that are drawn again with replacement, all
policies on the same ones (paired), the frontiers anew for each draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final, NamedTuple

import numpy as np

from bot.domain.quotes import FloatArray, IntArray

SEED: Final = 20_260_205
DRAWS: Final = 500
INTERVAL: Final = (0.025, 0.975)
HALF: Final = 0.5


class Tried(NamedTuple):
    """One policy's cost and what it left, over units (a book's day, or a book's life)."""

    family: str
    parameter: float
    cost: FloatArray  # USD
    left: FloatArray  # USD


class Saving(NamedTuple):
    """By which share a policy is cheaper at a deviation, with an interval of 95 %."""

    at: str
    deviation: float  # USD
    cost: float  # USD, ours
    beside: float  # USD, the other's
    share: float  # 1 - cost/beside
    low: float
    high: float
    reached: float  # share of the draws in which the other reached this deviation at all

    @property
    def told(self) -> str:
        """Return the share with its interval; a dash where half of the draws have none."""
        if self.reached < HALF or not isfinite(self.share):
            return "–"
        return f"{100 * self.share:.0f} % ({100 * self.low:.0f} to {100 * self.high:.0f})"


class Units(NamedTuple):
    """All policies on the same units, and the block of each unit."""

    tried: Sequence[Tried]
    block: IntArray


def frontier(deviation: FloatArray, cost: FloatArray, at: float) -> float:
    """Return the cost at a deviation; NaN below the least, the widest's cost beyond.

    What costs more and leaves more than another parameter is no choice.
    """
    order = np.argsort(cost)
    least = np.minimum.accumulate(deviation[order])
    kept = order[np.append(True, least[1:] < least[:-1])][::-1]
    kept = kept[(cost[kept] > 0.0) & (deviation[kept] > 0.0)]
    if not kept.size or at <= 0.0:
        return float("nan")
    logs = np.log(deviation[kept]), np.log(cost[kept])
    return float(np.exp(np.interp(np.log(at), *logs, left=np.nan)))


def savings(
    units: Units,
    ours: str,
    others: Sequence[str],
    aversions: Sequence[float],
    timers: str = "timer",
) -> list[Saving]:
    """Return ours beside the best of the others at our own deviations, then beside each timer."""
    return _Comparison(units, ours, others, aversions, timers).savings()


class _Comparison:
    """One table: the sums of every block, and what is read off their totals."""

    def __init__(
        self,
        units: Units,
        ours: str,
        others: Sequence[str],
        aversions: Sequence[float],
        timers: str,
    ) -> None:
        self.tried = list(units.tried)
        _, block = np.unique(units.block, return_inverse=True)
        self.blocks = int(block.max()) + 1

        def sums(values: FloatArray) -> FloatArray:
            total: FloatArray = np.bincount(block, values, self.blocks).astype(np.float64)
            return total

        self.count = sums(np.ones(len(block)))
        self.cost = np.array([sums(one.cost) for one in self.tried])
        self.left = np.array([sums(one.left) for one in self.tried])
        self.square = np.array([sums(one.left**2) for one in self.tried])
        self.place = {
            family: np.array([i for i, one in enumerate(self.tried) if one.family == family])
            for family in {one.family for one in self.tried}
        }
        self.ours, self.others, self.timers = ours, others, timers
        self.asked = [
            next(i for i in self.place[ours] if self.tried[i].parameter == aversion)
            for aversion in aversions
        ]

    def savings(self) -> list[Saving]:
        """Return the table."""
        names = [f"aversion {self.tried[i].parameter:g}" for i in self.asked]
        names.append("mean of these")
        names += [f"timer {self.tried[i].parameter:g} h" for i in self.place.get(self.timers, [])]
        whole = self.at(np.ones(self.blocks))
        rng = np.random.Generator(np.random.PCG64(SEED))
        drawn = rng.multinomial(self.blocks, np.full(self.blocks, 1.0 / self.blocks), DRAWS)
        again = np.array([self.at(weight.astype(np.float64)) for weight in drawn])[:, :, 3]
        table = []
        for name, row, share in zip(names, whole, again.T, strict=True):
            known = share[np.isfinite(share)]
            low, high = np.quantile(known, INTERVAL) if known.size else (np.nan, np.nan)
            reached = known.size / share.size
            deviation, cost, beside, part = row.tolist()
            table.append(
                Saving(name, deviation, cost, beside, part, float(low), float(high), reached)
            )
        return table

    def at(self, weight: FloatArray) -> FloatArray:
        """Return deviation, our cost, the other's and the saving by row, for weighted blocks."""
        count = self.count @ weight
        cost = self.cost @ weight / count
        deviation = np.sqrt(self.square @ weight / count - (self.left @ weight / count) ** 2)
        rows = []
        for own in self.asked:
            beside = [
                frontier(deviation[place], cost[place], deviation[own])
                for place in (self.place[family] for family in self.others)
            ]
            best = np.nanmin(beside) if np.isfinite(beside).any() else np.nan
            rows.append((deviation[own], cost[own], best, 1.0 - cost[own] / best))
        with np.errstate(divide="ignore"):
            middle = np.exp(np.mean(np.log(np.array(rows)[:, :3]), axis=0))
        rows.append((*middle, 1.0 - middle[1] / middle[2]))
        own = self.place[self.ours]
        for timer in self.place.get(self.timers, []):
            paid = frontier(deviation[own], cost[own], deviation[timer])
            rows.append((deviation[timer], paid, cost[timer], 1.0 - paid / cost[timer]))
        return np.array(rows)
