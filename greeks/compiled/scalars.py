"""The scalars that the compiled kernels are made of: exponential, logarithm, Mills ratios.

Without a branch and without a call, so that loops over them become vector instructions. Accurate to
a unit or two in the last place on what the kernels ask of them, which is said at each.

R(x) = N(-x)/n(x) is the Mills ratio. With u = x - START, q = 1/(u + SCALE) and t = 1 - 2 SCALE q it
is q P(t), P a polynomial (the Chebyshev interpolant of degree 25, error 4e-17) that falls all the
way from t = -1 to 1. Two ratios are taken together as P(low) and the divided difference
P[low, high]: their difference then loses no digits, however close they are.
"""

from typing import Any, Final

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["EXACT", "SCALE", "START", "exponential", "log_ratio", "logarithm", "mills"]

# Products and sums may be fused, nothing may be reordered; division by zero is not an exception.
EXACT: Final[dict[str, Any]] = {"fastmath": {"contract"}, "error_model": "numpy"}
INLINE: Final[dict[str, Any]] = {**EXACT, "inline": "always"}

START: Final = -0.5
SCALE: Final = 5.0
LOG2_E: Final = 1.4426950408889634
LN2_HIGH: Final = 0.6931471803691238  # 33 bits: its products with an exponent are exact
LN2_LOW: Final = 1.9082149292705877e-10
ROUND: Final = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer in the low bits
INTEGER: Final = 4503599627370496.0  # 2**52
INTEGER_BITS: Final = 0x4330000000000000
ONE_BITS: Final = 0x3FF0000000000000
HALF_BITS: Final = 1 << 51
ROOT_HALF_BITS: Final = 0x3FE6A09E667F3BCD
LEAST: Final = -708.0  # below, the result is 0


@intrinsic
def _bits(_context: Any, _value: Any) -> Any:
    """Return the bits of a float64 as an integer."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _real(_context: Any, _value: Any) -> Any:
    """Return the float64 that an integer's bits are."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(**INLINE)
def exponential(x: float) -> float:
    """Return exp(x) for x < 709; 0 below -708."""
    shifted = x * LOG2_E + ROUND
    k = shifted - ROUND
    r = x - k * LN2_HIGH
    r = r - k * LN2_LOW
    p = 2.0918212752506956e-09
    p = p * r + 2.5105313423078524e-08
    p = p * r + 2.755726307600547e-07
    p = p * r + 2.7557255168123062e-06
    p = p * r + 2.480158733663232e-05
    p = p * r + 0.00019841269875003973
    p = p * r + 0.0013888888888879001
    p = p * r + 0.008333333333326082
    p = p * r + 0.04166666666666668
    p = p * r + 0.1666666666666667
    p = p * r + 0.5
    p = p * r * r + r
    p = p + 1.0
    scaled = _real(_bits(p) + (_bits(shifted) << 52))
    return scaled if x > LEAST else 0.0


@njit(**INLINE)
def _atanh_twice(s: float) -> tuple[float, float]:
    """Return 2 atanh(s) for abs(s) <= 0.204, in two parts."""
    w = s * s
    p = 0.13695881228823872
    p = p * w + 0.13198140901094307
    p = p * w + 0.15389469623129326
    p = p * w + 0.18181722203447262
    p = p * w + 0.2222222324963545
    p = p * w + 0.28571428566037005
    p = p * w + 0.40000000000010766
    p = p * w + 0.6666666666666666
    return s * w * p, 2.0 * s


@njit(**INLINE)
def log_ratio(big: float, small: float) -> float:
    """Return ln(big/small) for big >= small > 0, without loss where they are close.

    Wrong where the ratio is above 2**1000.
    """
    # The bits of a float are nearly its logarithm: the ratio that is left is from 0.66 to 1.51.
    k = (_bits(big) - _bits(small) + HALF_BITS) >> 52
    power = _real(k | INTEGER_BITS) - INTEGER
    scaled = small * _real((k << 52) + ONE_BITS)
    low, high = _atanh_twice((big - scaled) / (big + scaled))
    return power * LN2_HIGH + (power * LN2_LOW + low + high)


@njit(**INLINE)
def logarithm(x: float) -> float:
    """Return ln(x) for a normal x > 0."""
    bits = _bits(x)
    k = (bits - ROOT_HALF_BITS + ONE_BITS) >> 52  # its exponent, biased: never negative
    power = _real(k | INTEGER_BITS) - (INTEGER + 1023.0)
    part = _real(bits - (k << 52) + ONE_BITS)
    low, high = _atanh_twice((part - 1.0) / (part + 1.0))
    return power * LN2_HIGH + (power * LN2_LOW + low + high)


@njit(**INLINE)
def mills(low: float, high: float) -> tuple[float, float]:
    """Return P(low) and P[low, high] for -1 <= low, high <= 1."""
    p = -1.035719570388041e-09
    d = 0.0
    d = d * high + p
    p = p * low + 1.596458451078041e-10
    d = d * high + p
    p = p * low + 1.2265517069998798e-08
    d = d * high + p
    p = p * low + -5.632095539122537e-10
    d = d * high + p
    p = p * low + -8.480701749409499e-08
    d = d * high + p
    p = p * low + -2.7395231736274086e-09
    d = d * high + p
    p = p * low + 4.963265790133466e-07
    d = d * high + p
    p = p * low + -1.0777918115185009e-08
    d = d * high + p
    p = p * low + -2.8841048397975602e-06
    d = d * high + p
    p = p * low + 9.989332669481971e-07
    d = d * high + p
    p = p * low + 1.7191736505177428e-05
    d = d * high + p
    p = p * low + -1.8729435355754495e-05
    d = d * high + p
    p = p * low + -9.590540199117903e-05
    d = d * high + p
    p = p * low + 0.0002499202385214991
    d = d * high + p
    p = p * low + 0.0003034315414449413
    d = d * high + p
    p = p * low + -0.002528084557770528
    d = d * high + p
    p = p * low + 0.003717387955867329
    d = d * high + p
    p = p * low + 0.010980011225332322
    d = d * high + p
    p = p * low + -0.07688381119874908
    d = d * high + p
    p = p * low + 0.2464482374652663
    d = d * high + p
    p = p * low + -0.5644388118938302
    d = d * high + p
    p = p * low + 1.0275601951897093
    d = d * high + p
    p = p * low + -1.5551277631133742
    d = d * high + p
    p = p * low + 2.0016453988367013
    d = d * high + p
    p = p * low + -2.2175329966653763
    d = d * high + p
    p = p * low + 2.125705804420318
    return p, d
