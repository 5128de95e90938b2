"""Variance time: how much of volatility's work lies between now and an expiry.

Calendar time is what an option is discounted and quoted over. Variance time is what total variance
grows with: weekends count less, an announcement counts as so many hours more, and a settlement on
an average takes two thirds of its window off (`settlement.variance_years`). Weeks keep their
length, whatever the weekend weighs, so that a volatility over months means the same on both clocks.

Moments are seconds of the epoch, UTC; a weekend is Saturday and Sunday there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import settlement

__all__ = ["CALENDAR", "Clock"]

Array = NDArray[np.float64]

DAY_S: Final = 86_400.0
WEEK_S: Final = 7.0 * DAY_S
MONDAY_S: Final = 4.0 * DAY_S  # the epoch's first


@dataclass(frozen=True, slots=True)
class Clock:
    """What counts how much; the default is calendar time less what an average takes.

    Raises ValueError where a weight is not above 0 and finite, or events are not pairs.
    """

    weekend: float = 1.0
    """A weekend's hour in hours of a weekday, before weeks are brought back to their length."""

    events: tuple[tuple[float, float], ...] = ()
    """Moments (seconds of the epoch) and the seconds of variance time that each adds."""

    window_s: float = settlement.WINDOW_S
    """The length of the average that expiries settle on; 0 without one."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.weekend) and self.weekend > 0.0):
            raise ValueError(f"expected a weekend's weight above 0, found {self.weekend}")
        if not (np.isfinite(self.window_s) and self.window_s >= 0.0):
            raise ValueError(f"expected a window of 0 s or more, found {self.window_s}")
        for event in self.events:
            if np.shape(event) != (2,) or not np.isfinite(event).all() or event[1] < 0.0:
                raise ValueError(
                    f"expected an event as (moment, seconds of 0 or more), found {event}"
                )

    def variance_years(self, now_s: ArrayLike, expiry_s: ArrayLike) -> Array:
        """Return variance time from now to an expiry in years of 365 days; 0 from it on."""
        now, expiry = np.broadcast_arrays(
            np.asarray(now_s, dtype=np.float64), np.asarray(expiry_s, dtype=np.float64)
        )
        with np.errstate(invalid="ignore"):  # of no moment there is no time to it
            window = self._weighted(expiry - self.window_s, expiry)
            return settlement.variance_years(self._weighted(now, expiry), window)

    def _weighted(self, start: Array, end: Array) -> Array:
        """Return the seconds between two moments as this clock counts them."""
        if self.weekend == 1.0:
            seconds = end - start
        else:
            week = MONDAY_S + WEEK_S * np.floor((start - MONDAY_S) / WEEK_S)
            seconds = self._since_monday(end - week) - self._since_monday(start - week)
        for moment, extra_s in self.events:
            seconds = seconds + np.where((start < moment) & (moment <= end), extra_s, 0.0)
        return np.asarray(seconds)

    def _since_monday(self, seconds: Array) -> Array:
        """Return the weighted seconds since the Monday that lies that many seconds back."""
        weeks = np.floor(seconds / WEEK_S)
        rest = seconds - weeks * WEEK_S
        worked = np.minimum(rest, 5.0 * DAY_S)
        scale = 7.0 / (5.0 + 2.0 * self.weekend)
        return np.asarray(weeks * WEEK_S + scale * (worked + self.weekend * (rest - worked)))


CALENDAR: Final = Clock()
"""Calendar time, but for the average that expiries settle on."""
