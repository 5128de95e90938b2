"""The five of a hedger, compiled: one loop of vector instructions.

Rows go to loops as arrays of their own: only then are they known not to overlap.
"""

import math

from numba import njit, types

from greeks import compiled
from greeks.compiled.option import ROWS, Matrix, Row, five, rate_of, repair, sound
from greeks.compiled.scalars import EXACT

__all__ = ["first"]


@njit(**EXACT)
def _first(
    phis: Row,
    forwards: Row,
    strikes: Row,
    times: Row,
    vols: Row,
    discounts: Row,
    prices: Row,
    deltas: Row,
    gammas: Row,
    vegas: Row,
    thetas: Row,
) -> tuple[int, int]:
    unsound = 0
    discounted = 0
    for i in range(phis.size):
        phi, forward, strike = phis[i], forwards[i], strikes[i]
        years, vol, discount = times[i], vols[i], discounts[i]
        root = math.sqrt(years)
        price, delta, gamma, vega, theta, _, _ = five(phi, forward, strike, root, vol, discount)
        prices[i], deltas[i], gammas[i], vegas[i], thetas[i] = price, delta, gamma, vega, theta
        unsound += not sound(phi, forward, strike, years, vol, discount)
        discounted += discount != 1.0
    return unsound, discounted


@njit(**EXACT)
def _discounting(discounts: Row, times: Row, prices: Row, thetas: Row) -> None:
    """Add r V to theta."""
    for i in range(prices.size):
        thetas[i] += rate_of(discounts[i], times[i]) * prices[i]


@njit(types.boolean(*ROWS.args), cache=compiled.keeps, **EXACT)
def first(inputs: Matrix, out: Matrix) -> bool:
    """Fill out (5, n) with price, delta, gamma, vega, theta; False: the shapes are others."""
    if inputs.shape[0] != 6 or out.shape[0] != 5 or inputs.shape[1] != out.shape[1]:
        return False
    unsound, discounted = _first(
        inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5],
        out[0], out[1], out[2], out[3], out[4],
    )  # fmt: skip
    if discounted:
        _discounting(inputs[5], inputs[3], out[0], out[4])
    if unsound:
        repair(inputs, out)
    return True
