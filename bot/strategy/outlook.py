"""What the policy's band costs and leaves, and what other bands would: figures for a plan.

Residual risk comes in three parts, each a deviation of a day's profit in USD: what the band lets
delta wander, what gamma leaves whatever is traded in the future (with the jumps and tails that the
index has lately shown), and what volatility's own moves do to vega. NaN is not known yet. Points of
the frontier and other policies tell the first part and what both first leave together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bot.book.exposure import Exposure
from bot.strategy.bands import Landing, TradeTo
from bot.strategy.delta import DeltaPolicy, LastHedge, Levels, plan_delta
from bot.strategy.policies import (
    Conditions,
    Fixed,
    Knob,
    OfBook,
    WhalleyWilmott,
    gamma_part,
    vega_part,
)

POINTS: Final = 7
"""Of the frontier."""

FIXED_SHARE: Final = 0.35
"""Half-width of the fixed band that is shown beside the others, of the owner's narrower side."""


@dataclass(frozen=True, slots=True)
class Residual:
    """What a day leaves: deviations in USD, and the average cost of keeping it to that, USD."""

    band_usd_day: float
    gamma_usd_day: float
    vega_usd_day: float
    cost_usd_day: float


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One half-width of the frontier, where its hedges end (coin), its cost and what it leaves.

    `band_usd_day` is the band's part, `deviation_usd_day` that with gamma's.
    """

    half_coin: float
    inner_coin: float
    cost_usd_day: float
    band_usd_day: float
    deviation_usd_day: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """What another policy would do now: its band (coin), its trade (coin), cost and deviations."""

    policy: str
    lower: float
    upper: float
    change_coin: float
    cost_usd_day: float
    band_usd_day: float
    deviation_usd_day: float


def residual(levels: Levels, landing: Landing) -> Residual:
    """Return what a band in force leaves of a day."""
    now, half = levels.conditions, _half(levels)
    return Residual(
        band_usd_day=now.deviation_a_day(half, landing),
        gamma_usd_day=gamma_part(now),
        vega_usd_day=vega_part(now),
        cost_usd_day=now.cost_a_day(half, landing),
    )


def frontier(policy: DeltaPolicy, now: Conditions) -> tuple[FrontierPoint, ...]:
    """Return what less risk costs: half-widths from the narrowest to the widest in the room."""
    if not now.known:
        return ()
    room, landing = policy.room(now), policy.landing
    return tuple(
        FrontierPoint(
            half_coin=half,
            inner_coin=half * landing.share(now.cost_usd_per_coin, half),
            cost_usd_day=now.cost_a_day(half, landing),
            band_usd_day=now.deviation_a_day(half, landing),
            deviation_usd_day=math.hypot(gamma_part(now), now.deviation_a_day(half, landing)),
        )
        for half in np.geomspace(room.least, room.most, POINTS).tolist()
    )


def alternatives(
    policy: DeltaPolicy, exposure: Exposure, now: Conditions
) -> tuple[Alternative, ...]:
    """Return what other policies inside the same owner's band would do with an exposure."""
    return tuple(_alternative(name, other, exposure, now) for name, other in _others(policy, now))


def _others(policy: DeltaPolicy, now: Conditions) -> Iterator[tuple[str, DeltaPolicy]]:
    fixed = Fixed(FIXED_SHARE * policy.owner.narrower)
    for setting in (0.3, 1.0, 3.0):
        chosen = WhalleyWilmott(Knob.AVERSION, setting)
        yield f"whalley_wilmott aversion {setting:g}", replace(policy, width=chosen)
    yield f"fixed {fixed.coin:g} coin", replace(policy, width=fixed)
    target = Landing(TradeTo.TARGET, policy.landing.ticket_usd)
    yield f"fixed {fixed.coin:g} coin, to the target", replace(policy, width=fixed, landing=target)
    if now.gross_coin > 0.0:
        bps = 1e4 * fixed.coin / now.gross_coin
        yield f"bps {bps:.3g}", replace(policy, width=OfBook(bps))


def _alternative(
    name: str, policy: DeltaPolicy, exposure: Exposure, now: Conditions
) -> Alternative:
    levels = policy.levels(now)
    plan = plan_delta(exposure, policy, levels, LastHedge(), now.smallest_coin)
    half = _half(levels)
    left = now.deviation_a_day(half, policy.landing)
    return Alternative(
        policy=name,
        lower=levels.band.lower,
        upper=levels.band.upper,
        change_coin=plan.change,
        cost_usd_day=now.cost_a_day(half, policy.landing),
        band_usd_day=left,
        deviation_usd_day=math.hypot(gamma_part(now), left),
    )


def _half(levels: Levels) -> float:
    return 0.5 * (levels.band.upper - levels.band.lower)
