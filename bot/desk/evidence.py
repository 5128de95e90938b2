"""What a report of positions says about orders whose fate is unknown.

A position that differs by nothing speaks for an order that the venue denies never having been
booked (see `OrderTable.looked`). One that differs by more than the order could have done, or to the
other side, was changed by somebody else: until it is adopted, nobody knows what is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bot.domain.commands import Note
from bot.execution.orders import OrderTable
from bot.execution.working import WorkingOrder

NOTHING = Decimal(0), Decimal(0)


def unknown_orders(
    orders: OrderTable, coins: Iterable[str], found: Mapping[str, tuple[Decimal, Decimal]]
) -> list[tuple[WorkingOrder, Decimal]]:
    """Return the unknown orders of some coins, each with what the venue holds beyond us.

    `found` maps instruments that differ to (ours, the venue's), signed in their own unit.
    """
    unknown = [order for coin in coins for order in orders.unknown(coin)]
    pairs = [(order, found.get(order.intent.instrument, NOTHING)) for order in unknown]
    return [(order, theirs - ours) for order, (ours, theirs) in pairs]


def beyond(unknown: list[tuple[WorkingOrder, Decimal]]) -> frozenset[str]:
    """Return the instruments that differ by what their order cannot have done."""
    return frozenset(
        order.intent.instrument
        for order, shown in unknown
        if shown and not 0 < shown / (order.may_fill or -shown) <= 1
    )


def testify(
    orders: OrderTable, unknown: list[tuple[WorkingOrder, Decimal]], now_ns: int
) -> list[Note]:
    """Let each order hear what positions show of it; what ends by that is noted."""
    notes: list[Note] = []
    for order, shown in unknown:
        notes += orders.looked(order.intent.instrument, shown, now_ns)
    return notes
