"""Option orders on paper: what gamma lacks, which plan brings it back, which legs of it may go.

As with tickets, the desk sends what passes here and the preview prints it; nothing is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.book.exposure import Exposure
from bot.book.shocks import shocks
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.situation import Allowance, admit, circumstances
from bot.domain.reasons import Because, Reason
from bot.domain.states import State
from bot.domain.units import seconds_between
from bot.risk.gate import Proposal
from bot.strategy.candidates import candidates
from bot.strategy.choice import Task, choose_hedge
from bot.strategy.gamma import (
    GammaNeed,
    GammaPlan,
    GammaTrade,
    gamma_need,
    plan_gamma,
    within_budget,
)


@dataclass(frozen=True, slots=True)
class Leg:
    """One option order that may go; `reducing` as for a ticket."""

    trade: GammaTrade
    allowed: Proposal
    reducing: bool


@dataclass(frozen=True, slots=True)
class Legs:
    """What of a plan may go, why the rest may not, and what the venue must be asked about first."""

    may_go: tuple[Leg, ...]
    refused: tuple[Because, ...]
    unasked: tuple[Proposal, ...] = ()


def need_of(floor: Floor, rules: DeskRules, exposure: Exposure) -> GammaNeed:
    """Return what gamma and shock figures lack."""
    found = None
    if rules.gamma.looks_at_shocks:
        found = shocks(floor.book, rules.coin, exposure.ts_ns)
    return gamma_need(exposure, found, rules.gamma, rules.delta.owner.target)


def plan_for(floor: Floor, rules: DeskRules, exposure: Exposure) -> GammaPlan | None:
    """Return what would bring gamma and shocks back inside; None when nothing is missing.

    A plan that would be traded is cut to what the day's budget leaves.
    """
    need, now_ns = need_of(floor, rules, exposure), exposure.ts_ns
    if not need.any:
        return None
    mine = floor.book.packed(rules.coin)
    held = dict(zip(mine.columns.names, mine.columns.quantity.tolist(), strict=True))
    offered = candidates(floor.book, rules.coin, now_ns, floor.tier)
    plan = plan_gamma(need, offered, held, rules.gamma)
    if rules.gamma.action != "auto":
        return plan
    spent = floor.day(rules.coin, now_ns).gamma_usd
    budget = rules.gamma.budget_usd_per_day
    cut = within_budget(plan, budget - spent)
    if plan.trades and not cut.trades:
        figures = {"spent_usd": spent, "cost_usd": plan.cost_usd, "budget_usd": budget}
        because = Because(Reason.BUDGET_SPENT, rules.coin, figures)
        cut = replace(cut, reasons=(*cut.reasons, because))
    return cut


def held_back(floor: Floor, rules: DeskRules, exposure: Exposure) -> tuple[Because, ...]:
    """Return why no option may be traded now, whatever the plan."""
    coin, now_ns = rules.coin, exposure.ts_ns
    state = floor.machine.at(coin)
    if state is not State.RUNNING:
        return (Because(Reason.STATE_FORBIDS, str(state)),)
    if exposure.doubts:
        return exposure.doubts
    chain = floor.book.coins[coin].market.chain
    limit_s = rules.measure.freshness.chain_s
    if chain is None:
        return (Because(Reason.NO_QUOTE, f"{coin} chain"),)
    # A stream can stay alive with stale data: both clocks count.
    age_s = seconds_between(min(chain.ts_ns, chain.ts_venue_ns), now_ns)
    if age_s > limit_s:
        figures = {"age_s": age_s, "limit_s": limit_s}
        return (Because(Reason.STALE_CHAIN, f"{coin} chain", figures),)
    unknown = frozenset(o.intent.instrument for o in floor.orders.unknown(coin))
    task = Task(barred=unknown)
    hedge, doubts = choose_hedge(floor.book, coin, now_ns, floor.tier, rules.hedge, task)
    return doubts if hedge is None else ()


def draw_legs(
    floor: Floor,
    rules: DeskRules,
    exposure: Exposure,
    plan: GammaPlan,
    allowance: Allowance,
) -> Legs:
    """Return the legs of a plan that may go now, and why the others may not.

    What passes has spent its part of the order budget.
    """
    refused = _obstacles(rules, plan)
    if refused:
        return Legs((), refused)
    legs, unasked = list[Leg](), list[Proposal]()
    for trade in plan.trades:
        proposal = _proposal(floor, rules, trade)
        now = circumstances(floor, rules, exposure, allowance.caps, proposal.instrument)
        verdict = admit(proposal, now, allowance)
        if verdict.asks is not None:
            unasked.append(verdict.asks)
        if verdict.proposal is None:
            refused += verdict.reasons
            continue
        cut = replace(trade, quantity=verdict.proposal.quantity)
        legs.append(Leg(cut, verdict.proposal, reducing=verdict.reducing))
    return Legs(tuple(legs), refused, tuple(unasked))


def _obstacles(rules: DeskRules, plan: GammaPlan) -> tuple[Because, ...]:
    """Return why nothing of this plan is traded."""
    if not plan.trades:
        spent = tuple(b for b in plan.reasons if b.reason is Reason.BUDGET_SPENT)
        return spent or (Because(Reason.NO_CANDIDATE, rules.coin, plan.lacks),)
    if rules.gamma.action != "auto":
        return (Because(Reason.PROPOSED_ONLY, rules.coin),)
    return ()


def _proposal(floor: Floor, rules: DeskRules, trade: GammaTrade) -> Proposal:
    candidate = trade.candidate
    return Proposal(
        instrument=floor.book.instruments[candidate.name],
        quantity=trade.quantity,
        delta_coin=trade.quantity * candidate.delta,
        limit=candidate.ask if trade.quantity > 0 else candidate.bid,
        reference=candidate.mark,
        notional_usd=abs(trade.quantity) * floor.book.coins[rules.coin].market.index,
        purpose="gamma",
        tolerance=trade.tolerance,
    )
