"""The search behind a fit: Levenberg-Marquardt on all slices together, with what no slice may do.

A slice is u = A + d x + B sqrt(x² + S²), x = y - M, in units of its own size. Its unknowns are free
numbers, the logarithms of least variance, left and right slope, and width, and the centre M: no
variance can be negative and no wing pass its bound. Squares of what g and u are short of their
floors are added to the cost, and a weak pull towards the start, so that nothing is undetermined.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from greeks.surface.svi import STEEPEST, Svi

__all__ = ["FREE", "Problem", "bounds", "model", "of", "search", "to_raw", "unfold"]

Array = NDArray[np.float64]
Rows = NDArray[np.bool_] | NDArray[np.intp]

FREE: Final = 5
PENALISED: Final = np.sinh(np.linspace(-4.4, 4.4, 81))  # y: 40 deviations to each side
LEAST_G: Final = 5e-3
"""The floor of g: a little above zero, because a penalty gives way a little."""

PULL: Final = 1e-6
"""Weight of the squared distance to the start, beside a mean squared relative error of u/2."""

TRIES: Final = 60
SETTLED: Final = 1e-5  # the relative gain of a step that ends the search


class Problem(NamedTuple):
    """What is to be met, a row for each slice."""

    y: Array  # (n, m)
    u: Array  # (n, m)
    weight: Array  # (n, m) what a difference of u counts
    size: Array  # (n) sqrt(w0): k = size y, w = size² u
    at: Array  # (n, f) y where u has a floor
    floor: Array  # (n, f) the least u there; -inf where it is free
    pull: Array  # (n, 5) where the parameters are pulled to


def of(problem: Problem, rows: Rows) -> Problem:
    """Return some rows of a problem."""
    return Problem(*(one[rows] for one in problem))


def unfold(free: Array) -> tuple[Array, Array]:
    """Return A, d, B, M, S (n, 5) of the free parameters, and their derivatives (n, free, 5)."""
    lowest, left, right, width = np.exp(free[:, (0, 1, 2, 4)]).T
    depth = width * np.sqrt(left * right)
    raw = np.empty_like(free)
    raw[:, 0], raw[:, 3], raw[:, 4] = lowest - depth, free[:, 3], width
    raw[:, 1], raw[:, 2] = 0.5 * (right - left), 0.5 * (right + left)
    chain = np.zeros((len(free), FREE, FREE))
    chain[:, 0, 0] = lowest
    chain[:, 1, 0] = chain[:, 2, 0] = -0.5 * depth
    chain[:, 1, 1], chain[:, 1, 2] = -0.5 * left, 0.5 * left
    chain[:, 2, 1] = chain[:, 2, 2] = 0.5 * right
    chain[:, 3, 3] = 1.0
    chain[:, 4, 0], chain[:, 4, 4] = -depth, width
    return raw, chain


def to_raw(free: Array, size: Array) -> Svi:
    """Return raw SVI of the scaled parameters."""
    a, d, b, m, s = unfold(free)[0].T
    return Svi(a * size * size, b * size, d / b, m * size, s * size)


def model(y: Array, raw: Array) -> tuple[Array, Array]:
    """Return u(y) (n, m) and its derivatives in A, d, B, M, S (n, 5, m)."""
    a, d, b, m, s = (raw[:, i, None] for i in range(FREE))
    x = y - m
    root = np.sqrt(x * x + s * s)
    lean = np.empty((len(raw), FREE, x.shape[1]))
    lean[:, 0] = 1.0
    lean[:, 1] = x
    lean[:, 2] = root
    np.multiply(x / root, -b, out=lean[:, 3])
    lean[:, 3] -= d
    np.divide(b * s, root, out=lean[:, 4])
    return a + d * x + b * root, lean


def bounds(size: Array) -> tuple[Array, Array]:
    """Return the least and the greatest free parameters (n, 5)."""
    low = np.array([np.log(1e-5), np.log(1e-3), np.log(1e-3), -20.0, np.log(1e-3)])
    high = np.array([np.log(20.0), 0.0, 0.0, 20.0, np.log(50.0)])
    highest = np.tile(high, (len(size), 1))
    highest[:, 1:3] = np.log(0.999 * STEEPEST / size)[:, None]
    return np.tile(low, (len(size), 1)), highest


def search(problem: Problem, start: Array, penalty: float) -> Array:
    """Return the free parameters (n, 5) of least cost; what is short of a floor costs penalty."""
    low, high = bounds(problem.size)
    here = np.clip(start, low, high)
    damping, harder = np.full(len(here), 1e-3), np.full(len(here), 2.0)
    normal, pull, cost = _system(problem, here, penalty)
    found = here.copy()
    running = np.arange(len(here))
    for _ in range(TRIES):
        held = ((here <= low) & (pull > 0.0)) | ((here >= high) & (pull < 0.0))
        step, promised = _step(normal, np.where(held, 0.0, pull), damping, ~held)
        there = np.clip(here + step, low, high)
        new_normal, new_pull, new_cost = _system(problem, there, penalty)
        ratio = (cost - new_cost) / np.maximum(promised, np.finfo(np.float64).tiny)
        better = ratio > 0.0
        settled = (promised <= SETTLED * cost) | (better & (cost - new_cost <= SETTLED * cost))
        here = np.where(better[:, None], there, here)
        normal = np.where(better[:, None, None], new_normal, normal)
        pull = np.where(better[:, None], new_pull, pull)
        cost = np.where(better, new_cost, cost)
        damping, harder = _damped(damping, harder, ratio)
        if not settled.any():
            continue
        found[running[settled]] = here[settled]
        on = ~settled
        if not on.any():
            return found
        running, problem, low, high = running[on], of(problem, on), low[on], high[on]
        here, normal, pull, cost = here[on], normal[on], pull[on], cost[on]
        damping, harder = damping[on], harder[on]
    found[running] = here
    return found


def _step(
    normal: Array, pull: Array, damping: Array, free: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Return a damped step over the free parameters, and by how much it should lower the cost."""
    system = np.where(free[:, :, None] & free[:, None, :], normal, 0.0)
    added = np.where(free, damping[:, None] * np.einsum("nii->ni", normal) + 1e-12, 1.0)
    step = np.linalg.solve(system + added[:, None, :] * np.eye(FREE), -pull[:, :, None])[:, :, 0]
    step /= np.maximum(1.0, np.abs(step).max(axis=1))[:, None]
    straight = (2.0 * pull + (system @ step[:, :, None])[:, :, 0]) * step
    return np.asarray(step), np.asarray(-straight.sum(axis=1))


