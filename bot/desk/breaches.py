"""How long delta and gamma are outside their owner's bands, whatever keeps them there.

A breach begins with the first measurement outside and ends with the first one inside, cooldowns and
filters or not. What cannot be measured neither begins nor ends one. One that lasts is told in
parts, ten minutes each and one up to 08:00 UTC, so that neither a day nor a death leaves it out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bot.book.exposure import Exposure
from bot.desk.rules import DeskRules
from bot.domain.records import Breach
from bot.domain.states import State
from bot.domain.units import NS_PER_S, day_start, seconds_between

PART_NS: Final = 600 * NS_PER_S


@dataclass(slots=True)
class _Open:
    """A breach that has not ended, told up to `told_ns`."""

    start_ns: int
    told_ns: int
    state: State
    worst: float


@dataclass(slots=True)
class Breaches:
    """The breaches of one underlying that stand, by kind."""

    rules: DeskRules
    open: dict[str, _Open] = field(default_factory=dict)

    def see(self, exposure: Exposure, state: State) -> list[Breach]:
        """Take a measurement; return the breaches that it ends, and parts of those that last."""
        if not exposure.trusted:
            return []
        now_ns, told = exposure.ts_ns, []
        for kind, excess in self._excesses(exposure):
            found = self.open.get(kind)
            if excess and found is None:
                self.open[kind] = _Open(now_ns, now_ns, state, excess)
            elif excess and found is not None:
                if abs(excess) > abs(found.worst):
                    found.worst = excess
                if _due(found, now_ns):
                    told.append(self._part(kind, found, now_ns, over=False))
                    found.worst = excess
            elif found is not None:
                del self.open[kind]
                told.append(self._part(kind, found, now_ns, over=True))
        return told

    def standing(self, now_ns: int) -> list[Breach]:
        """Return what stands up to now, as a run that ends leaves it."""
        return [self._part(kind, found, now_ns, over=False) for kind, found in self.open.items()]

    def _part(self, kind: str, found: _Open, now_ns: int, *, over: bool) -> Breach:
        start_ns, found.told_ns = found.told_ns, now_ns
        return Breach(
            ts_ns=now_ns,
            start_ns=start_ns,
            coin=self.rules.coin,
            kind=kind,
            worst=found.worst,
            seconds=seconds_between(start_ns, now_ns),
            state=found.state,
            since_ns=found.start_ns,
            over=over,
        )

    def _excesses(self, now: Exposure) -> Iterator[tuple[str, float]]:
        """Yield by how much each measure that has a band is outside it; 0 inside."""
        owner, gamma = self.rules.delta.owner, self.rules.gamma
        for kind, value, lower, upper in (
            ("delta", now.delta, owner.lower, owner.upper),
            ("gamma", now.gamma, gamma.band.lower, gamma.band.upper),
            ("gamma_expiring", now.gamma_expiring, gamma.expiring.lower, gamma.expiring.upper),
        ):
            if math.isfinite(value):
                above = value - (math.inf if upper is None else upper)
                below = value - (-math.inf if lower is None else lower)
                yield kind, max(above, 0.0) or min(below, 0.0)


def _due(found: _Open, now_ns: int) -> bool:
    """Tell whether a breach has lasted long enough to be told, or into another trading day."""
    return now_ns - found.told_ns >= PART_NS or day_start(now_ns) != day_start(found.told_ns)
