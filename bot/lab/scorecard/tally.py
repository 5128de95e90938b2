"""What is counted rather than measured, per coin: cycles, orders, fills, rejects, fees."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.orders import OrderState
from bot.domain.records import HedgeDone, OrderTransition, Record


@dataclass(slots=True)
class Tally:
    """Counts of one coin; an order that was ever UNKNOWN stays counted as such."""

    hedge_cycles: int = 0
    fills: int = 0
    fees_usd: float = 0.0
    orders: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def note(self, record: Record) -> None:
        """Count a record of this coin."""
        if isinstance(record, HedgeDone):
            self.hedge_cycles += 1
        elif isinstance(record, OrderTransition):
            if record.after is OrderState.SENT:
                self.orders.add(record.label)
            elif record.after is OrderState.REJECTED:
                self.rejected.add(record.label)
            elif record.after is OrderState.UNKNOWN:
                self.unknown.add(record.label)

    def figures(self) -> dict[str, int | float]:
        """Return the counts under their names."""
        return {
            "hedge_cycles": self.hedge_cycles,
            "orders": len(self.orders),
            "fills": self.fills,
            "rejects": len(self.rejected),
            "unknown_orders": len(self.unknown),
            "fees_usd": self.fees_usd,
        }
