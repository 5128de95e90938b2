"""Estimators on prices: realised volatility, jumps, activity, and the lean of volatility."""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray

MINUTES_PER_DAY: Final = 1_440
HOURS_PER_YEAR: Final = 8_760.0
AROUND: Final = 60  # minutes to each side make the local deviation
OUTLIER: Final = 6.0
STRETCH: Final = 15
NORMAL: Final = 0.6745


def hourly_realised(price: FloatArray) -> float:
    """Return the annual volatility of hourly log-returns."""
    return float(np.std(np.diff(np.log(price))) * np.sqrt(HOURS_PER_YEAR))


def lean(price: FloatArray, vol: FloatArray) -> float:
    """Return the correlation of hourly moves of log-price and log-volatility."""
    return float(np.corrcoef(np.diff(np.log(price)), np.diff(np.log(vol)))[0, 1])


def log_vol_deviation(vol: FloatArray, lag: int) -> tuple[float, float]:
    """Return the deviation per root year of log-volatility over `lag` hours: all moves, robust."""
    steps = (np.log(vol[lag:]) - np.log(vol[:-lag])) / np.sqrt(lag / HOURS_PER_YEAR)
    return float(steps.std()), float(np.median(np.abs(steps)) / NORMAL)


def outliers(logs: FloatArray) -> FloatArray:
    """Return the one-minute returns beyond six local deviations."""
    returns = np.diff(logs)
    windows = np.lib.stride_tricks.sliding_window_view(np.abs(returns), 2 * AROUND + 1)
    local = np.pad(np.median(windows, axis=1) / NORMAL, AROUND, mode="edge")
    found: FloatArray = returns[np.abs(returns) > OUTLIER * local]
    return found


def outliers_per_day(logs: FloatArray) -> float:
    """Return how many such returns a day has."""
    return len(outliers(logs)) * MINUTES_PER_DAY / (len(logs) - 1)


def jump_share(logs: FloatArray) -> float:
    """Return the share of variance that jumps bring: one less bipower over realised variance."""
    size = np.abs(np.diff(logs))
    return float(1.0 - np.pi / 2.0 * (size[1:] * size[:-1]).sum() / (size**2).sum())


def minute_volatility(logs: FloatArray) -> float:
    """Return the annual volatility of one-minute returns."""
    return float(np.std(np.diff(logs)) * np.sqrt(365.0 * MINUTES_PER_DAY))


def activity_deviation(logs: FloatArray) -> float:
    """Return the deviation of log volatility over quarters of an hour within two-day spans.

    The noise of estimating from fifteen returns is taken off.
    """
    returns = np.diff(logs)
    spans = max(len(returns) // (2 * MINUTES_PER_DAY), 1)
    variances = []
    for span in np.array_split(returns, spans):
        whole = span[: len(span) // STRETCH * STRETCH].reshape(-1, STRETCH)
        variances.append(np.var(0.5 * np.log((whole**2).mean(axis=1))))
    return float(np.sqrt(max(float(np.mean(variances)) - 1.0 / (2.0 * STRETCH), 0.0)))
