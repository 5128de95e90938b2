"""Coin-settled options, compiled: as `first`, in coin."""

import math

from numba import njit

from greeks import compiled
from greeks.compiled.option import ROWS, Matrix, Row, exercise, limit, parts, rate_of, sound
from greeks.compiled.scalars import EXACT

__all__ = ["coin"]


@njit(**EXACT)
def _coin(
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
) -> int:
    unsound = 0
    for i in range(phis.size):
        phi, forward, strike = phis[i], forwards[i], strikes[i]
        years, vol, discount = times[i], vols[i], discounts[i]
        root = math.sqrt(years)
        s = vol * root
        inverse, by_forward = 1.0 / s, 1.0 / forward
        above = forward >= strike
        big = forward if above else strike
        small = strike if above else forward
        _, density, value, low, high, near = parts(big, small, s, inverse)
        chance = exercise(phi, above, near, low, small / big * high)
        net = phi * (strike * by_forward) * chance * discount
        money = discount * (small * by_forward) * density
        price = discount * (max(phi * (forward - strike), 0.0) + small * value) * by_forward
        prices[i], deltas[i], vegas[i] = price, net, money * root
        gammas[i] = (money * inverse - net) * by_forward
        thetas[i] = rate_of(discount, years) * price - 0.5 * money * (vol * (vol * inverse))
        unsound += not sound(phi, forward, strike, years, vol, discount)
    return unsound


@njit(**EXACT)
def _repair_coin(inputs: Matrix, out: Matrix) -> None:
    for i in range(inputs.shape[1]):
        phi, forward, strike = inputs[0, i], inputs[1, i], inputs[2, i]
        years, vol, discount = inputs[3, i], inputs[4, i], inputs[5, i]
        if not sound(phi, forward, strike, years, vol, discount):
            price, delta, theta, _ = limit(phi, forward, strike, years, vol, discount)
            net = strike / forward * delta  # its slope is the chance of exercise, with its sign
            out[0, i], out[1, i], out[2, i] = price / forward, net, -net / forward
            out[3, i], out[4, i] = 0.0 * price, theta / forward


@njit(ROWS, cache=compiled.keeps, **EXACT)
def coin(inputs: Matrix, out: Matrix) -> None:
    """Fill out (5, n) with the rows of `inverse.CoinGreeks`."""
    unsound = _coin(
        inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5],
        out[0], out[1], out[2], out[3], out[4],
    )  # fmt: skip
    if unsound:
        _repair_coin(inputs, out)
