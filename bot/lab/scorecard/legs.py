"""Greeks of all option columns at all rows of a stretch: one kernel call.

The conventions are those of `bot.book.columns` and `bot.book.numeraire`: forwards move with the
index, volatility is in variance time, an option inside its settlement window is that of the average
which is partly known. Black-76 is homogeneous, so the kernel works in units of the index (forward
F/S, strike K/S) and one call serves all seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.book.numeraire import Fading, Numeraire, option_figures
from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.lab.scorecard.rows import Rows
from greeks import black76, settlement

EXPIRING_S = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Arrays (rows, options) per coin held; NaN values are of options without a volatility.

    `value` in USD; `delta` (coin) and `gamma_pct` (coin per 1 %) in the book's numeraire; `gamma`
    of the dollar value (coin per USD); `vega` in USD per 1.00; `theta` in USD per year. `soon` is 1
    in the last 24 hours. `decided` is the coin that an open settlement average has decided.
    """

    value: FloatArray
    delta: FloatArray
    gamma_pct: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    soon: FloatArray
    decided: FloatArray


def legs(rows: Rows, numeraire: Numeraire) -> Legs:
    """Return the Greeks of every option column at every written row."""
    r, terms = slice(rows.count), rows.terms
    index, shape = rows.index[r, None], rows.vol[r].shape
    left_s = (terms.expiry_ns[None, :] - rows.ts_ns[r, None]) / NS_PER_S
    first, forward, fading = _first(rows, left_s)
    inverse = np.broadcast_to(terms.inverse, shape)
    flat = (forward.ravel(), 1.0, inverse.ravel(), fading)
    plain = option_figures(Numeraire.USD, first, *flat)
    own = option_figures(numeraire, first, *flat)
    payout = fading.payout.reshape(shape)
    value = first[0].reshape(shape) * np.where(inverse, index / payout, index)
    usd = np.where(inverse, index / forward, index)
    alive = left_s > 0.0

    def known(figure: FloatArray) -> FloatArray:
        return np.where(alive & np.isfinite(figure), figure, 0.0)

    return Legs(
        value=value,
        delta=known(own.delta.reshape(shape)),
        gamma_pct=known(own.gamma.reshape(shape)),
        gamma=known(plain.gamma.reshape(shape) * 100.0 / index),
        vega=known(first[3].reshape(shape) * usd),
        theta=known(first[4].reshape(shape) * usd),
        soon=np.where(left_s < EXPIRING_S, 1.0, 0.0),
        decided=known(np.where(inverse, value / index * (1.0 - fading.weight.reshape(shape)), 0.0)),
    )


def _first(rows: Rows, left_s: FloatArray) -> tuple[FloatArray, FloatArray, Fading]:
    """Return price, delta, gamma, vega, theta (5, legs), the forwards, and what settles now.

    Everything is in units of the index.
    """
    r, terms, shape = slice(rows.count), rows.terms, left_s.shape
    strike = terms.strike[None, :] / rows.index[r, None]
    forward = rows.ratio[r].copy()
    variance_s = np.maximum(left_s - terms.averaging_s * (2.0 / 3.0), 0.0)
    inputs = np.empty((6, *shape))
    inputs[0] = np.where(terms.is_call, 1.0, -1.0)
    inputs[1], inputs[2], inputs[3] = forward, strike, variance_s / SECONDS_PER_YEAR
    inputs[4], inputs[5] = rows.vol[r], 1.0
    out = np.empty((5, *shape))
    black76.packed(inputs.reshape(6, -1), out.reshape(5, -1))
    weight, payout = np.ones(shape), forward.copy()
    inside = (left_s < terms.averaging_s) & (left_s > 0.0) & np.isfinite(rows.average[r, None])
    if inside.any():
        at, column = np.nonzero(inside)
        window = (
            terms.is_call[column],
            1.0,
            strike[at, column],
            left_s[at, column],
            rows.vol[at, column],
            rows.average[at] / rows.index[at],
            terms.averaging_s[column],
        )
        out[:, at, column] = settlement.first(*window)
        option = settlement.effective(*window)
        weight[at, column], payout[at, column] = option.weight, option.projected
        forward[at, column] = 1.0
    return out.reshape(5, -1), forward, Fading(weight.ravel(), payout.ravel())
