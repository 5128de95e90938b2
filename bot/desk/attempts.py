"""What became of an underlying's hedge orders: the collar's rung, the back-off, the last trade.

crossing order with a remainder, or rejected   → the next one has a wider collar
complete fill                                  → the first rung again
rejected                                       → wait 0.2, 0.5, 1, 2, 4, 10 s before the next
three in a row with one code                   → a doubt, until an order is accepted
settlement in progress (Deribit code 10041)    → wait 3 s; says nothing about the order
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.orders import EDGE, TERMINAL, OrderState, TimeInForce
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S
from bot.execution.working import WorkingOrder
from bot.strategy.delta import LastHedge

BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 4.0, 10.0)
ENOUGH = 3
SETTLING, SETTLING_S = "10041", 3.0
ACCEPTED = (OrderState.WORKING, OrderState.FILLED, OrderState.CANCELLED)


@dataclass(slots=True)
class Attempts:
    """Memory of one underlying's hedge orders; `sent` are those whose end is still to come."""

    last: LastHedge = field(default_factory=LastHedge)
    sent: list[tuple[WorkingOrder, float]] = field(default_factory=list)
    rung: int = 0
    rejects: int = 0
    same: int = 0
    code: str = ""
    quiet_until_ns: int = 0

    def watch(self, order: WorkingOrder, index: float) -> None:
        """Remember an order that is being sent at an index."""
        self.sent.append((order, index))

    def learn(self, now_ns: int) -> None:
        """Take in how watched orders have ended by now; twice makes no difference."""
        for order, index in self.sent:
            if order.state is OrderState.REJECTED:
                self._rejected(order, now_ns)
            elif order.state in ACCEPTED:
                self.relent()
            if order.state in TERMINAL:
                self._ended(order, index, now_ns)
        self.sent = [(o, index) for o, index in self.sent if o.state not in TERMINAL]

    def relent(self) -> None:
        """Forget the rejects: an order was accepted, or none is wanted any more."""
        self.rejects, self.same, self.code = 0, 0, ""

    def begin_anew(self) -> None:
        """Forget what stood in the way of an order: it was the connection before this one."""
        self.relent()
        self.quiet_until_ns = 0

    def doubts(self, coin: str) -> tuple[Because, ...]:
        """Return the doubt that orders of an underlying are accepted at all, if there is one."""
        if self.same < ENOUGH:
            return ()
        figures = {"in_a_row": float(self.same)}
        return (Because(Reason.REPEATED_REJECTS, f"{coin} {self.code}".strip(), figures),)

    def _rejected(self, order: WorkingOrder, now_ns: int) -> None:
        if order.code == SETTLING:
            self.quiet_until_ns = now_ns + round(SETTLING_S * NS_PER_S)
            return
        self.same = self.same + 1 if self.rejects and order.code == self.code else 1
        self.code = order.code
        pause_s = BACK_OFF_S[min(self.rejects, len(BACK_OFF_S) - 1)]
        self.rejects += 1
        self.quiet_until_ns = now_ns + round(pause_s * NS_PER_S)

    def _ended(self, order: WorkingOrder, index: float, now_ns: int) -> None:
        if order.reported:
            rested = order.intent.purpose == EDGE  # perhaps for minutes: it traded just now
            at_edge = LastHedge(now_ns, float(order.intent.price))
            self.last = at_edge if rested else LastHedge(order.sent_ns, index)
        if order.reported == order.intent.quantity.value:
            self.rung = 0
        elif order.intent.time_in_force is TimeInForce.IOC and order.code != SETTLING:
            self.rung += 1
