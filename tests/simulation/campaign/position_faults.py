"""Lists of positions that are empty, lack a part, are old, or come late."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.deribit import parse
from bot.domain.events import Event, PositionsReport
from bot.domain.units import NS_PER_S
from tests.simulation.campaign.faults import Fault, Later


@dataclass(slots=True)
class Flat(Fault):
    """The list of positions is empty, once or for a while."""

    until_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on."""
        return now_ns < self.until_ns

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Empty it."""
        if not isinstance(event, PositionsReport):
            return [(0, event)]
        if self.due(now_ns):
            self.strike(now_ns)
            self.until_ns = now_ns + self.chance.choice((0, 0, 3 * NS_PER_S))
            return [(0, replace(event, positions=()))]
        again = not self.off and now_ns < self.until_ns
        return [(0, replace(event, positions=()) if again else event)]


@dataclass(slots=True)
class OldPositions(Fault):
    """A list of positions is as it was some seconds ago."""

    before: PositionsReport | None = None

    def lasts(self, now_ns: int) -> bool:  # noqa: ARG002
        """Look on always: it must know what was before."""
        return True

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Tell the one before again."""
        if not isinstance(event, PositionsReport):
            return [(0, event)]
        old, self.before = self.before, event
        if old is not None and old.positions != event.positions and self.due(now_ns):
            self.strike(now_ns)
            return [(0, replace(old, ts_ns=event.ts_ns))]
        return [(0, event)]


@dataclass(slots=True)
class Lacking(Fault):
    """The list of positions lacks some options, once or for a while; the balances do not."""

    longest_s: float = 10.0
    lost: frozenset[str] = frozenset()
    until_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on."""
        return now_ns < self.until_ns

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Leave them out."""
        if not isinstance(event, PositionsReport):
            return [(0, event)]
        options = [p.instrument for p in event.positions if parse(p.instrument).is_option]
        if options and self.due(now_ns):
            self.strike(now_ns)
            self.lost = frozenset(self.chance.sample(options, self.chance.randint(1, len(options))))
            self.until_ns = now_ns + round(self.chance.uniform(0.0, self.longest_s) * NS_PER_S)
            return [(0, self._cut(event))]
        return [(0, self._cut(event) if not self.off and now_ns < self.until_ns else event)]

    def _cut(self, event: PositionsReport) -> PositionsReport:
        kept = tuple(p for p in event.positions if p.instrument not in self.lost)
        return replace(event, positions=kept)


class LatePositions(Fault):
    """Right after a start the positions are not told for a while."""

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Hold the first ones back."""
        if isinstance(event, PositionsReport) and self.due(now_ns):
            self.strike(now_ns)
            return [(round(self.chance.uniform(5.0, 30.0) * NS_PER_S), event)]
        return [(0, event)]
