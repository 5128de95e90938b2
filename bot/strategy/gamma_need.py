"""What gamma and shock limits miss now: how much, in which bucket, and why.

Corrections aim inside the limit (`aim_share` of it). Too much gamma is not sold while a shock limit
is passed: selling would take that further out, and the two needs would trade against each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bot.book.exposure import Exposure, Shocks
from bot.domain.reasons import Because, Reason
from bot.strategy.bands import GammaBand


@dataclass(frozen=True, slots=True)
class GammaPolicy:
    """Limits and habits of the gamma plan.

    `aim_share`: a breach is corrected to this share of the limit. `action`: propose, auto or off.
    `shock_loss_usd` maps relative index moves to the largest loss that each may cost;
    `shock_delta_coin` is the largest distance of delta from its target after a move of 2 %.
    """

    band: GammaBand
    expiring: GammaBand
    action: str = "propose"
    aim_share: float = 0.65
    budget_usd_per_day: float = math.inf
    max_legs: int = 4
    min_days: float = 2.0
    max_days: float = 45.0
    min_abs_delta: float = 0.10
    max_abs_delta: float = 0.90
    max_spread_vol: float = 0.08
    shock_loss_usd: Mapping[float, float] = field(default_factory=dict)
    shock_delta_coin: float | None = None

    @property
    def looks_at_shocks(self) -> bool:
        """Tell whether some limit needs the book revalued at shocked index levels."""
        return bool(self.shock_loss_usd) or self.shock_delta_coin is not None


@dataclass(frozen=True, slots=True)
class GammaNeed:
    """How much gamma is missing in each bucket (coin per 1 %, signed), and why.

    `shock_usd` is the result that the worst shock, `shock_move`, must be lifted by. `hold`: there
    is too much gamma, but selling it would take a shock limit further out.
    """

    rest: float
    expiring: float
    shock_usd: float
    reasons: tuple[Because, ...]
    shock_move: float = 0.0
    hold: bool = False

    @property
    def any(self) -> bool:
        """Tell whether anything is missing."""
        return bool(self.rest or self.expiring or self.shock_usd)


def gamma_need(
    exposure: Exposure, shocks: Shocks | None, policy: GammaPolicy, target: float = 0.0
) -> GammaNeed:
    """Return what the limits miss now; corrections aim inside, not at the limit itself."""
    if policy.action == "off":
        return GammaNeed(0.0, 0.0, 0.0, ())
    reasons = []
    rest = expiring = 0.0
    if policy.band.shortfall(exposure.gamma):
        rest = policy.band.aim(exposure.gamma, policy.aim_share) - exposure.gamma
        reasons.append(_passed(exposure.gamma, policy.band, expiring=False))
    if policy.expiring.shortfall(exposure.gamma_expiring):
        aim = policy.expiring.aim(exposure.gamma_expiring, policy.aim_share)
        expiring = aim - exposure.gamma_expiring
        reasons.append(_passed(exposure.gamma_expiring, policy.expiring, expiring=True))
    if shocks is None:
        return GammaNeed(rest, expiring, 0.0, tuple(reasons))
    swing, because = _swing(exposure, shocks, policy, target)
    hold = because is not None
    if because is not None:
        rest = max(rest, swing) if rest >= 0.0 else rest
        reasons.append(because)
    lift, move, because = _loss(shocks, policy)
    if because is not None:
        reasons.append(because)
    return GammaNeed(rest, expiring, lift, tuple(reasons), move, hold or lift > 0.0)


def _swing(
    exposure: Exposure, shocks: Shocks, policy: GammaPolicy, target: float
) -> tuple[float, Because | None]:
    """Return the gamma that keeps delta near its target after a small shock, and why."""
    limit = policy.shock_delta_coin
    if limit is None or not shocks.delta:
        return 0.0, None
    move, delta = max(shocks.delta.items(), key=lambda pair: abs(pair[1] - target))
    away = abs(delta - target)
    # Only a delta that runs against the move is short gamma, and only that can be bought back.
    against = (delta - exposure.delta) * move < 0.0
    if away <= limit or not against:
        return 0.0, None
    figures = {"move": move, "away_coin": away, "limit_coin": limit}
    # What delta is away already is the delta plan's: gamma can only take back what the move brings.
    brought = min(away, abs(delta - exposure.delta))
    needed = max(brought - limit * policy.aim_share, 0.0) / (abs(move) * 100.0)
    return needed, Because(Reason.SHOCK_LIMIT, "delta", figures)


def _loss(shocks: Shocks, policy: GammaPolicy) -> tuple[float, float, Because | None]:
    """Return how far the worst shocked loss must be lifted (USD), at which move, and why."""
    over = {
        move: -shocks.pnl_usd[move] - limit
        for move, limit in policy.shock_loss_usd.items()
        if move in shocks.pnl_usd
    }
    move = max(over, key=lambda m: over[m], default=0.0)
    if over.get(move, 0.0) <= 0.0:
        return 0.0, 0.0, None
    limit = policy.shock_loss_usd[move]
    lift = over[move] + limit * (1.0 - policy.aim_share)
    figures = {"move": move, "loss_usd": over[move] + limit, "limit_usd": limit}
    return lift, move, Because(Reason.SHOCK_LIMIT, "loss", figures)


def _passed(gamma: float, band: GammaBand, *, expiring: bool) -> Because:
    below = band.lower is not None and gamma < band.lower
    limit = band.lower if below else band.upper
    reason = Reason.GAMMA_BELOW if below else Reason.GAMMA_ABOVE
    if expiring:
        reason = Reason.EXPIRING_GAMMA
    figures = {"gamma": gamma, "limit": float(np.nan if limit is None else limit)}
    return Because(reason, "", figures)
