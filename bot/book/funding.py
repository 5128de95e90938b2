"""What funding has been of late: a decayed average of each perpetual's quoted rate.

The weight of a moment halves with every half-life of the venue's time that has passed since. A
rate counts for the time until the next quote, and for a minute at most: what a silent stream last
said is not believed for the hours in which nobody saw it. Weights are of time, not of quotes, and
are normalised: the average is right from the first minute on and does not depend on the cadence.
A rate that is no number changes nothing; an absurd one counts as the largest that is believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.domain.units import NS_PER_S

HALF_LIFE_S: Final = 28_800.0
VOUCHES_S: Final = 60.0
PERIODS_A_YEAR: Final = 3.0 * 365.0
# Venues cap funding at some 0.5 % per eight hours.
LARGEST_8H: Final = 0.01
# Sums that have decayed further than this have lost their digits.
FADED: Final = 1e-290


@dataclass(slots=True)
class _Mean:
    """One perpetual: its last rate, since when, and the decayed sums up to then."""

    rate: float
    at_ns: int
    weight: float = 0.0
    total: float = 0.0


@dataclass(slots=True)
class FundingMean:
    """Averages by instrument; one entry each, forgotten with the instrument."""

    half_life_s: float = HALF_LIFE_S
    means: dict[str, _Mean] = field(default_factory=dict)

    def see(self, name: str, rate_8h: float, at_ns: int) -> None:
        """Take a rate (fraction per eight hours, paid by longs) as quoted at the venue's time."""
        if not math.isfinite(rate_8h):
            return
        rate = min(max(rate_8h, -LARGEST_8H), LARGEST_8H)
        mean = self.means.get(name)
        if mean is None:
            self.means[name] = _Mean(rate, at_ns)
            return
        passed_s = (at_ns - mean.at_ns) / NS_PER_S
        if passed_s < 0.0:
            return
        decay = math.exp2(-passed_s / self.half_life_s)
        unseen_s = max(passed_s - VOUCHES_S, 0.0)
        seen = math.exp2(-unseen_s / self.half_life_s) - decay
        mean.weight = mean.weight * decay + seen
        mean.total = mean.total * decay + seen * mean.rate
        mean.rate, mean.at_ns = rate, at_ns

    def of_8h(self, name: str) -> float:
        """Return an instrument's average per eight hours; 0 where none was ever quoted."""
        mean = self.means.get(name)
        if mean is None:
            return 0.0
        return mean.total / mean.weight if mean.weight > FADED else mean.rate

    def a_year(self, name: str) -> float:
        """Return an instrument's average a year (365 days), signed, paid by longs."""
        return PERIODS_A_YEAR * self.of_8h(name)

    def keep(self, names: Iterable[str]) -> None:
        """Forget whatever is not among the names."""
        listed = set(names)
        self.means = {name: mean for name, mean in self.means.items() if name in listed}
