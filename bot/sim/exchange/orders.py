"""Orders as the exchange keeps them: their labels, their queue position, what they have filled.

Labels are not unique on this exchange (the venue does not enforce it): a second order under a
label is a second order, so that a client that sends twice owns two. Ended orders stay known to
queries for a day or two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.events import OrderUpdate
from bot.domain.instruments import Instrument
from bot.domain.orders import TERMINAL, Intent, OrderReport, OrderState
from bot.domain.positions import Fill
from bot.domain.units import Quantity
from bot.sim.exchange.codes import Refusal


@dataclass(slots=True)
class Order:
    """One booked order. `ahead` is the size queued in front of it; below zero it is filling."""

    intent: Intent
    instrument: Instrument
    venue_id: str
    rested_ns: int
    state: OrderState = OrderState.WORKING
    filled: Decimal = Decimal(0)  # unsigned
    ahead: float = 0.0
    fills: list[Fill] = field(default_factory=list)

    @property
    def buying(self) -> bool:
        """Tell the side."""
        return self.intent.is_buy

    @property
    def remaining(self) -> Decimal:
        """Return the unfilled size, unsigned."""
        return abs(self.intent.quantity.value) - self.filled

    def report(self, ts_ns: int, code: str = "", message: str = "") -> OrderReport:
        """Return what the venue says about this order now."""
        signed = self.filled if self.buying else -self.filled
        return OrderReport(
            label=self.intent.label,
            instrument=self.instrument.name,
            venue_id=self.venue_id,
            state=self.state,
            filled=Quantity(signed, self.instrument.unit),
            ts_ns=ts_ns,
            code=code,
            message=message,
        )


@dataclass(slots=True)
class Orders:
    """All orders of the account, by label; and the resting ones, by instrument."""

    _labelled: dict[str, list[Order]] = field(default_factory=dict)
    resting: dict[str, list[Order]] = field(default_factory=dict)

    def add(self, order: Order) -> None:
        """Know this order from now on."""
        self._labelled.setdefault(order.intent.label, []).append(order)

    def rest(self, order: Order) -> None:
        """Put a working order into its instrument's queue."""
        self.resting.setdefault(order.instrument.name, []).append(order)

    def end(self, order: Order, state: OrderState) -> None:
        """End an order and take it out of its queue if it rested there."""
        order.state = state
        queue = self.resting.get(order.instrument.name, [])
        if order in queue:
            queue.remove(order)
            if not queue:
                del self.resting[order.instrument.name]

    def forget(self, before_ns: int) -> None:
        """Know no ended order any more that was booked before a time."""
        for label, orders in list(self._labelled.items()):
            kept = [o for o in orders if o.state not in TERMINAL or o.rested_ns >= before_ns]
            if kept:
                self._labelled[label] = kept
            else:
                del self._labelled[label]

    def of_label(self, label: str) -> tuple[Order, ...]:
        """Return the orders under a label, oldest first."""
        return tuple(self._labelled.get(label, ()))

    def working(self) -> tuple[Order, ...]:
        """Return every order that still rests."""
        return tuple(order for queue in self.resting.values() for order in queue)


def rejected(intent: Intent, refused: Refusal, now_ns: int) -> OrderUpdate:
    """Return the rejection of an order that was never booked."""
    report = OrderReport(
        label=intent.label,
        instrument=intent.instrument,
        venue_id="",
        state=OrderState.REJECTED,
        filled=Quantity(Decimal(0), intent.quantity.unit),
        ts_ns=now_ns,
        code=refused.code,
        message=refused.word,
    )
    return OrderUpdate(now_ns, report)
