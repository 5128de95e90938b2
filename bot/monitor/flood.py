"""How much is told of one kind: so many lines a minute of each event, the rest is counted.

A bucket for each event name holds a minute's lines and fills again steadily. What did not fit is
told in one line a minute, and at the end. Errors and what must be whole (`levels.WHOLE`) always
pass. Pure: the clock is handed in. Records come with market time, so that the same run makes the
same lines at any speed; what is said beside them goes by a wall clock where a run has one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.domain.units import NS_PER_S, seconds_between
from bot.monitor.levels import WHOLE

PER_MIN: Final = 240
MINUTE_NS: Final = 60 * NS_PER_S
_REMEMBERED: Final = 1_000


@dataclass(slots=True)
class _Bucket:
    """What may still pass of one event, and what has not since a time."""

    room: float
    filled_ns: int
    lines: int = 0
    since_ns: int = 0


@dataclass(frozen=True, slots=True)
class Suppressed:
    """How many lines of an event were left out, over how many seconds."""

    event: str
    lines: int
    seconds: float


class Flood:
    """Lets `per_min` lines a minute of each event pass, on one clock."""

    def __init__(self, per_min: int, clock: Callable[[], int]) -> None:
        """Begin with full buckets; `clock` gives ns, and may be set back: that grants nothing."""
        self._per_min, self._clock = per_min, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._short: set[str] = set()

    def admits(self, event: str, level: str) -> bool:
        """Tell whether a line may pass, and count it where it may not."""
        if level == "error" or event in WHOLE:
            return True
        now_ns = self._clock()
        bucket = self._buckets.setdefault(event, _Bucket(self._per_min, now_ns))
        gained = max(0, now_ns - bucket.filled_ns) / MINUTE_NS * self._per_min
        bucket.room = min(float(self._per_min), bucket.room + gained)
        bucket.filled_ns = now_ns
        if bucket.room >= 1.0:
            bucket.room -= 1.0
            self._forget()
            return True
        if not bucket.lines:
            bucket.since_ns = now_ns
            self._short.add(event)
        bucket.lines += 1
        return False

    def due(self, *, end: bool = False) -> tuple[Suppressed, ...]:
        """Return what was left out for a minute or longer (at the `end` all of it), each once."""
        if not self._short:
            return ()
        now_ns = self._clock()
        found = []
        for event in sorted(self._short):
            bucket = self._buckets[event]
            if end or not 0 <= now_ns - bucket.since_ns < MINUTE_NS:
                seconds = max(0.0, seconds_between(bucket.since_ns, now_ns))
                found.append(Suppressed(event, bucket.lines, seconds))
                bucket.lines = 0
                self._short.discard(event)
        return tuple(found)

    def _forget(self) -> None:
        """Forget the oldest of too many names, unless something of it is still to be told."""
        if len(self._buckets) > _REMEMBERED:
            oldest = next(iter(self._buckets))
            if oldest in self._short:
                self._buckets.move_to_end(oldest)
            else:
                del self._buckets[oldest]
