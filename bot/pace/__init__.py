"""How quick the loop is: what each event took, how late it was taken, how long rubbish took.

Owns counts that only grow, and how they are shown to readers about once a second (`view`). An event
costs two readings of a clock that is handed in and a few additions; nothing here is seen by the
core or by the journal's digest.
"""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from bot.domain.events import Event, PositionsReport
from bot.domain.units import NS_PER_S

LOOP_VIEW: Final = "loop"
"""The name of the journal's view that shows all of this."""
BOUNDS_S: Final = (
    *(0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
BOUNDS_NS: Final = tuple(round(bound * NS_PER_S) for bound in BOUNDS_S)
MINUTE_NS: Final = 60 * NS_PER_S


class Histogram:
    """How many durations were at most each of `BOUNDS_S`, and how many were longer than all."""

    __slots__ = ("counts", "total_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_NS) + 1)
        self.total_ns = 0

    def add(self, ns: int) -> None:
        """Count a duration."""
        self.counts[bisect_left(BOUNDS_NS, ns)] += 1
        self.total_ns += ns

    def shown(self) -> dict[str, Any]:
        """Return the counts of each step between two bounds, as readers are shown them."""
        return {"bounds_s": BOUNDS_S, "counts": self.counts, "sum_s": self.total_ns / NS_PER_S}


class Seen:
    """What events of one kind came to: how many, how long they took, when the newest was."""

    __slots__ = ("count", "newest_ns", "total_ns")

    def __init__(self) -> None:
        self.count = self.total_ns = self.newest_ns = 0


class Pace:
    """The counts of one run; `clock` gives ns of no particular beginning that never go back."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.kinds: dict[type[Any], Seen] = {}
        self.lag = Histogram()
        self.rubbish_ns = self.collections = 0
        self._steps = Histogram()
        self._longest_ns = self._before_ns = 0
        self._minute_ns = clock()
        self._collecting_ns = 0

    def took(self, event: Event, ns: int) -> None:
        """Count an event that was taken through."""
        self._steps.add(ns)
        seen = self.kinds.get(type(event))
        if seen is None:
            seen = self.kinds[type(event)] = Seen()
        seen.count += 1
        seen.total_ns += ns
        seen.newest_ns = event.ts_ns
        self._longest_ns = max(self._longest_ns, ns)

    def late(self, seconds: float) -> None:
        """Count by how much an event was taken later than it was due."""
        self.lag.add(max(0, round(seconds * NS_PER_S)))

    @property
    def reported_ns(self) -> int:
        """Return when positions were last reported (market time); 0 for never."""
        seen = self.kinds.get(PositionsReport)
        return 0 if seen is None else seen.newest_ns

    @contextmanager
    def watching_rubbish(self) -> Iterator[None]:
        """Count how long the collector of rubbish holds everything up, as a context."""
        gc.callbacks.append(self._collects)
        try:
            yield
        finally:
            gc.callbacks.remove(self._collects)

    def shown(self) -> dict[str, Any]:
        """Return the counts as readers are shown them."""
        now_ns = self.clock()
        if now_ns - self._minute_ns >= MINUTE_NS:
            self._minute_ns = now_ns
            self._before_ns, self._longest_ns = self._longest_ns, 0
        events = {
            _kind(kind): {"count": seen.count, "seconds": seen.total_ns / NS_PER_S}
            for kind, seen in self.kinds.items()
        }
        longest_ns = max(self._before_ns, self._longest_ns)
        lags = sum(self.lag.counts)
        return {
            "steps": self._steps.shown() | {"longest_s": longest_ns / NS_PER_S},
            "events": events,
            "lag": self.lag.shown() if lags else None,
            "rubbish": {"count": self.collections, "seconds": self.rubbish_ns / NS_PER_S},
        }

    def _collects(self, phase: str, _: object) -> None:
        if phase == "start":
            self._collecting_ns = self.clock()
        elif self._collecting_ns:
            self.collections += 1
            self.rubbish_ns += self.clock() - self._collecting_ns


def _kind(event: type[Any]) -> str:
    """Return an event's name in small letters: InstrumentsListed is instruments_listed."""
    name = event.__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
