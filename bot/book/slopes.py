"""How volatility leans on the strike: the slope v'(k) of the venue's own marks at every strike.

k = ln(K/F), volatilities are the venue's (calendar). At each strike a parabola is laid through the
nearest strikes of its expiry, weighed by vega and by nearness: first without the one that pulls the
most, then twice without what lies far off. A call and a put of one strike have one volatility and
so one slope. What has too few strikes, is about to expire, or would let a vertical spread pay for
nothing is NaN.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from bot.book.columns import seconds_left
from bot.book.quality import usable_rows
from bot.domain.quotes import BoolArray, Chain, FloatArray, IntArray
from bot.domain.units import SECONDS_PER_YEAR

NEAREST: Final = 9
FEWEST: Final = 5
MIN_LEFT_S: Final = 3_600.0
_REACH: Final = 1.2
_FAR: Final = 6.0
_FINE: Final = 1e-5
_PASSES: Final = 2


class _Strikes(NamedTuple):
    """One entry per expiry and strike, in that order; `of` is the entry of each usable row."""

    rows: IntArray
    of: IntArray
    k: FloatArray
    vol: FloatArray
    years: FloatArray
    begin: IntArray
    end: IntArray


def slopes(chain: Chain) -> FloatArray:
    """Return dv/dk for every row of a chain; NaN where it is not known."""
    found = np.full(len(chain.listing.names), np.nan)
    left_s = seconds_left(chain.listing.expiry_ns, chain.ts_venue_ns)
    good = np.flatnonzero(usable_rows(chain) & (left_s > MIN_LEFT_S))
    if good.size < FEWEST:
        return found
    strikes = _strikes(chain, good, left_s)
    found[strikes.rows] = _lean(strikes)[strikes.of]
    return found


def _strikes(chain: Chain, good: IntArray, left_s: FloatArray) -> _Strikes:
    """Put both options of each strike together."""
    strike, expiry = chain.listing.strike, chain.listing.expiry_ns
    rows = good[np.lexsort((strike[good], expiry[good]))]
    expiries, levels = expiry[rows], strike[rows]
    other = np.diff(expiries) != 0
    starts = np.flatnonzero(np.concatenate(([True], other | (np.diff(levels) != 0.0))))
    count = np.diff(np.append(starts, rows.size))
    k = np.log(levels / chain.forward[rows])
    blocks = np.searchsorted(starts, np.flatnonzero(np.concatenate(([True], other))))
    size = np.diff(np.append(blocks, starts.size))
    return _Strikes(
        rows=rows,
        of=np.repeat(np.arange(starts.size), count),
        k=np.add.reduceat(k, starts) / count,
        vol=np.add.reduceat(chain.vol[rows], starts) / count,
        years=left_s[rows][starts] / SECONDS_PER_YEAR,
        begin=np.repeat(blocks, size),
        end=np.repeat(blocks + size, size),
    )


def _lean(at: _Strikes) -> FloatArray:
    """Return the slope at each strike."""
    here = np.arange(at.k.size)
    first = np.clip(here - NEAREST // 2, at.begin, np.maximum(at.end - NEAREST, at.begin))
    near = first[:, None] + np.arange(NEAREST)
    there = near < at.end[:, None]
    near = np.minimum(near, at.k.size - 1)
    away = at.k[near] - at.k[:, None]
    reach = _REACH * np.where(there, np.abs(away), 0.0).max(axis=1)
    enough = (at.end - at.begin >= FEWEST) & (reach > 0.0)
    reach = np.where(enough, reach, 1.0)
    u = away / reach[:, None]
    # What is measured from the strike's own volatility is exactly flat where the smile is.
    y = at.vol[near] - at.vol[:, None]
    nearness = 1.0 - np.abs(u * u * u)
    weight = np.where(there, _vega(at)[near] * nearness * nearness * nearness, 0.0)
    weight /= np.maximum(weight.max(axis=1), 1e-300)[:, None]
    fitted = _parabola(weight * _without_worst(weight, u, y), u, y)
    for _ in range(_PASSES):
        fitted = _parabola(weight * _trust(y - _on(fitted, u), there), u, y)
    lean = np.where(enough, fitted[1] / reach, np.nan)
    return np.where(_no_arbitrage(at, lean), lean, np.nan)


def _vega(at: _Strikes) -> FloatArray:
    deviation = at.vol * np.sqrt(at.years)
    d1 = 0.5 * deviation - at.k / deviation
    # Even far out the nearest strikes decide.
    weight: FloatArray = np.maximum(np.exp(-0.5 * d1 * d1), 1e-3)
    return weight


def _parabola(weight: FloatArray, u: FloatArray, y: FloatArray) -> FloatArray:
    """Return level, slope and bend of the weighted least squares of each row; NaN without any."""
    once = weight * u
    twice = once * u
    s0, s1, s2 = weight.sum(axis=1), once.sum(axis=1), twice.sum(axis=1)
    s3, s4 = np.einsum("ij,ij->i", twice, u), np.einsum("ij,ij,ij->i", twice, u, u)
    t0, t1, t2 = (np.einsum("ij,ij->i", power, y) for power in (weight, once, twice))
    # The inverse of a symmetric matrix of three, by its cofactors.
    a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
    d, e, f = s0 * s4 - s2 * s2, s1 * s2 - s0 * s3, s0 * s2 - s1 * s1
    size = s0 * a + s1 * b + s2 * c
    size = np.where(size > 1e-12 * s0 * s2 * s4, size, np.nan)
    return np.stack([a * t0 + b * t1 + c * t2, b * t0 + d * t1 + e * t2,
                     c * t0 + e * t1 + f * t2]) / size  # fmt: skip


def _without_worst(weight: FloatArray, u: FloatArray, y: FloatArray) -> FloatArray:
    """Return 0 for the strike that pulls the most at its row's parabola, 1 for the others."""
    pull = weight * np.square(y - _on(_parabola(weight, u, y), u))
    kept = np.ones_like(weight)
    kept[np.arange(pull.shape[0]), np.nan_to_num(pull).argmax(axis=1)] = 0.0
    return kept


def _on(fitted: FloatArray, u: FloatArray) -> FloatArray:
    level, slope, bend = fitted
    found: FloatArray = level[:, None] + u * (slope[:, None] + u * bend[:, None])
    return found


def _trust(off: FloatArray, there: BoolArray) -> FloatArray:
    """Return Tukey's weights: nothing beyond six median distances."""
    size = np.sort(np.where(there, np.abs(off), np.inf), axis=1)
    middle = size[np.arange(size.shape[0]), (there.sum(axis=1) - 1) // 2]
    far = _FAR * np.maximum(middle, _FINE)[:, None]
    trust: FloatArray = np.square(1.0 - np.square(np.minimum(np.abs(off) / far, 1.0)))
    return trust


def _no_arbitrage(at: _Strikes, lean: FloatArray) -> BoolArray:
    """Tell where a call gets cheaper and a put dearer with the strike, as they must."""
    root = np.sqrt(at.years)
    deviation = at.vol * root
    d2 = -0.5 * deviation - at.k / deviation
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        density = np.exp(-0.5 * d2 * d2) / np.sqrt(2.0 * np.pi) * root
        good: BoolArray = (lean <= ndtr(d2) / density) & (lean >= -ndtr(-d2) / density)
    return good
