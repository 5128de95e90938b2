"""The best that any rule can do: against formulas, against the variance itself, against rules."""

import itertools

import numpy as np
import pytest

from bot.lab.policies import oracle, rules
from bot.lab.policies.books import Book, Leg
from bot.lab.policies.oracle import Problem
from bot.lab.policies.rules import Bounds, Rule, Sight
from bot.strategy import width
from greeks import black76

COST = 5e-4
VOL = 0.5
CALL = Book((Leg(-1.0, 100.0),))
FLY = Book(
    (
        Leg(-1.0, 100.0),
        Leg(-1.0, 100.0, is_call=False),
        Leg(1.0, 106.0),
        Leg(1.0, 94.0, is_call=False),
    )
)
SPACING = 0.005


def problem(
    aversion: float,
    book: Book = CALL,
    days: int = 3,
    *,
    cost: float = COST,
    ticket: float = 0.0,
    every: int = 1,
) -> Problem:
    """Return a book's problem, hourly."""
    return Problem(book, 100.0, VOL, days / 365, days * 24, cost, aversion, ticket, every)


def never(start: float) -> Rule:
    """Return the rule that holds what it began with."""

    def bounds(sight: Sight) -> Bounds:
        wide = np.full_like(sight.spot, 10.0)
        return Bounds(start - wide, start + wide)

    return Rule("never", 0.0, bounds)


