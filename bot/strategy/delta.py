"""The delta plan: whether to trade, how much, how long it can wait, and why.

The owner's band is a promise; the policy's band inside it says when to act. An order must be right
for the whole interval that the exposure may still become: nothing is traded while the interval
straddles a band, and never more than the ratio of the smallest distance to the target over it,
which is why a lost reply cannot make us overshoot.

Cooldown, minimum move and the filter against volatility's noise keep noise from trading; all yield
as soon as the owner's band is left. The filter: a breach that the price does not explain (delta as
last seen inside, moved by gamma, would still be inside) must stand for `settle_s` first.
Quantities are cut to whole lots afterwards, so a destination on an edge lies one smallest order
inside it: what is sent would otherwise end just outside, again and again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from bot.book.exposure import Exposure
from bot.domain.orders import EDGE
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between
from bot.strategy.bands import Band, Landing
from bot.strategy.patience import patience_s
from bot.strategy.policies import Conditions, Room, Width

ONE_WAY = 2.0
"""An hour that moved by more of its own deviations than this went one way."""

STEP_SHARE = 0.5
"""One step of a settlement unwind is at most this share of the policy's half-width."""

NARROWEST_COIN = 1e-9
"""No half-width is less, so that a width can be divided by."""

LEAST_SHARE = 0.05
"""A policy that chooses its width is never narrower than this share of the owner's."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The policy's band in force, and where a hedge ends: `share` of the way from middle to edge.

    `conditions` is what they were chosen on, `notes` what could not be had.
    """

    band: Band
    share: float
    conditions: Conditions
    notes: tuple[Because, ...] = ()


@dataclass(frozen=True, slots=True)
class DeltaPolicy:
    """When to act inside the owner's band, and how far.

    `most_share` is the widest a chosen policy band may be, as a share of the owner's narrower side;
    in a one-way market the band of a book that is long gamma is up to `trend_most` times as wide.
    `rest_at_edges` lets such a book's next hedge rest in the market (see `edge_order`).
    """

    owner: Band
    width: Width
    landing: Landing = field(default_factory=Landing)
    ratio: float = 1.0
    min_move_bps: float = 0.0
    cooldown_s: float = 0.0
    settle_s: float = 0.0
    most_share: float = 0.5
    trend_most: float = 1.0
    rest_at_edges: bool = False

    def kept(self, smallest: float) -> Band:
        """Return the owner's band, each side at least one smallest order (coin) from the target.

        An order from just outside a narrower side lands beyond the target, and the next one would
        bring it back: the band is kept as well as whole lots can, and `Levels.notes` says so.
        """
        target = self.owner.target
        return Band(
            min(self.owner.lower, target - smallest),
            target,
            max(self.owner.upper, target + smallest),
        )

    def room(self, now: Conditions) -> Room:
        """Return the half-widths between which a policy chooses: at least one smallest order.

        An unwind's steps fit into the band, or the two would undo each other.
        """
        narrower = self.kept(now.smallest_coin).narrower
        most = max(self.most_share * narrower, now.smallest_coin, NARROWEST_COIN)
        least = max(LEAST_SHARE * narrower, now.smallest_coin, now.step_coin / STEP_SHARE)
        return Room(min(least, most), most)

    def levels(self, now: Conditions) -> Levels:
        """Return the band for what is true now; the calendar's factor stays inside the owner's."""
        room = self.room(now)
        sized = self.width.size(now, room, self.landing)
        trend = min(max(abs(now.stretch) / ONE_WAY, 1.0), self.trend_most)
        least = max(min(room.least, sized.half), now.smallest_coin, NARROWEST_COIN)
        half = max(sized.half * now.factor * trend, least)
        aside = 0.5 * min(half, self.owner.narrower)
        shift = max(-aside, min(sized.shift, aside))
        # What funding asks for is no reason to go further from the target than a policy may.
        most = max(room.most, half) if shift else half
        band = self.kept(now.smallest_coin).inside(most).around(half, shift)
        share = self.landing.share(now.cost_usd_per_coin, half)
        return Levels(band, share, now, (*sized.notes, *self._narrow(sized.half, now)))

    def _narrow(self, half: float, now: Conditions) -> tuple[Because, ...]:
        """Say that whole lots cannot keep what was asked for."""
        side = min(self.owner.narrower, half)
        if side >= now.smallest_coin:
            return ()
        figures = {"side_coin": side, "lot_coin": now.smallest_coin}
        return (Because(Reason.BELOW_ONE_LOT, "delta band", figures),)


@dataclass(frozen=True, slots=True)
class LastHedge:
    """When a coin was last traded, and where its index stood."""

    ts_ns: int = 0
    index: float = math.nan


