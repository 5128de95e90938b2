"""What a price realises lately: volatility, and how uneven a day's variance is.

Log returns over whole steps of venue time, with exponentially decayed weights. A step that was
missed (a gap in the data) is skipped: a jump over a gap is no one-step return. Implied volatility
is followed in the same way at longer steps. Until enough steps were seen a figure is NaN.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR

STEP_S: Final = 60.0
VOL_STEP_S: Final = 600.0
HALF_LIFE_S: Final = 6.0 * 3_600.0
VOL_HALF_LIFE_S: Final = 48.0 * 3_600.0
ENOUGH: Final = 30
HOUR: Final = 60
"""Steps of an hour."""


@dataclass(slots=True)
class Moves:
    """Decayed means of the second and fourth power of a figure's moves over whole steps."""

    step_s: float
    half_life_s: float
    level: float = math.nan
    step: int = -1
    count: int = 0
    weight: float = 0.0
    square: float = 0.0
    fourth: float = 0.0

    def due(self, ts_ns: int) -> bool:
        """Tell whether a new step has begun."""
        return ts_ns // round(self.step_s * NS_PER_S) > self.step

    def see(self, ts_ns: int, level: float) -> None:
        """Take the figure's first level in a step; the rest of the step is not looked at."""
        step = ts_ns // round(self.step_s * NS_PER_S)
        if step <= self.step or not math.isfinite(level):
            return
        if step == self.step + 1 and math.isfinite(self.level):
            move = level - self.level
            keep = 0.5 ** (self.step_s / self.half_life_s)
            self.weight = keep * self.weight + 1.0
            self.square = keep * self.square + move**2
            self.fourth = keep * self.fourth + move**4
            self.count += 1
        self.level, self.step = level, step

    @property
    def mean_square(self) -> float:
        """Return the mean squared move of a step; NaN before enough were seen."""
        return self.square / self.weight if self.count >= ENOUGH else math.nan

    @property
    def mean_fourth(self) -> float:
        """Return the mean fourth power of a step's move; NaN before enough were seen."""
        return self.fourth / self.weight if self.count >= ENOUGH else math.nan


@dataclass(slots=True)
class Realised:
    """One coin's index and implied volatility as they have moved."""

    index: Moves = field(default_factory=lambda: Moves(STEP_S, HALF_LIFE_S))
    hour: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=HOUR + 1))
    implied: Moves = field(default_factory=lambda: Moves(VOL_STEP_S, VOL_HALF_LIFE_S))

    def see_index(self, ts_ns: int, index: float) -> None:
        """Take an index (USD per coin) of a moment."""
        if self.index.due(ts_ns) and index > 0.0:
            self.index.see(ts_ns, math.log(index))
            if not self.hour or self.index.step > self.hour[-1][0]:
                self.hour.append((self.index.step, self.index.level))

    @property
    def vol(self) -> float:
        """Return the realised volatility, 1.00 = 100 % a year."""
        return math.sqrt(self.index.mean_square * SECONDS_PER_YEAR / STEP_S)

    @property
    def swing(self) -> float:
        """Return the deviation of a day's sum of squared returns, as far as steps are independent.

        √(n (m4 - m2²)) of n steps a day: √(2 n) m2 without tails, more with tails and jumps.
        """
        square, fourth = self.index.mean_square, self.index.mean_fourth
        steps = SECONDS_PER_DAY / STEP_S
        if math.isnan(square):
            return math.nan
        return math.sqrt(steps * max(fourth - square**2, 0.0))

    @property
    def stretch(self) -> float:
        """Return the last hour's move in its own deviations: beyond 2 or so a one-way market.

        The move from an hour ago over what minutes of lately would make of an hour without a
        direction; 0 until a whole hour without a gap was seen.
        """
        if len(self.hour) <= HOUR or self.hour[-1][0] - self.hour[0][0] != HOUR:
            return 0.0
        spread = math.sqrt(HOUR * self.index.mean_square)
        return (self.hour[-1][1] - self.hour[0][1]) / spread if spread > 0.0 else 0.0

    @property
    def vol_day(self) -> float:
        """Return the deviation of a day's change of implied volatility, 0.01 = one point."""
        return math.sqrt(self.implied.mean_square * SECONDS_PER_DAY / VOL_STEP_S)
