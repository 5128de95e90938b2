"""Implied volatility of a Black-76 price, with a status per element.

The price is reduced to the out-of-the-money option of the same strike and solved for
s = vol * sqrt(years) on the logarithm of that value, or of its distance to the upper bound where
that is nearer, by third-order Householder steps inside a bracket; a step that leaves it is replaced
by bisection. Where the price hardly depends on volatility the answer is that of the float64 price
given: no solver can know more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import arithmetic
from greeks.packing import pack
from greeks.status import Status

__all__ = ["Implied", "Status", "volatility"]

Array = NDArray[np.float64]


class Implied(NamedTuple):
    """Arrays of the broadcast shape."""

    vol: Array  # per square root of a year
    status: NDArray[np.int8]  # values of `Status`


def volatility(
    is_call: ArrayLike,
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Implied:
    """Return, per element, the volatility at which `black76.price` is ``price`` and a `Status`.

    ``price`` is in USD per coin of underlying, discounted; the other arguments are `black76`'s.
    """
    inputs, shape = pack(is_call, price, forward, strike, years, discount)
    vol, status = np.empty(inputs.shape[1]), np.empty(inputs.shape[1], dtype=np.int8)
    arithmetic.current().volatility(inputs, vol, status)
    return Implied(vol.reshape(shape), status.reshape(shape))
