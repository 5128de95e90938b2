"""The forward of an expiry: the option's own underlying, a future, or what put-call parity says.

A call less a put of one strike is worth F - K (linear) or 1 - K/F in coin, so every pair of books
bounds the forward from both sides. Undiscounted prices, as crypto exchanges quote them.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Chosen", "Parity", "Source", "choose", "parity"]

Array = NDArray[np.float64]

NARROWEST: Final = 1e-6
"""Of the forward: a pair's bounds that are closer weigh no more."""

SETTLED_YEARS: Final = 7.0 / 365.0
"""A carry of a shorter time is noise, and is not carried on beyond it."""


class Source(IntEnum):
    """Where a forward came from, the best first."""

    UNDERLYING = 0  # the venue's own price of what its options are marked on
    FUTURE = 1  # a future of the same expiry
    PARITY = 2
    CARRY = 3  # between its neighbours, or like the nearest, in carry per year
    NONE = 4


class Parity(NamedTuple):
    """What the pairs of one expiry say; scalars, NaN without a pair."""

    forward: float  # USD: the median of the pairs' mids, each weighed by one over its width
    low: float  # USD: no pair lets the forward be lower
    high: float  # USD: nor higher; below `low` some quote is stale or there is arbitrage
    pairs: int


class Chosen(NamedTuple):
    """Arrays, an element for each expiry."""

    forward: Array  # USD
    source: NDArray[np.int8]  # values of `Source`
    apart: Array  # the widest disagreement of the sources over the forward; 0 with one of them


def parity(
    strike: ArrayLike,
    call_bid: ArrayLike,
    call_ask: ArrayLike,
    put_bid: ArrayLike,
    put_ask: ArrayLike,
    *,
    in_coin: bool = False,
) -> Parity:
    """Return the forward of one expiry from calls and puts of the same strikes.

    NaN or 0 stands for a side that is missing; a pair without one of its four says nothing.
    """
    k, cb, ca, pb, pa = (
        np.asarray(one, dtype=np.float64).ravel()
        for one in np.broadcast_arrays(strike, call_bid, call_ask, put_bid, put_ask)
    )
    with np.errstate(all="ignore"):
        cb, ca, pb, pa = (np.where(side > 0.0, side, np.nan) for side in (cb, ca, pb, pa))
        least, most = cb - pa, ca - pb  # what buying the forward brings, and costs
        low, high = (k / (1.0 - least), k / (1.0 - most)) if in_coin else (k + least, k + most)
        good = (high >= low) & (low > 0.0) & np.isfinite(high)
    if not good.any():
        return Parity(np.nan, np.nan, np.nan, 0)
    low, high = low[good], high[good]
    middle = 0.5 * (low + high)
    order = np.argsort(middle)
    weight = np.cumsum(1.0 / np.maximum(high - low, NARROWEST * middle)[order])
    forward = middle[order][np.searchsorted(weight, 0.5 * weight[-1])]
    return Parity(float(forward), float(low.max()), float(high.min()), int(good.sum()))


def choose(
    years: ArrayLike,
    underlying: ArrayLike,
    future: ArrayLike,
    from_parity: ArrayLike,
    spot: float = np.nan,
) -> Chosen:
    """Return one forward for each expiry: the best source that has one (NaN: it has none).

    ``years`` are to expiry, > 0. Where no source has one, ln(F/spot) lies on a straight line in
    time between the expiries around it (0 now), and beyond the last keeps its carry per year, if
    ``spot`` (USD) is known.
    """
    time, *columns = (
        np.asarray(one, dtype=np.float64).ravel()
        for one in np.broadcast_arrays(years, underlying, future, from_parity)
    )
    given = np.stack(columns)
    given[~((given > 0.0) & np.isfinite(given))] = np.nan
    known = np.isfinite(given)
    source = np.where(known.any(axis=0), known.argmax(axis=0), int(Source.NONE))
    forward = np.take_along_axis(given, np.minimum(source, 2)[None, :], axis=0)[0]
    most = np.where(known, given, -np.inf).max(axis=0)
    least = np.where(known, given, np.inf).min(axis=0)
    apart = np.where(
        known.any(axis=0), (most - least) / np.where(known.any(axis=0), least, 1.0), 0.0
    )
    missing = (source == Source.NONE) & (time > 0.0) & np.isfinite(time)
    there = (source != Source.NONE) & (time > 0.0) & np.isfinite(time)
    if missing.any() and there.any() and 0.0 < spot < np.inf:
        forward[missing] = spot * np.exp(
            _carried(time[missing], time[there], np.log(forward[there] / spot))
        )
        source[missing] = Source.CARRY
    return Chosen(forward, source.astype(np.int8), apart)


def _carried(asked: Array, time: Array, premium: Array) -> Array:
    """Return ln(F/spot) on straight lines in time from 0 on, and beyond the last at its carry."""
    order = np.argsort(time)
    time, premium = np.append(0.0, time[order]), np.append(0.0, premium[order])
    beyond = asked / time[-1] if time[-1] >= SETTLED_YEARS else np.ones_like(asked)
    return np.where(asked > time[-1], premium[-1] * beyond, np.interp(asked, time, premium))
