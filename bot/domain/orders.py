"""Orders: what is sent, and the life that each leads until the venue's evidence ends it.

An intent is on disk before it is sent. UNKNOWN means that no answer came: it ends only by what the
venue says, and NOT_BOOKED only when the venue denies the order repeatedly after its `valid_until`.
`LIFE` is the table of it all: every step, who takes it and on what evidence (docs/orders.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from bot.domain.units import Quantity

EDGE: Final = "edge"
"""The purpose of an order that rests where the price will ask for a hedge."""


class TimeInForce(StrEnum):
    """How long an order stands."""

    IOC = "ioc"
    GTC = "gtc"


class OrderState(StrEnum):
    """Where an order is in its life."""

    INTENDED = "intended"
    SENT = "sent"
    WORKING = "working"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NOT_BOOKED = "not_booked"


TERMINAL: Final = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.NOT_BOOKED}
)


class Mover(StrEnum):
    """Whose word or silence moves an order."""

    US = "us"
    SILENCE = "silence"
    VENUE = "venue"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an order's life: who takes it, and on what evidence."""

    before: OrderState
    after: OrderState
    mover: Mover
    evidence: str


_S, _M = OrderState, Mover
LIFE: Final = (
    Step(_S.INTENDED, _S.SENT, _M.US, "the intent is on disk"),
    Step(_S.INTENDED, _S.UNKNOWN, _M.US, "an earlier run's journal knows no end of it"),
    Step(_S.SENT, _S.WORKING, _M.VENUE, "reply, stream event or answer: it stands"),
    Step(_S.SENT, _S.FILLED, _M.VENUE, "reply, stream event or answer; trades that complete it"),
    Step(_S.SENT, _S.CANCELLED, _M.VENUE, "reply, stream event or answer"),
    Step(_S.SENT, _S.REJECTED, _M.VENUE, "reply with a reject code; our own that it never left"),
    Step(_S.SENT, _S.UNKNOWN, _M.SILENCE, "no answer"),
    Step(_S.WORKING, _S.WORKING, _M.VENUE, "stream event: partly filled"),
    Step(_S.WORKING, _S.FILLED, _M.VENUE, "stream event or answer; trades that complete it"),
    Step(_S.WORKING, _S.CANCELLED, _M.VENUE, "reply to the cancellation, stream event or answer"),
    Step(_S.WORKING, _S.REJECTED, _M.VENUE, "stream event or answer with a reject code"),
    Step(_S.WORKING, _S.UNKNOWN, _M.SILENCE, "no end of an immediate order or a cancellation"),
    Step(_S.UNKNOWN, _S.WORKING, _M.VENUE, "answer, late reply or stream event: it stands"),
    Step(_S.UNKNOWN, _S.FILLED, _M.VENUE, "answer or stream event; trades that complete it"),
    Step(_S.UNKNOWN, _S.CANCELLED, _M.VENUE, "answer or stream event; denials of what was booked"),
    Step(_S.UNKNOWN, _S.REJECTED, _M.VENUE, "late reply with a reject code"),
    Step(_S.UNKNOWN, _S.NOT_BOOKED, _M.VENUE, "denials after its validity; the venue never had it"),
)
TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    state: frozenset(step.after for step in LIFE if step.before is state) for state in _S
}


@dataclass(frozen=True, slots=True)
class Intent:
    """An order that we have decided to send; immutable, journalled before it leaves.

    `quantity` is signed (buy > 0) and on the lot grid, `price` on the tick grid. The venue must
    refuse it after `valid_until_ns`. `decision` names the journalled decision that it belongs to.
    """

    label: str
    instrument: str
    quantity: Quantity
    price: Decimal
    time_in_force: TimeInForce
    post_only: bool
    reduce_delta: bool
    decision: str
    purpose: str
    created_ns: int
    valid_until_ns: int

    @property
    def is_buy(self) -> bool:
        """Tell the side."""
        return self.quantity.value > 0


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the venue says about one of our orders: a reply, a stream event or an answer.

    `filled` is the cumulative signed filled quantity. `state` is WORKING, FILLED, CANCELLED or
    REJECTED. `code` is the venue's own reject code where it has one; `sent` is False where the
    order has not left this program.
    """

    label: str
    instrument: str
    venue_id: str
    state: OrderState
    filled: Quantity
    ts_ns: int
    code: str = ""
    message: str = ""
    sent: bool = True

    @classmethod
    def unsent(cls, intent: Intent, ts_ns: int, code: str, message: str) -> Self:
        """Return our own word that an order has not left: REJECTED, with why."""
        nothing = intent.quantity - intent.quantity
        label, instrument, rejected = intent.label, intent.instrument, OrderState.REJECTED
        return cls(label, instrument, "", rejected, nothing, ts_ns, code, message, sent=False)
