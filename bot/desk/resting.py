"""Resting orders of one underlying: which of them have outlived their purpose."""

from __future__ import annotations

from bot.book.exposure import Exposure
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want
from bot.domain.commands import Cancel, Command
from bot.domain.orders import EDGE, OrderState, TimeInForce
from bot.domain.units import seconds_between
from bot.execution.orders import OrderTable, WorkingOrder
from bot.execution.tactics import should_reprice
from bot.strategy.delta import Urgency, urgency_of
from bot.strategy.edge_order import holds

# While an order works nobody can tell a trade by hand from its fill: positions are settled between
# two that rest at an edge.
EDGE_S = 300.0


def tend(
    orders: OrderTable, rules: DeskRules, exposure: Exposure, wanted: Want, now_ns: int
) -> list[Command]:
    """Cancel what is too old, left behind, too slow for the breach, or no longer wanted."""
    return [
        _cancel(order, now_ns)
        for order in orders
        if order.coin == rules.coin
        and _rests(order)
        and _outlived(order, rules, exposure, wanted, now_ns)
    ]


def cancel_resting(orders: OrderTable, coin: str, now_ns: int) -> list[Command]:
    """Cancel everything of an underlying that rests."""
    return [_cancel(order, now_ns) for order in orders if order.coin == coin and _rests(order)]


def _outlived(
    order: WorkingOrder, rules: DeskRules, exposure: Exposure, wanted: Want, now_ns: int
) -> bool:
    hedge = wanted.hedge
    if order.intent.purpose == EDGE:
        return _left_edge(order, exposure, wanted)
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


def _left_edge(order: WorkingOrder, exposure: Exposure, wanted: Want) -> bool:
    """Tell whether an order at the band's edge is in the way, or no longer at the edge."""
    hedge = wanted.hedge
    if hedge is None or wanted.plan.wanted or hedge.instrument.name != order.intent.instrument:
        return True
    if seconds_between(order.sent_ns, exposure.ts_ns) >= EDGE_S:
        return True
    price, buy = float(order.intent.price), order.intent.is_buy
    return not holds(price, exposure, wanted.levels.band, hedge.quote, buy=buy)


def _rests(order: WorkingOrder) -> bool:
    return (
        order.intent.time_in_force is TimeInForce.GTC
        and order.state is OrderState.WORKING
        and not order.cancel_asked_ns
    )


def _cancel(order: WorkingOrder, now_ns: int) -> Cancel:
    order.cancel_asked_ns = now_ns
    return Cancel(order.intent.label, order.intent.instrument)
