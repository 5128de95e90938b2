"""One account: cash per currency, one net holding per instrument, and what was charged.

Options are paid for in cash when they trade. A future's profit is open until it is reduced or
until the daily settlement, when it becomes cash. Inverse contracts pay in the coin, linear ones
in "USD". Quantities are exact; cash is a float. Equity is cash + open profit of futures + value
of options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.instruments import Instrument, Kind
from bot.domain.positions import Position

USD = "USD"


@dataclass(frozen=True, slots=True)
class StartingAccount:
    """What the account begins with: cash per coin (and "USD"), positions, the next free id number.

    Positions of one instrument add up, whatever their tag. Futures start at their first mark. A
    resumed account passes a `first_id` above every id it has seen.
    """

    balances: Mapping[str, float]
    positions: tuple[Position, ...] = ()
    first_id: int = 1


@dataclass(slots=True)
class Holding:
    """A net position. `basis` is what a future's quantity was worth when opened (see `worth`)."""

    instrument: Instrument
    quantity: Decimal
    size: float
    basis: float = 0.0

    def unrealised(self, mark: float) -> float:
        """Return a future's open profit at a mark, in its settlement currency."""
        return worth(self.instrument, self.size, mark) - self.basis


@dataclass(slots=True)
class Charges:
    """What one currency has paid so far: fees (delivery included) and funding; positive = paid."""

    fees: float = 0.0
    funding: float = 0.0


def worth(instrument: Instrument, quantity: float, price: float) -> float:
    """Return a quantity's worth in its settlement currency, such that profit = worth − basis.

    An inverse future of N USD is worth −N/price coins: its profit is N/entry − N/price.
    """
    if instrument.is_option or not instrument.is_inverse:
        return quantity * price
    return -quantity / price


@dataclass(slots=True)
class Account:
    """The books of one account."""

    cash: dict[str, float]
    holdings: dict[str, Holding] = field(default_factory=dict)
    charges: dict[str, Charges] = field(default_factory=dict)

    def open(self, instrument: Instrument, quantity: Decimal, mark: float) -> None:
        """Begin with a position that was there before: no cash moves, futures start at `mark`."""
        holding = self._holding(instrument)
        holding.quantity += quantity
        holding.size = float(holding.quantity)
        if not instrument.is_option:
            holding.basis += worth(instrument, float(quantity), mark)

    def trade(self, instrument: Instrument, quantity: Decimal, price: float, fee: float) -> None:
        """Book a signed quantity at a price, with its fee in the settlement currency."""
        holding = self._holding(instrument)
        gain = 0.0
        if instrument.is_option:
            gain = -float(quantity) * price
        else:
            gain = self._realise(holding, quantity, price)
        holding.quantity += quantity
        holding.size = float(holding.quantity)
        if not instrument.is_option and holding.quantity == 0:
            holding.basis = 0.0
        self._pay(instrument.currency, gain)
        self._charge(instrument, fees=fee)

    def fund(self, holding: Holding, mark: float, rate: float) -> None:
        """Pay or receive funding on a perpetual: `rate` of its notional, paid by longs."""
        instrument = holding.instrument
        if instrument.kind is not Kind.PERPETUAL or not holding.size:
            return
        coins = instrument.coins(holding.size, mark)
        self._charge(instrument, funding=rate * (coins if instrument.is_inverse else coins * mark))

    def mark_to_market(self, holding: Holding, mark: float) -> None:
        """Turn a future's open profit into cash, as the daily settlement does."""
        if holding.instrument.is_option or not holding.size:
            return
        self._pay(holding.instrument.currency, holding.unrealised(mark))
        holding.basis = worth(holding.instrument, holding.size, mark)

    def deliver(self, holding: Holding, value: float, fee: float) -> None:
        """Settle an expired holding at `value` (its price unit) and forget it."""
        instrument = holding.instrument
        if instrument.is_option:
            gain = holding.size * value
        else:
            gain = holding.unrealised(value) if holding.size else 0.0
        self._pay(instrument.currency, gain)
        self._charge(instrument, fees=fee)
        del self.holdings[instrument.name]

    def _holding(self, instrument: Instrument) -> Holding:
        """Return the holding of an instrument, empty if there was none."""
        return self.holdings.setdefault(instrument.name, Holding(instrument, Decimal(0), 0.0))

    def _realise(self, holding: Holding, quantity: Decimal, price: float) -> float:
        """Adjust a future's basis for a trade and return the profit that the trade realises."""
        before = holding.quantity
        closing = Decimal(0)
        if before * quantity < 0:
            closing = min(abs(before), abs(quantity)).copy_sign(before)
        closed_part = float(closing / before) if closing else 0.0
        gain = 0.0
        if closing:
            gain = worth(holding.instrument, float(closing), price) - holding.basis * closed_part
            holding.basis *= 1.0 - closed_part
        holding.basis += worth(holding.instrument, float(quantity + closing), price)
        return gain

    def _pay(self, into: str, amount: float) -> None:
        """Add an amount to a currency's cash."""
        self.cash[into] = self.cash.get(into, 0.0) + amount

    def _charge(self, instrument: Instrument, *, fees: float = 0.0, funding: float = 0.0) -> None:
        """Take charges from cash and remember them."""
        name = instrument.currency
        charges = self.charges.setdefault(name, Charges())
        charges.fees += fees
        charges.funding += funding
        self._pay(name, -fees - funding)
