"""Calibration of SVI slices to volatilities, all expiries of a chain at once.

The weighted sum of squared relative errors of variance is least, on a scale of each slice's own:
u = w/w0 over y = k/sqrt(w0), w0 about the at-the-money total variance, so that an hour and a year
look alike. Without an earlier fit to start from, a grid of centres and widths finds one, the best
of each being linear in the other three parameters (Zeliade 2009); then comes `search`. What allows
arbitrage is fitted again by `arbitrage`.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from greeks.surface.arbitrage import FLOORS, GENTLE, mend, separate
from greeks.surface.search import FREE, Problem, bounds, model, of, search, to_raw, unfold
from greeks.surface.svi import Svi, least
from greeks.surface.targets import HALF, Targets, inside

__all__ = ["FEWEST", "Fitted", "slices"]

Array = NDArray[np.float64]

FEWEST: Final = 5
"""Strikes that a slice needs: as many as it has parameters."""

APART: Final = 0.01
"""Deviations by which strikes must differ to count as two: forwards of one moment jitter."""

CENTRES: Final = np.array([-2.0, -1.0, -0.4, 0.0, 0.4, 1.0, 2.0])  # y
WIDTHS: Final = np.array([0.15, 0.4, 1.0, 2.0, 4.0])
NEARLY_ALL: Final = 0.9
"""The share of its quotes under which a slice that had a start is tried afresh as well."""

FAR: Final = 8.0
"""Median errors of a slice beyond which a quote counts less."""


class Fitted(NamedTuple):
    """Slices and what became of them; arrays of shape (n)."""

    svi: Svi  # NaN where there are too few strikes or no time
    least: Array  # the least g: below 0 a butterfly is left
    inside: Array  # share of the quotes that are met within half their spread
    crossed: NDArray[np.bool_]  # whether it lies below the slice before where both are quoted


def slices(targets: Targets, start: Svi | None = None) -> Fitted:
    """Return the fitted slices; ``start`` is an earlier fit of the same, NaN where there is none.

    A row of fewer than `FEWEST` strikes with weight, or without time, is NaN. What misses its
    quotes from a start is tried afresh.
    """
    if not targets.k.size:
        nothing = np.full(len(targets.years), np.nan)
        return Fitted(Svi(*[nothing] * FREE), nothing, nothing, np.zeros(nothing.size, dtype=bool))
    problem, usable = _scaled(targets)
    problem, found = _met(targets, problem, start)
    rows = np.flatnonzero(usable)
    mend(problem, found, rows)
    raw = to_raw(found, problem.size)  # nothing is lifted over a slice that will not be taken
    good = (inside(targets, raw) >= HALF) & (least(raw).value >= 0.0)
    crossed = separate(targets, problem, found, rows[good[rows]])
    svi = to_raw(np.where(usable[:, None], found, np.nan), problem.size)
    return Fitted(svi, least(svi).value, inside(targets, svi), crossed)


def _met(targets: Targets, problem: Problem, start: Svi | None) -> tuple[Problem, Array]:
    """Return parameters (n, 5) that meet the quotes, whatever they allow, and the final weights."""
    begun = np.full((len(problem.size), FREE), np.nan)
    if start is not None:
        begun = _free(start, problem.size)
    fresh = np.flatnonzero(~np.isfinite(begun).all(axis=1))
    if fresh.size:
        begun[fresh] = _grid(of(problem, fresh))
    problem = problem._replace(pull=begun)
    found = search(problem, begun, GENTLE)
    if fresh.size < len(begun):  # from far away a search may end in the wrong valley
        low, high = bounds(problem.size)
        strange = (inside(targets, to_raw(found, problem.size)) < NEARLY_ALL) | (
            (found <= low) | (found >= high)
        ).any(axis=1)
        missed = np.flatnonzero(strange)
        if missed.size:
            again = of(problem, missed)
            begun = _grid(again)
            again = again._replace(pull=begun)
            other = search(again, begun, GENTLE)
            better = np.flatnonzero(_errors(again, other) < _errors(again, found[missed]))
            found[missed[better]] = other[better]
            problem.pull[missed[better]] = begun[better]
    return _doubting(problem, found), found


def _errors(problem: Problem, free: Array) -> Array:
    """Return the weighted sum of squared errors of each row."""
    left = problem.weight * (model(problem.y, unfold(free)[0])[0] - problem.u)
    return np.asarray((left * left).sum(axis=1))


def _doubting(problem: Problem, found: Array) -> Problem:
    """Fit again, in place, without much belief in quotes far from all others; return the weights.

    A stale quote can be as narrow as a good one.
    """
    given = problem.weight > 0.0
    count = given.sum(axis=1)
    error = np.where(
        given, np.abs(problem.weight * (model(problem.y, unfold(found)[0])[0] - problem.u)), np.inf
    )
    middle = np.take_along_axis(np.sort(error, axis=1), (count // 2)[:, None], axis=1)
    bound = FAR * np.where(count[:, None] >= 2 * FEWEST, middle, np.inf)
    far = given & (error > bound)
    rows = np.flatnonzero(far.any(axis=1))
    if rows.size == 0:
        return problem
    weight = problem.weight * np.where(far, np.where(far, bound, 1.0) / error, 1.0)
    problem = problem._replace(weight=weight)
    found[rows] = search(of(problem, rows), found[rows], GENTLE)
    return problem


def _scaled(targets: Targets) -> tuple[Problem, NDArray[np.bool_]]:
    """Return the targets in units of each slice's own size, and which slices can be fitted."""
    given = (targets.weight > 0.0) & (targets.years > 0.0)[:, None]
    years = np.where(targets.years > 0.0, targets.years, 1.0)
    k, vol = np.where(given, targets.k, 0.0), np.where(given, targets.vol, 1.0)
    weight = np.where(given, targets.weight, 0.0)
    near = weight * np.exp(-0.5 * (k / (vol * np.sqrt(years)[:, None])) ** 2) + 1e-9 * given
    some = given.any(axis=1)
    total = np.where(some, near.sum(axis=1), 1.0)
    level = np.where(some, (near * vol).sum(axis=1) / total, 1.0)
    size = level * np.sqrt(years)
    y = k / size[:, None]
    u = (vol / level[:, None]) ** 2
    power = np.where(some, np.sqrt((weight * weight).sum(axis=1)), 1.0)
    counted = weight / power[:, None] / (2.0 * u)
    nowhere, none = np.zeros((len(size), FLOORS)), np.zeros((len(size), FREE))
    free = np.full_like(nowhere, -np.inf)
    return Problem(y, u, counted, size, nowhere, free, none), _strikes(y, given) >= FEWEST


