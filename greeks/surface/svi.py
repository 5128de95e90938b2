"""A smile as raw SVI: total variance w(k) = a + b (rho (k - m) + sqrt((k - m)² + s²)).

k = ln(K/F), w = vol² times the time that the volatility is per. A slice is free of butterfly
arbitrage where g(k) = (1 - k w'/(2w))² - w'²/4 (1/w + 1/4) + w''/2 >= 0 for every k: g is the
risk-neutral density over a positive factor. As |k| grows g tends to 1/4 - slope²/16, so no wing may
be steeper than 2 (Lee 2004 has the same bound). Two slices are free of calendar arbitrage where the
later one's w is nowhere below the earlier one's. Gatheral and Jacquier (2014) are the source of all
of it.

Parameters and k broadcast. Parameters that are no slice (b < 0, |rho| >= 1, s <= 0, a least
variance below zero) are NaN throughout.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "JumpWings",
    "Least",
    "Shape",
    "Svi",
    "butterfly",
    "gap",
    "jump_wings",
    "least",
    "shape",
]

Array = NDArray[np.float64]

STEEPEST: Final = 2.0
"""Slope of total variance that no wing may pass."""

NODES: Final = np.sinh(np.linspace(-9.0, 9.0, 241))
"""Where g and gaps are looked at first, in units of a slice's own width: to 4,000 times it."""

NEAR: Final = np.sinh(np.linspace(-4.0, 4.0, 61))
"""Where g is looked at as well, in deviations."""

ZOOMS: Final = 4
CLOSER: Final = np.linspace(0.0, 1.0, 33)  # each zoom is sixteen times closer


class Svi(NamedTuple):
    """Raw parameters of one slice or, as arrays of one shape, of many."""

    a: ArrayLike  # total variance
    b: ArrayLike  # total variance per unit of k, >= 0
    rho: ArrayLike  # in (-1, 1)
    m: ArrayLike  # log-moneyness
    s: ArrayLike  # log-moneyness, > 0


class Shape(NamedTuple):
    """Total variance and its derivatives in k; arrays of the broadcast shape."""

    variance: Array
    slope: Array
    bend: Array


class JumpWings(NamedTuple):
    """The same slice in figures that traders read (SVI-JW); arrays of the parameters' shape."""

    variance: Array  # at-the-money variance a year: w(0)/years
    skew: Array  # half the at-the-money slope over sqrt(w(0)): d vol/dk sqrt(years)
    left: Array  # slope of the put wing over sqrt(w(0))
    right: Array  # slope of the call wing over sqrt(w(0))
    least: Array  # the least variance a year


class Least(NamedTuple):
    """The least value of a function over all k, and where it is; arrays of the slices' shape."""

    value: Array
    at: Array  # log-moneyness


def shape(svi: Svi, k: ArrayLike) -> Shape:
    """Return w, dw/dk and d²w/dk²."""
    with np.errstate(all="ignore"):
        return _shape(_checked(svi), np.asarray(k, dtype=np.float64))


def _shape(checked: tuple[Array, ...], k: Array) -> Shape:
    a, b, rho, m, s = checked
    x = k - m
    root = np.sqrt(x * x + s * s)
    ratio = s / root
    return Shape(a + b * (rho * x + root), b * (rho + x / root), b * ratio * ratio / root)


def butterfly(svi: Svi, k: ArrayLike) -> Array:
    """Return g(k): negative where butterflies of these options have a negative price."""
    with np.errstate(all="ignore"):
        return _butterfly(_checked(svi), np.asarray(k, dtype=np.float64))


def _butterfly(checked: tuple[Array, ...], k: Array) -> Array:
    w, slope, bend = _shape(checked, k)
    lean = 1.0 - 0.5 * k * slope / w
    return np.asarray(lean * lean - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * bend)


