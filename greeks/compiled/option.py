"""One option inside a loop, and what becomes of a column that is none.

With m = min(F, K), y = |ln(F/K)|, s = vol sqrt(T), z = y/s, h = s/2, a = z - h and b = z + h, the
out-of-the-money value is m n(a) (R(a) - R(b)). Below the strike a = -d1 and b = -d2, above it a =
d2 and b = d1. Where a is well below 0 the same value is m (1 - n(a) (R(-a) + R(b))), which loses
nothing there; `near` tells that it is not.
"""

import math
from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from greeks.compiled.scalars import (
    EXACT,
    INLINE,
    SCALE,
    START,
    exponential,
    log_ratio,
    logarithm,
    mills,
)

Row = NDArray[np.float64]
Matrix = NDArray[np.float64]

ROWS: Final = types.void(types.float64[:, ::1], types.float64[:, ::1])  # what every kernel takes
FLAT_BELOW: Final = 1e-100
FAR: Final = 1e300  # F/K or K/F: beyond, there is no time value,
TAME: Final = 10.0  # if the deviation is less than this
Z_MAX: Final = 100.0
LOW_MIN: Final = -37.0
ROOT_TWO_PI_INVERSE: Final = 0.3989422804014327
INFINITE: Final = math.inf


@njit(**INLINE)
def ratios(a: float, b: float, s: float) -> tuple[bool, float, float, float]:
    """Return whether a is near, R(a) (R(-a) where it is not), R(b), and, where it is, R(a) - R(b).

    s is b - a.
    """
    near = a >= START
    low = a if near else -a
    u_low = low + (SCALE - START)
    u_high = b + (SCALE - START)
    q = 1.0 / (u_low * u_high)
    q_low = q * u_high
    q_high = q * u_low
    p, d = mills(1.0 - 2.0 * SCALE * q_low, 1.0 - 2.0 * SCALE * q_high)
    above = (p + 2.0 * SCALE * (q_low - q_high) * d) * q_high
    return near, p * q_low, above, s * q * (p - 2.0 * SCALE * q_high * d)


@njit(**INLINE)
def parts(
    big: float, small: float, s: float, inverse: float
) -> tuple[float, float, float, float, float, bool]:
    """Return z, n(a), the value over m, n(a) R(a) (of -a where it is not near), n(a) R(b), near.

    `inverse` is 1/s: divisions are what costs most.
    """
    z = min(log_ratio(big, small) * inverse, Z_MAX)
    h = 0.5 * s
    a = max(z - h, LOW_MIN)
    b = z + h
    near, ratio_low, ratio_high, gap = ratios(a, b, s)
    density = ROOT_TWO_PI_INVERSE * exponential(-0.5 * a * a)
    value = density * gap if near else 1.0 - density * (ratio_low + ratio_high)
    return z, density, value, density * ratio_low, density * ratio_high, near


@njit(**INLINE)
def sound(
    phi: float, forward: float, strike: float, years: float, vol: float, discount: float
) -> bool:
    """Tell whether a column is an option that `parts` can do."""
    small = min(forward, strike)
    least = min(min(small, years), min(vol, discount))
    total = forward + strike + years + vol + discount  # not a number where one of them is none
    alive = (vol * math.sqrt(years) >= FLAT_BELOW) & (max(forward, strike) < FAR * small)
    return (least > 0.0) & (total < INFINITE) & alive & (phi * phi == 1.0)


@njit(**INLINE)
def rate_of(discount: float, years: float) -> float:
    """Return r = -ln(discount)/years."""
    return -logarithm(discount) / years


@njit(**INLINE)
def exercise(phi: float, above: bool, near: bool, low: float, high: float) -> float:
    """Return N(phi d2); `low` and `high` are n(a) R at a and n(b) R(b)."""
    # The tail that is at hand is N(d2) below the strike and where a was taken negative.
    tail = low if above else high
    is_tail = (phi > 0.0) == ((not above) | (not near))
    return tail if is_tail else 1.0 - tail


@njit(**EXACT)
def limit(
    phi: float, forward: float, strike: float, years: float, vol: float, discount: float
) -> tuple[float, float, float, float]:
    """Return price, delta, theta and rate of a column that is not `sound`.

    The discounted intrinsic value, its slope (half at the strike), r V and r (0 where years = 0);
    NaN where it is no option at all, or one between prices that are FAR apart and more volatile
    than that.
    """
    valid = forward > 0.0 and strike > 0.0 and discount > 0.0 and years >= 0.0 and vol >= 0.0
    total = forward + strike + discount + years + vol
    tame = vol * math.sqrt(years) < TAME
    if not (valid and tame and total < INFINITE and phi * phi == 1.0):
        return math.nan, math.nan, math.nan, math.nan
    money = phi * (forward - strike)
    price = discount * max(money, 0.0)
    step = 0.5 if money == 0.0 else (1.0 if money > 0.0 else 0.0)
    rate = -math.log(discount) / years if years > 0.0 else 0.0
    return price, phi * step * discount, rate * price, rate


@njit(**INLINE)
def five(
    phi: float,
    forward: float,
    strike: float,
    root: float,
    vol: float,
    discount: float,
) -> tuple[float, float, float, float, float, float, float]:
    """Return the five without r V in theta, then z with its sign and the density in money."""
    s = vol * root
    inverse, by_forward = 1.0 / s, 1.0 / forward
    above = forward >= strike
    big = forward if above else strike
    small = strike if above else forward
    z, density, value, low, high, near = parts(big, small, s, inverse)
    share = small * by_forward
    # The tail that is at hand is N(d1) or its complement.
    tail = share * high if above else low
    is_tail = (phi > 0.0) == ((not above) & near)
    money = discount * small * density
    price = discount * (max(phi * (forward - strike), 0.0) + small * value)
    delta = discount * phi * (tail if is_tail else 1.0 - tail)
    gamma = discount * share * density * by_forward * inverse
    vega = money * root
    theta = -0.5 * money * (vol * (vol * inverse))
    return price, delta, gamma, vega, theta, z if above else -z, money


@njit(**EXACT)
def repair(inputs: Matrix, out: Matrix) -> None:
    """Overwrite what is no option or has no randomness; rho and charm as discounting asks."""
    for i in range(inputs.shape[1]):
        phi, forward, strike = inputs[0, i], inputs[1, i], inputs[2, i]
        years, vol, discount = inputs[3, i], inputs[4, i], inputs[5, i]
        if not sound(phi, forward, strike, years, vol, discount):
            price, delta, theta, rate = limit(phi, forward, strike, years, vol, discount)
            for row in range(out.shape[0]):
                out[row, i] = 0.0 * price
            out[0, i], out[1, i], out[4, i] = price, delta, theta
            if out.shape[0] > 5:
                out[5, i], out[8, i] = -years * price, rate * delta
