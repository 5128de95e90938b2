"""The machine that decides: how late it is, and how far its clock is from the venue's.

lag above 250 ms     told
lag above 1 s        only delta is reduced, until 5 s after the last late decision
clock off by 250 ms  told
clock off by 1 s     only delta is reduced, until it is seen to agree again
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.events import HostSeen
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between

WARN_S, STOP_S = 0.25, 1.0
LATE_S = 5.0


def matters(seen: HostSeen) -> bool:
    """Tell whether a look at the machine is worth telling."""
    return seen.lag_s > WARN_S or abs(seen.ahead_s) - seen.error_s > WARN_S


@dataclass(slots=True)
class Host:
    """What was last seen of the machine; `late_ns` is when a decision was last too late."""

    seen: HostSeen | None = None
    late_ns: int | None = None

    def see(self, event: HostSeen) -> None:
        """Take a look at the machine."""
        self.seen = event
        if event.lag_s > STOP_S:
            self.late_ns = event.ts_ns

    def doubts(self, now_ns: int) -> tuple[Because, ...]:
        """Return why nothing but a reduction of delta should be sent."""
        found = []
        if self.late_ns is not None and seconds_between(self.late_ns, now_ns) < LATE_S:
            found.append(self._lag())
        if self._off_s() > STOP_S:
            found.append(self._clock())
        return tuple(found)

    def told(self) -> tuple[Because, ...]:
        """Return what people should know although nothing stops."""
        if self.seen is None:
            return ()
        lag = (self._lag(),) if self.seen.lag_s > WARN_S else ()
        return lag + ((self._clock(),) if self._off_s() > WARN_S else ())

    def _off_s(self) -> float:
        """Return by how much the clocks surely differ."""
        return 0.0 if self.seen is None else abs(self.seen.ahead_s) - self.seen.error_s

    def _lag(self) -> Because:
        lag_s = 0.0 if self.seen is None else self.seen.lag_s
        return Because(Reason.DECISION_LAG, "", {"lag_s": lag_s, "limit_s": STOP_S})

    def _clock(self) -> Because:
        ahead_s = 0.0 if self.seen is None else self.seen.ahead_s
        return Because(Reason.CLOCK_OFF, "", {"ahead_s": ahead_s, "limit_s": STOP_S})
