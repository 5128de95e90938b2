"""Orders: what is sent, and the life that each leads until the venue's evidence ends it.

    INTENDED ──▶ SENT ──▶ WORKING ──▶ FILLED | CANCELLED | REJECTED
                  │  ╲       │
                  │   ╲──▶ REJECTED | FILLED | CANCELLED      (the reply itself is evidence)
                  ▼          ▼
               UNKNOWN ──▶ WORKING | FILLED | CANCELLED | REJECTED | NOT_BOOKED

An intent is on disk before it is sent. UNKNOWN means that no answer came: it ends only by what the
venue says, and NOT_BOOKED only when the venue denies the order repeatedly after its `valid_until`.
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


_S = OrderState
_ANSWERED: Final = frozenset({_S.WORKING, _S.FILLED, _S.CANCELLED, _S.REJECTED})
TERMINAL: Final = frozenset({_S.FILLED, _S.CANCELLED, _S.REJECTED, _S.NOT_BOOKED})
TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    _S.INTENDED: frozenset({_S.SENT, _S.UNKNOWN}),
    _S.SENT: _ANSWERED | {_S.UNKNOWN},
    _S.WORKING: _ANSWERED | {_S.UNKNOWN},
    _S.UNKNOWN: _ANSWERED | {_S.NOT_BOOKED},
    _S.FILLED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.NOT_BOOKED: frozenset(),
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
