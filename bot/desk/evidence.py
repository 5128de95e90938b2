"""What a report of positions says about orders whose fate is unknown.

A position that differs by nothing speaks for an order that the venue denies never having been
booked (see `OrderTable.looked`). One that differs by more than the order could have done, or to the
other side, was changed by somebody else: until it is adopted, nobody knows what is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.desk.beginning import APART_S
from bot.domain.commands import Note
from bot.domain.units import seconds_between
from bot.execution.orders import OrderTable
from bot.execution.working import WorkingOrder

Values = tuple[Decimal, Decimal]
"""Ours and the venue's."""
NOTHING: Values = (Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The newest difference of an instrument (ours, the venue's), and how many came in a row.

    `times` counts the reports that were believed; `looked_ns` is when the newest was first told.
    """

    values: Values
    times: int
    looked_ns: int

    def then(self, values: Values, now_ns: int) -> Disagreement:
        """Return what it is after another report that differs."""
        if seconds_between(self.looked_ns, now_ns) >= APART_S:
            return Disagreement(values, self.times + 1, now_ns)
        looked_ns = self.looked_ns if values == self.values else now_ns
        return Disagreement(values, self.times, looked_ns)

    def confirms(self, before: Disagreement | None) -> bool:
        """Tell whether this is another look that found the same."""
        if before is None or before.values != self.values:
            return False
        return self.times > before.times > 0


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
