"""The kernels in plain numpy: block by block over scratch rows, no array allocated per call."""

import numpy as np
from scipy.special import ndtr

from greeks.packing import Matrix
from greeks.plain.kernel import FLAT_BELOW, Scratch, blocks, evaluate, repair, scratch

__all__ = ["coin", "first", "greeks"]


def first(inputs: Matrix, out: Matrix) -> bool:
    """Fill ``out`` (5, n) with price, delta, gamma, vega, theta; False: the shapes are others."""
    n = inputs.shape[-1]
    if inputs.shape != (6, n) or out.shape != (5, n):
        return False
    with np.errstate(all="ignore"):
        for part in blocks(inputs.shape[1]):
            rows = scratch(part.stop - part.start)
            given, taken = inputs[:, part], out[:, part]
            if not evaluate(given, taken, rows):
                repair(given, taken, rows)
    return True


def greeks(inputs: Matrix, out: Matrix) -> None:
    """Fill ``out`` (14, n) with the rows of `black76.Greeks`."""
    with np.errstate(all="ignore"):
        for part in blocks(inputs.shape[1]):
            rows = scratch(part.stop - part.start)
            given, taken = inputs[:, part], out[:, part]
            clean = evaluate(given, taken[:5], rows)
            _higher(given, taken, rows)
            if not clean:
                repair(given, taken, rows)
                _carry(given, taken, rows)


def coin(inputs: Matrix, out: Matrix) -> None:
    """Fill ``out`` (5, n) with the rows of `inverse.CoinGreeks`."""
    with np.errstate(all="ignore"):
        for part in blocks(inputs.shape[1]):
            rows = scratch(part.stop - part.start)
            given, taken = inputs[:, part], out[:, part]
            if not evaluate(given, taken, rows):
                repair(given, taken, rows)
            _restate(given, taken, rows)


def _higher(inputs: Matrix, out: Matrix, rows: Scratch) -> None:
    """Fill rows 5 to 13 of ``out`` from the first five and what `evaluate` left behind."""
    _, forward, _, years, vol, discount = inputs
    price_, delta, gamma, vega, _, rho, vanna, volga, charm, veta, speed, zomma, color, ultima = out
    d1 = rows.x + rows.h
    d2 = rows.x - rows.h
    d12 = d1 * d2
    rate = -np.log(discount) / years
    half = 0.5 / years

    rho[:] = -years * price_
    slope = rows.density / forward * d2  # discount n(d1) d2
    vanna[:] = -slope / vol
    volga[:] = vega * d12 / vol
    charm[:] = rate * delta + slope * half
    veta[:] = vega * (rate - (1.0 + d12) * half)
    speed[:] = -gamma / forward * (d1 / rows.s + 1.0)
    zomma[:] = gamma * (d12 - 1.0) / vol
    color[:] = gamma * (rate + (1.0 - d12) * half)
    ultima[:] = -vega / vol / vol * (d12 * (1.0 - d12) + d1 * d1 + d2 * d2)


def _carry(inputs: Matrix, out: Matrix, rows: Scratch) -> None:
    """Give limits the Greeks that discounting alone makes: rho = -T V and charm = r delta."""
    years, discount = inputs[3], inputs[5]
    limit = rows.s < FLAT_BELOW
    out[5] = np.where(limit, -years * out[0], out[5])
    rate = np.where(years > 0.0, -np.log(discount) / years, 0.0)
    out[8] = np.where(limit, rate * out[1], out[8])


def _restate(inputs: Matrix, out: Matrix, rows: Scratch) -> None:
    """Turn the five Black-76 rows of ``out`` into coin; rows keep `evaluate`'s meaning."""
    phi, forward, strike, _, _, discount = inputs
    price, delta, gamma, vega, theta = out
    exercised = ndtr(phi * (rows.x - rows.h))
    # A limit's slope is already the chance of exercise and a fault's is NaN: `repair` made both.
    limit = (rows.s < FLAT_BELOW) | np.isnan(price)
    chance = np.where(limit, phi * delta, exercised * discount)
    delta[:] = phi * (strike / forward) * chance
    gamma -= delta / forward
    price /= forward
    vega /= forward
    theta /= forward