def test_what_is_never_hedged_has_the_variance_of_its_payoff():
    """Summed over the whole binomial distribution by hand; nothing is paid."""
    asked = problem(1.0, FLY, 3)
    inventory = oracle.inventories(FLY, SPACING)
    held = inventory[len(inventory) // 3]
    found = oracle.loss(asked, never(float(held)), inventory)
    steps = asked.steps
    move = VOL * np.sqrt(asked.years / steps)
    rise = (1.0 - np.exp(-move)) / (np.exp(move) - np.exp(-move))
    chance = np.ones(1)
    for _ in range(steps):
        chance = np.convolve(chance, [1.0 - rise, rise])
    spot = 100.0 * np.exp(move * np.arange(-steps, steps + 1, 2))
    profit = FLY.payoff(spot) + held * spot
    variance = float(chance @ profit**2 - (chance @ profit) ** 2)
    assert found.cost == 0.0
    assert found.variance == pytest.approx(variance, rel=1e-9)
    assert found.of(0.5) == pytest.approx(0.25 * variance, rel=1e-9)


@pytest.mark.parametrize("ticket,every", list(itertools.product((0.0, 0.002), (1, 4))))
@pytest.mark.parametrize("book", [CALL, FLY], ids=["call", "fly"])
def test_no_rule_is_below_the_oracle_and_ours_is_near_it(book, ticket, every):
    """Bands, timers and their like for two aversions; ours is within an eighth of it."""
    inventory = oracle.inventories(book, SPACING)
    for aversion in (0.3, 2.0):
        asked = problem(aversion, book, ticket=ticket, every=every)
        least = oracle.least(asked, inventory)
        losses = {
            one.name: oracle.loss(asked, one, inventory).of(aversion)
            for one in (
                rules.net(book, aversion, ticket, every=every),
                rules.net(book, aversion, ticket, gamma="shock", every=every),
                rules.net(book, aversion, ticket, gamma="local", every=every),
                rules.whalley_wilmott(aversion, every=every),
                rules.whalley_wilmott(aversion, to_edge=False, every=every),
                rules.timer(8),
                never(0.0),
            )
        }
        assert min(losses.values()) >= least * (1.0 - 1e-12)
        assert losses["net_average"] < 1.125 * least
        assert losses["net_average"] < losses["fixed_time_h"]
        assert losses["net_average"] < losses["ww_edge"] or not ticket


def test_the_oracle_is_what_its_own_region_loses():
    """Played as a rule, the region has the oracle's loss: bounds and destinations are its own."""
    asked = problem(1.0, FLY, 3, ticket=0.002)
    inventory = oracle.inventories(FLY, SPACING)
    solved = list(oracle.regions(asked, inventory))[::-1]

    def bounds(sight: Sight) -> Bounds:
        region = solved[sight.step]
        return Bounds(region.low, region.high, region.bought, region.sold)

    found = oracle.loss(asked, Rule("its own", 0.0, bounds), inventory).of(1.0)
    assert found == pytest.approx(oracle.least(asked, inventory), rel=1e-3)


def test_without_tickets_the_bounds_are_whalley_and_wilmotts_less_what_looking_adds():
    """At the money with fifteen days left; to the grid's step."""
    asked = problem(1.0, days=16)
    inventory = oracle.inventories(CALL, 0.0025)
    region = list(oracle.regions(asked, inventory))[::-1][24]
    first = black76.first(True, 100.0, 100.0, 15 / 365, VOL)
    half = width.whalley_wilmott(COST * 100.0, first.gamma, 1.0)
    half -= width.polling(first.gamma, 100.0, VOL, 1 / 8760)
    low, bought, sold, high = region.at(100.0)
    assert (bought, sold) == (low, high)
    assert 0.5 * (high - low) == pytest.approx(float(half), abs=0.0025)
    assert 0.5 * (high + low) == pytest.approx(float(first.delta), abs=0.005)


@pytest.mark.parametrize("ticket", [0.0005, 0.005])
def test_with_tickets_trades_end_where_the_mixed_formula_says(ticket):
    """Beyond the bound and short of the delta; widths to a sixth, destinations to two steps."""
    asked = problem(1.0, days=10, ticket=ticket)
    inventory = oracle.inventories(CALL, 0.0025)
    region = list(oracle.regions(asked, inventory))[::-1][120]
    first = black76.first(True, 100.0, 100.0, 5 / 365, VOL)
    half, end = width.mixed(COST * 100.0, ticket, float(first.gamma), 1.0)
    half -= float(width.polling(first.gamma, 100.0, VOL, 1 / 8760))
    low, bought, sold, high = region.at(100.0)
    assert 0.5 * (high - low) == pytest.approx(half, rel=0.17)
    assert 0.5 * (sold - bought) == pytest.approx(end, abs=0.0075)
    assert low < bought < sold < high


def test_without_costs_the_delta_is_held_and_nothing_is_lost():
    """The tree is complete."""
    asked = problem(1.0, cost=0.0)
    inventory = oracle.inventories(CALL)
    assert oracle.least(asked, inventory) < 1e-3


def test_fewer_looks_cost_more():
    """Of an hour, six hours and a day."""
    inventory = oracle.inventories(CALL, SPACING)
    found = [oracle.least(problem(1.0, every=every), inventory) for every in (1, 6, 24)]
    assert found[0] < found[1] < found[2]


def test_inventories_reach_what_a_book_may_need():
    """Short a call needs 0 to 1, a fly from -1 to 1; some more at both ends."""
    for book, low, high in ((CALL, 0.0, 1.0), (FLY, -1.0, 1.0)):
        grid = oracle.inventories(book)
        assert grid[0] == pytest.approx(low - oracle.MARGIN, abs=2 * oracle.SPACING)
        assert grid[-1] == pytest.approx(high + oracle.MARGIN, abs=2 * oracle.SPACING)
        np.testing.assert_allclose(np.diff(grid), oracle.SPACING)


def test_a_books_gammas():
    """Where net gamma crosses zero the average does not; the largest is at a neighbour's peak."""
    spot, vol = np.linspace(90.0, 110.0, 401), np.full(401, VOL)
    delta, gamma = FLY.figures(spot, 3 / 365, vol)
    np.testing.assert_allclose(np.gradient(delta, spot)[1:-1], gamma[1:-1], atol=2e-4)
    most, mean = FLY.shock_gamma(spot, 3 / 365, vol), FLY.mean_gamma(spot, 3 / 365, vol)
    crossing = int(np.abs(gamma[:200]).argmin())
    assert np.abs(gamma[crossing]) < 1e-3
    assert mean[crossing] > 0.01
    assert (most >= np.abs(gamma) - 1e-12).all()
    assert (most >= mean).all()
    assert most[crossing] > mean[crossing]


@pytest.mark.parametrize("ticket", [0.0, 1e-6, 1e-3, 0.5, 1e4])
def test_mixed_widths_of_arrays_are_the_formulas(ticket):
    """Every width and destination as `width.mixed` gives it, and none without gamma."""
    cost, gamma = np.array([0.05, 0.05, 30.0]), np.array([0.0278, 0.0, 2e-5])
    half, end = rules.mixed(cost, ticket, gamma, 0.01)
    for i in (0, 2):
        h, r = width.mixed(float(cost[i]), ticket, float(gamma[i]), 0.01)
        assert half[i] == pytest.approx(h, rel=1e-4)
        assert end[i] == pytest.approx(r, rel=2e-3, abs=1e-6 * h)
    assert half[1] == end[1] == 0.0
