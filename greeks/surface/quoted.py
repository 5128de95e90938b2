"""Volatilities of our own, from the books: what bids, mids and asks imply, and what to fit.

An option's spread in volatility is its price spread over its vega; a fit weighs a quote by one over
it. What is one-sided, crossed, without an implied volatility at its mid, or wider than a quarter of
its volatility says too little and is left out.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import black76, implied

__all__ = ["NARROWEST", "WIDEST", "Quoted", "volatilities", "weight"]

Array = NDArray[np.float64]

WIDEST: Final = 0.25
"""The widest spread that is fitted, as a share of the mid's volatility."""

NARROWEST: Final = 0.002
"""A spread of less than this (volatility) weighs no more: price grids make it."""


class Quoted(NamedTuple):
    """Arrays of the broadcast shape; volatilities per square root of the years given."""

    bid: Array  # NaN where there is none: no bid, or one below intrinsic value
    mid: Array  # of the price in the middle
    ask: Array
    spread: Array  # (ask - bid)/vega at the mid's volatility
    usable: NDArray[np.bool_]  # whether a fit should look at it


def volatilities(
    is_call: ArrayLike,
    bid: ArrayLike,
    ask: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    *,
    in_coin: bool = False,
) -> Quoted:
    """Return what the two sides of each book imply; NaN or 0 stands for a side that is missing.

    Prices are undiscounted, in USD per coin of underlying or, ``in_coin``, in coin.
    """
    given = (is_call, bid, ask, forward, strike, years)
    call, low, high, at, level, life = (
        np.asarray(one, dtype=np.float64) for one in np.broadcast_arrays(*given)
    )
    unit = at if in_coin else np.ones_like(at)
    with np.errstate(all="ignore"):
        low, high = np.where(low > 0.0, low, np.nan), np.where(high > 0.0, high, np.nan)
        sides = np.stack([low, 0.5 * (low + high), high]) * unit
    found, status = implied.volatility(call, sides, at, level, life)
    bids, mids, asks = np.where(status == implied.Status.SOLVED, found, np.nan)
    vega = black76.first(call, at, level, life, mids).vega
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (high - low) * unit / vega
        usable = np.isfinite(mids) & (high > low) & (spread <= WIDEST * mids)
    return Quoted(bids, mids, asks, spread, usable)


def weight(quoted: Quoted) -> Array:
    """Return the weight of each quote in a fit: one over its spread, 0 where it is not usable."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(quoted.usable, 1.0 / np.maximum(quoted.spread, NARROWEST), 0.0)
