"""The search: relaxation with narrower bands, rounding, the integer program, and what is left.

    relaxation      every band 5 % of its scale narrower, so that rounding to lots stays inside
    rounding        the best of the lots around it
    integer         whole lots and legs counted, unless the rounding is within 2 % of the bound
    soft            aims may be missed, limits may not

A relaxation that uses more legs than allowed is solved again on those that carry most. Nothing here
reads a clock: a limit in seconds is HiGHS's own. With a limit in nodes alone the same program has
the same solution, always. (Measured on random books: docs/options.md.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, diags_array, hstack, vstack

from bot.domain.programs import Program, Solution, Stage
from bot.domain.quotes import FloatArray, IntArray
from bot.strategy.options.figures import Figures

if TYPE_CHECKING:
    from scipy.optimize._milp import _OptionsMILP

SHRINK = 0.05
GOOD_ENOUGH = 0.02
GAP = 5e-3
INFEASIBLE = 2
# Below this a relaxation's lots are none.
SLIVER = 1e-6
# With more legs than this only the two nearest lots of each are tried.
FEW = 5


@dataclass(frozen=True, slots=True)
class Effort:
    """How long an integer program may be searched: seconds by its own clock (None: any), nodes."""

    seconds: float | None = None
    nodes: int = 2_000

    def rest(self) -> Effort:
        """Return what is left for a second search, after one that has ended."""
        seconds = None if self.seconds is None else 0.3 * self.seconds
        return Effort(seconds, self.nodes)


DETERMINISTIC = Effort()
# Two searches (integer, then soft) must end within two seconds.
LIVE = Effort(seconds=1.4)


@dataclass(frozen=True, slots=True)
class Found:
    """Lots (None: none), the least cost that is possible, and what went wrong.

    The bound is minus infinity where it is not known.
    """

    lots: FloatArray | None
    bound_usd: float = -math.inf
    infeasible: bool = False
    why: str = ""


def first_plan(program: Program) -> Solution:
    """Return the first usable plan: the relaxation, rounded."""
    figures = Figures.of(program)
    lots, relaxed = _rounded(figures)
    if lots is None:
        return Solution(Stage.FAILED, why=relaxed.why)
    return figures.solution(lots, Stage.ROUNDED, relaxed.bound_usd, relaxed.why)


def solve(program: Program, effort: Effort = DETERMINISTIC) -> Solution:
    """Return the cheapest plan that is found; never raises for what a program says.

    A plan that cannot have everything has as much of it as can be had; one that has nothing is
    NONE. FAILED only where the solver itself failed and nothing usable was found before.
    """
    if not program.wants or not program.offers:
        return Solution(Stage.NONE, why="nothing is offered" if program.wants else "")
    figures = Figures.of(program)
    if not figures.finite:
        return Solution(Stage.FAILED, why="some figure is not a number")
    rounded, relaxed = _rounded(figures)
    cheap = (1.0 + GOOD_ENOUGH) * relaxed.bound_usd
    if rounded is not None and _met_within(figures, rounded, cheap):
        return figures.solution(rounded, Stage.ROUNDED, relaxed.bound_usd, "")
    if relaxed.infeasible:
        whole = _search(figures, integer=True, soft=True, effort=effort)
    else:
        whole = _search(figures, integer=True, soft=False, effort=effort)
        if whole.infeasible:
            whole = _search(figures, integer=True, soft=True, effort=effort.rest())
    if rounded is None and whole.lots is None:
        return Solution(Stage.FAILED, why=whole.why or relaxed.why)
    columns = [lots for lots in (rounded, whole.lots) if lots is not None]
    best = figures.best(np.stack(columns, axis=1))
    if best is None:
        return Solution(Stage.FAILED, why="the integer program's lots pass a limit")
    same = rounded is not None and np.array_equal(best, rounded)
    stage = Stage.ROUNDED if same else Stage.INTEGER
    return figures.solution(best, stage, relaxed.bound_usd, whole.why)


def _met_within(figures: Figures, lots: FloatArray, most_usd: float) -> bool:
    """Tell whether lots reach every aim for at most so much."""
    column = lots[:, None]
    met = not figures.missing(column).any()
    return met and float(figures.cost_of(column)[0]) <= most_usd


def _rounded(figures: Figures) -> tuple[FloatArray | None, Found]:
    """Return the best lots around the relaxation, and the relaxation with its bound."""
    bare = _search(figures, integer=False, soft=False)
    inside = _search(figures, integer=False, soft=bare.infeasible, shrink=SHRINK)
    near = [lots for lots in (bare.lots, inside.lots) if lots is not None]
    few = [lots for lots in near if (lots > SLIVER).sum() <= figures.program.max_legs]
    if near and not few:
        few = _fewer(figures, near[-1])
    columns = [np.zeros(figures.cost.size), *(_around(figures, lots) for lots in few)]
    return figures.best(np.stack(columns, axis=1)), bare


def _fewer(figures: Figures, lots: FloatArray) -> list[FloatArray]:
    """Return relaxations on no more legs than allowed, for one that has too many.

    On those that do most for what is wanted, and on those that are used up most.
    """
    found = []
    helped = np.abs(figures.brings * lots).T @ (figures.price > 0.0)
    for weight in (helped, lots / figures.most):
        order = np.lexsort((np.arange(lots.size), -weight))
        chosen = np.sort(order[: figures.program.max_legs])
        few = _search(figures.part(chosen), integer=False, soft=True, shrink=SHRINK)
        if few.lots is not None:
            whole = np.zeros(lots.size)
            whole[chosen] = few.lots
            found.append(whole)
    return found


def _around(figures: Figures, lots: FloatArray) -> FloatArray:
    """Return the best whole lots around a relaxation's; none where they do not keep the limits."""
    legs, whole = np.flatnonzero(lots > SLIVER), np.zeros(lots.size)
    steps = (-1.0, 0.0, 1.0, 2.0) if legs.size <= FEW else (0.0, 1.0)
    choices = []
    for i in legs:
        near = math.floor(lots[i] + SLIVER) + np.array(steps)
        least, most = figures.least[i], figures.most[i]
        choices.append(sorted({0.0 if n < 0.5 * least else min(max(n, least), most) for n in near}))
    best = figures.part(legs).best(np.array(list(product(*choices))).T) if legs.size else None
    if best is not None:
        whole[legs] = best
    return whole


