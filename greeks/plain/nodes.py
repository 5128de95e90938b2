"""The nodes of a scenario in plain numpy, one after the other."""

import numpy as np

from greeks.packing import Matrix
from greeks.plain.rows import first

__all__ = ["scenario"]


def scenario(book: Matrix, nodes: Matrix, stickiness: float, in_coin: bool, out: Matrix) -> None:
    """Fill ``out`` (5, nodes) with the sums of `scenario.Map`.

    Book rows: phi, forward, strike, years, vol, discount, quantity, skew; nodes: move, vol move,
    elapsed.
    """
    shifted, five = book[:6].copy(), np.empty((5, book.shape[1]))
    quantity, skew = book[6], book[7]
    with np.errstate(all="ignore"):
        rate = np.where(book[3] > 0.0, -np.log(book[5]) / book[3], 0.0)
        for i, (move, vol_move, elapsed) in enumerate(nodes.T):
            np.multiply(book[1], 1.0 + move, out=shifted[1])
            np.maximum(book[3] - elapsed, 0.0, out=shifted[3])
            shifted[4] = (book[4] - stickiness * skew * np.log1p(move)) * (1.0 + vol_move)
            np.maximum(shifted[4], 0.0, out=shifted[4])
            shifted[5] = np.exp(-rate * shifted[3])
            first(shifted, five)
            if in_coin:
                _restated(shifted[1], five)
            out[:, i] = five @ quantity


def _restated(forward: Matrix, five: Matrix) -> None:
    """Turn Black-76 rows into coin."""
    five[0] /= forward
    five[1] -= five[0]
    five[2] -= five[1] / forward
    five[3:] /= forward
