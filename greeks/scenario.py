"""A book of options revalued over a grid of moves, volatilities and times, in one call.

At each node forwards move by a factor, volatilities by a factor, and time passes. A volatility
stays with its strike; with a `skew` (dv/dln K of each option's smile) and a `stickiness` it follows
its moneyness instead, in part or wholly: v' = (v - stickiness skew ln(1 + move)) (1 + vol move).
Rates stay. What expires on the way is its intrinsic value.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import arithmetic

__all__ = ["Map", "revalue"]

Array = NDArray[np.float64]


class Map(NamedTuple):
    """Sums over the book at each node; arrays of shape (moves, vol moves, elapsed)."""

    value: Array  # USD; coin where settled in coin, as in all that follow
    delta: Array  # coin; net delta (premium-adjusted) in coin
    gamma: Array  # coin per USD
    vega: Array  # per 1.00 of volatility
    theta: Array  # per year


def revalue(  # noqa: PLR0913  a book's columns, and what the grid is made of
    quantity: ArrayLike,
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike = 1.0,
    *,
    moves: ArrayLike = 0.0,
    vol_moves: ArrayLike = 0.0,
    elapsed: ArrayLike = 0.0,
    skew: ArrayLike = 0.0,
    stickiness: float = 0.0,
    in_coin: bool = False,
) -> Map:
    """Return the book at every node of ``moves`` x ``vol_moves`` x ``elapsed`` (years).

    ``quantity`` is signed coins of underlying. Options are as in `black76`, and ``in_coin`` sums
    them as `inverse` restates them. An element that is no option makes its sums NaN.
    """
    given = (is_call, forward, strike, years, vol, discount, quantity, skew)
    shape = np.broadcast_shapes(*(np.shape(one) for one in given))
    book = np.empty((8, *shape))
    for i, one in enumerate(given):
        book[i, ...] = one
    book = book.reshape(8, -1)
    book[0] = 2.0 * book[0] - 1.0
    axes = [
        np.atleast_1d(np.asarray(axis, dtype=np.float64)) for axis in (moves, vol_moves, elapsed)
    ]
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    out = np.empty((5, nodes.shape[1]))
    arithmetic.current().scenario(book, nodes, float(stickiness), bool(in_coin), out)
    size = tuple(axis.size for axis in axes)
    return Map(*(row.reshape(size) for row in out))
