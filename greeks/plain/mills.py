"""The gap between two Mills ratios, the heart of an out-of-the-money option value.

With y = |ln(F/K)|, s = vol * sqrt(years), z = y/s and h = s/2, the undiscounted out-of-the-money
value is min(F, K) n(z - h) (R(z - h) - R(z + h)), n the normal density and R(x) = N(-x)/n(x). The
only difference in it is the gap itself. Where z is well below h the value is min(F, K) (1 - n(z -
h) (R(h - z) + R(z + h))) instead, so that nothing grows. Where the ratios are close (small s) the
gap comes from its Taylor series in h, which keeps a relative accuracy of about 1e-16 (1 + z²).

Works in place on caller-owned float64 rows of one length, NaN in, NaN out; allocates no array.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

__all__ = [
    "ROOT_HALF",
    "ROOT_HALF_PI",
    "SERIES_BELOW",
    "Mask",
    "Row",
    "folded",
    "gap",
    "gap_series",
]

Row = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROOT_HALF: Final = float(np.sqrt(0.5))
ROOT_HALF_PI: Final = float(np.sqrt(0.5 * np.pi))

SERIES_BELOW: Final = 0.025
"""Half-width h under which the series is used: its first omitted term is then below 4e-16."""


def gap(low: Row, high: Row, out: Row, spare: Row) -> None:
    """Write R(low) - R(high) into ``out``; ``spare`` is overwritten."""
    np.multiply(low, ROOT_HALF, out=out)
    erfcx(out, out=out)
    np.multiply(high, ROOT_HALF, out=spare)
    erfcx(spare, out=spare)
    np.subtract(out, spare, out=out)
    np.multiply(out, ROOT_HALF_PI, out=out)


def folded(low: Row, high: Row, fold: Mask, out: Row, spare: Row) -> None:
    """Write `gap`, but -R(-low) - R(high), which is 1/n(low) less, where ``fold`` says so."""
    np.multiply(low, ROOT_HALF, out=out)
    np.negative(out, out=out, where=fold)
    erfcx(out, out=out)
    np.negative(out, out=out, where=fold)
    np.multiply(high, ROOT_HALF, out=spare)
    erfcx(spare, out=spare)
    np.subtract(out, spare, out=out)
    np.multiply(out, ROOT_HALF_PI, out=out)


def gap_series(z: Row, h: Row, out: Row, spare: tuple[Row, Row, Row, Row]) -> None:
    """Write R(z - h) - R(z + h) into ``out`` from the odd derivatives of R at z.

    R' = z R - 1, R''' = (z² + 3) R' + 1 and R(n+2) = (z² + 2n + 1) R(n) - n (n - 1) R(n-2).
    """
    first, third, fifth, square = spare
    np.multiply(z, ROOT_HALF, out=first)
    erfcx(first, out=first)
    np.multiply(first, z, out=first)
    np.multiply(first, ROOT_HALF_PI, out=first)
    np.subtract(first, 1.0, out=first)
    np.multiply(z, z, out=square)
    np.add(square, 3.0, out=square)
    np.multiply(square, first, out=third)
    np.add(third, 1.0, out=third)
    np.add(square, 4.0, out=square)
    np.multiply(square, third, out=fifth)
    np.multiply(first, 6.0, out=out)
    np.subtract(fifth, out, out=fifth)
    np.add(square, 4.0, out=square)
    np.multiply(square, fifth, out=square)
    np.multiply(third, 20.0, out=out)
    np.subtract(square, out, out=out)  # the seventh derivative
    # -2h (R' + h²/6 (R''' + h²/20 (R5 + h²/42 R7)))
    np.multiply(h, h, out=square)
    for derivative, factor in ((fifth, 1.0 / 42.0), (third, 1.0 / 20.0), (first, 1.0 / 6.0)):
        np.multiply(out, square, out=out)
        np.multiply(out, factor, out=out)
        np.add(out, derivative, out=out)
    np.multiply(out, h, out=out)
    np.multiply(out, -2.0, out=out)