def _damped(damping: Array, harder: Array, ratio: Array) -> tuple[Array, Array]:
    """Return the next damping by how much of its promise a step kept (Nielsen 1999)."""
    kept = np.clip(ratio, 0.0, 1.0)
    eased = damping * np.maximum(1.0 / 3.0, 1.0 - (2.0 * kept - 1.0) ** 3)
    better = ratio > 0.0
    return (
        np.clip(np.where(better, eased, damping * harder), 1e-9, 1e9),
        np.where(better, 2.0, np.minimum(2.0 * harder, 1e9)),
    )


def _system(problem: Problem, free: Array, penalty: float) -> tuple[Array, Array, Array]:
    """Return J'J (n, 5, 5), J'r (n, 5) and the cost (n) at the parameters."""
    raw, chain = unfold(free)
    u, lean = model(problem.y, raw)
    lean *= problem.weight[:, None, :]
    left = problem.weight * (u - problem.u)
    normal = lean @ lean.transpose(0, 2, 1)
    pull = (lean @ left[:, :, None])[:, :, 0]
    cost = (left * left).sum(axis=1)
    short: Array
    slope: Array | None
    for short, slope in (_butterflies(raw, problem.size), _crossings(raw, problem)):
        if slope is not None:
            normal += penalty * (slope @ slope.transpose(0, 2, 1))
            pull += penalty * (slope @ short[:, :, None])[:, :, 0]
            cost += penalty * (short * short).sum(axis=1)
    normal = chain @ normal @ chain.transpose(0, 2, 1)
    pull = (chain @ pull[:, :, None])[:, :, 0]
    away = free - problem.pull
    normal.reshape(-1, FREE * FREE)[:, :: FREE + 1] += PULL
    pull += PULL * away
    cost += PULL * (away * away).sum(axis=1)
    return normal, pull, cost


def _crossings(raw: Array, problem: Problem) -> tuple[Array, Array | None]:
    """Return by how much u is below its floor (n, f) and the derivatives; None where nowhere."""
    if not np.isfinite(problem.floor).any():
        return problem.floor, None
    u, lean = model(problem.at, raw)
    below = u < problem.floor
    lean *= below[:, None, :]
    return np.where(below, u - problem.floor, 0.0), lean


def _butterflies(raw: Array, size: Array) -> tuple[Array, Array | None]:
    """Return by how much g is below its floor (n, 81) and the derivatives; None where nowhere."""
    a, d, b, m, s = (raw[:, i, None] for i in range(FREE))
    x = PENALISED - m
    square = x * x + s * s
    root = np.sqrt(square)
    ratio = x / root
    u, slope, bend = a + d * x + b * root, d + b * ratio, b * (s * s) / (root * square)
    inverse = 1.0 / u
    lean = 1.0 - 0.5 * PENALISED * slope * inverse
    part = inverse + 0.25 * (size * size)[:, None]
    short = np.minimum(lean * lean - 0.25 * slope * slope * part + 0.5 * bend - LEAST_G, 0.0)
    if not short.any():
        return short, None
    by_u = (lean * PENALISED * slope + 0.25 * slope * slope) * inverse * inverse
    by_slope = -lean * PENALISED * inverse - 0.5 * slope * part
    of_g = np.empty((len(raw), FREE, x.shape[1]))
    of_g[:, 0] = by_u
    of_g[:, 1] = by_u * x + by_slope
    of_g[:, 2] = by_u * root + by_slope * ratio + 0.5 * bend / b
    of_g[:, 3] = 1.5 * bend * x / square - by_u * slope - by_slope * bend
    of_g[:, 4] = b * s / root * (by_u - by_slope * x / square) + bend * (1.0 / s - 1.5 * s / square)
    of_g *= (short < 0.0)[:, None, :]
    return short, of_g
