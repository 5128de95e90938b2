"""What a smile does to a hedge: the delta that knows how volatility moves with the price.

With v(k) the smile and k = ln(K/F), a move of the forward changes the volatility of a strike by
(R - 1) v'(k) dF/F. The skew-stickiness ratio R says how the at-the-money volatility follows the
smile: 0 keeps each volatility with its moneyness, 1 with its strike (no adjustment), 2 is the
short-dated limit of local volatility (Bergomi 2009).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks.surface.svi import Shape

__all__ = ["Stickiness", "delta", "net_delta", "skew", "stickiness", "volatility"]

Array = NDArray[np.float64]


class Stickiness(NamedTuple):
    """A skew-stickiness ratio as observed."""

    ratio: float
    error: float  # its standard error, as far as moves are independent
    moves: int  # how many were looked at


def volatility(smile: Shape, years: ArrayLike) -> Array:
    """Return volatility per square root of the given years (calendar or variance time)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(smile.variance / np.asarray(years, dtype=np.float64))


def skew(smile: Shape, years: ArrayLike) -> Array:
    """Return dv/dk, equal to dv/dln K and so to `scenario`'s skew: v per sqrt of given years."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            smile.slope / (2.0 * np.sqrt(smile.variance * np.asarray(years, dtype=np.float64)))
        )


def delta(
    plain: ArrayLike, vega: ArrayLike, slope: ArrayLike, forward: ArrayLike, ratio: ArrayLike
) -> Array:
    """Return the smile-adjusted delta in coin: delta + vega (R - 1) v'(k)/F.

    ``plain`` and ``vega`` are Black-76's, ``slope`` is `skew`'s, ``ratio`` is R.
    """
    base, per_vol, lean, level, kept = _columns(plain, vega, slope, forward, ratio)
    return base + per_vol * (kept - 1.0) * lean / level


def net_delta(plain: ArrayLike, coin_vega: ArrayLike, slope: ArrayLike, ratio: ArrayLike) -> Array:
    """Return the smile-adjusted net delta of a coin-settled option, from `inverse`'s figures."""
    base, per_vol, lean, kept = _columns(plain, coin_vega, slope, ratio)
    return base + per_vol * (kept - 1.0) * lean


def stickiness(log_moves: ArrayLike, vol_moves: ArrayLike, slopes: ArrayLike) -> Stickiness:
    """Return R of observed moves: the slope of dv at the money on v'(0) dln F, through the origin.

    One expiry or several; ``slopes`` are the skews at the money before each move. Moves with a
    missing figure are left out; fewer than two give NaN.
    """
    moves, vols, skews = (
        np.asarray(one, dtype=np.float64).ravel()
        for one in np.broadcast_arrays(log_moves, vol_moves, slopes)
    )
    drive = skews * moves
    good = np.isfinite(drive) & np.isfinite(vols)
    drive, vols = drive[good], vols[good]
    power = float(drive @ drive)
    if drive.size < 2 or power == 0.0:
        return Stickiness(np.nan, np.nan, int(drive.size))
    ratio = float(drive @ vols) / power
    left = vols - ratio * drive
    error = np.sqrt(float(left @ left) / (drive.size - 1) / power)
    return Stickiness(ratio, float(error), int(drive.size))


def _columns(*given: ArrayLike) -> list[Array]:
    return [np.asarray(one, dtype=np.float64) for one in given]
