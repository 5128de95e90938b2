"""Which trades have been told, so that one that is told again counts once.

Of a run without an end only the newest are remembered. What is not newer than the newest that was
forgotten counts as told: twice would be worse than never, and positions that are reported show what
was missed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bot.domain.positions import Fill

KEPT: Final = 4_096


@dataclass(slots=True)
class Trades:
    """Trades by id and label, with their time; the newest KEPT and at most as many again.

    A trade that was made at `forgotten_ns` or before is known.
    """

    forgotten_ns: int = -1
    _made_ns: dict[tuple[str, str], int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._made_ns)

    def knows(self, fill: Fill) -> bool:
        """Tell whether a trade has been told before."""
        return (fill.trade_id, fill.label) in self._made_ns or fill.ts_ns <= self.forgotten_ns

    def add(self, *fills: Fill) -> None:
        """Remember trades; of too many the oldest are forgotten, by the venue's time."""
        self._made_ns.update(((fill.trade_id, fill.label), fill.ts_ns) for fill in fills)
        if len(self._made_ns) > 2 * KEPT:
            oldest_first = sorted(self._made_ns.items(), key=lambda item: item[1])
            self.forgotten_ns = max(self.forgotten_ns, oldest_first[-KEPT - 1][1])
            self._made_ns = dict(oldest_first[-KEPT:])
