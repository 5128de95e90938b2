"""The gamma plan: liquid options that bring gamma and shock figures back, with their cost.

Two needs are served: `gamma` (everything beyond 24 hours) is brought back by trading liquid options
of allowed tenors; `gamma_expiring` only by closing what is held, so that nobody buys pin risk by
accident. Long gamma is bought from anything on the chain; it is sold only out of what is held long.
What is held short comes first at equal price, because closing frees margin.

Candidates are ranked by cost per unit of gamma (half spread and fee; theta is shown, not charged:
bought gamma always carries it) and taken greedily, whole lots within the displayed size, at most
`max_legs`, each within a tolerance of its model value. A spread that is too wide to open on may
still be wide enough to close on: closing frees risk. What the legs do not bring is told as missing.
The delta that they bring is left to the delta plan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.reasons import Because, Reason
from bot.strategy.candidates import Candidate
from bot.strategy.gamma_need import GammaNeed, GammaPolicy, gamma_need

__all__ = [
    "GammaNeed", "GammaPlan", "GammaPolicy", "GammaTrade", "gamma_need", "plan_gamma",
    "within_budget",
]  # fmt: skip

# A holding may be closed on a spread this many times as wide as one that is opened on.
CLOSING_SPREADS = 3.0
# Below this a difference of floats is none.
DUST = 1e-12


@dataclass(frozen=True, slots=True)
class GammaTrade:
    """A leg: lots of one candidate, signed quantity in coins.

    `tolerance` is how far from the mark its price may be, in the option's own unit.
    """

    candidate: Candidate
    quantity: float
    tolerance: float

    @property
    def cost_usd(self) -> float:
        """Return half spread and fee of the whole leg."""
        return abs(self.quantity) * self.candidate.cost_usd

    @property
    def gamma(self) -> float:
        """Return the gamma that the leg brings, coin per 1 %."""
        return self.quantity * self.candidate.gamma

    @property
    def theta_usd_day(self) -> float:
        """Return the theta that the leg brings, USD per day."""
        return self.quantity * self.candidate.theta_usd_day


@dataclass(frozen=True, slots=True)
class GammaPlan:
    """What would bring the book back: legs, the candidates considered, what is still missing.

    `missing` is in coin per 1 %, `missing_usd` the shocked result that the legs do not lift.
    """

    need: GammaNeed
    trades: tuple[GammaTrade, ...]
    candidates: tuple[Candidate, ...]
    missing: float
    reasons: tuple[Because, ...]
    missing_usd: float = 0.0

    @property
    def cost_usd(self) -> float:
        """Return half spreads and fees of all legs."""
        return sum(trade.cost_usd for trade in self.trades)

    @property
    def lacks(self) -> dict[str, float]:
        """Return what is still missing as figures for a reason."""
        figures = {"missing": self.missing}
        return figures | ({"missing_usd": self.missing_usd} if self.need.shock_usd else {})

    def of(self, trades: tuple[GammaTrade, ...]) -> GammaPlan:
        """Return this plan with other legs, and what is missing with those."""
        missing, missing_usd = _missing(self.need, trades)
        return replace(self, trades=trades, missing=missing, missing_usd=missing_usd)


def plan_gamma(
    need: GammaNeed,
    candidates: tuple[Candidate, ...],
    held: Mapping[str, float],
    policy: GammaPolicy,
) -> GammaPlan:
    """Return the cheapest legs that meet the need, as far as the visible sizes allow.

    `held` maps option names to signed coins.
    """
    trades: list[GammaTrade] = []
    shown: list[Candidate] = []
    legs = _Legs(held, policy, trades)
    if need.expiring:
        closing = [c for c in candidates if c.expiring and _closes(held, c, need.expiring)]
        _take(need.expiring, closing, legs)
        shown += closing
    if need.rest > 0.0 or (need.rest and not need.hold):
        usable = [c for c in candidates if not c.expiring and legs.room(c, need.rest)[0] > 0.0]
        _take(need.rest, usable, legs)
        shown += usable
    if need.shock_usd > 0.0:
        move = need.shock_move
        lifted = sum(t.quantity * t.candidate.shock_usd(move) for t in trades)
        wings = [c for c in candidates if not c.expiring and c.shock_usd(move) > 0.0]
        wings = [c for c in wings if legs.room(c, 1.0, wing=True)[0] > 0.0]
        _take_shock(need.shock_usd - lifted, wings, move, legs)
        shown += wings
    unique = {c.name: c for c in shown}.values()
    ranked = sorted(unique, key=lambda c: (c.cost_per_gamma, c.name))[:12]
    plan = GammaPlan(need, (), tuple(ranked), 0.0, need.reasons).of(tuple(trades))
    if not trades:
        nothing = Because(Reason.NO_CANDIDATE, "", plan.lacks)
        plan = replace(plan, reasons=(*need.reasons, nothing))
    return plan


def within_budget(plan: GammaPlan, left_usd: float) -> GammaPlan:
    """Return the plan cut to what it may still cost: whole lots, the cheapest gamma first."""
    if plan.cost_usd <= left_usd:
        return plan
    kept = []
    for trade in sorted(plan.trades, key=lambda t: (t.candidate.cost_per_gamma, t.candidate.name)):
        candidate = trade.candidate
        affordable = max(left_usd, 0.0) / candidate.cost_usd
        size = _whole_lots(abs(trade.quantity), affordable, candidate)
        if size > 0.0:
            kept.append(replace(trade, quantity=math.copysign(size, trade.quantity)))
            left_usd -= size * candidate.cost_usd
    return plan.of(tuple(kept))


def _missing(need: GammaNeed, trades: tuple[GammaTrade, ...]) -> tuple[float, float]:
    """Return what the legs leave missing: coin per 1 % over both buckets, and USD in the shock."""
    missing = 0.0
    for wanted, expiring in ((need.rest, False), (need.expiring, True)):
        if wanted:
            brought = sum(t.gamma for t in trades if t.candidate.expiring is expiring)
            missing += max((wanted - brought) * math.copysign(1.0, wanted), 0.0)
    lifted = sum(t.quantity * t.candidate.shock_usd(need.shock_move) for t in trades)
    # Sums of floats leave dust where nothing is missing.
    return (
        missing if missing > DUST else 0.0,
        max(need.shock_usd - lifted, 0.0) if need.shock_usd > 0.0 else 0.0,
    )


@dataclass(frozen=True, slots=True)
class _Legs:
    """The legs under construction, and what each option has room for."""

    held: Mapping[str, float]
    policy: GammaPolicy
    trades: list[GammaTrade]

    def room(self, c: Candidate, need: float, *, wing: bool = False) -> tuple[float, float]:
        """Return how many coins may be traded, and at what distance from the mark.

        Beyond what closes a holding only what is bought, liquid and of an allowed tenor; a wing may
        have any delta.
        """
        shown = c.ask_size if need > 0.0 else c.bid_size
        away = c.ask - c.mark if need > 0.0 else c.mark - c.bid
        opening = self.policy.max_spread_vol
        fresh = need > 0.0 and _fresh(c, self.policy, wing=wing)
        if fresh and away <= c.tolerance(opening) + DUST:
            return shown, c.tolerance(opening)
        closing = CLOSING_SPREADS * opening
        fits = c.spread_vol <= closing and away <= c.tolerance(closing) + DUST
        if fits and _closes(self.held, c, need):
            return min(shown, abs(self.held[c.name])), c.tolerance(closing)
        return 0.0, 0.0

    @property
    def full(self) -> bool:
        """Tell whether no further leg is allowed."""
        return len(self.trades) >= self.policy.max_legs


def _fresh(c: Candidate, policy: GammaPolicy, *, wing: bool) -> bool:
    """Tell whether an option may be bought beyond what closes a holding."""
    return (
        not c.expiring
        and policy.min_days <= c.days <= policy.max_days
        and (wing or policy.min_abs_delta <= abs(c.delta) <= policy.max_abs_delta)
        and c.spread_vol <= policy.max_spread_vol
    )


def _closes(held: Mapping[str, float], c: Candidate, need: float) -> bool:
    return held.get(c.name, 0.0) * need < 0.0


def _take(need: float, usable: list[Candidate], legs: _Legs) -> None:
    """Append the cheapest legs for a gamma need."""
    side = math.copysign(1.0, need)

    def price(c: Candidate) -> tuple[float, bool, str]:
        return (c.cost_per_gamma, not _closes(legs.held, c, need), c.name)

    for candidate in sorted(usable, key=price):
        if need * side <= DUST or legs.full:
            break
        if candidate.gamma <= 0.0:  # seen from a coin book deep options have none to sell
            continue
        room, tolerance = legs.room(candidate, need)
        size = _whole_lots(need * side / candidate.gamma, room, candidate)
        if size > 0.0:
            legs.trades.append(GammaTrade(candidate, side * size, tolerance))
            need -= side * size * candidate.gamma


def _take_shock(need_usd: float, wings: list[Candidate], move: float, legs: _Legs) -> None:
    """Append bought options that lift the worst shocked result most per dollar of cost."""
    ranked = sorted(wings, key=lambda c: (c.cost_usd / c.shock_usd(move), c.name))
    taken = {trade.candidate.name for trade in legs.trades}
    for candidate in ranked:
        if need_usd <= 0.0 or legs.full:
            break
        if candidate.name in taken:  # one order per instrument: its size may be spoken for
            continue
        lift = candidate.shock_usd(move)
        room, tolerance = legs.room(candidate, 1.0, wing=True)
        size = _whole_lots(need_usd / lift, room, candidate)
        if size > 0.0:
            legs.trades.append(GammaTrade(candidate, size, tolerance))
            need_usd -= size * lift


def _whole_lots(wanted: float, room: float, candidate: Candidate) -> float:
    """Return what is wanted rounded up to lots, but never more than the room holds of them.

    At least the smallest order; nothing where the room does not hold that.
    """
    lot = candidate.lot
    # Decided before rounding: an option with next to no gamma would take infinitely many.
    held = math.floor(room / lot + 1e-9)
    least = math.ceil(candidate.min_quantity / lot - 1e-9)
    if held < least:
        return 0.0
    lots = held if wanted / lot >= held else max(math.ceil(wanted / lot - 1e-9), least)
    return round(lots * lot, 9)
