"""The last order on an instrument: the same again at once, with nothing new, is a duplicate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Twin:
    """An order as it was allowed: signed quantity, limit and mark in the instrument's own units."""

    instrument: str
    quantity: float
    limit: float
    reference: float
    ts_ns: int

    def like(self, instrument: str, quantity: float, limit: float, reference: float) -> bool:
        """Tell whether an order is the same in instrument, side, size and price, at one mark."""
        mine = (self.instrument, self.quantity, self.limit, self.reference)
        return mine == (instrument, quantity, limit, reference)
