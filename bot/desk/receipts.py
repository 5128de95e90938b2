"""What each order paid against the mid of the decision that sent it.

A receipt is opened when an order is sent, takes its fills, and becomes a `Paid` when the order is
done. Slippage is positive where a fill was worse than the mid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bot.domain.instruments import Instrument
from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.records import Paid
from bot.domain.units import Unit, seconds_between
from bot.execution.orders import OrderTable


def slippage_usd(
    instrument: Instrument, quantity: float, price: float, mid: float, index: float
) -> float:
    """Return what a fill of a signed quantity cost against a mid in its price unit, USD."""
    if instrument.unit is Unit.USD:
        return quantity * (price / mid - 1.0)
    worse = quantity * (price - mid)
    return worse * index if instrument.is_inverse else worse


def fee_usd(fill: Fill, index: float) -> float:
    """Return a fill's fee in USD."""
    return fill.fee if fill.fee_unit == "USD" else fill.fee * index


@dataclass(slots=True)
class Receipt:
    """One order under way; `mid` is in its instrument's price unit, `shown_bps` as in `Paid`."""

    intent: Intent
    instrument: Instrument
    mid: float
    shown_bps: float
    filled: float = 0.0
    as_maker: float = 0.0
    worth: float = 0.0
    fee_usd: float = 0.0
    slippage_usd: float = 0.0

    def fold(self, fill: Fill, index: float) -> None:
        """Add a fill that was not told before."""
        quantity, price = float(fill.quantity), float(fill.price)
        self.filled += quantity
        self.as_maker += quantity if fill.maker else 0.0
        self.worth += quantity * price
        self.fee_usd += fee_usd(fill, index)
        self.slippage_usd += slippage_usd(self.instrument, quantity, price, self.mid, index)

    def paid(self, now_ns: int) -> Paid:
        """Return what the order has paid by now."""
        average = self.worth / self.filled if self.filled else math.nan
        side = 1.0 if self.intent.is_buy else -1.0
        return Paid(
            ts_ns=now_ns,
            label=self.intent.label,
            decision=self.intent.decision,
            coin=self.instrument.coin,
            instrument=self.instrument.name,
            purpose=self.intent.purpose,
            post_only=self.intent.post_only,
            quantity=float(self.intent.quantity),
            filled=self.filled,
            as_maker=self.as_maker,
            unit=str(self.intent.quantity.unit),
            mid=self.mid,
            average=average,
            shown_bps=self.shown_bps,
            slippage_bps=side * (average / self.mid - 1.0) * 1e4,
            slippage_usd=self.slippage_usd,
            fee_usd=self.fee_usd,
            seconds=seconds_between(self.intent.created_ns, now_ns),
        )


@dataclass(slots=True)
class Receipts:
    """The receipts of all orders under way, by label."""

    under_way: dict[str, Receipt] = field(default_factory=dict)

    def begin(self, intent: Intent, instrument: Instrument, mid: float, shown_bps: float) -> None:
        """Open the receipt of an order that is being sent."""
        self.under_way[intent.label] = Receipt(intent, instrument, mid, shown_bps)

    def fold(self, fill: Fill, index: float) -> None:
        """Add a fill to its order's receipt; `index` values what is in coin."""
        receipt = self.under_way.get(fill.label)
        if receipt is not None:
            receipt.fold(fill, index)

    def done(self, orders: OrderTable, now_ns: int) -> list[Paid]:
        """Return what the orders paid that are done by now, each once."""
        over = [label for label in self.under_way if label not in orders.orders]
        return [self.under_way.pop(label).paid(now_ns) for label in over]
