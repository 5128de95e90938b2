"""Black-76: European options on a forward, price and every Greek.

Discount D = exp(-r years), so r = -ln(D)/years. Greeks are raw and per one coin of underlying:
vega per 1.00 of volatility; theta, charm, veta and color per year, minus the derivative in years to
expiry; rho at fixed forward. Units are those of forward and strike (USD per coin).

Arguments broadcast; nothing raises for one bad element. A row that is not an option (not finite,
forward, strike or discount <= 0, years or vol < 0, is_call neither 0 nor 1) is NaN throughout. At
years = 0 or vol = 0 it is the discounted intrinsic value: delta a step (half at the strike), no
gamma, no vega, theta r V with r = 0 at years = 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import arithmetic
from greeks.packing import pack

__all__ = ["First", "Greeks", "first", "greeks", "packed", "price"]

Array = NDArray[np.float64]


class First(NamedTuple):
    """The five Greeks that a hedger needs each second; arrays of the broadcast shape."""

    price: Array  # USD
    delta: Array  # coin: dV/dF
    gamma: Array  # coin per USD: d2V/dF2
    vega: Array  # USD per 1.00 of volatility
    theta: Array  # USD per year: -dV/dT at fixed forward and rate


class Greeks(NamedTuple):
    """Price and thirteen Greeks; arrays of the broadcast shape."""

    price: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array  # dV/dr at fixed forward: -T V
    vanna: Array  # d2V/dF dvol
    volga: Array  # d2V/dvol2
    charm: Array  # -d2V/dF dT
    veta: Array  # -d2V/dvol dT
    speed: Array  # d3V/dF3
    zomma: Array  # d3V/dF2 dvol
    color: Array  # -d3V/dF2 dT
    ultima: Array  # d3V/dvol3


def price(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Array:
    """Return the option's value in USD per coin of underlying."""
    return first(is_call, forward, strike, years, vol, discount).price


def first(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike = 1.0,
) -> First:
    """Return price, delta, gamma, vega and theta."""
    inputs, shape = pack(is_call, forward, strike, years, vol, discount)
    out = np.empty((5, inputs.shape[1]))
    packed(inputs, out)
    return First(*(row.reshape(shape) for row in out))


def packed(inputs: Array, out: Array) -> None:
    """Fill ``out`` (5, n) with price, delta, gamma, vega, theta, allocating no array.

    ``inputs`` is (6, n): phi (+1 call, -1 put), forward, strike, years, vol, discount; it is left
    as it is. Both are float64 and C-contiguous. Raises ValueError where a shape is another one.
    """
    try:
        fits = arithmetic.current().first(inputs, out)
    except TypeError as error:  # compiled kernels take one kind of array, and say so in this way
        fits = _converted(inputs, out, error)
    if not fits:
        raise ValueError(
            f"expected inputs (6, n) and out (5, n), found {inputs.shape} and {out.shape}"
        )


def _converted(inputs: Array, out: Array, error: TypeError) -> bool:
    """Fill ``out`` from inputs of another kind; return whether the shapes are right."""
    if inputs.ndim != 2 or out.ndim != 2:
        return False
    flags = out.flags
    if out.dtype != np.float64 or not (flags.c_contiguous and flags.writeable):
        found = f"{out.dtype}, contiguous {flags.c_contiguous}, writeable {flags.writeable}"
        raise ValueError(f"expected out float64, contiguous, writeable, found {found}") from error
    return bool(arithmetic.current().first(np.array(inputs, dtype=np.float64, order="C"), out))


def greeks(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Greeks:
    """Return price and all thirteen Greeks."""
    inputs, shape = pack(is_call, forward, strike, years, vol, discount)
    out = np.empty((14, inputs.shape[1]))
    arithmetic.current().greeks(inputs, out)
    return Greeks(*(row.reshape(shape) for row in out))
