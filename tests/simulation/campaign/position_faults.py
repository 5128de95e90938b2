"""Lists of positions that are empty, lack a part, are old, or come late."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.deribit import parse
from bot.domain.events import Event, PositionsReport
from bot.domain.units import NS_PER_S
from tests.simulation.campaign.faults import Fault, Later


@dataclass(slots=True)
class _Spell(Fault):
    """For a while every list of positions goes through `_spoil`; `_begin` returns how long (ns)."""

    until_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on."""
        return now_ns < self.until_ns

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Spoil it, if there is something to spoil."""
        if not isinstance(event, PositionsReport):
            return [(0, event)]
        struck = self.due(now_ns) and self._fits(event)
        if struck:
            self.strike(now_ns)
            self.until_ns = now_ns + self._begin(event)
        again = not self.off and now_ns < self.until_ns
        return [(0, self._spoil(event) if struck or again else event)]

    def _fits(self, event: PositionsReport) -> bool:  # noqa: ARG002
        return True

    def _begin(self, event: PositionsReport) -> int:  # noqa: ARG002
        return 0

    def _spoil(self, event: PositionsReport) -> PositionsReport:
        return event


class Flat(_Spell):
    """The list of positions is empty, once or for a while."""

    def _begin(self, event: PositionsReport) -> int:  # noqa: ARG002
        return self.chance.choice((0, 0, 3 * NS_PER_S))

    def _spoil(self, event: PositionsReport) -> PositionsReport:
        return replace(event, positions=())


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
class Lacking(_Spell):
    """The list of positions lacks some options, once or for a while; the balances do not."""

    longest_s: float = 10.0
    lost: frozenset[str] = frozenset()

    def _fits(self, event: PositionsReport) -> bool:
        return bool(_options(event))

    def _begin(self, event: PositionsReport) -> int:
        options = _options(event)
        self.lost = frozenset(self.chance.sample(options, self.chance.randint(1, len(options))))
        return round(self.chance.uniform(0.0, self.longest_s) * NS_PER_S)

    def _spoil(self, event: PositionsReport) -> PositionsReport:
        kept = tuple(p for p in event.positions if p.instrument not in self.lost)
        return replace(event, positions=kept)


def _options(event: PositionsReport) -> list[str]:
    return [p.instrument for p in event.positions if parse(p.instrument).is_option]


class LatePositions(Fault):
    """Right after a start the positions are not told for a while."""

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Hold the first ones back."""
        if isinstance(event, PositionsReport) and self.due(now_ns):
            self.strike(now_ns)
            return [(round(self.chance.uniform(5.0, 30.0) * NS_PER_S), event)]
        return [(0, event)]