@dataclass(frozen=True, slots=True)
class LastInside:
    """Where delta (coin) and index stood when delta was last inside; `out_ns`: since when not."""

    delta: float = math.nan
    index: float = math.nan
    out_ns: int = 0

    def looked(self, exposure: Exposure, band: Band) -> LastInside:
        """Return what is remembered after another look at a policy's band."""
        if band.holds(exposure.low, exposure.high):
            return LastInside(exposure.delta, exposure.index)
        return self if self.out_ns else replace(self, out_ns=exposure.ts_ns)


NEVER_INSIDE = LastInside()


@dataclass(frozen=True, slots=True)
class DeltaPlan:
    """A signed change of delta that is wanted (coin); zero with reasons when nothing is.

    `patience_s` is for how long it can wait for a better price (see `patience`).
    `step` is the step of a settlement unwind that the change completes, 0 where it is none.
    `at_once` tells that a person asked for it, whatever the bands say. `rest_at` is the price at
    which it waits at the band's edge (see `edge_order`).
    """

    change: float
    policy: Band
    reasons: tuple[Because, ...]
    patience_s: float = 0.0
    step: int = 0
    at_once: bool = False
    rest_at: float | None = None

    @property
    def wanted(self) -> bool:
        """Tell whether anything should be traded."""
        return self.change != 0.0

    @property
    def purpose(self) -> str:
        """Return what an order for it is for: delta, unwind or edge."""
        if self.rest_at is not None:
            return EDGE
        return "unwind" if self.step else "delta"


def plan_delta(
    exposure: Exposure,
    policy: DeltaPolicy,
    levels: Levels,
    last: LastHedge,
    smallest: float = 0.0,
    seen: LastInside = NEVER_INSIDE,
) -> DeltaPlan:
    """Return what delta wants now; `smallest` is the delta of the smallest order, in coin."""
    band, owner = levels.band, policy.kept(smallest)
    low, high = exposure.low, exposure.high
    if band.holds(low, high):
        return DeltaPlan(0.0, band, (Because(Reason.INSIDE_BAND),))
    above, below = low > band.upper, high < band.lower
    if not (above or below):
        figures = {"low": low, "high": high, "lower": band.lower, "upper": band.upper}
        return DeltaPlan(0.0, band, (Because(Reason.DELTA_UNCERTAIN, "", figures),))
    # The point of the interval nearest to the target: what is surely too much.
    nearest = low if above else high
    breached = nearest > owner.upper or nearest < owner.lower
    reason = _breach(above=above, owner=breached, delta=nearest, band=owner if breached else band)
    if not breached:
        held_back = _held_back(exposure, policy, last) or _noise(exposure, policy, band, seen)
        if held_back is not None:
            return DeltaPlan(0.0, band, (reason, held_back))
    to = _destination(levels, smallest, above=above)
    change = policy.ratio * (to - nearest)
    if breached:
        # The promise does not wait for a ratio to converge: at least back inside.
        inside = owner.upper - smallest if above else owner.lower + smallest
        back = inside - nearest
        change = min(change, back) if above else max(change, back)
    # A ratio above one goes beyond the destination, never beyond the owner's far edge.
    far = (owner.lower - low) if above else (owner.upper - high)
    change = max(change, min(far, 0.0)) if above else min(change, max(far, 0.0))
    worst = high if above else low
    waits_s = patience_s(owner, worst, exposure, levels.conditions)
    return DeltaPlan(change, band, (reason,), waits_s)


def _destination(levels: Levels, smallest: float, *, above: bool) -> float:
    band = levels.band
    edge = band.upper if above else band.lower
    width = abs(edge - band.target)
    away = max(min(levels.share * width, width - smallest), 0.0)
    return band.target + math.copysign(away, edge - band.target)


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


def _noise(exposure: Exposure, policy: DeltaPolicy, band: Band, seen: LastInside) -> Because | None:
    """Return why a breach that the price does not explain waits."""
    waited_s = seconds_between(seen.out_ns or exposure.ts_ns, exposure.ts_ns)
    if not math.isfinite(seen.delta) or waited_s >= policy.settle_s:
        return None
    moved_pct = 100.0 * (exposure.index / seen.index - 1.0)
    explained = seen.delta + exposure.gamma_total * moved_pct
    if not band.holds(explained):
        return None
    figures = {
        "explained_coin": explained,
        "waited_s": waited_s,
        "settle_s": policy.settle_s,
    }
    return Because(Reason.UNEXPLAINED, "", figures)


def _breach(*, above: bool, owner: bool, delta: float, band: Band) -> Because:
    if above:
        reason = Reason.DELTA_ABOVE_OWNER if owner else Reason.DELTA_ABOVE_POLICY
    else:
        reason = Reason.DELTA_BELOW_OWNER if owner else Reason.DELTA_BELOW_POLICY
    limit = band.upper if above else band.lower
    return Because(reason, "", {"delta_coin": delta, "limit_coin": limit})
