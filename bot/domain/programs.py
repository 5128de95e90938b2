"""A choice of option trades as a program: what may be traded, what each lot changes, which limits.

Plain figures that can leave the core, be solved elsewhere and be compared when they come back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """How far a search came.

    ROUNDED: the relaxation, rounded to lots. INTEGER: the integer program. SOFT: not everything
    that is wanted can be had; as much as can. NONE: nothing helps. FAILED: nothing was found out.
    """

    ROUNDED = "rounded"
    INTEGER = "integer"
    SOFT = "soft"
    NONE = "none"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of the book that trades change, and its limits.

    `now` is its value before. Inside its limits it must stay inside; outside it must not go further
    out. `aim` is where it is wanted, None where it may stay. `scale` is one unit of a miss.
    """

    name: str
    now: float
    lower: float = -math.inf
    upper: float = math.inf
    aim: float | None = None
    scale: float = 1.0

    @property
    def low(self) -> float:
        """Return the lowest value that trades may leave."""
        return min(self.lower, self.now)

    @property
    def high(self) -> float:
        """Return the highest value that trades may leave."""
        return max(self.upper, self.now)

    def missing(self, after: float) -> float:
        """Return what a value still lacks of the aim, in the figure's unit; never negative."""
        if self.aim is None:
            return 0.0
        return max(self.aim - after if self.aim > self.now else after - self.aim, 0.0)


@dataclass(frozen=True, slots=True)
class Offer:
    """One side of one option: whole lots from `least` to `most`, or none.

    `side` is +1 bought, -1 sold; `lot` coins. Per lot, with the side's sign: `cost_usd`, `delta`
    (coin), and `brings`, the change of each row of the program. `closes` tells that it takes off a
    holding, which comes first at equal cost.
    """

    name: str
    side: int
    lot: float
    least: int
    most: int
    cost_usd: float
    delta: float
    brings: tuple[float, ...]
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Find lots of offers at least cost so that every row is at its aim and inside its limits.

    The delta of the lots and of the hedge together stays between `free` (coin), the hedge within
    `hedge_sold` and `hedge_bought` coins; it costs `hedge_usd` per coin, each leg `ticket_usd`.
    `held` are the options that the rows were measured with, in coins.
    """

    coin: str
    ts_ns: int
    rows: tuple[Row, ...]
    offers: tuple[Offer, ...]
    max_legs: int
    ticket_usd: float = 0.0
    hedge_usd: float = 0.0
    free: tuple[float, float] = (0.0, 0.0)
    hedge_sold: float = math.inf
    hedge_bought: float = math.inf
    held: tuple[tuple[str, float], ...] = ()

    @property
    def wants(self) -> bool:
        """Tell whether some figure is wanted elsewhere."""
        return any(row.aim is not None for row in self.rows)


@dataclass(frozen=True, slots=True)
class Leg:
    """Lots of one offer, unsigned."""

    name: str
    side: int
    lots: int


@dataclass(frozen=True, slots=True)
class Solution:
    """What a search found: legs, the coins of hedge that belong to them, USD, and how it went.

    `bound_usd` is what no plan can be cheaper than, minus infinity where that is not known.
    """

    stage: Stage
    legs: tuple[Leg, ...] = ()
    hedge_coin: float = 0.0
    cost_usd: float = 0.0
    bound_usd: float = -math.inf
    why: str = ""
