"""Working orders: the table of everything sent whose end is not proven, and how its end is found.

    sent, no answer for `ack_s`   → UNKNOWN, query at once, then after 0.5, 1, 2, 2.5 … s
    IOC, no end for `ack_s`       → UNKNOWN as well: its end may be what got lost
    UNKNOWN, denied by the venue  → NOT_BOOKED after `valid_until` + 2 s, three denials over 5 s and
                                    two reports of positions without it, or 30 s of denials alone
    terminal, fills are missing   → counted as may-fill until they arrive; positions are queried

A venue that knows no `valid_until` may book an order long after it was sent: there denials count
only when `quarantine_s` have passed since (see docs/orders.md).

Folding is idempotent and does not depend on order: the filled amount is the largest that report or
fills prove, also where that is more than was ordered or comes after the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bot.domain.commands import Command, Note, Query, QueryPositions
from bot.domain.errors import TransitionError
from bot.domain.orders import (
    EDGE,
    TERMINAL,
    TRANSITIONS,
    Intent,
    OrderReport,
    OrderState,
    TimeInForce,
)
from bot.domain.positions import Fill
from bot.domain.records import OrderTransition
from bot.domain.units import seconds_between
from bot.execution.working import Patience, WorkingOrder

ENDED = 256
"""So many orders that are done are remembered, for what is said of them afterwards."""


class OrderTable:
    """All orders that are not done, by label.

    `denied` sums by instrument what the venue said it had never booked: should it turn up in the
    positions after all, it was ours. `_unexplained` are instruments whose order was given up while
    positions did not show nothing of it: others have traded, or the order has.
    """

    def __init__(self, patience: Patience) -> None:
        """Start without orders."""
        self.patience = patience
        self.orders: dict[str, WorkingOrder] = {}
        self.denied: dict[str, Decimal] = {}
        self._unexplained: set[str] = set()
        self._ended: dict[str, WorkingOrder] = {}

    def __iter__(self) -> Iterator[WorkingOrder]:
        """Iterate in the order of sending."""
        return iter(self.orders.values())

    def pending(self, coin: str) -> list[tuple[str, float]]:
        """Return (instrument, signed quantity) of all that may still fill on an underlying."""
        return [
            (o.intent.instrument, float(o.may_fill))
            for o in self.orders.values()
            if o.coin == coin and o.may_fill
        ]

    def busy(self, coin: str, now_ns: int) -> bool:
        """Tell whether something of an underlying may still fill, so that it is better to wait.

        An order that has been UNKNOWN for longer than `unknown_s` no longer makes others wait; it
        still counts in every interval, and its own instrument stays barred.
        """
        return any(
            o.coin == coin
            and o.may_fill
            and not (
                o.state is OrderState.UNKNOWN
                and seconds_between(o.unknown_since_ns, now_ns) > self.patience.unknown_s
            )
            for o in self.orders.values()
        )

    @property
    def patient(self) -> frozenset[str]:
        """Return the instruments whose order waits at a band's edge, perhaps for minutes."""
        return frozenset(
            o.intent.instrument
            for o in self.orders.values()
            if o.intent.purpose == EDGE and o.state is OrderState.WORKING
        )

    def unresolved(self, instrument: str) -> WorkingOrder | None:
        """Return the order on an instrument that is not done, if any."""
        return next((o for o in self.orders.values() if o.intent.instrument == instrument), None)

    def unknown(self, coin: str) -> list[WorkingOrder]:
        """Return the orders of an underlying whose fate is unknown."""
        return [o for o in self.orders.values() if o.coin == coin and o.state is OrderState.UNKNOWN]

    def add(self, intent: Intent, coin: str, now_ns: int) -> list[Note]:
        """Take a new intent that is about to be sent."""
        order = WorkingOrder(intent, coin, sent_ns=now_ns)
        self.orders[intent.label] = order
        return [_move(order, OrderState.SENT, now_ns, "journalled and handed to the venue")]

    def restore(
        self, intent: Intent, coin: str, now_ns: int, *, booked: bool = False
    ) -> list[Note]:
        """Take an intent that an earlier run left open: UNKNOWN until the venue speaks."""
        # That run's clock may have been ahead of ours.
        sent_ns = min(intent.created_ns, now_ns)
        order = WorkingOrder(intent, coin, sent_ns=sent_ns, inherited=True, booked=booked)
        self.orders[intent.label] = order
        order.next_query_ns, order.unknown_since_ns = now_ns, now_ns
        return [_move(order, OrderState.UNKNOWN, now_ns, "open in the journal of an earlier run")]

    def report(self, report: OrderReport, now_ns: int) -> list[Note]:
        """Fold what the venue says; of an order that is over only that it filled more."""
        order = self._known(report.label)
        if order is None:
            return []
        order.heard_ns = now_ns
        order.code = report.code or order.code
        order.booked |= report.state is OrderState.WORKING
        if abs(report.filled.value) > abs(order.reported):
            order.reported = report.filled.value
        notes = []
        if order.state not in TERMINAL and not (order.state is report.state is OrderState.WORKING):
            venue = " ".join(word for word in ("venue", report.venue_id) if word)
            evidence = f"{venue}: {report.state}" if report.sent else "not sent"
            words = " ".join(word for word in (report.code, report.message) if word)
            evidence += f" ({words})" if words else ""
            notes.append(_move(order, report.state, now_ns, evidence))
        self._sweep(order)
        return notes

    def fold(self, fill: Fill, now_ns: int) -> list[Note]:
        """Fold a fill, once per trade id; a fill is evidence that the order exists."""
        order = self._known(fill.label)
        if order is None or fill.trade_id in order.trades:
            return []
        order.trades.add(fill.trade_id)
        order.folded += fill.quantity.value
        if abs(order.folded) > abs(order.reported):
            order.reported = order.folded
        notes = []
        order.denials.clear()
        complete = abs(order.folded) >= abs(order.intent.quantity.value)
        if complete and order.state not in TERMINAL:
            notes.append(
                _move(order, OrderState.FILLED, now_ns, f"trade {fill.trade_id} completes it")
            )
        self._sweep(order)
        return notes

    def deny(self, label: str, now_ns: int) -> list[Note]:
        """Count the venue's denial; believe it only late, repeatedly, after the validity.

        One query is one denial, however often its answer arrives.
        """
        order = self.orders.get(label)
        if order is None or order.state is not OrderState.UNKNOWN or not order.asked:
            return []
        order.asked = False
        if now_ns <= order.late_ns(self.patience):
            return []
        order.denials.append(now_ns)
        return self._conclude(order, now_ns)

    def looked(self, instrument: str, shown: Decimal, now_ns: int) -> list[Note]:
        """Take by how much a report of positions differs from what we hold of an instrument.

        A venue may deny what it has booked, but not for long what it holds.
        """
        order = self.unresolved(instrument)
        unknown = order is not None and order.state is OrderState.UNKNOWN
        if order is None or not unknown or now_ns <= order.late_ns(self.patience):
            return []
        order.looks = 0 if shown else order.looks + 1
        return self._conclude(order, now_ns)

    def _conclude(self, order: WorkingOrder, now_ns: int) -> list[Note]:
        """End an order that was denied for long enough, and that positions show nothing of."""
        patience, denials = self.patience, order.denials
        span_s = seconds_between(denials[0], denials[-1]) if denials else 0.0
        if len(denials) < patience.deny_count or span_s < patience.deny_span_s:
            return []
        waited_s = seconds_between(order.unknown_since_ns, now_ns)
        # What was booked is over, and how only the venue knows: an answer is worth waiting for.
        looked = not order.booked if order.inherited else order.looks >= patience.looks
        seen = looked or bool(order.reported)
        if not seen and waited_s < patience.denied_s:
            return []
        evidence = f"denied {len(denials)} times over {span_s:.1f} s after its validity ended"
        booked = order.booked or bool(order.reported)  # the venue merely has no more of it
        end = OrderState.CANCELLED if booked else OrderState.NOT_BOOKED
        if end is OrderState.NOT_BOOKED:
            name = order.intent.instrument
            self.denied[name] = self.denied.get(name, Decimal(0)) + order.may_fill
        if not seen:
            self._unexplained.add(order.intent.instrument)
        notes = [_move(order, end, now_ns, evidence)]
        self._sweep(order)
        return notes

    def take_unexplained(self) -> frozenset[str]:
        """Return, once, the instruments whose order was given up against the positions."""
        names, self._unexplained = frozenset(self._unexplained), set()
        return names

    def missing_fills(self, coin: str) -> list[WorkingOrder]:
        """Return ended orders of which not every trade has been told; `may_fill` is the rest."""
        return [o for o in self.orders.values() if o.coin == coin and o.state in TERMINAL]

    def tick(self, now_ns: int) -> list[Command]:
        """Let time pass: declare silence UNKNOWN, and ask about what is unknown."""
        commands: list[Command] = []
        for order in list(self.orders.values()):
            commands += self._tick_one(order, now_ns)
        return commands

    def _tick_one(self, order: WorkingOrder, now_ns: int) -> list[Command]:
        patience, label = self.patience, order.intent.label
        if order.state in TERMINAL:
            if seconds_between(order.ended_ns, now_ns) > patience.missing_fill_s:
                order.ended_ns = now_ns
                return [Query(label, order.intent.instrument), QueryPositions()]
            return []
        silent_s = seconds_between(max(order.sent_ns, order.heard_ns), now_ns)
        commands: list[Command] = []
        # An immediate order that was taken must end at once: its end may be what got lost.
        ends_at_once = order.intent.time_in_force is TimeInForce.IOC
        waiting = order.state is OrderState.SENT or (
            order.state is OrderState.WORKING and ends_at_once
        )
        unanswered = waiting and silent_s >= patience.ack_s
        cancel_lost = (
            order.state is OrderState.WORKING
            and order.cancel_asked_ns
            and seconds_between(order.cancel_asked_ns, now_ns) >= patience.ack_s
        )
        if unanswered or cancel_lost:
            what = "the order" if unanswered else "its cancellation"
            evidence = f"no answer to {what} for {patience.ack_s:g} s"
            commands.append(_move(order, OrderState.UNKNOWN, now_ns, evidence))
            order.unknown_since_ns = order.next_query_ns = now_ns
            order.query_gap_s = patience.first_query_s
            order.cancel_asked_ns = 0
        if order.state is OrderState.UNKNOWN and now_ns >= order.next_query_ns:
            commands.append(Query(label, order.intent.instrument))
            if now_ns > order.late_ns(patience) and not order.inherited:
                commands.append(QueryPositions())
            order.ask(patience, now_ns)
        return commands

    def _known(self, label: str) -> WorkingOrder | None:
        return self.orders.get(label) or self._ended.get(label)

    def _sweep(self, order: WorkingOrder) -> None:
        """Put an order where it belongs: done, or, with more filled than was told, not done.

        What was denied and turns up is found in the positions (`denied`).
        """
        label = order.intent.label
        if not order.done:
            self._ended.pop(label, None)
            self.orders[label] = order
            return
        self.orders.pop(label, None)
        if order.state is not OrderState.NOT_BOOKED:
            self._ended[label] = order
        if len(self._ended) > ENDED:
            del self._ended[next(iter(self._ended))]


def _move(order: WorkingOrder, to: OrderState, now_ns: int, evidence: str) -> Note:
    if to not in TRANSITIONS[order.state]:
        msg = f"expected one of {sorted(TRANSITIONS[order.state])} after {order.state}, found {to}"
        raise TransitionError(msg)
    note = OrderTransition(
        now_ns, order.intent.label, order.intent.instrument, order.state, to, evidence
    )
    order.state = to
    if to in TERMINAL:
        order.ended_ns = now_ns
    if to is not OrderState.UNKNOWN:
        order.denials.clear()
        order.looks = 0
    return Note(note)
