"""What would be done now, why, and what each figure would be afterwards; nothing is sent.

The preview asks what the desks ask, in their order (the delta that is there, options, which take
longer, then the delta that they bring), through the same sizing, caps and gate, and forgets the
answers: looking spends no budget.
The venue is not asked about margin; the local formula stands in for its word.
A search for an option plan takes time: a running bot shows the last that was found, as long as it
fits the book. One that is large enough is shown as a ticket for a block too.
A hedge above the largest order goes out in slices; they are shown as one trade, as if each filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

from bot.book.exposure import Exposure
from bot.book.measure import measure
from bot.desk.delta import DeltaDesk
from bot.desk.explain import by_model
from bot.desk.floor import Floor
from bot.desk.gamma import GammaDesk
from bot.desk.hedge_rows import basis_rows, instrument_rows
from bot.desk.legs import Answer, Think, draw_legs, held_back, need_of, plan_for, question_of
from bot.desk.outlook_rows import outlook_rows
from bot.desk.rfq import block
from bot.desk.rows import parked_rows
from bot.desk.situation import Allowance, caps_in_force
from bot.desk.ticket import Quantities, Ticket, Want, draw, waiting
from bot.desk.whatif import estimated
from bot.domain.reasons import Because, Reason
from bot.strategy.candidates import Candidate
from bot.strategy.options.plan import GammaPlan, GammaTrade

Row = dict[str, object]

MOST_SLICES = 100


def preview(
    floor: Floor, delta: DeltaDesk, gamma: GammaDesk, now_ns: int, think: Think | None = None
) -> Row:
    """Return one underlying's plan in the shape of `deltaband plan --json`.

    `think` solves an option plan on the spot.
    """
    rules, coin = delta.rules, delta.rules.coin
    exposure = measure(floor.book, coin, now_ns, floor.orders.pending(coin))
    allowance = Allowance(
        caps_in_force(floor, rules, exposure, delta.in_force).caps,
        deepcopy(floor.budget(coin, now_ns)),
        partial(estimated, floor),
    )
    first = _hedged(floor, delta, exposure, allowance)
    plan, legs, refused = _options(floor, gamma, first.after, allowance, think)
    last = first
    then: tuple[Because, ...] = ()
    if legs:
        last = _hedged(floor, delta, _with_options(first.after, legs), allowance, first.sent)
        then = tuple(replace(b, subject="with the options") for b in last.wanted.plan.reasons)
    hedges = _hedge(last.tickets) if legs else []
    trades = _hedge(first.tickets) + [_option(trade) for trade in legs] + hedges
    proposed = plan.trades if plan is not None and rules.gamma.action == "propose" else ()
    because = (*first.wanted.plan.reasons, *(plan.reasons if plan else ()), *then)
    because += (*exposure.doubts, *by_model(exposure))
    not_sent = (*first.refused, *refused, *(last.refused if legs else ()))
    return {
        "before": _figures(exposure),
        "after": _figures(last.after),
        **outlook_rows(floor, rules, exposure, first.wanted),
        "candidates": [_offer(c, plan.edges) for c in plan.candidates] if plan else [],
        "instruments": instrument_rows(floor, rules, first.wanted, now_ns),
        "basis": basis_rows(floor, coin, now_ns),
        "trades": trades,
        "proposed": [_option(trade) for trade in proposed],
        "options": {} if plan is None else plan.told,
        "rfq": block(floor, rules, proposed),
        "cost_usd": sum(float(str(t["cost_usd"])) for t in trades),
        "reasons": [str(b) for b in _once(because)],
        "refused": [str(b) for b in _once(not_sent)],
        "state": str(floor.machine.at(coin)),
        "parked": parked_rows(floor, coin),
        "outside": not rules.delta.owner.holds(last.after.low, last.after.high),
    }


@dataclass(frozen=True, slots=True)
class _Hedged:
    """A delta hedge in slices: what was wanted at first, what goes, why no more, what it leaves.

    `sent` is everything that `after` counts beside the book.
    """

    wanted: Want
    tickets: tuple[Ticket, ...]
    refused: tuple[Because, ...]
    after: Exposure
    sent: Quantities


def _options(
    floor: Floor,
    gamma: GammaDesk,
    exposure: Exposure,
    allowance: Allowance,
    think: Think | None,
) -> tuple[GammaPlan | None, tuple[GammaTrade, ...], tuple[Because, ...]]:
    """Return the gamma plan, what of it would be sent now, and why the rest would not."""
    rules, answer = gamma.rules, gamma.answer
    if rules.gamma.action == "off":
        acting = replace(rules, gamma=replace(rules.gamma, action="propose"))
        need = need_of(floor, acting, exposure)
        off = Because(Reason.GAMMA_OFF, rules.coin)
        return GammaPlan(need, reasons=need.reasons), (), (off,) if need.any else ()
    question = question_of(floor, rules, exposure, gamma.traded)
    if question is None:
        return None, (), ()
    if think is not None:
        answer = Answer(question.program, think(question.program))
    if answer is None:
        return GammaPlan(question.need, reasons=question.need.reasons), (), ()
    plan, stands = plan_for(floor, rules, exposure, question, answer)
    stands = (*held_back(floor, rules, exposure), *stands)
    if gamma.episode is not None:
        stands = (*stands, Because(Reason.UNRESOLVED_ORDER, f"{rules.coin} options"))
    if stands:
        return plan, (), stands
    legs = draw_legs(floor, rules, exposure, plan, allowance)
    return plan, tuple(leg.trade for leg in legs.may_go), legs.refused


def _hedged(
    floor: Floor,
    delta: DeltaDesk,
    exposure: Exposure,
    allowance: Allowance,
    sent: Quantities = (),
) -> _Hedged:
    """Return the orders that would go one after another, each filled, and why no more of them."""
    rules, tickets = delta.rules, list[Ticket]()
    first = wanted = delta.want(floor, exposure, sent)
    refused: tuple[Because, ...] = ()
    if wanted.plan.wanted:
        refused = waiting(floor, rules, delta.attempts, exposure.ts_ns)
    while wanted.plan.wanted and not refused and len(tickets) < MOST_SLICES:
        drawn = draw(floor, rules, exposure, wanted, allowance, progress=delta.progress)
        ticket, why = drawn.ticket, drawn.reasons
        # A cut to the largest order is no refusal: the rest follows in the next slice.
        refused = tuple(b for b in why if b.reason is not Reason.ORDER_TOO_LARGE or ticket is None)
        if ticket is None:
            break
        tickets.append(ticket)
        sent += ((ticket.allowed.instrument.name, ticket.allowed.quantity),)
        exposure = _moved(exposure, ticket.allowed.delta_coin)
        wanted = delta.want(floor, exposure, sent)
        if wanted.plan.step:
            break
    return _Hedged(first, tuple(tickets), refused, exposure, sent)


def _hedge(tickets: tuple[Ticket, ...]) -> list[Row]:
    """Return the slices of one hedge as one trade in each of its instruments."""
    by_name: dict[str, list[Ticket]] = {}
    for ticket in tickets:
        by_name.setdefault(ticket.allowed.instrument.name, []).append(ticket)
    return [
        _leg(
            name,
            sum(ticket.allowed.quantity for ticket in mine),
            str(mine[0].allowed.instrument.unit),
            sum(ticket.cost_usd for ticket in mine),
            0.0,
            len(mine),
        )
        for name, mine in by_name.items()
    ]


def _with_options(exposure: Exposure, legs: tuple[GammaTrade, ...]) -> Exposure:
    after = _moved(exposure, sum(t.quantity * t.candidate.delta for t in legs))
    expiring = sum(t.gamma for t in legs if t.candidate.expiring)
    return replace(
        after,
        gamma=exposure.gamma + sum(t.gamma for t in legs) - expiring,
        gamma_expiring=exposure.gamma_expiring + expiring,
        vega_usd=exposure.vega_usd + sum(t.quantity * t.candidate.vega_usd for t in legs),
        theta_usd_day=exposure.theta_usd_day + sum(t.theta_usd_day for t in legs),
    )


def _moved(exposure: Exposure, change: float) -> Exposure:
    """Return the exposure with so much more delta (coin)."""
    low, high = exposure.low + change, exposure.high + change
    return replace(exposure, delta=exposure.delta + change, low=low, high=high)


def _once(reasons: Iterable[Because]) -> list[Because]:
    """Return reasons without those that are said already."""
    found: list[Because] = []
    for because in reasons:
        if because not in found:
            found.append(because)
    return found


def _offer(candidate: Candidate, edges: Mapping[str, float]) -> Row:
    edge = {"edge_usd_per_coin": edges[candidate.name]} if edges else {}
    return {
        "instrument": candidate.name,
        "cost_usd_per_coin": candidate.cost_usd,
        **edge,
        "cost_usd_per_gamma": candidate.cost_per_gamma,
        "gamma_coin_per_pct": candidate.gamma,
        "theta_usd_day": candidate.theta_usd_day,
    }


def _figures(exposure: Exposure) -> dict[str, float]:
    return {
        "delta_coin": exposure.delta,
        "delta_low_coin": exposure.low,
        "delta_high_coin": exposure.high,
        "gamma_coin_per_pct": exposure.gamma,
        "gamma_expiring_coin_per_pct": exposure.gamma_expiring,
        "vega_usd": exposure.vega_usd,
        "theta_usd_day": exposure.theta_usd_day,
    }


def _option(trade: GammaTrade) -> Row:
    return _leg(trade.candidate.name, trade.quantity, "coin", trade.cost_usd, trade.gamma)


def _leg(name: str, quantity: float, unit: str, cost: float, gamma: float, orders: int = 1) -> Row:
    return {
        "instrument": name,
        "orders": orders,
        "quantity": quantity,
        "unit": unit,
        "cost_usd": cost,
        "gamma_coin_per_pct": gamma,
    }
