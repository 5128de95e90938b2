"""Our own budget of requests: the venue's credit pools, kept a little smaller than they are.

The venue refills continuously up to a burst (matching engine: 5 a second up to 20; everything else:
20 a second up to 100; an account's own tier may say otherwise; portfolio simulations: one a
second). A pool here refills at 95 % of that and holds less by `SLACK`, because requests that left
evenly may arrive together. Orders may not spend the last credits: those are for cancels.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.domain.units import NS_PER_S

SHARE: Final = 0.95
SLACK: Final = 2.0
MOST: Final = 1e6


@dataclass(frozen=True, slots=True)
class Tier:
    """A pool as the venue grants it: requests a second, and how many at once."""

    rate: float
    burst: float


MATCHING: Final = Tier(rate=5.0, burst=20.0)
OTHERS: Final = Tier(rate=20.0, burst=100.0)
SIMULATIONS: Final = Tier(rate=1.0, burst=1.0)
CANCEL_RESERVE: Final = 6.0


class Pool:
    """One pool of credits, full at the start; a clock that goes back earns nothing."""

    def __init__(self, tier: Tier, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._at_ns = clock()
        self.tier = tier
        self.left = self.most

    @property
    def most(self) -> float:
        """Return how many credits the pool holds when full."""
        return max(1.0, self.tier.burst - SLACK)

    def take(self, keep: float = 0.0) -> bool:
        """Spend one credit if at least `keep` remain afterwards; return whether it was spent."""
        self._refill()
        if self.left - 1.0 < keep:
            return False
        self.left -= 1.0
        return True

    async def spend(self) -> None:
        """Spend one credit as soon as there is one."""
        while True:
            if self.take():
                return
            await asyncio.sleep(self.wait_s())

    def wait_s(self, keep: float = 0.0) -> float:
        """Return the seconds until `take` succeeds; infinite when it never will."""
        self._refill()
        missing = keep + 1.0 - self.left
        if keep + 1.0 > self.most:
            return math.inf
        return max(0.0, missing / (SHARE * self.tier.rate))

    def grant(self, tier: Tier) -> None:
        """Take over what the venue says about the account's own tier."""
        self._refill()
        spent = self.most - self.left
        self.tier = tier
        self.left = max(0.0, self.most - spent)

    def empty(self) -> None:
        """Spend everything: the venue said that we asked too often."""
        self._refill()
        self.left = 0.0

    def _refill(self) -> None:
        now_ns = self._clock()
        gained = max(0, now_ns - self._at_ns) / NS_PER_S * SHARE * self.tier.rate
        self.left = min(self.most, self.left + gained)
        self._at_ns = max(now_ns, self._at_ns)


class Credits:
    """The pools of one account."""

    def __init__(
        self, clock: Callable[[], int], matching: Tier = MATCHING, others: Tier = OTHERS
    ) -> None:
        self.matching, self.others = Pool(matching, clock), Pool(others, clock)
        self.simulations = Pool(SIMULATIONS, clock)

    def order(self) -> bool:
        """Spend a credit on an order; False where only the reserve for cancels is left."""
        return self.matching.take(self.reserve)

    @property
    def reserve(self) -> float:
        """Return how many credits only cancels may spend; a small tier reserves at most half."""
        return min(CANCEL_RESERVE, self.matching.most / 2.0)

    def learn(self, limits: object) -> None:
        """Take over the account's own tiers from the account summary's `limits`, where it tells."""
        if not isinstance(limits, dict):
            return
        matching = limits.get("matching_engine")
        for word in ("trading", "total"):  # newer accounts nest what older ones tell at once
            matching = (
                matching[word] if isinstance(matching, dict) and word in matching else matching
            )
        for pool, raw in (
            (self.matching, matching),
            (self.others, limits.get("non_matching_engine")),
        ):
            tier = _tier(raw)
            if tier is not None and tier != pool.tier:
                pool.grant(tier)


def _tier(raw: object) -> Tier | None:
    """Return a pool of the account's limits, None where it does not say."""
    if not isinstance(raw, dict):
        return None
    rate, burst = raw.get("rate"), raw.get("burst")
    if not isinstance(rate, int | float) or not isinstance(burst, int | float):
        return None
    return Tier(float(rate), float(burst)) if 0 < rate < MOST and 0 < burst < MOST else None
