"""Caps: what the owner set, and for everything left open what the book can need.

    order     gamma over a 3-sigma hour + the width of the owner's band, at least a fifth of
              the delta that is to go
    position  twice the gross option quantity + the width of the owner's band: no option's delta
              exceeds its coins, but net deltas of puts can, by K/S
    orders    how often a 3-sigma minute can cross the policy band, at least 10 a minute
    loss      twice the worst shock of the book as it stands, at least 1 % of the option notional
    fees      0.5 % of the gross option notional
    slippage  the same, beyond three times what was expected; whoever set the fees

A set value is a hard cap; a derived position cap yields to a proven reduction of delta. Orders
above a cap are cut to it, not dropped: a large hedge goes out in slices. Orders that are proven to
reduce delta have a reserve of four a second beside the order rate, whoever set that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.book.exposure import Exposure, Shocks
from bot.domain.reasons import Because, Reason

HOURS_PER_YEAR = 8_760.0
MINUTES_PER_YEAR = 525_600.0
FALLBACK_VOL = 0.8
RESERVE_PER_MIN = 240.0
FEWEST_SLICES = 5.0


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The owner's hard caps (None = derived from the book); collars in bps of the mark.

    The shares are of what margins are held against: an order that adds risk must leave initial and
    maintenance margin below them.
    """

    order_usd: float | None = None
    position_coin: float | None = None
    orders_per_min: float | None = None
    loss_day_usd: float | None = None
    fees_day_usd: float | None = None
    collar_bps: float = 50.0
    hard_collar_bps: float = 100.0
    initial_share: float = 0.6
    maintenance_share: float = 0.5
    confirm_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits in force for one underlying."""

    order_coin: float
    position_coin: float
    orders_per_min: float
    reserve_per_min: float
    loss_day_usd: float
    fees_day_usd: float
    slippage_day_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a day's hedging has cost (fees and slippage against the mid), and what was expected.

    Slippage is against the mid that a hedge began with: in a crash also what the price ran away by
    while it went out in slices. `spare_usd` may be lost beyond `factor` times what was expected.
    """

    paid_usd: float
    model_usd: float
    spare_usd: float
    factor: float = 3.0

    def because(self, coin: str) -> Because | None:
        """Return that trading costs far more than it should, or None."""
        limit = self.factor * self.model_usd + self.spare_usd
        # Negated so that a cost that is not a number is a breach.
        if self.paid_usd <= limit:
            return None
        return Because(Reason.SLIPPAGE_LIMIT, coin, {"cost_usd": self.paid_usd, "limit_usd": limit})


NOTHING_SPENT = Cost(0.0, 0.0, 0.0)


def derive_caps(
    rules: LimitRules,
    exposure: Exposure,
    shocks: Shocks,
    *,
    owner_width_coin: float,
    policy_width_coin: float,
    extra_coin: float,
    target: float = 0.0,
) -> Caps:
    """Return the caps of a book.

    `extra_coin` is counted collateral plus |target|, which hedges offset too.
    """
    vol = exposure.vol if math.isfinite(exposure.vol) else FALLBACK_VOL
    gamma = abs(exposure.gamma_total)
    hour_pct = 300.0 * vol / math.sqrt(HOURS_PER_YEAR)
    order = gamma * hour_pct + owner_width_coin
    if rules.order_usd is not None:
        order = rules.order_usd / exposure.index
    else:
        order = max(order, abs(exposure.delta - target) / FEWEST_SLICES)
    position = 2.0 * exposure.gross_option_coin + abs(extra_coin) + owner_width_coin
    if rules.position_coin is not None:
        position = rules.position_coin
    minute = gamma * 300.0 * vol / math.sqrt(MINUTES_PER_YEAR) / max(policy_width_coin, 1e-9)
    orders = _set(rules.orders_per_min, min(10.0 + 6.0 * minute**2, 120.0))
    worst = abs(shocks.worst_usd())
    notional = exposure.gross_option_coin * exposure.index
    return Caps(
        order_coin=order,
        position_coin=position,
        orders_per_min=orders,
        # Reducing |delta| must hardly ever wait; the venue's own limit (5 a second) is the bound.
        reserve_per_min=RESERVE_PER_MIN,
        loss_day_usd=_set(rules.loss_day_usd, max(2.0 * worst, 0.01 * notional)),
        fees_day_usd=_set(rules.fees_day_usd, 0.005 * notional),
        slippage_day_usd=0.005 * notional,
    )


def _set(hard: float | None, derived: float) -> float:
    return derived if hard is None else hard
