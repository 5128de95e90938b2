"""Price, delta, gamma, vega and theta of Black-76 in numpy, in place: what the rest stands on.

Owns the block loop, the scratch rows and the treatment of limits and faults. Inputs are six
float64 rows (phi = +1 call or -1 put, forward, strike, years, vol, discount). Columns that cannot
be options become NaN; those without randomness (vol * sqrt(years) = 0) their intrinsic value.
"""

from threading import local
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from greeks.plain.mills import SERIES_BELOW, Row, folded, gap_series

__all__ = ["BLOCK", "FLAT_BELOW", "Scratch", "blocks", "evaluate", "repair", "scratch"]

Matrix = NDArray[np.float64]

BLOCK: Final = 2048
"""Columns per pass: all rows of a block stay in the second-level cache."""

FLAT_BELOW: Final = 1e-100
"""A vol * sqrt(years) under this counts as none at all."""

Z_MAX: Final = (
    100.0  # n(z) underflows at 38.6: beyond, every tail is zero and only infinities would follow
)
LOW_MIN: Final = -37.0  # N(37) = 1 in float64: beyond, nothing is left to lose
FOLDED_BELOW: Final = -1.0  # the option is worth more than half its bound: its complement is exact
INV_ROOT_TWO_PI: Final = float(np.sqrt(0.5 / np.pi))


class Scratch(NamedTuple):
    """Rows that outlive one evaluation (documented) and spare rows, all of one length."""

    root: Row  # sqrt(years)
    s: Row  # vol * sqrt(years)
    h: Row  # s / 2
    x: Row  # ln(F/K) / s, so that d1 = x + h and d2 = x - h
    density: Row  # discount * F * n(d1)
    a: Row
    b: Row
    c: Row
    d: Row
    e: Row
    fine: NDArray[np.bool_]
    flag: NDArray[np.bool_]


_CACHE = local()  # ufuncs release the interpreter lock: scratch is never shared between threads


def scratch(n: int) -> Scratch:
    """Return this thread's scratch rows of length ``n``, at most ``BLOCK``; the same each time."""
    kept: dict[int, Scratch] | None = getattr(_CACHE, "kept", None)
    if kept is None:
        kept = _CACHE.kept = {}
    found = kept.get(n)
    if found is None:
        if len(kept) >= 64:
            kept.clear()
        found = Scratch(*np.empty((10, n)), *np.empty((2, n), dtype=np.bool_))
        kept[n] = found
    return found


def blocks(n: int) -> list[slice]:
    """Cut ``n`` columns into slices of at most ``BLOCK``."""
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]


def evaluate(inputs: Matrix, out: Matrix, rows: Scratch) -> bool:
    """Fill the five rows of ``out``, at most ``BLOCK`` columns; True where none needs `repair`.

    Call under ``np.errstate(all="ignore")``. Afterwards the documented rows of ``rows`` hold true.
    """
    least = _value(inputs, out[0], rows)
    _slopes(inputs, out, rows)
    phi, b = inputs[0], rows.b
    np.multiply(phi, phi, out=b)
    np.subtract(b, 1.0, out=b)
    return bool(
        least >= FLAT_BELOW
        and inputs[1:].min() > 0.0
        and inputs[1:].max() < np.inf
        and b.dot(b) == 0.0
    )


