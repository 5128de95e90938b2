"""Estimators on option snapshots: term structure and its dynamics, skew, curvature and carry.

A slice is one expiry at one snapshot: volatility over its at-the-money value as a quadratic in z =
ln(K/F)/(σ√T) for |z| < 1.5. Constant tenors are interpolated in total variance. The two factors'
speeds and volatilities are those whose loadings (1 - e^(-κT))/(κT) explain how much each tenor
moves, and how it moves with the month.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY
from bot.lab.calibrate.observed import Observed, Shot

NS_PER_DAY: Final = NS_PER_S * SECONDS_PER_DAY
TENORS: Final = np.array([2.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0, 260.0])
MONTH: Final = 4  # its place among the tenors
TENOR_WEIGHT: Final = np.array([0.3, 0.6, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
NEAR_Z: Final = 1.5
FEWEST: Final = 5
LEAST_DAYS: Final = 0.3
OLD_DAYS: Final = 1.5
GAP_DAYS: Final = (0.1, 0.45)  # between snapshots that are neighbours
NORMAL: Final = 0.6745  # the median of |x| for a standard normal


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """All slices of a market, one entry each."""

    shot: FloatArray  # number of the snapshot
    ts_ns: FloatArray
    expiry_ns: FloatArray
    days: FloatArray
    atm: FloatArray
    skew: FloatArray
    curvature: FloatArray
    rate: FloatArray  # per year, of the forward over the index
    index: FloatArray

    def between(self, low: float, high: float) -> Slices:
        """Return the slices with that many days to expiry."""
        keep = (self.days > low) & (self.days <= high)
        return Slices(*(getattr(self, name)[keep] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Factors:
    """Speeds per day and volatilities per root year of the two log-volatility factors."""

    fast_per_day: float
    slow_per_day: float
    fast_vol: float
    slow_vol: float

    def loadings(self, days: FloatArray) -> FloatArray:
        """Return how much of each factor a tenor's log-volatility holds: (tenors, 2)."""
        rates = np.array([self.fast_per_day, self.slow_per_day])
        far = np.multiply.outer(days, rates)
        result: FloatArray = -np.expm1(-far) / far
        return result


def slices(observed: Observed) -> Slices:
    """Return every slice with enough strikes near the money."""
    rows = [row for number, shot in enumerate(observed.shots) for row in _of_shot(number, shot)]
    return Slices(*np.array(rows).T)


def _of_shot(number: int, shot: Shot) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for expiry in np.unique(shot.expiry_ns):
        days = (expiry - shot.ts_ns) / NS_PER_DAY
        at = (shot.expiry_ns == expiry) & (shot.vol > 0.0)
        moneyness, first = np.unique(np.log(shot.strike[at] / shot.forward[at]), return_index=True)
        vol = shot.vol[at][first]
        if days < LEAST_DAYS or len(vol) < FEWEST or not moneyness[0] < 0.0 < moneyness[-1]:
            continue
        atm = float(np.interp(0.0, moneyness, vol))
        z = moneyness / (atm * np.sqrt(days / 365.0))
        near = np.abs(z) < NEAR_Z
        if near.sum() < FEWEST:
            continue
        curvature, skew, level = np.polyfit(z[near], vol[near] / atm, 2)
        forward = float(np.median(shot.forward[at]))
        rate = np.log(forward / shot.index) * 365.0 / days
        rows.append(
            (number, shot.ts_ns, expiry, days, atm * level, skew, curvature, rate, shot.index)
        )
    return rows


def term_structure(found: Slices) -> tuple[FloatArray, FloatArray]:
    """Return times (days) and log at-the-money volatilities (times, tenors)."""
    times, curves = [], []
    for number in np.unique(found.shot):
        at = found.shot == number
        days = found.days[at]
        variance = found.atm[at] ** 2 * days
        curves.append(0.5 * np.log(np.interp(TENORS, days, variance, right=np.nan) / TENORS))
        times.append(found.ts_ns[at][0] / NS_PER_DAY)
    return np.array(times), np.array(curves)


