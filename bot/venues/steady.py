"""Time as a run may use it: it never goes back, and only the exchange's word sets it.

A wall clock is set: by a person, by a time service, rightly or not. Time that went back would leave
everything unfinished and every price new; time that leapt would end validities and windows. So a
run takes the wall's time once, when it begins (and is refused unless the exchange agrees), and goes
on from there on a clock that nobody sets and that counts while a machine is suspended.

It may still be wrong later: a virtual machine that was paused does not know of it, and no crystal
is exact. What it is wrong by is measured against the exchange. Where the wall is right by that
measure and this clock is not, it follows the wall: forward at once, as after a process that stood
still, back by running a tenth slower. It is not safe to be asked from several threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from bot.domain.units import NS_PER_MS

SLOWER: Final = 10  # one part in ten
APART_NS: Final = 250 * NS_PER_MS


def since_boot() -> int:
    """Return a time that nobody sets, ns; it goes on in a machine that is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class SteadyClock:
    """A clock to call for the time now, ns since 1970."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = since_boot
    ) -> None:
        """Begin with the wall's time; `steady` counts nanoseconds from anywhere, never set."""
        self._wall, self._steady = wall, steady
        self._ours, self._then = wall(), steady()
        self._ahead = 0

    def __call__(self) -> int:
        """Return the time now."""
        steady = self._steady()
        passed, self._then = steady - self._then, steady
        less = min(self._ahead, passed // SLOWER)
        self._ahead -= less
        self._ours += passed - less
        return self._ours

    def over_steady(self) -> int:
        """Return how far this clock is ahead of the steady one, ns."""
        return self() - self._then

    def hear(self, ahead_ns: int, error_ns: int) -> None:
        """Hear how far the exchange is ahead of this clock, and by how much that may be wrong."""
        gap = self._wall() - self()
        if error_ns > APART_NS or abs(gap) <= APART_NS or abs(gap - ahead_ns) > APART_NS:
            return  # this clock is good enough, or the wall is no better
        self._ahead = max(-gap, 0)
        self._ours += max(gap, 0)
