"""The tournament on paired paths: tables computed elsewhere, and what must hold of any rule."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.lab.policies import markets, rules, tournament
from bot.lab.policies.exact import Call, regions
from bot.lab.policies.rules import Bounds, Rule
from greeks import black76

HERE = Path(__file__).parent
VOL = 0.5
PATHS = 4_000
COLUMNS = (
    ("mean_pnl", "se_mean", "mean_pnl", "se_mean"),
    ("std_pnl", "se_std", "std_pnl", "se_std"),
    ("mean_cost", "se_cost", "mean_rehedge_cost", "se_cost"),
)
SOLD_VOL = 0.5380335


MAKERS: dict[str, Callable[[float], Rule]] = {
    "fixed_time_h": lambda p: rules.timer(int(p)),
    "leland_h": lambda p: rules.leland(int(p)),
    "delta_band_edge": rules.constant,
    "delta_band_centre": lambda p: rules.constant(p, to_edge=False),
    "ww_edge": rules.whalley_wilmott,
    "ww_centre": lambda p: rules.whalley_wilmott(p, to_edge=False),
    "zakamouline_edge": lambda p: rules.zakamouline(p, 4.76),
    "fixed_time_h_MVdelta": lambda p: rules.minimum_variance(int(p), markets.STORMY),
    "fixed_time_h_constIV": lambda p: rules.stale(int(p), SOLD_VOL),
}
"""What the tables call the rules."""


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table whose rules are made of their parameter alone."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["strategy"] in MAKERS]


def results(experiment, chosen):
    """Return the figures of rules on one set of paths."""
    payoff = np.maximum(experiment.spot[-1] - experiment.strike, 0.0)
    variance = float((experiment.premium - payoff).var())
    return [
        tournament.figures([outcome], variance) for outcome in tournament.run(experiment, chosen)
    ]


def deviations(found, rows):
    """Return how many combined standard errors each figure is away from its row."""
    return np.array(
        [
            (getattr(ours, name) - float(row[theirs]))
            / max(np.hypot(getattr(ours, error), float(row[their_error])), 1e-12)
            for ours, row in zip(found, rows, strict=True)
            for name, error, theirs, their_error in COLUMNS
        ]
    )


@pytest.mark.parametrize("market", ["gbm", "bates"])
def test_rules_have_the_figures_of_the_table(market):
    """Mean, deviation and cost of every rule: all within 4 standard errors, 9 of 10 within 2."""
    rows = table(f"mc_frontier_{market}.csv")
    if market == "gbm":
        rows = [row for row in rows if float(row["vol"]) == VOL]
        experiment = markets.brownian(3, VOL, PATHS)
    else:
        experiment = markets.jumping(3, PATHS)
    found = results(experiment, [MAKERS[row["strategy"]](float(row["param"])) for row in rows])
    away = np.abs(deviations(found, rows))
    assert away.max() < 4.0
    assert (away < 2.0).mean() > 0.9
    for ours, row in zip(found, rows, strict=True):
        assert ours.trades == pytest.approx(float(row["n_trades"]), rel=0.06, abs=0.3)
        assert ours.turnover == pytest.approx(
            float(row["turnover_delta_units"]), rel=0.06, abs=0.02
        )
        assert ours.es95 == pytest.approx(float(row["ES95_pnl"]), rel=0.1, abs=0.1)


@pytest.mark.parametrize("aversion", [0.3, 1.0, 3.0])
def test_the_corrected_band_is_within_three_percent_of_the_exact_solution(aversion):
    """Whalley and Wilmott's, less what looking hourly adds; a call of ten days."""
    steps = 240
    experiment = markets.brownian(5, VOL, PATHS, steps)
    solved = list(regions(Call(100.0, 100.0, VOL, aversion, markets.COST), 10 / 365, steps))[::-1]
    ours, best, plain = results(
        experiment,
        [
            rules.whalley_wilmott(aversion, corrected=True),
            rules.exact(aversion, solved),
            rules.whalley_wilmott(aversion),
        ],
    )
    assert ours.loss(aversion) < 1.03 * best.loss(aversion)
    assert ours.loss(aversion) < plain.loss(aversion)


def test_money_is_counted_once():
    """On one path by hand: what was held times each move, less what trades cost."""
    spot = np.array([[100.0], [102.0], [101.0]])
    experiment = tournament.Experiment(100.0, 2.0, 1 / 365, 0.001, spot, np.full((2, 1), 0.5))

    def bounds(sight):
        now = np.array([(0.5, 0.7)[sight.step]])
        return Bounds(now, now)

    (outcome,) = tournament.run(experiment, [Rule("by hand", 0.0, bounds)])
    assert outcome.cost[0] == pytest.approx(0.001 * 102.0 * 0.2)
    assert outcome.setup[0] == pytest.approx(0.001 * 100.0 * 0.5)
    assert outcome.unwind[0] == pytest.approx(0.001 * 101.0 * 0.7)
    assert outcome.pnl[0] == pytest.approx(2.0 - 1.0 + 0.5 * 2.0 - 0.7 * 1.0 - outcome.cost[0])
    assert (outcome.trades[0], outcome.turnover[0]) == (1.0, pytest.approx(0.2))


def test_a_band_trades_to_its_edge_or_to_its_middle_and_only_from_outside():
    """Holdings of 0.2, 0.5 and 0.9 around a band from 0.4 to 0.6."""
    held = np.array([0.2, 0.5, 0.9])
    low, high, middle = np.full(3, 0.4), np.full(3, 0.6), np.full(3, 0.5)
    edge = Bounds(low, high).next(held)
    centre = Bounds(low, high, middle, middle).next(held)
    np.testing.assert_array_equal(edge, [0.4, 0.5, 0.6])
    np.testing.assert_array_equal(centre, [0.5, 0.5, 0.5])


def test_without_costs_and_with_every_hour_the_call_is_replicated():
    """What is left is what hours leave: half of vega sigma over the root of their number."""
    free = replace(markets.brownian(11, VOL, PATHS), cost=0.0)
    (found,) = results(free, [rules.timer(1)])
    vega = float(black76.first(True, 100.0, 100.0, 30 / 365, VOL).vega)
    left = np.sqrt(np.pi / 4) * vega * VOL / np.sqrt(720)
    assert found.std_pnl == pytest.approx(left, rel=0.1)
    assert abs(found.mean_pnl) < 3 * found.se_mean
    assert found.mean_cost == found.setup == found.unwind == 0.0


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_gives_the_same_figures(seed):
    """And another seed others."""
    once, again, other = (
        results(markets.brownian(one, VOL, 200), [rules.constant(0.05)])[0]
        for one in (seed, seed, seed + 10)
    )
    assert once == again
    assert once != other
