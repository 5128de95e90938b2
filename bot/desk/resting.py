"""Resting orders of one underlying: which of them have outlived their purpose."""

from __future__ import annotations

from bot.book.exposure import Exposure
from bot.desk.edges import left_edge
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want
from bot.domain.commands import Cancel, Command
from bot.domain.orders import EDGE, OrderState, TimeInForce
from bot.domain.units import seconds_between
from bot.execution.orders import OrderTable, WorkingOrder
from bot.execution.tactics import should_reprice
from bot.strategy.delta import Urgency, urgency_of


def tend(
    floor: Floor, rules: DeskRules, exposure: Exposure, wanted: Want, now_ns: int
) -> list[Command]:
    """Cancel what is too old, left behind, too slow for the breach, or no longer wanted."""
    return [
        _cancel(order, now_ns)
        for order in floor.orders
        if order.coin == rules.coin
        and _rests(order)
        and (
            left_edge(order, floor, rules, exposure, wanted)
            if order.intent.purpose == EDGE
            else _outlived(order, rules, exposure, wanted, now_ns)
        )
    ]


def cancel_resting(orders: OrderTable, coin: str, now_ns: int) -> list[Command]:
    """Cancel everything of an underlying that rests."""
    return [_cancel(order, now_ns) for order in orders if order.coin == coin and _rests(order)]


def _outlived(
    order: WorkingOrder, rules: DeskRules, exposure: Exposure, wanted: Want, now_ns: int
) -> bool:
    hedge = wanted.hedge
    if hedge is None or seconds_between(order.sent_ns, now_ns) >= rules.tactics.rest_s:
        return True
    if hedge.instrument.name != order.intent.instrument:
        return True  # another has become cheaper, or this one can no longer be trusted
    band = wanted.levels.band
    if band.holds(exposure.delta):
        return True
    if urgency_of(rules.delta, band, exposure.delta) is not Urgency.PASSIVE:
        return True
    price = float(order.intent.price)
    return should_reprice(rules.tactics, price, hedge.quote, buy=order.intent.is_buy)


def _rests(order: WorkingOrder) -> bool:
    return (
        order.intent.time_in_force is TimeInForce.GTC
        and order.state is OrderState.WORKING
        and not order.cancel_asked_ns
    )


def _cancel(order: WorkingOrder, now_ns: int) -> Cancel:
    order.cancel_asked_ns = now_ns
    return Cancel(order.intent.label, order.intent.instrument)
