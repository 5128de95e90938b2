"""How long delta can be left where it is: until it may have run to the owner's edge.

Delta moves with the price by gamma, so that in a time T it wanders by about Γ·σ·√T. The time in
which that, `CAUTION` times over, is the distance d to the owner's edge is

    T = (d / (CAUTION · 100 Γ σ))²        Γ coin per 1 %, σ a year, T years

A hedge may wait that long for a maker's fill; nearer the edge, with more gamma or in a wilder
market it may not. Gamma is the larger of the book's own and of that around the price, volatility
the larger of realised and implied: a market that has just woken up has not realised it yet.
"""

from __future__ import annotations

import math
from typing import Final

from bot.book.exposure import Exposure
from bot.domain.units import SECONDS_PER_YEAR
from bot.strategy.bands import Band
from bot.strategy.policies import Conditions

CAUTION: Final = 4.0
"""Deviations: a normal price gets further in 0.01 % of all cases, one that jumps more often."""


def patience_s(owner: Band, level: float, exposure: Exposure, now: Conditions) -> float:
    """Return for how many seconds a level of delta (coin) can wait; 0 outside the owner's band.

    Infinite without gamma; 0 where gamma or, with gamma, volatility is not known.
    """
    if not owner.holds(level):
        return 0.0
    distance = owner.upper - level if level > owner.target else level - owner.lower
    gammas = (exposure.gamma_total, now.gamma)
    if any(map(math.isnan, gammas)):
        return 0.0
    gamma = max(map(abs, gammas))
    vol = max((v for v in (exposure.vol, now.vol) if math.isfinite(v)), default=math.nan)
    if gamma == 0.0:
        return math.inf
    if math.isnan(vol):
        return 0.0
    drift = 100.0 * gamma * vol
    return (distance / (CAUTION * drift)) ** 2 * SECONDS_PER_YEAR if drift > 0.0 else math.inf
