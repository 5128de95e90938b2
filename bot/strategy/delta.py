"""The delta plan: whether to trade, how much, how urgently, and why.

The owner's band is a promise; the policy's band inside it says when to act. An order must be right
for the whole interval that the exposure may still become: nothing is traded while the interval
straddles a band, and never more than the ratio of the smallest distance to the target over it,
which is why a lost reply cannot make us overshoot.

Cooldown and minimum move keep noise from trading; both yield as soon as the owner's band is left.
Quantities are cut to whole lots afterwards, so a destination on an edge lies one smallest order
inside it: what is sent would otherwise end just outside, again and again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from bot.book.exposure import Exposure
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between
from bot.strategy.bands import Band, TradeTo, inner_share

LEAST_SHARE = 0.05


class Urgency(StrEnum):
    """How an order should be worked."""

    PASSIVE = "passive"
    CROSS = "cross"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class DeltaPolicy:
    """When to act inside the owner's band, and how far.

    `width_coin` is the policy's half-width (kind fixed); with `width_bps` (kind bps) it is that
    share of the book's gross option notional. `cross_share` is the part of the way from policy to
    owner's band after which waiting for a maker fill is no longer worth it.
    """

    owner: Band
    width_coin: float
    width_bps: float | None = None
    trade_to: TradeTo = TradeTo.INNER
    ratio: float = 1.0
    min_move_bps: float = 0.0
    cooldown_s: float = 0.0
    ticket_usd: float = 0.0
    cross_share: float = 0.35

    def band(self, exposure: Exposure) -> Band:
        """Return the band in force; a bps width grows and shrinks with the book."""
        width = self.width_coin
        if self.width_bps is not None:
            # A book that is nearly gone must not be chased within a sliver of its target.
            owner = self.owner
            narrower = min(owner.upper - owner.target, owner.target - owner.lower)
            width = self.width_bps * 1e-4 * exposure.gross_option_coin
            width = max(width, LEAST_SHARE * narrower)
        return self.owner.inside(max(width, 1e-9))


@dataclass(frozen=True, slots=True)
class LastHedge:
    """When a coin was last traded, and where its index stood."""

    ts_ns: int = 0
    index: float = math.nan


@dataclass(frozen=True, slots=True)
class DeltaPlan:
    """A signed change of delta that is wanted (coin); zero with reasons when nothing is.

    `step` is the step of a settlement unwind that the change completes, 0 where it is none.
    `at_once` tells that a person asked for it, whatever the bands say.
    """

    change: float
    policy: Band
    urgency: Urgency
    reasons: tuple[Because, ...]
    step: int = 0
    at_once: bool = False

    @property
    def wanted(self) -> bool:
        """Tell whether anything should be traded."""
        return self.change != 0.0

    @property
    def purpose(self) -> str:
        """Return what an order for it is for: delta or unwind."""
        return "unwind" if self.step else "delta"


def plan_delta(
    exposure: Exposure,
    policy: DeltaPolicy,
    last: LastHedge,
    cost_usd_per_coin: float,
    smallest: float = 0.0,
) -> DeltaPlan:
    """Return what delta wants now.

    `cost_usd_per_coin` is what hedging one coin costs (half spread and fee); it only matters for
    trade_to inner. `smallest` is the delta of the smallest order, in coin.
    """
    band, owner = policy.band(exposure), policy.owner
    low, high = exposure.low, exposure.high
    if band.holds(low, high):
        return DeltaPlan(0.0, band, Urgency.PASSIVE, (Because(Reason.INSIDE_BAND),))
    above, below = low > band.upper, high < band.lower
    if not (above or below):
        figures = {"low": low, "high": high, "lower": band.lower, "upper": band.upper}
        return DeltaPlan(
            0.0, band, Urgency.PASSIVE, (Because(Reason.DELTA_UNCERTAIN, "", figures),)
        )
    # The point of the interval nearest to the target: what is surely too much.
    nearest = low if above else high
    breached = nearest > owner.upper or nearest < owner.lower
    reason = _breach(above=above, owner=breached, delta=nearest, band=owner if breached else band)
    if not breached:
        held_back = _held_back(exposure, policy, last)
        if held_back is not None:
            return DeltaPlan(0.0, band, Urgency.PASSIVE, (reason, held_back))
    to = _destination(policy, band, cost_usd_per_coin, smallest, above=above)
    change = policy.ratio * (to - nearest)
    if breached:
        # The promise does not wait for a ratio to converge: at least back inside.
        inside = owner.upper - smallest if above else owner.lower + smallest
        back = inside - nearest
        change = min(change, back) if above else max(change, back)
    # A ratio above one goes beyond the destination, never beyond the owner's far edge.
    far = (owner.lower - low) if above else (owner.upper - high)
    change = max(change, min(far, 0.0)) if above else min(change, max(far, 0.0))
    return DeltaPlan(change, band, urgency_of(policy, band, nearest), (reason,))


def _destination(
    policy: DeltaPolicy, band: Band, cost: float, smallest: float, *, above: bool
) -> float:
    if policy.trade_to is TradeTo.TARGET:
        return band.target
    edge = band.upper if above else band.lower
    width = abs(edge - band.target)
    away = width
    if policy.trade_to is TradeTo.INNER:
        away = width * inner_share(policy.ticket_usd, cost, width)
    away = max(min(away, width - smallest), 0.0)
    return band.target + math.copysign(away, edge - band.target)


def urgency_of(policy: DeltaPolicy, band: Band, level: float) -> Urgency:
    """Return how urgently a level of delta outside the policy band must be brought back."""
    if not policy.owner.holds(level):
        return Urgency.URGENT
    edge, limit = (
        (band.upper, policy.owner.upper)
        if level > band.target
        else (band.lower, policy.owner.lower)
    )
    room = limit - edge
    gone = (level - edge) / room if room else 1.0
    return Urgency.CROSS if gone > policy.cross_share else Urgency.PASSIVE


def _held_back(exposure: Exposure, policy: DeltaPolicy, last: LastHedge) -> Because | None:
    waited_s = seconds_between(last.ts_ns, exposure.ts_ns)
    if last.ts_ns and waited_s < policy.cooldown_s:
        figures = {"waited_s": waited_s, "cooldown_s": policy.cooldown_s}
        return Because(Reason.COOLDOWN, "", figures)
    if policy.min_move_bps > 0.0 and math.isfinite(last.index):
        moved_bps = abs(exposure.index / last.index - 1.0) * 1e4
        if moved_bps < policy.min_move_bps:
            figures = {"moved_bps": moved_bps, "min_move_bps": policy.min_move_bps}
            return Because(Reason.SMALL_MOVE, "", figures)
    return None


def _breach(*, above: bool, owner: bool, delta: float, band: Band) -> Because:
    if above:
        reason = Reason.DELTA_ABOVE_OWNER if owner else Reason.DELTA_ABOVE_POLICY
    else:
        reason = Reason.DELTA_BELOW_OWNER if owner else Reason.DELTA_BELOW_POLICY
    limit = band.upper if above else band.lower
    return Because(reason, "", {"delta_coin": delta, "limit_coin": limit})
