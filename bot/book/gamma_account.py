"""What gamma earned and what theta cost: realised against implied, since the trading day began.

Over a step in which the index moved by dS a book of gamma G (coin per USD) has made G dS²/2 beyond
its delta, and theta has cost its share of the time. Each step counts with the figures that it began
with. A long-gamma book earns when the price moves by more than the break-even move

    S sqrt(-2 theta_day/(G S²))  a day

and a short one while it moves by less. Both are told in the same figures, with signs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.book.exposure import Exposure
from bot.domain.units import SECONDS_PER_DAY, SECONDS_PER_YEAR, seconds_between

LONGEST_S = 600.0
"""A longer step than this saw too little between its ends to be counted."""


@dataclass(frozen=True, slots=True)
class GammaFigures:
    """The account of a day so far: USD, volatilities 1.00 = 100 % a year, moves in USD a day.

    `earned_usd` and `theta_usd` are signed gains (theta of a long book is negative); NaN where
    nothing has been seen, or where no move breaks even.
    """

    since_ns: int
    seconds: float
    earned_usd: float
    theta_usd: float
    realised_vol: float
    implied_vol: float
    break_even_usd_day: float


@dataclass(slots=True)
class GammaAccount:
    """Sums since `day_ns`; `last` is what the present step began with."""

    day_ns: int = 0
    seconds: float = 0.0
    earned_usd: float = 0.0
    theta_usd: float = 0.0
    squares: float = 0.0
    variance: float = 0.0
    last: Exposure | None = None

    def see(self, exposure: Exposure, day_ns: int) -> None:
        """End a step with what is true now, and begin the next; a new day begins at zero."""
        if day_ns != self.day_ns:
            self.day_ns, self.seconds, self.earned_usd, self.theta_usd = day_ns, 0.0, 0.0, 0.0
            self.squares = self.variance = 0.0
        last, self.last = self.last, exposure if _known(exposure) else None
        if last is None or self.last is None:
            return
        step_s = seconds_between(last.ts_ns, exposure.ts_ns)
        if not 0.0 < step_s <= LONGEST_S:
            return
        moved = exposure.index / last.index - 1.0
        self.seconds += step_s
        self.earned_usd += 50.0 * last.gamma_total * last.index * moved**2
        self.theta_usd += last.theta_usd_day * step_s / SECONDS_PER_DAY
        self.squares += math.log1p(moved) ** 2
        self.variance += last.vol**2 * step_s

    def figures(self, exposure: Exposure) -> GammaFigures:
        """Return the day so far, and the move that breaks even at the exposure of now."""
        seen = self.seconds > 0.0
        years = self.seconds / SECONDS_PER_YEAR
        return GammaFigures(
            since_ns=self.day_ns,
            seconds=self.seconds,
            earned_usd=self.earned_usd,
            theta_usd=self.theta_usd,
            realised_vol=math.sqrt(self.squares / years) if seen else math.nan,
            implied_vol=math.sqrt(self.variance / self.seconds) if seen else math.nan,
            break_even_usd_day=_break_even(exposure),
        )


def _break_even(now: Exposure) -> float:
    gamma, theta = now.gamma_total, now.theta_usd_day
    if not gamma * theta < 0.0:
        return math.nan
    return now.index * math.sqrt(-theta / (50.0 * gamma * now.index))


def _known(now: Exposure) -> bool:
    figures = (now.index, now.gamma_total, now.theta_usd_day, now.vol)
    return now.trusted and all(map(math.isfinite, figures))
