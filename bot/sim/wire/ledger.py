"""What a position cost on average and what closing parts of it has brought, for display.

Cash and margin are the account's business (bot.sim.exchange.account); this keeps the two figures
that a venue shows beside a position and that cash does not remember.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.domain.instruments import Instrument
from bot.sim.exchange.account import worth


@dataclass(slots=True)
class Ledger:
    """One instrument's average price and realised profit (its settlement currency).

    `session` is the mark at which the position was first seen, shown as the settlement price.
    """

    instrument: Instrument
    average: float
    session: float
    average_usd: float = 0.0
    realised: float = 0.0

    def trade(self, before: Decimal, quantity: Decimal, price: float, index: float) -> None:
        """Fold a signed fill into a position of `before`."""
        after = before + quantity
        if before * quantity < 0:
            closed = float(min(abs(before), abs(quantity)).copy_sign(before))
            self.realised += self.profit(closed, price)
            if before * after >= 0:
                return
            self._open(price, index)
        elif before == 0:
            self._open(price, index)
        else:
            old, new = float(before), float(quantity)
            usd = price * index if self.instrument.is_option else price
            self.average_usd = (old * self.average_usd + new * usd) / (old + new)
            if self.instrument.is_option or not self.instrument.is_inverse:
                self.average = (old * self.average + new * price) / (old + new)
            else:
                self.average = (old + new) / (old / self.average + new / price)

    def profit(self, quantity: float, price: float) -> float:
        """Return what a quantity bought at the average has gained at a price."""
        return worth(self.instrument, quantity, price) - worth(
            self.instrument, quantity, self.average
        )

    def _open(self, price: float, index: float) -> None:
        self.average = price
        self.average_usd = price * index if self.instrument.is_option else price
