"""A delta hedge on paper: what is wanted, in which instrument, at which price, and if it may go.

The desk sends what a ticket allows and the preview prints it: one way from book to order for both.
Nothing is remembered and nothing is sent here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bot.book.exposure import Exposure
from bot.book.numeraire import future_delta
from bot.desk.attempts import Attempts
from bot.desk.floor import Floor
from bot.desk.levels import levels_in_force
from bot.desk.rules import DeskRules
from bot.desk.situation import Allowance, admit, circumstances
from bot.domain.orders import Intent, TimeInForce
from bot.domain.reasons import Because, Reason
from bot.domain.states import SENDING
from bot.domain.units import NS_PER_S, seconds_between
from bot.execution.rounding import quantity_for, to_lots, to_tick
from bot.execution.tactics import Pricing, Progress, Sight, price_hedge
from bot.risk.gate import Proposal
from bot.strategy.choice import Hedge, Task, choose_hedge, smallest_order
from bot.strategy.delta import (
    NEVER_INSIDE,
    DeltaPlan,
    LastHedge,
    LastInside,
    Levels,
    plan_delta,
)
from bot.strategy.unwind import Unwind, due, schedule

Quantities = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Want:
    """What delta wants now: the plan, its band, the instrument (or what it lacks), the unwind.

    `task` is what the instrument was chosen for.
    """

    plan: DeltaPlan
    levels: Levels
    hedge: Hedge | None
    missing: tuple[Because, ...]
    unwind: Unwind | None
    smallest: float
    task: Task

    @property
    def settled(self) -> bool:
        """Tell whether nothing is left to do: inside the band, or out by less than an order."""
        small = self.plan.wanted and abs(self.plan.change) < self.smallest
        return small or self.plan.reasons[0].reason is Reason.INSIDE_BAND


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order that may go: in what, at which price, what the gate leaves of it.

    `reducing` tells that it is proven to reduce worst-case |delta|.
    """

    hedge: Hedge
    pricing: Pricing
    allowed: Proposal
    reducing: bool

    @property
    def cost_usd(self) -> float:
        """Return what trading all of it costs: half spread and fee."""
        return abs(self.allowed.delta_coin) * self.hedge.cost_usd_per_coin

    def intent(self, label: str, decision: str, now_ns: int, valid_s: float) -> Intent:
        """Return the order on the grid; `valid_s` is how long the venue may take it."""
        allowed, pricing = self.allowed, self.pricing
        lots = to_lots(allowed.instrument, allowed.quantity)
        return Intent(
            label=label,
            instrument=allowed.instrument.name,
            quantity=lots,
            price=to_tick(allowed.instrument, pricing.limit, buy=lots.value > 0),
            time_in_force=pricing.time_in_force,
            post_only=pricing.post_only,
            reduce_delta=self.reducing,
            decision=decision,
            purpose=allowed.purpose,
            created_ns=now_ns,
            valid_until_ns=now_ns + round(valid_s * NS_PER_S),
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """The order that may go, or None with the reasons.

    `asks` is what the venue must be asked about before it may.
    """

    ticket: Ticket | None
    reasons: tuple[Because, ...]
    asks: Proposal | None = None


def want(
    floor: Floor,
    rules: DeskRules,
    exposure: Exposure,
    last: LastHedge,
    running: Unwind | None,
    seen: LastInside = NEVER_INSIDE,
    used: str = "",
    sent: Quantities = (),
) -> Want:
    """Return what an exposure wants of its futures; a settlement unwind yields to the band.

    `used` names the instrument of the last hedge, `sent` what the exposure counts beside the book
    (instrument, signed quantity).
    """
    task = _task(floor, rules, exposure, used, sent)
    hedge, missing, smallest = chosen(floor, rules, exposure, task)
    known = None if hedge is None else (hedge, smallest)
    levels = levels_in_force(floor, rules, exposure, known)
    plan = plan_delta(exposure, rules.delta, levels, last, smallest, seen)
    target = rules.delta.owner.target
    unwind = schedule(rules.unwind, running, exposure, plan.policy, target)
    if unwind is not None and not plan.wanted:
        plan = due(rules.unwind, unwind, exposure, plan.policy, smallest) or plan
    if plan.wanted and not 0.0 < plan.change / (task.change or math.inf) <= 1.0:
        # An unwind may trade the other way, and a ratio above one further than to the target.
        task = replace(task, change=plan.change)
        hedge, missing, smallest = chosen(floor, rules, exposure, task)
    return Want(plan, levels, hedge, missing, unwind, smallest, task)


def waiting(floor: Floor, rules: DeskRules, attempts: Attempts, now_ns: int) -> tuple[Because, ...]:
    """Return why nothing is sent now whatever is wanted; empty when nothing stands in the way."""
    state = floor.machine.at(rules.coin)
    if state not in SENDING:
        return (Because(Reason.STATE_FORBIDS, str(state)),)
    if now_ns < attempts.quiet_until_ns:
        left_s = seconds_between(now_ns, attempts.quiet_until_ns)
        return (Because(Reason.BACKING_OFF, rules.coin, {"left_s": left_s}),)
    if floor.orders.busy(rules.coin, now_ns):
        return (Because(Reason.UNRESOLVED_ORDER, rules.coin),)
    return ()


def draw(
    floor: Floor,
    rules: DeskRules,
    exposure: Exposure,
    wanted: Want,
    allowance: Allowance,
    progress: Progress,
) -> Drawn:
    """Return the order for a want, or why it may not go; what passes has spent its budget.

    `progress` is how far the hedge that it belongs to has come.
    """
    plan, hedge = wanted.plan, wanted.hedge
    if hedge is None:
        return Drawn(None, wanted.missing)
    instrument, quote, index = hedge.instrument, hedge.quote, exposure.index
    quantity = quantity_for(instrument, hedge.fits(plan.change), quote.mark, index)
    size = float(to_lots(instrument, quantity))
    if not size:
        figures = {"quantity": quantity, "lot": float(instrument.lot)}
        below = Because(Reason.BELOW_ONE_LOT, instrument.name, figures)
        return Drawn(None, (below,))
    now_ns = exposure.ts_ns
    sight = Sight(
        now_ns=now_ns,
        quote=quote,
        buy=size > 0.0,
        patience_s=plan.patience_s,
        widest_bps=rules.limits.hard_collar_bps,
        spare=allowance.budget.spare(now_ns),
    )
    pricing = price_hedge(rules.tactics, progress, sight)
    if plan.rest_at is not None:
        pricing = Pricing(plan.rest_at, TimeInForce.GTC, post_only=True)
    proposal = Proposal(
        instrument=instrument,
        quantity=size,
        delta_coin=future_delta(instrument, size, quote.mark, index),
        limit=pricing.limit,
        reference=quote.mark,
        notional_usd=abs(plan.change) * index,
        purpose=plan.purpose,
    )
    now = circumstances(floor, rules, exposure, allowance.caps, instrument)
    verdict = admit(proposal, now, allowance)
    if verdict.proposal is None:
        return Drawn(None, verdict.reasons, verdict.asks)
    ticket = Ticket(hedge, pricing, verdict.proposal, reducing=verdict.reducing)
    return Drawn(ticket, verdict.reasons)


def _task(floor: Floor, rules: DeskRules, exposure: Exposure, used: str, sent: Quantities) -> Task:
    """Return what an instrument is wanted for: what is missing to the target.

    An order that is under way belongs to what is missing, so that its instrument does not become
    another's choice while it rests; of an unknown one nobody can say.
    """
    unknown = floor.orders.unknown(rules.coin)
    return Task(
        change=rules.delta.owner.target - exposure.delta,
        last=used,
        barred=frozenset(o.intent.instrument for o in unknown),
        pending=(*((o.intent.instrument, float(o.may_fill)) for o in unknown), *sent),
    )


def chosen(
    floor: Floor, rules: DeskRules, exposure: Exposure, task: Task
) -> tuple[Hedge | None, tuple[Because, ...], float]:
    """Return the hedge for a task or what it lacks, and the delta of its smallest order."""
    hedge, missing = choose_hedge(
        floor.book, rules.coin, exposure.ts_ns, floor.tier, rules.hedge, task, floor.dealt
    )
    if hedge is None:
        return None, missing, 0.0
    return hedge, missing, smallest_order(hedge.instrument, hedge.quote.mark, exposure.index)
