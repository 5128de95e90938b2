"""What time it is on the exchange: the wall's, shifted by an offset, or one that is moved by hand.

Times are nanoseconds of UTC. Everything in this room asks a clock that it was handed; nothing else
here reads one.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Protocol

from bot.domain.units import NS_PER_S


class Clock(Protocol):
    """A source of time that can be waited for."""

    def now_ns(self) -> int:
        """Return the time now."""
        ...

    async def until(self, at_ns: int) -> None:
        """Return when the clock shows `at_ns` or later."""
        ...


class WallClock:
    """The wall's time plus an offset (seconds; negative is slow)."""

    def __init__(self, offset_s: float = 0.0, read: Callable[[], int] = time.time_ns) -> None:
        self._offset_ns = round(offset_s * NS_PER_S)
        self._read = read

    def now_ns(self) -> int:
        """Return the time now."""
        return self._read() + self._offset_ns

    async def until(self, at_ns: int) -> None:
        """Return when the clock shows `at_ns` or later."""
        # The wall may be set back meanwhile, so one sleep is not enough.
        while (left_ns := at_ns - self.now_ns()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left_ns / NS_PER_S)


class HandClock:
    """A clock that stands still until `move` is called."""

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns
        self._sequence = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        """Return the time now."""
        return self._now_ns

    async def until(self, at_ns: int) -> None:
        """Return when the clock shows `at_ns` or later."""
        if at_ns <= self._now_ns:
            return
        self._sequence += 1
        done = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (at_ns, self._sequence, done))
        await done

    def move(self, seconds: float) -> None:
        """Go forward and wake whoever waited for a time until then."""
        self._now_ns += round(seconds * NS_PER_S)
        while self._waiting and self._waiting[0][0] <= self._now_ns:
            done = heapq.heappop(self._waiting)[2]
            if not done.done():
                done.set_result(None)
