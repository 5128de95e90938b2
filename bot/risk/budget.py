"""Order budgets: one for everything, and one reserved for orders that reduce |delta|.

Time comes with each call. The common budget is a sliding window: never more than `per_min` orders
in any minute. The reserve is a token bucket: a burst of 20 (or of a minute, where that is less),
refilled evenly at its own rate.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bot.domain.units import seconds_between

WINDOW_S = 60.0
BURST = 20.0


@dataclass(slots=True)
class Window:
    """The orders of the last minute, of which there are never more than `per_min`."""

    per_min: float
    now_ns: int
    sent_ns: deque[int] = field(default_factory=deque)

    def refill(self, per_min: float, now_ns: int) -> None:
        """Let time pass; a changed allowance applies from now on."""
        self.per_min = per_min
        self.now_ns = max(self.now_ns, now_ns)
        while self.sent_ns and seconds_between(self.sent_ns[0], self.now_ns) >= WINDOW_S:
            self.sent_ns.popleft()

    def take(self) -> bool:
        """Count one order; False when the minute is full."""
        if len(self.sent_ns) + 1 > self.per_min:
            return False
        self.sent_ns.append(self.now_ns)
        return True


@dataclass(slots=True)
class Bucket:
    """Tokens that refill evenly up to a burst; it starts full."""

    per_min: float
    tokens: float
    last_ns: int

    def refill(self, per_min: float, now_ns: int) -> None:
        """Let time pass; a changed rate applies from now on."""
        gained = self.per_min * max(seconds_between(self.last_ns, now_ns), 0.0) / 60.0
        self.per_min = per_min
        self.tokens = min(BURST, per_min, self.tokens + gained)
        self.last_ns = max(self.last_ns, now_ns)

    def take(self) -> bool:
        """Spend one token; False when none is left."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class OrderBudget:
    """The two budgets of one underlying."""

    common: Window
    reserve: Bucket

    @classmethod
    def start(cls, now_ns: int) -> OrderBudget:
        """Return budgets that `refill` will size."""
        return cls(Window(10.0, now_ns), Bucket(240.0, BURST, now_ns))

    def refill(self, per_min: float, reserve_per_min: float, now_ns: int) -> None:
        """Let time pass in both."""
        self.common.refill(per_min, now_ns)
        self.reserve.refill(reserve_per_min, now_ns)

    def spare(self, now_ns: int) -> bool:
        """Tell whether more than half of a minute's common orders are left; spends nothing."""
        window = self.common
        recent = [t for t in window.sent_ns if seconds_between(t, now_ns) < WINDOW_S]
        return 2.0 * len(recent) < window.per_min

    def take(self, *, reducing: bool) -> bool:
        """Spend from the common budget first, from the reserve only for reducing orders."""
        return self.common.take() or (reducing and self.reserve.take())
