"""Estimators on option quotes: spreads by tenor and deep in the money, and missing sides."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.special import ndtr

from bot.domain.quotes import BoolArray, FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.lab.calibrate.observed import Observed
from bot.sim.market.params import SPREADS

BUCKETS: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 14.0, 25.0, 45.0, 90.0, 180.0, 400.0)
NEAR: Final = (0.4, 0.6)  # |delta|
DEEP: Final = (0.8, 0.98)
DEEP_DAYS: Final = (3.0, 200.0)
LEVEL_DELTA: Final = (0.3, 0.6)
LEVEL_DAYS: Final = (5.0, 60.0)
MONTH_DAYS: Final = (15.0, 50.0)
MONTH_D1: Final = (-0.3, 0.3)
LEAST_VEGA: Final = 1e-6  # coin per 1.00 of volatility: below, a spread in points means nothing
ROOT_TWO_PI: Final = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Every quoted option of every snapshot."""

    days: FloatArray
    delta: FloatArray  # absolute
    points: FloatArray  # spread over vega
    coin: FloatArray  # spread
    mark: FloatArray
    month_vol: FloatArray  # of its snapshot


def rows(observed: Observed) -> tuple[Rows, float, float]:
    """Return the two-sided quotes, and the shares of options without bid and without ask."""
    parts, no_bid, no_ask = [], [], []
    for shot in observed.shots:
        years = (shot.expiry_ns - shot.ts_ns) / (NS_PER_S * SECONDS_PER_YEAR)
        priced = (shot.vol > 0.0) & (years > 0.0)
        deviation = np.where(priced, shot.vol * np.sqrt(np.abs(years)), np.nan)
        d1 = np.log(shot.forward / shot.strike) / deviation + 0.5 * deviation
        vega = np.exp(-0.5 * d1 * d1) / ROOT_TWO_PI * np.sqrt(np.abs(years))
        days = years * 365.0
        month = np.median(shot.vol[_inside(days, MONTH_DAYS) & _inside(d1, MONTH_D1)])
        spread = shot.ask - shot.bid
        good = priced & (spread > 0.0) & (vega > LEAST_VEGA)
        delta = np.where(shot.is_call, ndtr(d1), ndtr(-d1))
        table = np.stack([days, delta, vega, spread, shot.mark, np.full(len(days), month)])[:, good]
        table[2] = 100.0 * table[3] / table[2]
        parts.append(table)
        no_bid.append(np.isnan(shot.bid).mean())
        no_ask.append(np.isnan(shot.ask).mean())
    joined = np.concatenate(parts, axis=1)
    return Rows(*joined), float(np.mean(no_bid)), float(np.mean(no_ask))


def by_tenor(found: Rows) -> tuple[FloatArray, FloatArray]:
    """Return the buckets' median days and median spreads near the money (points)."""
    near = _inside(found.delta, NEAR)
    days, points = [], []
    for low, high in pairwise(BUCKETS):
        at = near & (found.days > low) & (found.days <= high)
        days.append(float(np.median(found.days[at])) if at.any() else np.nan)
        points.append(float(np.median(found.points[at])) if at.any() else np.nan)
    return np.array(days), np.array(points)


def tenor_fit(days: FloatArray, points: FloatArray) -> tuple[float, float]:
    """Return A and B of points² = A²/T + B² T/100, least squares in relative terms."""
    known = np.isfinite(points)
    shape = np.stack([1.0 / days[known], days[known] / 100.0], axis=1)
    weight = 1.0 / points[known] ** 2
    squares = np.linalg.lstsq(shape * weight[:, None], points[known] ** 2 * weight, rcond=None)[0]
    return float(np.sqrt(squares[0])), float(np.sqrt(squares[1]))


def deep_fit(found: Rows) -> tuple[float, float]:
    """Return coin and share of the mark that spreads deep in the money have beyond their vega."""
    deep = _inside(found.delta, DEEP) & _inside(found.days, DEEP_DAYS)
    marks, extra = [], []
    edges = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
    beyond = found.coin - found.coin / found.points * _near_points(found.days)
    for low, high in pairwise(edges):
        at = deep & (found.mark > low) & (found.mark <= high)
        marks.append(float(np.median(found.mark[at])))
        extra.append(float(np.median(beyond[at])))
    slope, level = np.polyfit(marks, extra, 1)
    return float(level), float(slope)


def level_power(found: Rows) -> float:
    """Return the power of the month's volatility that near-the-money spreads grow with."""
    at = _inside(found.delta, LEVEL_DELTA) & _inside(found.days, LEVEL_DAYS)
    excess = np.log(found.points[at] / _near_points(found.days[at]))
    level = np.log(found.month_vol[at])
    medians = [(v, np.median(excess[level == v])) for v in np.unique(level[np.isfinite(level)])]
    x, y = np.array(medians).T
    return float(np.polyfit(x, y, 1)[0])


def _inside(values: FloatArray, span: tuple[float, float]) -> BoolArray:
    found: BoolArray = (values > span[0]) & (values < span[1])
    return found


def _near_points(days: FloatArray) -> FloatArray:
    near = SPREADS.one_day_points**2 / days
    result: FloatArray = np.sqrt(near + SPREADS.far_points**2 * days / 100.0)
    return result
