"""The forwards and the smile: what volatility an option of any expiry and strike is marked at.

Forward variance u years ahead is level² (1 + rise (1 - e^(-u/τ)))² exp(2 X e^(-κx u) + 2 Y e^(-κy
u)); an expiry's at-the-money variance is its integral over variance time, so it increases with the
expiry whatever X and Y are. Around it, variance relative to at-the-money is SVI in z =
ln(K/F)/sqrt(W): 1 + 2 s z + b (sqrt(z² + ζ²) - ζ), b such that the volatility's curvature in z is
the set one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray
from bot.domain.units import SECONDS_PER_YEAR
from bot.sim.market.params import CARRY, SMILE, VOLATILITY

DAYS_PER_YEAR: Final = 365.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(14)
# u = T s²: nodes crowd where the fast factor lives.
_ROOTS: Final = 0.5 * (_NODES + 1.0)
NODES: Final = _ROOTS**2
WEIGHTS: Final = _WEIGHTS * _ROOTS


@dataclass(frozen=True, slots=True)
class Moment:
    """One coin's state at one second; see `path.Block`."""

    price: float
    level: float
    fast: float
    slow: float
    rate: float
    skew: float
    curvature: float
    busy: float
    stress: float


def forward(moment: Moment, years: FloatArray) -> FloatArray:
    """Return each expiry's forward (USD) from the index and the carry curve."""
    far = years * (DAYS_PER_YEAR / CARRY.rise_days)
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = np.where(far > 0.0, 1.0 + np.expm1(-far) / far, 0.0)
    result: FloatArray = moment.price * np.exp((moment.rate + CARRY.rise * rise) * years)
    return result


def atm_variance(moment: Moment, years: FloatArray) -> FloatArray:
    """Return at-the-money total variance over that many years of variance time."""
    days = np.multiply.outer(years * DAYS_PER_YEAR, NODES)
    drift = VOLATILITY.rise * -np.expm1(-days / VOLATILITY.rise_days)
    factors = moment.fast * np.exp(-VOLATILITY.fast_per_day * days)
    factors += moment.slow * np.exp(-VOLATILITY.slow_per_day * days)
    curve = (1.0 + drift) ** 2 * np.exp(2.0 * factors)
    result: FloatArray = moment.level**2 * years * (curve @ WEIGHTS)
    return result


def skew_by_tenor(moment: Moment, years: FloatArray) -> FloatArray:
    """Return the skew of each expiry: its deviation from the mean is larger for short tenors."""
    days = np.maximum(years, 1.0 / SECONDS_PER_YEAR) * DAYS_PER_YEAR
    scale = np.clip((days / 15.0) ** -0.2, 0.5, 1.5)
    result: FloatArray = SMILE.skew + (moment.skew - SMILE.skew) * scale
    return result


def relative_variance(z: FloatArray, skew: FloatArray, curvature: float) -> FloatArray:
    """Return variance over at-the-money variance at a standardised moneyness."""
    bend = SMILE.bend
    wings = 4.0 * bend * (curvature + 0.5 * SMILE.skew**2)
    result: FloatArray = (2.0 * skew) * z + wings * (np.sqrt(z * z + bend * bend) - bend) + 1.0
    return result
