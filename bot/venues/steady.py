"""The wall's time as a run may use it: it never goes back, never stands still, and tells its steps.

A wall clock is set: by a person, by a time service, after a machine was suspended. Time that went
back would leave everything unfinished and every price new; time that stood still until the wall has
caught up would leave a book unhedged for as long. So a wall that is set forward is followed at
once, as after a process that stood still, and one that is set back is caught up with by running a
tenth slower, on the machine's steady clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SLOWER: Final = 10  # one part in ten


class SteadyClock:
    """A clock to call for the time now, ns since 1970."""

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Begin with the wall's time; `steady` counts nanoseconds from anywhere, never set."""
        self._wall, self._steady = wall, steady
        self._then, self._ours = steady(), wall()

    def __call__(self) -> int:
        """Return the time now."""
        steady = self._steady()
        passed, self._then = steady - self._then, steady
        ahead = self._ours + passed - self._wall()
        self._ours += passed - min(ahead, passed // SLOWER)
        return self._ours

    def over_steady(self) -> int:
        """Return how far this clock is ahead of the steady one, ns; it changes with every step."""
        return self() - self._then
