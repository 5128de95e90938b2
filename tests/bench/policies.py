"""Hedging rules against each other and against the exact solution, on paired paths.

Geometric Brownian motion at three volatilities, a Bates market and those fitted to chains; one
short at-the-money call of thirty days, looked at hourly, 5 bp. The loss is mean cost + g/2 of the
variance. Savings are of rehedging cost against a timer of equal deviation, interpolated in
logarithms between aversions.
"""

import csv
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from bot.lab.policies import fitted, markets, oracle, rules, tournament
from bot.lab.policies.books import Book, Leg
from bot.lab.policies.exact import Call, Region, regions
from bot.lab.policies.fitted import Fitted
from bot.lab.policies.rules import Rule
from bot.lab.policies.tournament import Experiment, Figures, Outcome
from tests.bench import rows
from tests.bench.programs import cores
from tests.bench.rows import Row

PATHS = 100_000
CHUNK = 10_000
STEPS = markets.STEPS
VOLS = (0.25, 0.5, 0.8)
AVERSIONS = (0.3, 1.0, 3.0)
FRONTIER = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 25.0)
HOURS = (1, 2, 4, 8, 24)
SEED = 20_260_105
FRONTIERS = "hedging/mc_frontier_{}.csv"
BEST = "ww_edge_corrected"
STRATEGIES = {"fixed_time_h", "ww_edge", "delta_band_edge"}

FITTED_PATHS = 20_000
FITTED_CHUNK = 2_000

CALL = Book((Leg(-1.0, 100.0),))
FLY = Book(
    (
        Leg(-1.0, 100.0),
        Leg(-1.0, 100.0, is_call=False),
        Leg(1.0, 92.0, is_call=False),
        Leg(1.0, 108.0),
    )
)
BOOKS = {"call": CALL, "fly": FLY}
TICKETS = (0.0, 5e-4)  # USD where a coin costs 100: a dollar at 200,000
ORACLES = [(name, ticket, every) for name in BOOKS for ticket in TICKETS for every in (1, 6)]
ORACLE_STEPS = 240  # hours
GAMMAS: tuple[Literal["average", "shock", "local"], ...] = ("average", "shock", "local")

Solved = dict[float, list[Region]]
Found = dict[tuple[str, float], Figures]


def policies() -> list[Row]:
    """Return losses beside the exact ones, savings beside timers, and agreement with the table."""
    told: list[Row] = []
    with ProcessPoolExecutor(cores(), initializer=_calm) as pool:
        asked = zip(*((*one, ORACLE_STEPS) for one in ORACLES), strict=True)
        for found in pool.map(_oracle, *asked):
            told += found
        for vol in VOLS:
            solved = dict(zip(AVERSIONS, pool.map(_solve, [vol] * 3, AVERSIONS), strict=True))
            told += _told(f"gbm{round(100 * vol)}", _figures(pool, vol, solved), exact=True)
        told += _told("bates", _figures(pool, None, {}), exact=False)
        for market in fitted.FITTED:
            told += _fitted(pool, market)
    return told


def _oracle(name: str, ticket_usd: float, every: int, steps: int) -> list[Row]:
    """Return what bands of three gammas lose over the least loss of any rule; ten days, hourly."""
    book, told = BOOKS[name], []
    inventory = oracle.inventories(book)
    for aversion in AVERSIONS:
        problem = oracle.Problem(
            book, markets.STRIKE, 0.5, steps * markets.HOUR, steps, markets.COST, aversion,
            ticket_usd, every,
        )  # fmt: skip
        least = oracle.least(problem, inventory)
        for gamma in GAMMAS:
            rule = rules.net(book, aversion, ticket_usd, gamma=gamma, every=every)
            lost = oracle.loss(problem, rule, inventory).of(aversion) / least
            of = f"policies.oracle_{name}_{every}h_ticket{1e4 * ticket_usd:g}_{gamma}_{aversion:g}"
            told.append(rows.plain(of, lost, f"loss over the least, {least:.4f} USD"))
    return told


