"""Orders and trades as their owner sees them, and the refusal that a request may meet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bot.domain.instruments import Instrument
from bot.domain.orders import OrderState
from bot.domain.positions import Fill
from bot.sim.exchange.codes import Refusal
from bot.sim.exchange.orders import Order


class Lifetime(StrEnum):
    """How long an order stands, in the venue's words."""

    GTC = "good_til_cancelled"
    GTD = "good_til_day"
    IOC = "immediate_or_cancel"
    FOK = "fill_or_kill"


class Refused(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """A request was refused: the venue's number, its word, and what belongs to it."""

    def __init__(self, code: int, word: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(f"{word} ({code})")
        self.code = code
        self.word = word
        self.data = data

    @classmethod
    def of(cls, refusal: Refusal) -> Refused:
        """Return the refusal that the exchange's own table names."""
        return cls(int(refusal.code), refusal.word)


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody asks for. `price` None is a market order; `amount` is unsigned."""

    instrument: Instrument
    buying: bool
    amount: Decimal
    price: Decimal | None
    lifetime: Lifetime = Lifetime.GTC
    post_only: bool = False
    reject_post_only: bool = False
    reduce_only: bool = False
    label: str = ""
    valid_until_ns: int | None = None


@dataclass(slots=True, eq=False)
class Ticket:
    """One booked order. `connection` is the number of the connection it came over, 0 for REST."""

    order: Order
    terms: Terms
    created_ns: int
    updated_ns: int
    connection: int
    replaced: bool = False
    fees: float = 0.0

    @property
    def id(self) -> str:
        """Return the venue's id."""
        return self.order.venue_id

    @property
    def label(self) -> str:
        """Return the owner's label."""
        return self.terms.label

    @property
    def instrument(self) -> Instrument:
        """Return what is traded."""
        return self.order.instrument

    @property
    def is_open(self) -> bool:
        """Tell whether it rests in the book."""
        return self.order.state is OrderState.WORKING

    @property
    def average(self) -> float:
        """Return the average price of its fills; 0 before the first."""
        filled = float(self.order.filled)
        if not filled:
            return 0.0
        fills = self.order.fills
        return sum(abs(float(one.quantity)) * float(one.price) for one in fills) / filled


@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """One fill with where the market stood: index (USD), mark (price unit), vol (1.00 = 100 %)."""

    fill: Fill
    ticket: Ticket
    number: int
    index: float
    mark: float
    vol: float
    left_open: bool
