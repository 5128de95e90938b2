"""A small book of options of one expiry, as rules and their oracle see it: its delta and gammas.

Linear settlement, no rates, one volatility; quantities are coins of underlying, negative for sold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray
from greeks import black76

SHOCKS: Final = np.linspace(-1.0, 1.0, 9)
"""Daily deviations of the price at which a book's gamma is looked at."""

NEAR: Final = SHOCKS[np.abs(SHOCKS) <= 0.5]  # noqa: PLR2004
"""Those within half of one."""

DAY: Final = 1.0 / 365.0


@dataclass(frozen=True, slots=True)
class Leg:
    """So many options of one strike."""

    quantity: float  # coin; negative: sold
    strike: float  # USD
    is_call: bool = True


@dataclass(frozen=True, slots=True)
class Book:
    """Options of one expiry."""

    legs: tuple[Leg, ...]

    def payoff(self, spot: FloatArray) -> FloatArray:
        """Return what the book pays at expiry, USD."""
        paid = np.zeros_like(spot)
        for leg in self.legs:
            sign = 1.0 if leg.is_call else -1.0
            paid += leg.quantity * np.maximum(sign * (spot - leg.strike), 0.0)
        return paid

    def figures(
        self, spot: FloatArray, years: float, vol: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return delta (coin) and gamma (coin per USD), of the shape of ``spot``."""
        delta, gamma = np.zeros((2, *spot.shape))
        for leg in self.legs:
            first = black76.first(leg.is_call, spot, leg.strike, years, vol)
            delta += leg.quantity * first.delta
            gamma += leg.quantity * first.gamma
        return delta, gamma

    def shock_gamma(self, spot: FloatArray, years: float, vol: FloatArray) -> FloatArray:
        """Return the largest |net gamma| within one daily deviation of the price."""
        most: FloatArray = np.abs(self._around(SHOCKS, spot, years, vol)).max(axis=-1)
        return most

    def mean_gamma(self, spot: FloatArray, years: float, vol: FloatArray) -> FloatArray:
        """Return the root mean square of net gamma within half a daily deviation of the price.

        That is how fast delta drifts while the price is near: never zero where gamma only crosses.
        """
        gamma = self._around(NEAR, spot, years, vol)
        mean: FloatArray = np.sqrt(np.square(gamma).mean(axis=-1))
        return mean

    def _around(
        self, shocks: FloatArray, spot: FloatArray, years: float, vol: FloatArray
    ) -> FloatArray:
        """Return net gamma at shocks of the price, along a new last axis."""
        vols = np.asarray(vol)[..., None]
        moved = spot[..., None] * np.exp(shocks * vols * np.sqrt(DAY))
        return self.figures(moved, years, vols)[1]
