"""Coin-settled (inverse) options: the Black-76 option in coin, c = V/F on its own forward.

The net (premium-adjusted) delta F dc/dF is the hedge of an account that is counted in coin; an
account counted in USD needs the plain Black-76 delta. It is phi (K/F) N(phi d2) times the discount,
which does not cancel the way delta - V/F does. Arguments, limits and faults are those of `black76`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import arithmetic
from greeks.packing import pack

__all__ = ["CoinGreeks", "greeks"]

Array = NDArray[np.float64]


class CoinGreeks(NamedTuple):
    """What a coin-settled option is worth in coin; arrays of the broadcast shape."""

    coin_price: Array  # coin: V/F
    net_delta: Array  # coin: F dc/dF = delta - V/F
    net_gamma: Array  # coin per USD: d(net_delta)/dF = gamma - net_delta/F
    coin_vega: Array  # coin per 1.00 of volatility
    coin_theta: Array  # coin per year


def greeks(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike = 1.0,
) -> CoinGreeks:
    """Return price, net delta, net gamma, vega and theta in coin."""
    inputs, shape = pack(is_call, forward, strike, years, vol, discount)
    out = np.empty((5, inputs.shape[1]))
    arithmetic.current().coin(inputs, out)
    return CoinGreeks(*(row.reshape(shape) for row in out))
