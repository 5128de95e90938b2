"""Against churn: what a plan is worth beside its round trip, and what is not turned around yet.

Worth is half the risk aversion times the variance that the plan takes away over a horizon. The
variance is that of a book hedged once an hour, 2 (½ Γ S² σ² dt)² per step, and of its vega in a
market whose volatility moves too. An owner who has named no aversion has shown one all the same:
the delta band that he keeps is the best for a = 3/2 c Γ²/h³ (Whalley and Wilmott), c USD per coin
traded, h the band's half-width.

A leg is not turned around within the minimum holding time, unless a limit would not be passed
without it: then it is the leg itself that is too much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.book.exposure import Exposure
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.strategy.candidates import Candidate
from bot.strategy.options.rows import GammaNeed, Limit
from bot.strategy.width import aversion_of

HORIZON_S: Final = SECONDS_PER_DAY
STEP_S: Final = 3_600.0
# Volatility of volatility, relative, per square root of a year.
VOL_OF_VOL: Final = 0.8


@dataclass(frozen=True, slots=True)
class Traded:
    """What was last traded in an option for gamma: signed coins, and when."""

    ts_ns: int
    quantity: float


def gamma_variance(gamma: float, index: float, vol: float) -> float:
    """Return the variance (USD²) over the horizon of a book that is delta-hedged every step.

    `gamma` in coin per 1 %, `vol` the book's volatility per year.
    """
    step = STEP_S / SECONDS_PER_YEAR
    # gamma·100/S is coin per USD: times S² it is gamma·100·S.
    per_step = 0.5 * gamma * 100.0 * index * vol**2 * step
    return 2.0 * per_step**2 * (HORIZON_S / STEP_S)


def vega_variance(vega_usd: float, vol: float) -> float:
    """Return the variance (USD²) over the horizon of a vega, USD per volatility point."""
    points = 100.0 * vol * VOL_OF_VOL * math.sqrt(HORIZON_S / SECONDS_PER_YEAR)
    return (vega_usd * points) ** 2


def per_usd(aversion: float, index: float, gross_coin: float) -> float:
    """Return a scale-free aversion (see `strategy.policies`) in the units of 1/USD."""
    return aversion * 100.0 / (index * gross_coin) if gross_coin > 0.0 else math.inf


def revealed(gamma: float, index: float, cost_usd_per_coin: float, half_width_coin: float) -> float:
    """Return the aversion (1/USD) for which a delta band is the best one.

    `gamma` in coin per 1 %; infinite where the band has no width.
    """
    if half_width_coin <= 0.0:
        return math.inf
    return float(aversion_of(half_width_coin, cost_usd_per_coin, gamma * 100.0 / index))


def benefit_usd(
    exposure: Exposure, gamma_change: float, vega_change_usd: float, aversion: float
) -> float:
    """Return what a change of gamma and vega is worth at this aversion (1/USD), USD.

    What one of them takes away counts; what it adds to the other has a limit of its own. NaN where
    the book's volatility is not known.
    """
    index, vol, gamma, vega = exposure.index, exposure.vol, exposure.gamma_total, exposure.vega_usd
    calmer = gamma_variance(gamma, index, vol) - gamma_variance(gamma + gamma_change, index, vol)
    steadier = vega_variance(vega, vol) - vega_variance(vega + vega_change_usd, vol)
    return 0.5 * aversion * float(np.maximum(calmer, 0.0) + np.maximum(steadier, 0.0))


def held_too_short(
    traded: Mapping[str, Traded],
    need: GammaNeed,
    candidates: tuple[Candidate, ...],
    now_ns: int,
    min_hold_s: float,
) -> frozenset[tuple[str, int]]:
    """Return the sides (name, ±1) that would turn around what was traded too short a time ago."""
    barred = set()
    for candidate in candidates:
        last = traded.get(candidate.name)
        if last is None or now_ns - last.ts_ns >= min_hold_s * NS_PER_S or not last.quantity:
            continue
        if not any(_to_blame(limit, candidate, last.quantity) for limit in need.limits):
            barred.add((candidate.name, -1 if last.quantity > 0.0 else 1))
    return frozenset(barred)


def _to_blame(limit: Limit, candidate: Candidate, quantity: float) -> bool:
    """Tell whether a passed limit would not be passed without what was traded."""
    row = limit.row
    if limit.passed is None:
        return False
    without = row.now - quantity * limit.effect(candidate)
    return row.lower <= without <= row.upper
