"""What an owner decides about options: limits on gamma, vega and shocks, and how plans behave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.strategy.bands import GammaBand


@dataclass(frozen=True, slots=True)
class GammaPolicy:
    """Limits and habits of the option plan.

    `aim_share`: a breach is corrected to this share of the limit. `action`: propose, auto or off.
    `vega_usd` maps a tenor bucket (see `options.rows`) to the largest |vega| there, USD per point.
    `shock_loss_usd` maps relative index moves to the largest loss that each may
    cost; `shock_delta_coin` is the largest distance of delta from its target after a move of 2 %.
    No leg is turned around within `min_hold_s`; a plan must be worth `benefit_factor` times its
    round trip at a scale-free aversion (None: the one that the delta band reveals).
    `model_vol` is the owner's own view of the next day's volatility, against which an edge is
    charged (None: none). `turnover_coin` is the most that a day's plans may trade; at `rfq_usd` of
    notional and above a proposal is a ticket for a block.
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
    vega_usd: Mapping[str, float] = field(default_factory=dict)
    shock_loss_usd: Mapping[float, float] = field(default_factory=dict)
    shock_delta_coin: float | None = None
    ticket_usd: float = 0.0
    min_hold_s: float = 14_400.0
    benefit_factor: float = 1.5
    aversion: float | None = None
    model_vol: float | None = None
    turnover_coin: float = math.inf
    rfq_usd: float = math.inf

    @property
    def looks_at_shocks(self) -> bool:
        """Tell whether some limit needs the book revalued at shocked index levels."""
        return bool(self.shock_loss_usd) or self.shock_delta_coin is not None
