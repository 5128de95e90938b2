"""What has arrived and waits for the engine: one queue in order of time, and Ticks that are due.

Market data is conflated to the newest value of each instrument or chain and moves to the end of the
queue when it is replaced; everything else is kept, each event once, in order. The queue is bounded
by the number of instruments plus what is private.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.events import BalancesReport, Event, Tick
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.venues.deribit.flaws import Flaws

IDLE_NS: Final = 500 * NS_PER_MS

Key = tuple[str, str] | int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every part of a connection needs: where events go, the wall clock, the flaws."""

    tell: Callable[[Event], None]
    clock: Callable[[], int]
    flaws: Flaws


class Inbox:
    """Events in the order of their arrival, by the wall clock that is handed in (ns)."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._queue: OrderedDict[Key, Event] = OrderedDict()
        self._later: list[tuple[int, int, Event]] = []
        self._wakes: set[int] = set()
        self._arrival = asyncio.Event()
        self._sequence = 0
        self._last_ns = 0
        self.conflated = 0

    def __len__(self) -> int:
        """Return how many events wait."""
        return len(self._queue)

    def put(self, event: Event) -> None:
        """Take an event that has just arrived."""
        key = _key(event)
        if key is None:
            self._sequence += 1
            self._queue[self._sequence] = event
        else:
            self.conflated += self._queue.pop(key, None) is not None
            self._queue[key] = event
        self._arrival.set()

    def later(self, at_ns: int, event: Event) -> None:
        """Take an event that is due at a time."""
        self._sequence += 1
        heapq.heappush(self._later, (at_ns, self._sequence, event))
        self._arrival.set()

    def wake_at(self, at_ns: int) -> None:
        """Have a Tick at a time; asking again for the same time changes nothing."""
        if at_ns not in self._wakes:
            self._wakes.add(at_ns)
            self.later(at_ns, Tick(at_ns))

    def next_time(self) -> int:
        """Return when to look again: now, when the next Tick is due, or before long."""
        now_ns = max(self._clock(), self._last_ns)
        if self._queue:
            return now_ns
        idle_ns = now_ns + IDLE_NS
        return min(self._later[0][0], idle_ns) if self._later else idle_ns

    def pop(self, until_ns: int | None = None) -> Event | None:
        """Return the next event at or before a time, None where nothing has arrived by now.

        Events are stamped in the order in which they are handed out.
        """
        now_ns = max(self._clock(), self._last_ns)
        due = self._later and self._later[0][0] <= now_ns
        if due and (not self._queue or self._later[0][0] <= self._head_ns()):
            at_ns = self._later[0][0]
            if until_ns is not None and at_ns > until_ns:
                return None
            event = heapq.heappop(self._later)[2]
            self._wakes.discard(at_ns)
        elif self._queue:
            if until_ns is not None and self._head_ns() > until_ns:
                return None
            event = self._queue.popitem(last=False)[1]
        else:
            return None
        if event.ts_ns < self._last_ns:
            event = _stamped(event, self._last_ns)
        self._last_ns = event.ts_ns
        return event

    async def wait(self, timeout_s: float) -> None:
        """Return when something is there or due, at the latest after a time.

        The connections get their turn in any case, also while events keep waiting.
        """
        await asyncio.sleep(0)
        until_ns = self._clock() + round(timeout_s * NS_PER_S)
        while not self._queue:
            now_ns = self._clock()
            next_ns = min(until_ns, self._later[0][0]) if self._later else until_ns
            if next_ns <= now_ns:
                return
            self._arrival.clear()
            try:
                async with asyncio.timeout((next_ns - now_ns) / NS_PER_S):
                    await self._arrival.wait()
            except TimeoutError:
                continue

    def _head_ns(self) -> int:
        return next(iter(self._queue.values())).ts_ns


def _key(event: Event) -> Key | None:
    """Return under what a newer value replaces an older one; None for what is never replaced."""
    if isinstance(event, Quote):
        return ("quote", event.instrument)
    if isinstance(event, Chain):
        return ("chain", event.coin)
    if isinstance(event, BalancesReport):
        return ("balances", "")
    return None


def _stamped(event: Event, ts_ns: int) -> Event:
    """Return an event that was due or made before one already told, as told now."""
    return replace(event, ts_ns=ts_ns)
