"""Delta brought to its target at once because a person asked, also from inside the bands.

Neither band, cooldown nor minimum move is asked, and nothing waits for a maker's fill. An order
must be right for the whole interval all the same: only what is surely too much is traded.
"""

from __future__ import annotations

from bot.book.exposure import Exposure
from bot.domain.reasons import Because, Reason
from bot.strategy.bands import Band
from bot.strategy.delta import DeltaPlan, DeltaPolicy


def plan_at_once(
    exposure: Exposure, policy: DeltaPolicy, band: Band, smallest: float
) -> DeltaPlan | None:
    """Return the trade to the owner's target, zero while it is not sure that one is needed.

    `band` is the policy's. None when nothing is left to trade: the whole interval lies within
    `smallest`, the delta of the smallest order (coin), of the target.
    """
    target = policy.owner.target
    low, high = exposure.low - target, exposure.high - target
    if max(abs(low), abs(high)) < smallest:
        return None
    surely = low if low > 0.0 else min(high, 0.0)
    if abs(surely) < smallest or surely == 0.0:
        figures = {"low": exposure.low, "high": exposure.high, "target": target}
        because = Because(Reason.DELTA_UNCERTAIN, "", figures)
        return DeltaPlan(0.0, band, (because,), at_once=True)
    because = Because(Reason.HEDGE_NOW, "", {"delta_coin": surely + target, "target_coin": target})
    return DeltaPlan(-surely, band, (because,), at_once=True)
