"""Resting orders of one underlying: which of them have outlived their purpose."""

from __future__ import annotations

from bot.book.exposure import Exposure
from bot.desk.edges import left_edge
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want
from bot.domain.commands import Cancel, Command
from bot.domain.orders import EDGE, OrderState, TimeInForce
from bot.execution.orders import OrderTable
from bot.execution.tactics import Progress, Sight, stays
from bot.execution.working import WorkingOrder
from bot.strategy.patience import patience_s


def tend(
    floor: Floor, rules: DeskRules, exposure: Exposure, wanted: Want, progress: Progress
) -> list[Command]:
    """Cancel what is too old, left behind, too slow for the breach, or no longer wanted.

    `progress` is how far the hedge has come that what rests belongs to.
    """
    spare = floor.budget(rules.coin, exposure.ts_ns).spare(exposure.ts_ns)
    return [
        _cancel(order, exposure.ts_ns)
        for order in floor.orders
        if order.coin == rules.coin
        and _rests(order)
        and (
            left_edge(order, floor, rules, exposure, wanted)
            if order.intent.purpose == EDGE
            else _outlived(order, rules, exposure, wanted, progress, spare=spare)
        )
    ]


def cancel_resting(orders: OrderTable, coin: str, now_ns: int) -> list[Command]:
    """Cancel everything of an underlying that rests."""
    return [_cancel(order, now_ns) for order in orders if order.coin == coin and _rests(order)]


def _outlived(
    order: WorkingOrder,
    rules: DeskRules,
    exposure: Exposure,
    wanted: Want,
    progress: Progress,
    *,
    spare: bool,
) -> bool:
    hedge = wanted.hedge
    if hedge is None:
        return True
    if hedge.instrument.name != order.intent.instrument:
        return True  # another has become cheaper, or this one can no longer be trusted
    if wanted.levels.band.holds(exposure.delta):
        return True
    now, owner = wanted.levels.conditions, rules.delta.owner
    sight = Sight(
        now_ns=exposure.ts_ns,
        quote=hedge.quote,
        buy=order.intent.is_buy,
        patience_s=patience_s(owner, exposure.delta, exposure, now),
        widest_bps=rules.limits.hard_collar_bps,
        spare=spare,
    )
    return not stays(rules.tactics, progress, sight, float(order.intent.price))


def _rests(order: WorkingOrder) -> bool:
    return (
        order.intent.time_in_force is TimeInForce.GTC
        and order.state is OrderState.WORKING
        and not order.cancel_asked_ns
    )


def _cancel(order: WorkingOrder, now_ns: int) -> Cancel:
    order.cancel_asked_ns = now_ns
    return Cancel(order.intent.label, order.intent.instrument)
