"""Calibration of SVI slices to volatilities, all expiries of a chain at once.

The weighted sum of squared relative errors of variance is least, on a scale of each slice's own:
u = w/w0 over y = k/sqrt(w0), w0 about the at-the-money total variance, so that an hour and a year
look alike. Without an earlier fit to start from, a grid of centres and widths finds one, the best
of each being linear in the other three parameters (Zeliade 2009); then comes `search`. Slices that
allow butterflies are fitted again under a heavy penalty, and so, from the first expiry on, is what
lies below an earlier slice where both are quoted.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from greeks.surface.search import FREE, Problem, model, of, search, unfold
from greeks.surface.svi import Svi, gap, least, shape

__all__ = ["FEWEST", "Targets", "slices"]

Array = NDArray[np.float64]

FEWEST: Final = 5
"""Strikes that a slice needs: as many as it has parameters."""

APART: Final = 0.01
"""Deviations by which strikes must differ to count as two: forwards of one moment jitter."""

CENTRES: Final = np.array([-2.0, -1.0, -0.4, 0.0, 0.4, 1.0, 2.0])  # y
WIDTHS: Final = np.array([0.15, 0.4, 1.0, 2.0, 4.0])
GENTLE: Final = 1.0
RISING: Final = (30.0, 1e3, 1e5)
"""Penalties: a gentle one is met in few steps and suffices for most slices."""

FAR: Final = 8.0
"""Median errors of a slice beyond which a quote counts less."""

FLOORS: Final = 61  # points at which a later slice is held above an earlier one
ABOVE: Final = 1.0005  # by this factor


class Targets(NamedTuple):
    """Volatilities to be met, a row for each expiry, filled up with weights of 0."""

    k: Array  # log-moneyness (n, m)
    vol: Array  # (n, m)
    weight: Array  # (n, m) relative to each other in a row; 0 where there is no quote
    years: Array  # (n) that the volatilities are per, rising


def slices(targets: Targets, start: Svi | None = None) -> Svi:
    """Return the fitted parameters, arrays of shape (n); ``start`` is an earlier fit of the same.

    A row of fewer than `FEWEST` strikes with weight, or without time, is NaN. A start that is no
    slice is found afresh.
    """
    if not targets.k.size:
        return Svi(*np.full((FREE, len(targets.years)), np.nan))
    problem, usable = _scaled(targets)
    begun = np.full((len(usable), FREE), np.nan) if start is None else _free(start, problem.size)
    fresh = np.flatnonzero(~np.isfinite(begun).all(axis=1))
    if fresh.size:
        begun[fresh] = _grid(of(problem, fresh))
    problem = problem._replace(pull=begun)
    found = search(problem, begun, GENTLE)
    problem = _doubting(problem, found)
    _mend(problem, found, np.flatnonzero(usable))
    _separate(targets, problem, found, np.flatnonzero(usable))
    return _raw(np.where(usable[:, None], found, np.nan), problem.size)


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


def _mend(problem: Problem, found: Array, rows: NDArray[np.intp]) -> None:
    """Fit again, in place, those rows whose quotes would rather pay for butterflies."""
    for penalty in RISING:
        rows = rows[least(_raw(found[rows], problem.size[rows])).value < 0.0]
        if rows.size == 0:
            return
        found[rows] = search(of(problem, rows), found[rows], penalty)


def _separate(targets: Targets, problem: Problem, found: Array, usable: NDArray[np.intp]) -> None:
    """Lift, in place and one after the other, the slices that cross an earlier one."""
    reach = np.where(targets.weight > 0.0, np.abs(targets.k), 0.0).max(axis=1, initial=0.0)
    near, far = usable[:-1], usable[1:]
    common = np.minimum(reach[near], reach[far])
    crossed = gap(
        _raw(found[near], problem.size[near]), _raw(found[far], problem.size[far]), common
    )
    moved = False  # a slice that was lifted may cross the next
    for i, (first, second) in enumerate(zip(near, far, strict=True)):
        if not moved and crossed.value[i] >= 0.0:
            continue
        moved = _lift(problem, found, first, second, common[i])


def _lift(problem: Problem, found: Array, first: int, second: int, within: float) -> bool:
    """Fit the second slice again above the first, if they cross; return whether they did."""
    one, rows = of(problem, np.array([second])), slice(second, second + 1)
    earlier = _raw(found[first : first + 1], problem.size[first : first + 1])
    if gap(earlier, _raw(found[rows], one.size), within).value[0] >= 0.0:
        return False
    k = np.linspace(-within, within, FLOORS)[None, :]
    below = shape(Svi(*(np.asarray(each)[:, None] for each in earlier)), k).variance
    one = one._replace(
        at=k / one.size[:, None], floor=ABOVE * below / (one.size * one.size)[:, None]
    )
    for penalty in (GENTLE, *RISING):
        found[rows] = search(one, found[rows], penalty)
        raised = _raw(found[rows], one.size)
        if gap(earlier, raised, within).value[0] >= 0.0 and least(raised).value[0] >= 0.0:
            break
    return True


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


def _raw(free: Array, size: Array) -> Svi:
    """Return raw SVI of the scaled parameters."""
    a, d, b, m, s = unfold(free)[0].T
    return Svi(a * size * size, b * size, d / b, m * size, s * size)


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