def _strikes(y: Array, given: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many different strikes each row has."""
    ordered = np.sort(np.where(given, y, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        steps = np.diff(ordered, axis=1) > APART
    return np.asarray((steps & np.isfinite(ordered[:, 1:])).sum(axis=1) + given.any(axis=1))


def _grid(problem: Problem) -> Array:
    """Return the best start (n, 5) of a grid of centres and widths, linear in the rest."""
    centre, width = (axis.ravel() for axis in np.meshgrid(CENTRES, WIDTHS))
    x = problem.y[:, None, :] - centre[:, None]
    root = np.sqrt(x * x + (width * width)[:, None])
    weight = problem.weight[:, None, :]
    columns = np.stack([np.broadcast_to(weight, x.shape), weight * x, weight * root], axis=2)
    normal = columns @ columns.swapaxes(2, 3) + 1e-9 * np.eye(3)
    wanted = columns @ (weight * problem.u[:, None, :])[..., None]
    a, d, b = np.moveaxis(np.linalg.solve(normal, wanted)[..., 0], -1, 0)
    b = np.maximum(b, 1e-2)
    d = np.clip(d, -0.98 * b, 0.98 * b)
    depth = width * np.sqrt(b * b - d * d)
    lowest = np.maximum(a + depth, 0.02)
    model = (lowest - depth)[..., None] + d[..., None] * x + b[..., None] * root
    best = ((weight * (model - problem.u[:, None, :])) ** 2).sum(axis=-1).argmin(axis=1)
    free = np.log(np.stack([lowest, b - d, b + d, np.ones_like(a), width + 0.0 * a], axis=-1))
    free[..., 3] = centre
    return np.asarray(free[np.arange(len(best)), best])


def _free(svi: Svi, size: Array) -> Array:
    """Return the scaled free parameters of raw SVI; not finite where it is no slice."""
    a, b, rho, m, s = (np.asarray(one, dtype=np.float64) for one in svi)
    with np.errstate(all="ignore"):
        lowest = a + b * s * np.sqrt((1.0 - rho) * (1.0 + rho))
        columns = [
            np.log(lowest / (size * size)), np.log(b * (1.0 - rho) / size),
            np.log(b * (1.0 + rho) / size), m / size, np.log(s / size),
        ]  # fmt: skip
        return np.stack(columns, axis=1)
