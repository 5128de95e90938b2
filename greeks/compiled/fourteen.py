"""Price and all thirteen Greeks, compiled: three loops over blocks that stay in the cache."""

import math
from typing import Final

import numpy as np
from numba import njit

from greeks import compiled
from greeks.compiled.option import ROWS, Matrix, Row, five, rate_of, repair, sound
from greeks.compiled.scalars import EXACT

__all__ = ["greeks"]

BLOCK: Final = 128  # columns of all fourteen outputs that stay in the first-level cache


@njit(**EXACT)
def _first_kept(
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
    signed: Row,
    densities: Row,
    rates: Row,
) -> int:
    unsound = 0
    for i in range(phis.size):
        phi, forward, strike = phis[i], forwards[i], strikes[i]
        years, vol, discount = times[i], vols[i], discounts[i]
        root = math.sqrt(years)
        price, delta, gamma, vega, theta, x, money = five(phi, forward, strike, root, vol, discount)
        rate = rate_of(discount, years)
        prices[i], deltas[i], gammas[i], vegas[i] = price, delta, gamma, vega
        thetas[i] = theta + rate * price
        signed[i], densities[i], rates[i] = x, money, rate
        unsound += not sound(phi, forward, strike, years, vol, discount)
    return unsound


@njit(**EXACT)
def _second(
    forwards: Row,
    times: Row,
    vols: Row,
    prices: Row,
    deltas: Row,
    vegas: Row,
    signed: Row,
    densities: Row,
    rates: Row,
    rhos: Row,
    vannas: Row,
    volgas: Row,
    charms: Row,
    vetas: Row,
) -> None:
    for i in range(forwards.size):
        years, vol, vega, rate = times[i], vols[i], vegas[i], rates[i]
        h = 0.5 * vol * math.sqrt(years)
        d2 = signed[i] - h
        product = (signed[i] + h) * d2
        half = 0.5 / years
        slope = densities[i] / forwards[i] * d2  # discount n(d1) d2
        rhos[i] = -years * prices[i]
        vannas[i] = -slope / vol
        volgas[i] = vega * product / vol
        charms[i] = rate * deltas[i] + slope * half
        vetas[i] = vega * (rate - (1.0 + product) * half)


@njit(**EXACT)
def _third(
    forwards: Row,
    times: Row,
    vols: Row,
    gammas: Row,
    vegas: Row,
    signed: Row,
    rates: Row,
    speeds: Row,
    zommas: Row,
    colors: Row,
    ultimas: Row,
) -> None:
    for i in range(forwards.size):
        years, gamma = times[i], gammas[i]
        s = vols[i] * math.sqrt(years)
        d1 = signed[i] + 0.5 * s
        d2 = signed[i] - 0.5 * s
        product = d1 * d2
        inverse = 1.0 / vols[i]
        speeds[i] = -gamma / forwards[i] * (d1 / s + 1.0)
        zommas[i] = gamma * (product - 1.0) * inverse
        colors[i] = gamma * (rates[i] + (1.0 - product) * 0.5 / years)
        bend = product * (1.0 - product) + d1 * d1 + d2 * d2
        ultimas[i] = -vegas[i] * inverse * inverse * bend


@njit(ROWS, cache=compiled.keeps, **EXACT)
def greeks(inputs: Matrix, out: Matrix) -> None:
    """Fill out (14, n) with the rows of `black76.Greeks`."""
    spare = np.empty((3, BLOCK))
    unsound = 0
    for start in range(0, inputs.shape[1], BLOCK):
        stop = min(start + BLOCK, inputs.shape[1])
        size = stop - start
        phi, forward, strike = inputs[0][start:stop], inputs[1][start:stop], inputs[2][start:stop]
        years, vol, discount = inputs[3][start:stop], inputs[4][start:stop], inputs[5][start:stop]
        price, delta, gamma = out[0][start:stop], out[1][start:stop], out[2][start:stop]
        vega, theta = out[3][start:stop], out[4][start:stop]
        signed, density, rate = spare[0][:size], spare[1][:size], spare[2][:size]
        unsound += _first_kept(
            phi, forward, strike, years, vol, discount,
            price, delta, gamma, vega, theta, signed, density, rate,
        )  # fmt: skip
        _second(
            forward, years, vol, price, delta, vega, signed, density, rate,
            out[5][start:stop], out[6][start:stop], out[7][start:stop], out[8][start:stop],
            out[9][start:stop],
        )  # fmt: skip
        _third(
            forward, years, vol, gamma, vega, signed, rate,
            out[10][start:stop], out[11][start:stop], out[12][start:stop], out[13][start:stop],
        )  # fmt: skip
    if unsound:
        repair(inputs, out)
