"""Option orders on paper: what the limits miss, what is asked, which plan comes of it, what may go.

As with tickets, the desk sends what passes here and the preview prints it; nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.book.exposure import Exposure, Shocks
from bot.book.shocks import shocks, vega_by_tenor
from bot.desk.floor import Floor
from bot.desk.means import means_of
from bot.desk.rules import DeskRules
from bot.desk.situation import Allowance, admit, circumstances
from bot.domain.programs import Offer, Program, Row, Solution, Stage
from bot.domain.reasons import Because, Reason
from bot.domain.states import State
from bot.domain.units import seconds_between
from bot.risk.gate import Proposal
from bot.strategy.candidates import Candidate, candidates
from bot.strategy.choice import Task, choose_hedge
from bot.strategy.options.churn import Traded, benefit_usd, per_usd, revealed
from bot.strategy.options.plan import GammaPlan, GammaTrade, plan_of, unfit
from bot.strategy.options.problem import problem
from bot.strategy.options.rows import GammaNeed, gamma_need

Think = Callable[[Program], Solution]


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


@dataclass(frozen=True, slots=True)
class Question:
    """A need as a program, with everything that a plan is made of when it is solved."""

    need: GammaNeed
    program: Program
    candidates: tuple[Candidate, ...]
    held: Mapping[str, float]
    shocks: Shocks
    edges: Mapping[str, float]

    def plan(self, solution: Solution, rules: DeskRules) -> GammaPlan:
        """Return a solution of this program as a plan."""
        return plan_of(
            self.program, solution, self.need, self.candidates, self.held, rules.gamma,
            self.shocks, self.edges,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A program that was asked about, and what it came to."""

    program: Program
    solution: Solution


def need_of(floor: Floor, rules: DeskRules, exposure: Exposure) -> GammaNeed:
    """Return what the limits on options miss."""
    found = None
    if rules.gamma.looks_at_shocks:
        found = shocks(floor.book, rules.coin, exposure.ts_ns)
    return _need(floor, rules, exposure, found)


def question_of(
    floor: Floor, rules: DeskRules, exposure: Exposure, traded: Mapping[str, Traded]
) -> Question | None:
    """Return what is to be solved now; None when nothing is missing."""
    now_ns = exposure.ts_ns
    found = shocks(floor.book, rules.coin, now_ns)
    need = _need(floor, rules, exposure, found)
    if not need.any:
        return None
    mine = floor.book.packed(rules.coin)
    held = dict(zip(mine.columns.names, mine.columns.quantity.tolist(), strict=True))
    offered = candidates(
        floor.book, rules.coin, now_ns, floor.tier, rules.gamma, wings=bool(need.losses)
    )
    hedge, _ = choose_hedge(
        floor.book, rules.coin, now_ns, floor.tier, rules.hedge, dealt=floor.dealt
    )
    means = means_of(floor, rules, exposure, hedge, need, offered, held, traded)
    program = problem(rules.coin, now_ns, need, offered, held, rules.gamma, means)
    return Question(need, program, offered, held, found, means.edge_usd)


def _need(floor: Floor, rules: DeskRules, exposure: Exposure, found: Shocks | None) -> GammaNeed:
    vegas = None
    if rules.gamma.vega_usd:
        vegas = vega_by_tenor(floor.book, rules.coin, exposure.ts_ns)
    return gamma_need(exposure, rules.gamma, found, vegas, rules.delta.owner.target)


def plan_for(
    floor: Floor, rules: DeskRules, exposure: Exposure, question: Question, answer: Answer
) -> tuple[GammaPlan, tuple[Because, ...]]:
    """Return the plan that an answer means now, and why it is not to be traded.

    An answer to another book than the newest is no plan.
    """
    solution = answer.solution
    failed: tuple[Because, ...] = ()
    if solution.stage is Stage.FAILED:
        failed = (Because(Reason.SOLVER_FAILED, solution.why),)
    else:
        misfit = unfit(answer.program, question.program, solution)
        failed = () if misfit is None else (misfit,)
    if failed:
        return question.plan(Solution(Stage.NONE), rules), failed
    plan = question.plan(solution, rules)
    if not plan.trades:
        return plan, (_spent(question.program, rules, plan),)
    worthless = _worthless(floor, rules, exposure, plan)
    return plan, () if worthless is None else (worthless,)


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
    if rules.gamma.action != "auto":
        return Legs((), (Because(Reason.PROPOSED_ONLY, rules.coin),))
    refused: tuple[Because, ...] = ()
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


def _spent(program: Program, rules: DeskRules, plan: GammaPlan) -> Because:
    """Return why nothing is planned: what is used up for all that would help, or nothing does."""
    helpful = [offer for offer in program.offers if _helps(offer, program.rows)]
    for name, reason in (
        ("budget", Reason.BUDGET_SPENT),
        ("turnover", Reason.TURNOVER_SPENT),
        ("funds", Reason.NO_FUNDS),
    ):
        for i, row in enumerate(program.rows):
            least = [o.brings[i] * o.least for o in helpful if row.name.startswith(name)]
            if least and min(least) > row.upper:
                figures = {"left": row.upper, "least": min(least)}
                return Because(reason, rules.coin, figures | plan.lacks)
    return Because(Reason.NO_CANDIDATE, rules.coin, plan.lacks)


def _helps(offer: Offer, rows: tuple[Row, ...]) -> bool:
    """Tell whether an offer brings some row nearer to where it is wanted."""
    return any(
        row.aim is not None and brought * (row.aim - row.now) > 0.0
        for brought, row in zip(offer.brings, rows, strict=True)
    )


def _worthless(
    floor: Floor, rules: DeskRules, exposure: Exposure, plan: GammaPlan
) -> Because | None:
    """Return why a plan is not worth its round trip.

    A shocked loss has no variance that would show it, and a limit that is passed by as much as a
    correction would bring it inside is a promise: those decide alone.
    """
    policy = rules.gamma
    if not policy.benefit_factor or plan.need.losses or plan.need.badly(policy.aim_share):
        return None
    if policy.aversion is None:
        band = floor.band(rules.coin, rules.delta.owner)
        gammas = (exposure.gamma_total, policy.band.lower or 0.0, policy.band.upper or 0.0)
        half = 0.5 * (band.upper - band.lower)
        aversion = revealed(max(map(abs, gammas)), exposure.index, plan.hedge_usd, half)
    else:
        aversion = per_usd(policy.aversion, exposure.index, exposure.gross_option_coin)
    gamma = sum(trade.gamma for trade in plan.trades)
    benefit, cost = benefit_usd(exposure, gamma, plan.vega_usd, aversion), plan.round_trip_usd
    if benefit >= policy.benefit_factor * cost:
        return None
    figures = {"benefit_usd": benefit, "round_trip_usd": cost, "factor": policy.benefit_factor}
    return Because(Reason.NOT_WORTH_IT, rules.coin, figures)


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
