"""The nodes of a scenario, compiled: the book shifted, valued and summed, node by node."""

import math
from typing import Any, Final

import numpy as np
from numba import njit, types

from greeks import compiled
from greeks.compiled.first import first
from greeks.compiled.option import Matrix, Row, rate_of
from greeks.compiled.scalars import EXACT, exponential

__all__ = ["scenario"]

SUMS: Final[dict[str, Any]] = {"fastmath": {"contract", "reassoc"}, "error_model": "numpy"}
SIGNATURE: Final = types.void(
    types.float64[:, ::1],
    types.float64[:, ::1],
    types.float64,
    types.boolean,
    types.float64[:, ::1],
)


@njit(**EXACT)
def _shift(
    forwards: Row, times: Row, vols: Row, skews: Row, rates: Row,
    new_forwards: Row, new_times: Row, new_vols: Row, new_discounts: Row,
    move: float, vol_move: float, elapsed: float, slide: float,
) -> None:  # fmt: skip
    for i in range(forwards.size):
        years = max(times[i] - elapsed, 0.0)
        new_forwards[i] = forwards[i] * (1.0 + move)
        new_times[i] = years
        new_vols[i] = max((vols[i] - slide * skews[i]) * (1.0 + vol_move), 0.0)
        new_discounts[i] = exponential(-rates[i] * years)


@njit(**EXACT)
def _restate(forwards: Row, prices: Row, deltas: Row, gammas: Row, vegas: Row, thetas: Row) -> None:
    for i in range(forwards.size):
        inverse = 1.0 / forwards[i]
        price = prices[i] * inverse
        net = deltas[i] - price
        prices[i], deltas[i] = price, net
        gammas[i] -= net * inverse
        vegas[i] *= inverse
        thetas[i] *= inverse


@njit(**SUMS)
def _sum(weights: Row, row: Row) -> float:
    total = 0.0
    for i in range(row.size):
        total += weights[i] * row[i]
    return total


@njit(SIGNATURE, cache=compiled.keeps, **EXACT)
def scenario(book: Matrix, nodes: Matrix, stickiness: float, in_coin: bool, out: Matrix) -> None:
    """Fill ``out`` (5, nodes); see `plain.nodes`."""
    n = book.shape[1]
    shifted, five, rates = book[:6].copy(), np.empty((5, n)), np.zeros(n)
    for i in range(n):
        if book[5, i] != 1.0 and book[3, i] > 0.0:
            rates[i] = rate_of(book[5, i], book[3, i])
    for node in range(nodes.shape[1]):
        move, vol_move, elapsed = nodes[0, node], nodes[1, node], nodes[2, node]
        _shift(
            book[1], book[3], book[4], book[7], rates,
            shifted[1], shifted[3], shifted[4], shifted[5],
            move, vol_move, elapsed, stickiness * math.log1p(move),
        )  # fmt: skip
        first(shifted, five)
        if in_coin:
            _restate(shifted[1], five[0], five[1], five[2], five[3], five[4])
        for row in range(5):
            out[row, node] = _sum(book[6], five[row])
