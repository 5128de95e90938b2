"""What a fit may not leave: butterflies within a slice, and slices below earlier ones.

Such slices are fitted again under penalties. A later slice is lifted over the one before it where
both are quoted, unless it would then miss its own quotes: two expiries that disagree so much are
left as they are quoted, and said to be crossed. Nobody can tell here which of them is right.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from greeks.surface.search import Problem, of, search, to_raw
from greeks.surface.svi import Svi, gap, least, shape
from greeks.surface.targets import HALF, Targets, inside

__all__ = ["FLOORS", "GENTLE", "mend", "separate"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

GENTLE: Final = 1.0
RISING: Final = (30.0, 1e3, 1e5)
"""Penalties: a gentle one is met in few steps and suffices for most slices."""

FLOORS: Final = 61  # points at which a later slice is held above an earlier one
ABOVE: Final = 5e-4  # by this share of it, or
GROWTH: Final = 0.1  # this share of what constant volatility adds between them, if that is less


def mend(problem: Problem, found: Array, rows: Rows) -> None:
    """Fit again, in place, those rows whose quotes would rather pay for butterflies."""
    for penalty in RISING:
        rows = rows[least(to_raw(found[rows], problem.size[rows])).value < 0.0]
        if rows.size == 0:
            return
        found[rows] = search(of(problem, rows), found[rows], penalty)


def separate(targets: Targets, problem: Problem, found: Array, rows: Rows) -> NDArray[np.bool_]:
    """Lift, in place and one after the other, what crosses the slice before it among these rows.

    Return which rows still do.
    """
    crossed = np.zeros(len(found), dtype=np.bool_)
    reach = np.where(targets.weight > 0.0, np.abs(targets.k), 0.0).max(axis=1, initial=0.0)
    near, far = rows[:-1], rows[1:]
    common = np.minimum(reach[near], reach[far])
    below = gap(
        to_raw(found[near], problem.size[near]), to_raw(found[far], problem.size[far]), common
    )
    moved = False  # a slice that was lifted may cross the next
    for first, second, within, least_gap in zip(near, far, common, below.value, strict=True):
        if moved or least_gap < 0.0:
            as_quoted = found[second].copy()
            crossed[second] = not _lifted(targets, problem, found, (first, second), within)
            moved = not np.array_equal(found[second], as_quoted)
    return crossed


def _lifted(
    targets: Targets, problem: Problem, found: Array, pair: tuple[int, int], within: float
) -> bool:
    """Fit the second of a pair again above the first, in place; return whether it lies above it."""
    first, second = pair
    rows = slice(second, second + 1)
    earlier = to_raw(found[first : first + 1], problem.size[first : first + 1])

    def distance() -> float:
        return float(gap(earlier, to_raw(found[rows], problem.size[rows]), within).value[0])

    if distance() >= 0.0:
        return True
    as_quoted = found[second].copy()
    longer = float(targets.years[second] / targets.years[first])
    one = _above(earlier, of(problem, np.array([second])), within, longer)
    for penalty in (GENTLE, *RISING):
        found[rows] = search(one, found[rows], penalty)
        if distance() >= 0.0 and _whole(found[rows], one):
            break
    missing = -distance() / float(one.size[0]) ** 2
    if missing > 0.0:  # what penalties gave way is added to the least variance
        found[second, 0] = np.log(np.exp(found[second, 0]) + (1.0 + 1e-9) * missing + 1e-15)
    if _whole(found[rows], one) and distance() >= 0.0 and _meets(targets, found[rows], one, second):
        return True
    found[second] = as_quoted
    return False


def _above(earlier: Svi, one: Problem, within: float, longer: float) -> Problem:
    """Return the problem of one slice with a floor a little above an earlier slice."""
    k = np.linspace(-within, within, FLOORS)[None, :]
    below = shape(Svi(*(np.asarray(each)[:, None] for each in earlier)), k).variance
    factor = 1.0 + min(ABOVE, GROWTH * (longer - 1.0))
    square = (one.size * one.size)[:, None]
    return one._replace(at=k / one.size[:, None], floor=factor * below / square)


def _whole(free: Array, one: Problem) -> bool:
    """Tell whether a slice has no butterflies."""
    return bool(least(to_raw(free, one.size)).value[0] >= 0.0)


def _meets(targets: Targets, free: Array, one: Problem, row: int) -> bool:
    """Tell whether a slice meets enough of its quotes."""
    mine = Targets(*(column[row : row + 1] for column in targets))
    return bool(inside(mine, to_raw(free, one.size))[0] >= HALF)
