"""How long delta and gamma are outside their owner's bands, whatever keeps them there.

A breach begins with the first measurement outside and ends with the first one inside, cooldowns and
filters or not. What cannot be measured neither begins nor ends one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.book.exposure import Exposure
from bot.desk.rules import DeskRules
from bot.domain.records import Breach
from bot.domain.states import State
from bot.domain.units import seconds_between


@dataclass(slots=True)
class _Open:
    """A breach that has not ended."""

    start_ns: int
    state: State
    worst: float


@dataclass(slots=True)
class Breaches:
    """The breaches of one underlying that stand, by kind."""

    rules: DeskRules
    open: dict[str, _Open] = field(default_factory=dict)

    def see(self, exposure: Exposure, state: State) -> list[Breach]:
        """Take a measurement; return the breaches that it ends."""
        if not exposure.trusted:
            return []
        ended = []
        for kind, excess in self._excesses(exposure):
            found = self.open.get(kind)
            if excess:
                if found is None:
                    self.open[kind] = _Open(exposure.ts_ns, state, excess)
                elif abs(excess) > abs(found.worst):
                    found.worst = excess
            elif found is not None:
                del self.open[kind]
                ended.append(self._breach(kind, found, exposure.ts_ns))
        return ended

    def _breach(self, kind: str, found: _Open, now_ns: int) -> Breach:
        return Breach(
            ts_ns=now_ns,
            start_ns=found.start_ns,
            coin=self.rules.coin,
            kind=kind,
            worst=found.worst,
            seconds=seconds_between(found.start_ns, now_ns),
            state=found.state,
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
