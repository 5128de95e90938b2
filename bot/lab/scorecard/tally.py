"""What is counted rather than measured, per coin: cycles, orders, fills, rejects, fees."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.orders import TERMINAL, OrderState
from bot.domain.records import HedgeDone, OrderTransition, Record


@dataclass(slots=True)
class Tally:
    """Counts of one coin; an order that was ever UNKNOWN stays counted as such, once.

    `_doubtful` are those that have not ended since.
    """

    hedge_cycles: int = 0
    fills: int = 0
    fees_usd: float = 0.0
    orders: int = 0
    rejected: int = 0
    unknown: int = 0
    _doubtful: set[str] = field(default_factory=set)

    def note(self, record: Record) -> None:
        """Count a record of this coin."""
        if isinstance(record, HedgeDone):
            self.hedge_cycles += 1
        elif isinstance(record, OrderTransition):
            if record.after is OrderState.SENT:
                self.orders += 1
            elif record.after is OrderState.REJECTED:
                self.rejected += 1
            elif record.after is OrderState.UNKNOWN and record.label not in self._doubtful:
                self.unknown += 1
                self._doubtful.add(record.label)
            if record.after in TERMINAL:
                self._doubtful.discard(record.label)

    def figures(self) -> dict[str, int | float]:
        """Return the counts under their names."""
        return {
            "hedge_cycles": self.hedge_cycles,
            "orders": self.orders,
            "fills": self.fills,
            "rejects": self.rejected,
            "unknown_orders": self.unknown,
            "fees_usd": self.fees_usd,
        }
