"""The lines of an order's life, each with the decision that it goes back to.

    order.intended   journalled, about to leave       order.executed   one fill of it
    order.STATE      a step of its life               order.paid       what it came to at its end

`decision` is null on the lines of an order that an earlier run sent.
"""

from __future__ import annotations

from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.records import OrderTransition, Paid
from bot.domain.units import iso
from bot.monitor.telling import Fields


def order_line(item: Intent | OrderTransition | Fill | Paid, cause: str) -> tuple[str, Fields]:
    """Return name and fields of a line on an order; `cause` is its decision, empty if unknown."""
    decision = cause or None
    match item:
        case Intent():
            return "order.intended", _intent(item)
        case OrderTransition():
            return f"order.{item.after}", _transition(item, decision)
        case Fill():
            return "order.executed", _fill(item, decision)
        case Paid():
            return "order.paid", _paid(item)


def _intent(intent: Intent) -> Fields:
    return {
        "market_time": iso(intent.created_ns),
        "label": intent.label,
        "decision": intent.decision,
        "instrument": intent.instrument,
        "quantity": float(intent.quantity),
        "unit": intent.quantity.unit,
        "price": float(intent.price),
        "time_in_force": intent.time_in_force,
        "purpose": intent.purpose,
    }


def _transition(moved: OrderTransition, decision: str | None) -> Fields:
    return {
        "market_time": iso(moved.ts_ns),
        "label": moved.label,
        "decision": decision,
        "instrument": moved.instrument,
        "before": moved.before,
        "after": moved.after,
        "evidence": moved.evidence,
    }


def _fill(fill: Fill, decision: str | None) -> Fields:
    return {
        "market_time": iso(fill.ts_ns),
        "label": fill.label,
        "decision": decision,
        "trade_id": fill.trade_id,
        "instrument": fill.instrument,
        "quantity": float(fill.quantity),
        "unit": fill.quantity.unit,
        "price": float(fill.price),
        "fee": fill.fee,
        "fee_unit": fill.fee_unit,
        "maker": fill.maker,
    }


def _paid(paid: Paid) -> Fields:
    return {
        "market_time": iso(paid.ts_ns),
        "label": paid.label,
        "decision": paid.decision,
        "instrument": paid.instrument,
        "filled": paid.filled,
        "unit": paid.unit,
        "average": paid.average,
        "slippage_bps": paid.slippage_bps,
        "fee_usd": paid.fee_usd,
    }
