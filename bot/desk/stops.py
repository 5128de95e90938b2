"""The breakers of a coin between its desks and its floor: asked before orders, fed with what comes.

What a breaker halts is halted like by `halt`: what rests is cancelled and nothing goes out. It is
the second automatic halt beside that of two bots in one account, and for the same reason: orders
that have no effect trade the same delta again, whether or not they look reducing.
"""

from __future__ import annotations

import math

from bot.book.exposure import Exposure
from bot.book.measure import measure
from bot.book.numeraire import future_delta
from bot.desk.controls import Holding
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want
from bot.domain.commands import Command, Note
from bot.domain.events import Filled
from bot.domain.orders import OrderReport, OrderState
from bot.domain.positions import Fill
from bot.domain.records import Record
from bot.domain.states import SENDING
from bot.risk.breakers import Need
from bot.risk.gate import Proposal
from bot.risk.limits import Caps, Cost
from bot.risk.twin import Twin

HEDGE = "delta"


def before_order(floor: Floor, rules: DeskRules, exposure: Exposure, wanted: Want) -> list[Command]:
    """Judge earlier orders before one of the delta desk; a halt is in force when this returns."""
    coin, controls = rules.coin, floor.control(rules.coin)
    held = holdings(floor, coin, exposure.index)
    records: tuple[Record, ...] = controls.judge(held, exposure.ts_ns)
    if wanted.plan.purpose == HEDGE and not controls.halts:
        owner = rules.delta.owner
        low, high = exposure.low - owner.target, exposure.high - owner.target
        need = Need(
            ts_ns=exposure.ts_ns,
            index=exposure.index,
            change=wanted.plan.change,
            distance=max(abs(low), abs(high)),
            gamma=exposure.gamma_total,
            width=owner.upper - owner.lower,
        )
        records += controls.hedges(need, held)
    return [*map(Note, records), *halt_for_review(floor, coin, exposure.ts_ns)]


def halt_for_review(floor: Floor, coin: str, now_ns: int) -> list[Command]:
    """Halt a coin whose orders have no effect, if it is not halted; only a review ends that."""
    controls, machine = floor.control(coin), floor.machine
    if not controls.halts:
        return []
    machine.review.add(coin)
    because = next(iter(controls.review.values()))
    return [Note(change) for change in machine.operator(coin, "halt", now_ns, because)]


def holdings(floor: Floor, coin: str, index: float) -> dict[str, Holding]:
    """Return what is held of a coin by place; a unit of an option is a coin of delta at most."""
    found: dict[str, Holding] = {}
    for place, quantity in floor.book.holdings.held().items():
        instrument = floor.book.instruments.get(place.partition("@")[0])
        if instrument is None or instrument.coin != coin:
            continue
        coins = 1.0 if instrument.is_option else future_delta(instrument, 1.0, index, index)
        found[place] = Holding(float(quantity), coins, option=instrument.is_option)
    return found


def twin_of(order: Proposal, ts_ns: int) -> Twin:
    """Return an order that is being sent as one that must not be sent again at once."""
    return Twin(order.instrument.name, order.quantity, order.limit, order.reference, ts_ns)


def delta_held(floor: Floor, fill: Fill, now_ns: int) -> float:
    """Return the measured delta of what is held, NaN while it is not known."""
    instrument = floor.book.instruments.get(fill.instrument)
    if instrument is None or instrument.coin not in floor.book.coins:
        return math.nan
    exposure = measure(floor.book, instrument.coin, now_ns)
    return exposure.delta if math.isfinite(exposure.index) else math.nan


def saw_fill(floor: Floor, event: Filled, coin: str, before: float) -> None:
    """Tell the breakers of a fill that is folded; `before` is the delta that was held before it."""
    fill, now_ns = event.fill, event.ts_ns
    order = floor.orders.orders.get(fill.label)
    hedge = order is not None and order.intent.purpose == HEDGE
    changed = delta_held(floor, fill, now_ns) - before
    floor.control(coin).filled(fill, changed, now_ns, hedge=hedge)


def saw_report(floor: Floor, report: OrderReport, now_ns: int) -> None:
    """Tell the breakers of an order that the venue refused, before the table forgets it."""
    order = floor.orders.orders.get(report.label)
    if order is not None and report.state is OrderState.REJECTED:
        floor.control(order.coin).rejected(order, report.code, now_ns)


def look(floor: Floor, rules: DeskRules, exposure: Exposure, caps: Caps | None) -> None:
    """Take a look at whether the book is hedged, in a state that sends and where delta is sure.

    What hedging costs is looked at as soon as there are caps.
    """
    if caps is not None:
        day = floor.day(rules.coin, exposure.ts_ns)
        cost = Cost(day.cost_usd, day.model_usd, caps.slippage_day_usd)
        floor.control(rules.coin).cost = cost
    sending = floor.machine.at(rules.coin) in SENDING
    if not sending or exposure.trusted:
        outside = sending and not rules.delta.owner.holds(exposure.delta)
        floor.control(rules.coin).unhedged.look(exposure.ts_ns, outside=outside)
