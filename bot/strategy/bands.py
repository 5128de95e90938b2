"""Bands: the owner's promise, and the policy's band inside it that says when to act.

    lower ─────── policy lower ── target ── policy upper ─────── upper          delta, coin

Where to trade to once the policy band is left: its edge, the target, or a point between. With a
ticket cost F (USD per order) beside a proportional cost c (USD per coin), a half-width h that is
optimal for some risk aversion has its best destination at r = rho * h with (1 - rho)^3 = 4 rho
F/(c*h); F = 0 gives the edge, a dominating F the target. (Both first-order conditions of the
running cost J(h, r); the risk aversion drops out.)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TradeTo(StrEnum):
    """Where a hedge brings delta."""

    EDGE = "edge"
    TARGET = "target"
    INNER = "inner"


@dataclass(frozen=True, slots=True)
class Band:
    """Levels of delta in coin: lower < target < upper."""

    lower: float
    target: float
    upper: float

    def __post_init__(self) -> None:
        """Refuse a band that is not in order."""
        if not self.lower < self.target < self.upper:
            msg = (
                "expected lower < target < upper, "
                f"found {self.lower:g}, {self.target:g}, {self.upper:g}"
            )
            raise ValueError(msg)

    def holds(self, low: float, high: float | None = None) -> bool:
        """Tell whether a level, or a whole interval, lies inside."""
        return self.lower <= low and (low if high is None else high) <= self.upper

    @property
    def narrower(self) -> float:
        """Return the distance from the target to the nearer edge."""
        return min(self.upper - self.target, self.target - self.lower)

    def inside(self, half_width: float) -> Band:
        """Return the band of this half-width around the target, cut to this one."""
        return self.around(half_width, 0.0)

    def around(self, half_width: float, shift: float) -> Band:
        """Return the band of this half-width around the shifted target, cut to this one."""
        middle = self.target + shift
        return Band(
            max(self.lower, middle - half_width),
            middle,
            min(self.upper, middle + half_width),
        )


@dataclass(frozen=True, slots=True)
class GammaBand:
    """Levels of gamma in coin per 1 %; an absent side does not bind."""

    lower: float | None = None
    upper: float | None = None

    def shortfall(self, gamma: float) -> float:
        """Return the missing gamma: positive below the lower side, negative above the upper."""
        if self.lower is not None and gamma < self.lower:
            return self.lower - gamma
        if self.upper is not None and gamma > self.upper:
            return self.upper - gamma
        return 0.0

    def aim(self, gamma: float, share: float) -> float:
        """Return the level that a correction aims at: `share` of the limit, always inside.

        A limit on the far side of zero (gamma must be positive, say) is aimed beyond by the same
        part of it; where both sides bind, never past their middle.
        """
        if self.lower is not None and gamma < self.lower:
            inside = self.lower + abs(self.lower) * (1.0 - share)
            return inside if self.upper is None else min(inside, 0.5 * (self.lower + self.upper))
        if self.upper is not None and gamma > self.upper:
            inside = self.upper - abs(self.upper) * (1.0 - share)
            return inside if self.lower is None else max(inside, 0.5 * (self.lower + self.upper))
        return gamma


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a hedge ends once a band was left, and what one more order costs beside its size."""

    to: TradeTo = TradeTo.INNER
    ticket_usd: float = 0.0

    def share(self, cost_usd_per_coin: float, half_width_coin: float) -> float:
        """Return how far from the middle a hedge ends, as a share of the half-width."""
        if self.to is TradeTo.INNER:
            return inner_share(self.ticket_usd, cost_usd_per_coin, half_width_coin)
        return 1.0 if self.to is TradeTo.EDGE else 0.0


def inner_share(ticket_usd: float, cost_usd_per_coin: float, half_width_coin: float) -> float:
    """Return rho, the destination as a share of the half-width: (1 - rho)^3 = 4 rho phi.

    phi = ticket / (cost per coin * half-width). 1 when a ticket is free, towards 0 as it dominates.
    """
    if ticket_usd <= 0.0:
        return 1.0
    if cost_usd_per_coin <= 0.0 or half_width_coin <= 0.0:
        return 0.0
    phi = ticket_usd / (cost_usd_per_coin * half_width_coin)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if (1.0 - middle) ** 3 > 4.0 * middle * phi:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