def _search(
    figures: Figures,
    *,
    integer: bool,
    soft: bool,
    shrink: float = 0.0,
    effort: Effort = DETERMINISTIC,
) -> Found:
    """Run HiGHS: lots, then (where legs are counted) flags, the hedge bought and sold, misses."""
    program, count = figures.program, figures.cost.size
    flags = count if integer else 0
    low, high = _bands(figures, shrink)
    wanted = np.flatnonzero(figures.wanted) if soft else np.zeros(0, dtype=np.int64)
    unit = max(float(np.median(figures.cost)), 1e-9)
    objective = np.concatenate(
        [
            figures.cost + (0.0 if integer else program.ticket_usd / figures.most),
            np.full(flags, program.ticket_usd),
            np.full(2, program.hedge_usd),
            figures.price[wanted],
        ]
    )
    upper = np.concatenate(
        [
            figures.most,
            np.ones(flags),
            [program.hedge_bought, program.hedge_sold],
            np.maximum(low, -high)[wanted],
        ]
    )
    whole = np.concatenate([np.ones(count + flags), np.zeros(2 + wanted.size)]) if integer else None
    try:
        found = milp(
            objective / unit,
            constraints=_constraints(figures, (low, high), flags, wanted),
            bounds=Bounds(np.zeros(upper.size), upper),
            integrality=whole,
            options=_options(effort) if integer else None,
        )
    except (ValueError, ArithmeticError) as error:  # figures that the solver does not take
        return Found(None, why=str(error))
    if found.x is None:
        return Found(None, infeasible=found.status == INFEASIBLE, why=str(found.message))
    lots = np.asarray(found.x[:count], dtype=np.float64)
    bound = found.fun * unit if not (integer or soft) else -math.inf
    return Found(np.round(lots) if integer else lots, float(bound))


def _options(effort: Effort) -> _OptionsMILP:
    options: _OptionsMILP = {"mip_rel_gap": GAP, "node_limit": effort.nodes}
    if effort.seconds is not None:
        options["time_limit"] = effort.seconds
    return options


def _constraints(
    figures: Figures, bands: tuple[FloatArray, FloatArray], flags: int, missable: IntArray
) -> LinearConstraint:
    """Return limits and aims, the delta that may stay, how many legs, and what legs are."""
    program, count, (low, high) = figures.program, figures.cost.size, bands
    rows = np.zeros((low.size + 2, count + flags + 2 + missable.size))
    rows[:-2, :count] = figures.brings
    rows[missable, count + flags + 2 :] = np.diag(np.sign(figures.wanted))[missable][:, missable]
    rows[-2, :count] = figures.delta
    rows[-2, count + flags : count + flags + 2] = 1.0, -1.0
    # A relaxed leg is the part of the lots that it could have.
    rows[-1, flags : flags + count] = 1.0 if flags else 1.0 / figures.most
    lower = np.concatenate([low, program.free[:1], [-np.inf]])
    upper = np.concatenate([high, program.free[1:], [float(program.max_legs)]])
    if not flags:
        return LinearConstraint(rows, lower, upper)
    one, rest = diags_array(np.ones(count)), csr_array((count, 2 + missable.size))
    most = hstack([one, -diags_array(figures.most), rest])
    least = hstack([-one, diags_array(figures.least), rest])
    whole = csr_array(vstack([csr_array(rows), most, least]))
    none = np.full(2 * count, -np.inf)
    return LinearConstraint(
        whole, np.concatenate([lower, none]), np.concatenate([upper, np.zeros(2 * count)])
    )


def _bands(figures: Figures, shrink: float) -> tuple[FloatArray, FloatArray]:
    """Return the narrowed bounds of every row's move, in scales; standing still stays allowed.

    What is wanted is a bound too; where a miss may be had, its own column makes up for it.
    """
    low, high, wanted = figures.low, figures.high, figures.wanted
    up = np.minimum(wanted + shrink, 0.5 * (wanted + high))
    down = np.maximum(wanted - shrink, 0.5 * (wanted + low))
    low, high = np.minimum(low + shrink, 0.0), np.maximum(high - shrink, 0.0)
    lower = np.where(wanted > 0.0, up, np.where(wanted < 0.0, np.minimum(low, down), low))
    upper = np.where(wanted < 0.0, down, np.where(wanted > 0.0, np.maximum(high, up), high))
    return lower, upper
