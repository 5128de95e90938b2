"""Events of an order's life; what each step takes is in docs/orders.md."""

from __future__ import annotations

from typing import Final

from bot.monitor.catalogue.event import Event

_STEP: Final = (*("market_time", "label", "decision", "instrument", "before", "after", "evidence"),)
_STEPS: Final = (
    ("sent", "An order was handed to the exchange.", ("debug",)),
    ("working", "An order stands in the book, or a part of it was filled.", ("debug", "warning")),
    ("filled", "An order was filled. A warning after it had been unknown.", ("info", "warning")),
    ("cancelled", "An order was cancelled, or its rest.", ("info", "warning")),
    (
        "rejected",
        "The exchange refused it, or it never left. Only info where a maker's order had been met.",
        ("warning", "info"),
    ),
    ("unknown", "No answer came: the order blocks new risk until the exchange speaks.", None),
    ("not_booked", "The exchange has never had an order that was unknown.", None),
)

ORDERS: Final = (
    Event(
        "order.intended",
        "An order was journalled and is about to leave.",
        ("debug",),
        (
            *("market_time", "label", "decision", "instrument", "quantity", "unit", "price"),
            *("time_in_force", "purpose"),
        ),
    ),
    *(
        Event(f"order.{state}", when, levels or ("warning",), _STEP)
        for state, when, levels in _STEPS
    ),
    Event(
        "order.executed",
        "A fill of an order, whole or in part.",
        ("debug",),
        (
            *("market_time", "label", "decision", "trade_id", "instrument", "quantity", "unit"),
            *("price", "fee", "fee_unit", "maker"),
        ),
    ),
    Event(
        "order.paid",
        "An order is done: what it paid against the mid of its decision.",
        ("debug",),
        (
            *("market_time", "label", "decision", "instrument", "filled", "unit", "average"),
            *("slippage_bps", "fee_usd"),
        ),
    ),
)