def _fitted(pool: ProcessPoolExecutor, market: Fitted) -> list[Row]:
    """Return what rules cost and lose in one fitted market, with standard errors over chunks."""
    numbers = range(FITTED_PATHS // FITTED_CHUNK)
    chunks = list(pool.map(_fitted_chunk, [market] * len(numbers), numbers, [STEPS] * len(numbers)))
    variance = float(np.concatenate([unhedged for _, unhedged in chunks]).var())
    parts = [_named([[one] for one in outcomes], variance) for outcomes, _ in chunks]
    whole = _named(list(zip(*(outcomes for outcomes, _ in chunks), strict=True)), variance)
    name = f"policies.{market.name}"
    told = []
    for aversion in AVERSIONS:
        ours = whole[BEST, aversion]
        unit = f"USD, +- {ours.se_loss(aversion):.4f}, {ours.paths:,} paths"
        told.append(rows.plain(f"{name}_loss_{aversion:g}", ours.loss(aversion), unit))
        for other in ("ww_edge", "hybrid"):
            unit = "loss over ours, +- {:.4f}"
            told.append(
                _with_error(
                    f"{name}_{other}_{aversion:g}", unit, whole, parts, _beside(other, aversion)
                )
            )
    for hours in (4, 8):
        unit = "of a timer's cost, equal deviation, +- {:.3f}"
        told.append(_with_error(f"{name}_saved_{hours}h", unit, whole, parts, _saved(hours)))
    return told


def _fitted_chunk(market: Fitted, number: int, steps: int) -> tuple[list[Outcome], np.ndarray]:
    seed = SEED + number + 1_000 * (1 + fitted.FITTED.index(market))
    experiment = markets.jumping(seed, FITTED_CHUNK, market.model, steps)
    payoff = np.maximum(experiment.spot[-1] - experiment.strike, 0.0)
    return tournament.run(experiment, _rules({})), experiment.premium - payoff


def _named(outcomes: Sequence[Sequence[Outcome]], variance: float) -> Found:
    """Return the figures of rules by name and parameter; each rule's chunks stand together."""
    every = (tournament.figures(one, variance) for one in outcomes)
    return {(one.name, one.parameter): one for one in every}


def _beside(other: str, aversion: float) -> Callable[[Found], float]:
    return lambda found: (
        found[other, aversion].loss(aversion) / found[BEST, aversion].loss(aversion)
    )


def _saved(hours: int) -> Callable[[Found], float]:
    """Return by how much our rule is cheaper than a timer of the same deviation."""

    def share(found: Found) -> float:
        timer = found["fixed_time_h", hours]
        frontier = [found[BEST, aversion] for aversion in FRONTIER]
        return 1.0 - _cost_at(frontier, timer.std_pnl) / timer.mean_cost

    return share


def _with_error(
    name: str, unit: str, whole: Found, parts: Sequence[Found], of: Callable[[Found], float]
) -> Row:
    """Return a figure of all paths; its standard error is that of the chunks' own."""
    each = np.array([of(part) for part in parts])
    known = each[np.isfinite(each)]
    error = known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else np.nan
    return rows.plain(name, of(whole), unit.format(error))


def _calm() -> None:
    """Leave each process one thread: there is one for every core."""
    os.environ["OMP_NUM_THREADS"] = "1"


def _solve(vol: float, aversion: float) -> list[Region]:
    call = Call(markets.STRIKE, markets.STRIKE, vol, aversion, markets.COST)
    return list(regions(call, STEPS * markets.HOUR, STEPS))[::-1]


def _rules(solved: Solved) -> list[Rule]:
    return [
        *(rules.timer(hours) for hours in HOURS),
        *(rules.whalley_wilmott(aversion, corrected=True) for aversion in FRONTIER),
        *(rules.whalley_wilmott(aversion, corrected=True) for aversion in (0.3, 1.0)),
        *(rules.whalley_wilmott(aversion) for aversion in (*AVERSIONS, 10.0)),
        *(rules.hybrid(aversion) for aversion in AVERSIONS),
        *(rules.zakamouline(aversion) for aversion in AVERSIONS),
        *(rules.constant(half) for half in (0.01, 0.02, 0.04, 0.08, 0.15)),
        *(rules.exact(aversion, found) for aversion, found in solved.items()),
    ]


def _chunk(vol: float | None, number: int, solved: Solved) -> tuple[list[Outcome], np.ndarray]:
    """Return outcomes on one chunk of paths, and what the unhedged call makes of them."""
    seed = SEED + number + round(1000 * (vol or 0.0)) * 1_000
    experiment: Experiment = (
        markets.brownian(seed, vol, CHUNK, STEPS)
        if vol is not None
        else markets.jumping(seed, CHUNK, steps=STEPS)
    )
    payoff = np.maximum(experiment.spot[-1] - experiment.strike, 0.0)
    return tournament.run(experiment, _rules(solved)), experiment.premium - payoff


def _figures(
    pool: ProcessPoolExecutor, vol: float | None, solved: Solved
) -> dict[tuple[str, float], Figures]:
    numbers = range(max(1, PATHS // CHUNK))
    chunks = list(pool.map(_chunk, [vol] * len(numbers), numbers, [solved] * len(numbers)))
    variance = float(np.concatenate([unhedged for _, unhedged in chunks]).var())
    found = {}
    for outcomes in zip(*(outcomes for outcomes, _ in chunks), strict=True):
        figures = tournament.figures(outcomes, variance)
        found[figures.name, figures.parameter] = figures
    return found


def _told(market: str, found: dict[tuple[str, float], Figures], *, exact: bool) -> list[Row]:
    name, told = f"policies.{market}", []
    for aversion in AVERSIONS:
        ours = found[BEST, aversion]
        loss = ours.loss(aversion)
        told.append(
            rows.plain(f"{name}_loss_{aversion:g}", loss, f"USD, +- {ours.se_loss(aversion):.4f}")
        )
        beside, unit = loss, "loss over ours"
        if exact:
            beside, unit = found["hodges_neuberger_exact", aversion].loss(aversion), "the same"
            ratio = f"{name}_over_exact_{aversion:g}"
            told.append(rows.most(ratio, loss / beside, "loss over the exact one's", 1.03))
        for other in ("ww_edge", "hybrid", "zakamouline_edge"):
            theirs = found[other, aversion].loss(aversion) / beside
            told.append(rows.plain(f"{name}_{other}_{aversion:g}", theirs, unit))
    for hours in (4, 8):
        saved = _saved(hours)(found)
        told.append(
            rows.least(f"{name}_saved_{hours}h", saved, "of a timer's cost, equal deviation", 0.4)
        )
    return told + _agreement(name, market, found)


def _cost_at(frontier: Sequence[Figures], deviation: float) -> float:
    """Return the cost at a deviation, on straight lines between logarithms; NaN below the least.

    What costs more and leaves more than another aversion is no choice: where volatility moves with
    the price, the tightest hedge to a Black-Scholes delta is not the one that leaves least.
    """
    kept: list[Figures] = []
    for one in sorted(frontier, key=lambda one: one.mean_cost):
        if not kept or one.std_pnl < kept[-1].std_pnl:
            kept.append(one)
    points = sorted((np.log(one.std_pnl), np.log(one.mean_cost)) for one in kept)
    deviations, costs = (np.array(column) for column in zip(*points, strict=True))
    at = float(np.log(deviation))
    return float(np.exp(np.interp(at, deviations, costs, left=np.nan)))


def _agreement(name: str, market: str, found: dict[tuple[str, float], Figures]) -> list[Row]:
    """Return how far the rows of the reference table are, in combined standard errors."""
    data = os.environ.get("DELTABAND_DATA")
    if not data:
        return rows.skipped(f"{name}_table", "DELTABAND_DATA is not set")
    path = Path(data) / FRONTIERS.format("bates" if market == "bates" else "gbm")
    away = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if market not in {"bates", f"gbm{round(100 * float(row['vol']))}"}:
                continue
            ours = found.get((row["strategy"], float(row["param"])))
            if ours is None or row["strategy"] not in STRATEGIES | {"hodges_neuberger_exact"}:
                continue
            away += [
                (ours.mean_pnl - float(row["mean_pnl"]))
                / np.hypot(ours.se_mean, float(row["se_mean"])),
                (ours.std_pnl - float(row["std_pnl"]))
                / np.hypot(ours.se_std, float(row["se_std"])),
                (ours.mean_cost - float(row["mean_rehedge_cost"]))
                / np.hypot(ours.se_cost, float(row["se_cost"])),
            ]
    if not away:
        return []
    errors = np.abs(away)
    return [
        rows.most(
            f"{name}_table_worst",
            float(errors.max()),
            f"standard errors, {errors.size} figures",
            4.0,
        ),
        rows.least(f"{name}_table_within_2", float((errors < 2.0).mean()), "of the figures", 0.9),
    ]