def _value(inputs: Matrix, price: Row, rows: Scratch) -> float:
    """Fill ``price`` and the documented rows; return the least s."""
    phi, forward, strike, years, vol, discount = inputs
    root, s, h, x, density, a, b, c, d, e, _, small = rows
    np.sqrt(years, out=root)
    np.multiply(vol, root, out=s)
    np.multiply(s, 0.5, out=h)
    np.subtract(forward, strike, out=price)
    np.minimum(forward, strike, out=e)
    np.abs(price, out=x)
    np.divide(x, e, out=x)
    np.log1p(x, out=x)  # |ln(F/K)| without cancellation
    np.divide(x, s, out=x)
    np.minimum(x, Z_MAX, out=x)
    np.subtract(x, h, out=a)
    np.maximum(a, LOW_MIN, out=a)
    np.add(x, h, out=b)

    # min(F, K) n(x - h) is F n(d1), which price and slopes share.
    np.multiply(a, a, out=density)
    np.multiply(density, -0.5, out=density)
    np.exp(density, out=density)
    np.multiply(density, e, out=density)
    np.multiply(density, INV_ROOT_TWO_PI, out=density)
    np.multiply(density, discount, out=density)

    # The out-of-the-money value, in its complement where that is the smaller part.
    np.less(a, FOLDED_BELOW, out=small)
    folded(a, b, small, c, d)
    np.multiply(c, density, out=c)
    np.multiply(e, discount, out=d)
    np.add(c, d, out=c, where=small)
    least = float(np.fmin.reduce(s))  # a column that is no option must not hide the others
    if least < 2.0 * SERIES_BELOW:
        np.less(h, SERIES_BELOW, out=small)
        gap_series(x, h, a, (b, root, d, e))
        np.multiply(a, density, out=a)
        np.copyto(c, a, where=small)
        np.sqrt(years, out=root)
    np.copysign(x, price, out=x)

    np.multiply(phi, price, out=price)
    np.maximum(price, 0.0, out=price)
    np.multiply(price, discount, out=price)
    np.add(price, c, out=price)
    return least


def _slopes(inputs: Matrix, out: Matrix, rows: Scratch) -> None:
    """Fill delta, gamma, vega and theta from the price and what `_value` left in ``rows``."""
    phi, forward, _, years, vol, discount = inputs
    price, delta, gamma, vega, theta = out
    root, s, h, x, density, a = rows[:6]
    np.add(x, h, out=delta)
    np.multiply(delta, phi, out=delta)
    ndtr(delta, out=delta)
    np.multiply(delta, phi, out=delta)
    np.multiply(delta, discount, out=delta)

    np.multiply(density, root, out=vega)
    np.divide(density, forward, out=gamma)
    np.divide(gamma, forward, out=gamma)
    np.divide(gamma, s, out=gamma)

    np.log(discount, out=a)
    np.divide(a, years, out=a)
    np.multiply(a, price, out=a)  # -r V
    np.multiply(density, vol, out=theta)
    np.divide(theta, root, out=theta)
    np.multiply(theta, -0.5, out=theta)
    np.subtract(theta, a, out=theta)


def repair(inputs: Matrix, out: Matrix, rows: Scratch) -> None:
    """Overwrite the columns of ``out`` that `evaluate` could not do: limits and faults.

    A limit has its discounted intrinsic value, that payoff's slope (half at the strike), no gamma,
    no vega and the theta r V (r = 0 where years = 0). Rows of ``out`` after the fifth become 0.
    """
    phi, forward, strike, years, _, discount = inputs
    a, b, fine, limit = rows.a, rows.b, rows.fine, rows.flag
    _judge(inputs, rows)
    np.less(rows.s, FLAT_BELOW, out=limit)
    np.logical_and(limit, fine, out=limit)
    np.copyto(out, 0.0, where=limit)
    np.logical_not(fine, out=fine)
    np.copyto(out, np.nan, where=fine)

    np.subtract(forward, strike, out=a)
    np.multiply(a, phi, out=a)
    np.heaviside(a, 0.5, out=b)
    np.multiply(b, phi, out=b)
    np.multiply(b, discount, out=b)
    np.copyto(out[1], b, where=limit)
    np.maximum(a, 0.0, out=a)
    np.multiply(a, discount, out=a)
    np.copyto(out[0], a, where=limit)

    np.greater(years, 0.0, out=fine)
    np.logical_and(limit, fine, out=limit)
    np.log(discount, out=b)
    np.divide(b, years, out=b)
    np.multiply(b, a, out=b)
    np.negative(b, out=b)
    np.copyto(out[4], b, where=limit)


def _judge(inputs: Matrix, rows: Scratch) -> None:
    """Set ``rows.fine`` where a column is an option or a limit of one."""
    phi, forward, strike, years, vol, discount = inputs
    fine, flag = rows.fine, rows.flag
    np.multiply(phi, phi, out=rows.a)
    np.equal(rows.a, 1.0, out=fine)
    for row in inputs[1:]:
        np.isfinite(row, out=flag)
        np.logical_and(fine, flag, out=fine)
    for row in (forward, strike, discount):
        np.greater(row, 0.0, out=flag)
        np.logical_and(fine, flag, out=fine)
    for row in (years, vol):
        np.greater_equal(row, 0.0, out=flag)
        np.logical_and(fine, flag, out=fine)