def least(svi: Svi) -> Least:
    """Return the least g over all k, the wings' limits included: below 0 there is arbitrage.

    Looked for from 301 places on; a dip narrower than what lies between two of them can be missed.
    """
    checked = _checked(svi)
    _, b, rho, m, s = checked
    wide = _wide(checked)
    middle = np.sqrt(_variance(wide, np.zeros(1)))  # a far, narrow slice bends there as well
    nodes = np.concatenate([_nodes(m, s), middle * NEAR], axis=-1)
    found = _least(lambda k: _butterfly(wide, k), np.sort(nodes, axis=-1))
    steepest = b * (1.0 + np.abs(rho))
    limit = 0.25 - steepest * steepest / 16.0
    beyond = limit < found.value
    return Least(
        np.where(beyond, limit, found.value),
        np.where(beyond, np.copysign(np.inf, rho), found.at),
    )


def gap(near: Svi, far: Svi, within: ArrayLike = np.inf) -> Least:
    """Return the least of w_far(k) - w_near(k) over |k| <= ``within``: below 0 there is arbitrage.

    Without a bound the wings are compared to their ends, where nothing trades.
    """
    earlier, later = _checked(near), _checked(far)
    first, second = _wide(earlier), _wide(later)
    reach = np.asarray(within, dtype=np.float64)[..., None]
    nodes = [_nodes(m, s) for _, _, _, m, s in (earlier, later)]
    together = np.sort(np.concatenate(np.broadcast_arrays(*nodes), axis=-1), axis=-1)
    return _least(
        lambda k: _variance(second, k) - _variance(first, k),
        np.clip(together, -reach, reach),
    )


def jump_wings(svi: Svi, years: ArrayLike) -> JumpWings:
    """Return the SVI-JW figures of slices whose volatility is per ``years``."""
    a, b, rho, _, s = _checked(svi)
    w, slope, _ = shape(svi, 0.0)
    t = np.asarray(years, dtype=np.float64)
    with np.errstate(all="ignore"):
        root = np.sqrt(w)
        lowest = a + b * s * np.sqrt((1.0 - rho) * (1.0 + rho))
        return JumpWings(
            w / t, 0.5 * slope / root, b * (1.0 - rho) / root, b * (1.0 + rho) / root, lowest / t
        )


def _checked(svi: Svi) -> tuple[Array, ...]:
    """Return the parameters as arrays of one shape, NaN where they are no slice."""
    a, b, rho, m, s = (np.asarray(one, dtype=np.float64) for one in np.broadcast_arrays(*svi))
    with np.errstate(invalid="ignore"):
        right = (b >= 0.0) & (np.abs(rho) < 1.0) & (s > 0.0) & np.isfinite(a + b + m + s)
        lowest = a + b * s * np.sqrt(np.maximum(1.0 - rho * rho, 0.0))
        right &= lowest >= 0.0
    return tuple(np.where(right, one, np.nan) for one in (a, b, rho, m, s))


def _wide(checked: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return the parameters with one more axis, along which k runs."""
    return tuple(one[..., None] for one in checked)


def _variance(checked: tuple[Array, ...], k: Array) -> Array:
    a, b, rho, m, s = checked
    x = k - m
    return np.asarray(a + b * (rho * x + np.sqrt(x * x + s * s)))


def _nodes(m: Array, s: Array) -> Array:
    return np.asarray(m[..., None] + s[..., None] * NODES)


def _least(function: Callable[[Array], Array], nodes: Array) -> Least:
    """Return the least value along the last axis: the lowest node, then ever closer around it."""
    with np.errstate(all="ignore"):
        values, lowest = _lowest(function, nodes)
        for _ in range(ZOOMS):
            low = np.take_along_axis(nodes, np.maximum(lowest - 1, 0), axis=-1)
            high = np.take_along_axis(nodes, np.minimum(lowest + 1, nodes.shape[-1] - 1), axis=-1)
            nodes = low + (high - low) * CLOSER
            values, lowest = _lowest(function, nodes)
    value = np.take_along_axis(values, lowest, axis=-1)[..., 0]
    at = np.take_along_axis(nodes, lowest, axis=-1)[..., 0]
    return Least(value, np.where(np.isnan(value), np.nan, at))


def _lowest(function: Callable[[Array], Array], nodes: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the values at the nodes and the place of the least; NaN is none."""
    values = function(nodes)
    return values, np.where(np.isnan(values), np.inf, values).argmin(axis=-1)[..., None]
