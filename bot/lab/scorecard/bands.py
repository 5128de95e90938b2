"""How a band was held: the promise's own clock, fed stretch by stretch.

A row's state holds until the next row. The first two seconds of a breach are not counted (neither
inside nor outside), at most once a minute; durations count from the first second outside, also
where that lies before judgement began.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from bot.domain.quotes import BoolArray, FloatArray, IntArray
from bot.domain.units import NS_PER_S

GRACE_NS = 2 * NS_PER_S
GRACE_EVERY_NS = 60 * NS_PER_S
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Breach:
    """A time outside the band; `end_ns` is the first row inside again, or the last row seen."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Return how long it lasted."""
        return (self.end_ns - self.start_ns) / NS_PER_S


@dataclass(slots=True)
class BandClock:
    """Time inside and outside (ns), the breaches, and the integral of the distance (coin-seconds).

    Only what comes after `since_ns` is judged; None judges nothing yet. Of the breaches the newest
    10,000 are remembered.
    """

    since_ns: int | None = None
    inside_ns: int = 0
    outside_ns: int = 0
    excess_coin_s: float = 0.0
    breaches: list[Breach] = field(default_factory=list)
    last_ns: int = 0
    _open_ns: int | None = None
    _graced: bool = False
    _grace_ns: int = -(2**62)

    def add(self, ts_ns: IntArray, distance: FloatArray) -> None:
        """Take rows and the distance outside the band at each, the last known row first."""
        outside: BoolArray = distance[:-1] > 0.0
        spans = np.diff(ts_ns)
        judged = ts_ns[:-1] > (2**62 if self.since_ns is None else self.since_ns)
        self.inside_ns += int(spans[judged & ~outside].sum())
        seconds = spans[judged & outside] / NS_PER_S
        self.excess_coin_s += float(distance[:-1][judged & outside] @ seconds)
        edges = np.flatnonzero(np.diff(outside)) + 1
        cuts = [0, *edges.tolist(), len(outside)]
        for first, past in pairwise(cuts):
            if first == past:
                continue
            start, end = int(ts_ns[first]), int(ts_ns[past])
            if outside[first]:
                self._breach(start, end, _next_after(ts_ns, judged, first, past))
            elif self._open_ns is not None:
                self._close(start)
        self.last_ns = int(ts_ns[-1])

    def share(self) -> float | None:
        """Return the share of judged time inside; None when nothing was judged."""
        total = self.inside_ns + self.outside_ns
        return self.inside_ns / total if total else None

    def all_breaches(self) -> list[Breach]:
        """Return every judged breach, with one that is still going on as it stands."""
        going_on = []
        if self._open_ns is not None and self._judged(self.last_ns):
            going_on = [Breach(self._open_ns, self.last_ns)]
        return self.breaches + going_on

    def recovery_s(self, after_ns: int) -> float | None:
        """Return the seconds from a moment until inside the band; None where it was not judged."""
        if self.since_ns is None or not self.since_ns <= after_ns <= self.last_ns:
            return None
        for breach in self.all_breaches():
            if breach.start_ns <= after_ns < breach.end_ns:
                return (breach.end_ns - after_ns) / NS_PER_S
        return 0.0

    def _breach(self, start_ns: int, end_ns: int, judged_ns: int | None) -> None:
        """Count a time outside that begins, or goes on, at `start_ns`; judged from `judged_ns`."""
        if self._open_ns is None:
            self._open_ns = start_ns
            self._graced = start_ns - self._grace_ns >= GRACE_EVERY_NS
            if self._graced:
                self._grace_ns = start_ns
        if judged_ns is None:
            return
        begin = judged_ns
        if self._graced:
            begin = min(max(begin, self._open_ns + GRACE_NS), end_ns)
        self.outside_ns += end_ns - begin

    def _close(self, end_ns: int) -> None:
        if self._open_ns is not None and self._judged(end_ns):
            self.breaches.append(Breach(self._open_ns, end_ns))
            del self.breaches[:-REMEMBERED]
        self._open_ns = None

    def _judged(self, end_ns: int) -> bool:
        return self.since_ns is not None and end_ns > self.since_ns


def _next_after(ts_ns: IntArray, judged: BoolArray, first: int, past: int) -> int | None:
    """Return the first judged time of a run of rows."""
    found = np.flatnonzero(judged[first:past])
    return int(ts_ns[first + found[0]]) if found.size else None


def percentile_99(breaches: list[Breach]) -> float:
    """Return the 99th percentile of durations in seconds by nearest rank; 0 without breaches."""
    seconds = sorted(breach.seconds for breach in breaches)
    return seconds[math.ceil(0.99 * len(seconds)) - 1] if seconds else 0.0