def factors(times: FloatArray, curves: FloatArray) -> Factors:
    """Return the two independent factors that move the curve as it moved.

    The shape comes from all moves; the size from the month's robust deviation, because jumps in
    volatility come on top of the factors' own noise.
    """
    steps = np.diff(curves, axis=0)
    years = np.diff(times) / 365.0
    vol, beta = tenor_moves(steps, years)

    def gap(logs: FloatArray) -> FloatArray:
        tried = Factors(*np.exp(logs))
        scaled = tried.loadings(TENORS) * np.array([tried.fast_vol, tried.slow_vol])
        size = np.sqrt((scaled**2).sum(axis=1))
        with_month = scaled @ scaled[MONTH] / size[MONTH] ** 2
        off = np.concatenate([np.log(size / vol) * TENOR_WEIGHT, np.log(with_month / beta)])
        return np.asarray(off)

    fitted = Factors(*np.exp(least_squares(gap, np.log([0.3, 0.02, 4.0, 1.0])).x).tolist())
    robust = float(np.median(np.abs(steps[:, MONTH]) / np.sqrt(years)) / NORMAL)
    share = robust / float(vol[MONTH])
    return Factors(
        fitted.fast_per_day, fitted.slow_per_day, fitted.fast_vol * share, fitted.slow_vol * share
    )


def tenor_moves(steps: FloatArray, years: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each tenor's deviation per root year, and its slope on the month's moves.

    A tenor beyond the last expiry is not known (NaN) and does not count.
    """
    known = np.isfinite(steps)
    moved = np.where(known, steps, 0.0)
    month = moved[:, [MONTH]]
    with np.errstate(invalid="ignore"):
        vol: FloatArray = np.sqrt((moved**2).sum(axis=0) / (known * years[:, None]).sum(axis=0))
        slope: FloatArray = (moved * month).sum(axis=0) / (known * month**2).sum(axis=0)
    return vol, slope


def month_vol_of_vol(times: FloatArray, curves: FloatArray) -> tuple[float, float]:
    """Return the month's log-volatility deviation per root year: of all moves, and robust."""
    steps = np.diff(curves[:, MONTH])
    years = np.diff(times) / 365.0
    return (
        float(np.sqrt((steps**2).sum() / years.sum())),
        float(np.median(np.abs(steps) / np.sqrt(years)) / NORMAL),
    )


def worst_fall(found: Slices, model: Factors) -> tuple[float, float]:
    """Return both factors' answers per unit of log-price over the largest fall within 15 hours."""
    times, at = np.unique(found.ts_ns, return_index=True)
    logs = np.log(found.index[at])
    pairs = [
        (logs[j] - logs[i], i, j)
        for i in range(len(times))
        for j in range(i + 1, min(i + 4, len(times)))
        if times[j] - times[i] < 15.0 / 24.0 * NS_PER_DAY
    ]
    fall, i, j = min(pairs)
    before, after = found.ts_ns == times[i], found.ts_ns == times[j]
    common = np.intersect1d(found.expiry_ns[before], found.expiry_ns[after])
    early, late = (
        before & np.isin(found.expiry_ns, common),
        after & np.isin(found.expiry_ns, common),
    )
    old = found.days[late] > OLD_DAYS
    rise = np.log(found.atm[late] / found.atm[early])[old]
    answers = np.linalg.lstsq(model.loadings(found.days[late][old]), rise, rcond=None)[0]
    return float(answers[0] / -fall), float(answers[1] / -fall)


def changes(found: Slices, low: float, high: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return steps of skew and log-price between snapshots, and their lengths (days), by expiry."""
    part = found.between(low, high)
    order = np.lexsort((part.ts_ns, part.expiry_ns))
    same = np.diff(part.expiry_ns[order]) == 0
    gap = np.diff(part.ts_ns[order]) / NS_PER_DAY
    keep = same & (gap > GAP_DAYS[0]) & (gap < GAP_DAYS[1])
    skew, logs = np.diff(part.skew[order]), np.diff(np.log(part.index[order]))
    return skew[keep], logs[keep], gap[keep]


def reversion(values: FloatArray, steps: FloatArray, gap: FloatArray) -> float:
    """Return the speed per day at which a stationary series forgets, from its steps' variance."""
    share = float(np.mean(steps**2) / (2.0 * np.var(values)))
    return float(-np.log(max(1.0 - share, 1e-6)) / gap.mean())


def rise(days: FloatArray, values: FloatArray, scale: float) -> tuple[float, float]:
    """Return level and rise of a curve level + rise (1 - (1 - e^(-T/τ))/(T/τ)) through points."""
    far = days / scale
    shape = 1.0 + np.expm1(-far) / far
    slope, level = np.polyfit(shape, values, 1)
    return float(level), float(slope)
