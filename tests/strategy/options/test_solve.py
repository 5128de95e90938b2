"""The search against random books, against brute force, and with everything that goes wrong."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.programs import Leg, Offer, Program, Row, Solution, Stage
from bot.strategy.options import solve as searching
from bot.strategy.options.figures import Figures
from bot.strategy.options.solve import Effort, first_plan, solve
from tests.builders.programs import program

GAMMA = Row("gamma", -0.40, -0.25, aim=-0.1625, scale=0.25)


def _offer(name="a", **changes):
    figures = {
        "side": 1, "lot": 0.1, "least": 1, "most": 500, "cost_usd": 0.5, "delta": 0.0,
        "brings": (0.001,), "closes": False,
    }  # fmt: skip
    return Offer(name, **(figures | changes))  # type: ignore[arg-type]


def _program(*offers, rows=(GAMMA,), **changes):
    return Program("BTC", 0, rows, offers, **({"max_legs": 4} | changes))


def _lots(solution):
    return {(leg.name, leg.side): leg.lots for leg in solution.legs}


def test_the_cheapest_offer_is_taken_in_just_enough_lots():
    """0.2375 at 0.001 a lot, rounded up once."""
    found = solve(_program(_offer("dear", cost_usd=2.0), _offer("cheap")))
    assert found.stage is Stage.ROUNDED
    assert _lots(found) == {("cheap", 1): 238}
    assert found.cost_usd == pytest.approx(238 * 0.5, rel=2e-3)
    assert found.bound_usd <= found.cost_usd


def test_what_closes_comes_first_at_equal_price():
    """Names and places in the chain say nothing."""
    offers = [_offer("a"), _offer("z", closes=True), _offer("m")]
    for row in (offers, offers[::-1]):
        assert set(_lots(solve(_program(*row)))) == {("z", 1)}


@pytest.mark.parametrize("dearer,taken", [(1.9, "own"), (2.1, "new")])
def test_what_closes_is_half_of_a_round_trip(dearer, taken):
    """An own short is bought back unless a new one costs less than half; the whole cost is told."""
    own, new = _offer("own", cost_usd=0.5 * dearer, closes=True), _offer("new")
    found = solve(_program(own, new))
    assert set(_lots(found)) == {(taken, 1)}
    cost_usd = 0.5 * dearer if taken == "own" else 0.5
    assert found.cost_usd == pytest.approx(238 * cost_usd, rel=2e-3)


def test_a_ticket_makes_one_leg_of_two():
    """Half a dollar saved on the lots is not worth another order."""
    thin = _offer("thin", cost_usd=0.49, most=20)
    assert len(solve(_program(thin, _offer("deep"), ticket_usd=0.0)).legs) == 2
    assert set(_lots(solve(_program(thin, _offer("deep"), ticket_usd=5.0)))) == {("deep", 1)}


def test_delta_against_the_books_own_is_free_and_the_rest_costs():
    """A put where the book is long, a pair where it is flat and hedging is dear."""
    call, put = _offer("call", delta=0.05), _offer("put", delta=-0.05)
    long_book = _program(call, put, hedge_usd=30.0, free=(-1e3, 0.0))
    assert set(_lots(solve(long_book))) == {("put", 1)}
    flat = solve(_program(call, put, hedge_usd=30.0))
    assert _lots(flat) == {("call", 1): 119, ("put", 1): 119}
    assert flat.hedge_coin == pytest.approx(0.0)
    alone = solve(_program(call, hedge_usd=30.0))
    assert alone.hedge_coin == pytest.approx(-238 * 0.05)
    assert alone.cost_usd == pytest.approx(238 * (0.5 + 0.05 * 30.0), rel=2e-3)


def test_a_limit_that_is_not_passed_stays_so():
    """The cheap one would take vega out; as much of it as there is room for, then the other."""
    vega = Row("vega", 900.0, -1_000.0, 1_000.0, scale=1_000.0)
    cheap = _offer("cheap", brings=(0.001, 2.0))
    calm = _offer("calm", cost_usd=1.0, brings=(0.001, 0.0))
    found = solve(_program(cheap, calm, rows=(GAMMA, vega)))
    assert _lots(found) == {("cheap", 1): 50, ("calm", 1): 188}


def test_a_passed_limit_that_nothing_is_wanted_of_does_not_get_worse():
    """Vega is out already and has no aim here: nothing may add to it."""
    vega = Row("vega", 1_200.0, -1_000.0, 1_000.0, scale=1_000.0)
    cheap = _offer("cheap", brings=(0.001, 2.0))
    calm = _offer("calm", cost_usd=1.0, brings=(0.001, -1.0))
    found = solve(_program(cheap, calm, rows=(GAMMA, vega)))
    lots = _lots(found)
    assert lots["cheap", 1] * 2.0 <= lots["calm", 1]
    assert found.stage in {Stage.ROUNDED, Stage.INTEGER}


@pytest.mark.parametrize(
    "offers,stage,lots",
    [
        ((), Stage.NONE, {}),
        ((_offer(most=100),), Stage.SOFT, {("a", 1): 100}),
        ((_offer(brings=(-0.001,)),), Stage.NONE, {}),
        ((_offer(least=300, most=500),), Stage.ROUNDED, {("a", 1): 300}),
        ((_offer(least=1, most=1, brings=(5.0,)),), Stage.ROUNDED, {("a", 1): 1}),
        ((_offer(cost_usd=1e9),), Stage.ROUNDED, {("a", 1): 238}),
        ((_offer(cost_usd=0.0),), Stage.ROUNDED, {("a", 1): 238}),
    ],
)
def test_hard_inputs_have_an_answer(offers, stage, lots):
    """Nothing offered, too little, the wrong way, a lot larger than the need, any price."""
    found = solve(_program(*offers))
    assert found.stage is stage
    if found.cost_usd:
        assert _lots(found) == lots
    else:
        assert set(_lots(found)) == set(lots)


def test_a_lot_that_would_overshoot_the_other_limit_is_not_traded():
    """One lot takes gamma from below its lower limit to above its upper one."""
    row = replace(GAMMA, upper=0.25)
    found = solve(_program(_offer(brings=(0.7,)), rows=(row,)))
    assert (found.stage, found.legs) == (Stage.NONE, ())
    assert solve(_program(_offer(brings=(0.6,)), rows=(row,))).stage is Stage.ROUNDED


def test_bands_that_exclude_each_other_are_met_as_far_as_they_go():
    """Gamma and vega want opposite things of the only option: neither gets worse."""
    vega = Row("vega", 1_200.0, -1_000.0, 1_000.0, aim=650.0, scale=1_000.0)
    only = _offer(brings=(0.001, 2.0))
    assert solve(_program(only, rows=(GAMMA, vega))).stage is Stage.NONE


def test_nothing_wanted_is_nothing_done():
    """Whatever is offered."""
    row = Row("gamma", -0.1, -0.25, scale=0.25)
    assert solve(_program(_offer(), rows=(row,))) == Solution(Stage.NONE)


def test_a_plan_that_cannot_be_hedged_is_none():
    """No room for the hedge of its delta, nothing that would net it."""
    found = solve(_program(_offer(delta=0.05), hedge_sold=0.0, hedge_bought=0.0))
    assert (found.stage, found.legs) == (Stage.NONE, ())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_solver_that_fails_says_so(bad):
    """Figures that are none: no plan, a reason, no exception."""
    found = solve(_program(_offer(cost_usd=bad)))
    assert found.legs == ()
    assert found.stage is Stage.FAILED
    assert found.why


def test_a_search_that_ends_at_once_still_has_the_rounding():
    """No nodes, no time: what the relaxation gave."""
    asked = program(50, 50_004)
    hasty = solve(asked, Effort(seconds=0.0, nodes=0))
    assert hasty.legs == first_plan(asked).legs
    assert hasty.legs


def test_the_same_program_has_the_same_solution():
    """Twice, to the last digit."""
    for seed in range(3):
        asked = program(20, seed)
        assert solve(asked) == solve(asked)


def _feasible(asked, solution):
    figures = Figures.of(asked)
    lots = np.zeros((len(asked.offers), 1))
    places = {(o.name, o.side): i for i, o in enumerate(asked.offers)}
    for leg in solution.legs:
        lots[places[leg.name, leg.side], 0] = leg.lots
    return bool(figures.allowed(lots)[0]), float(figures.missing(lots).max())


@pytest.mark.parametrize("count,books", [(10, 7), (50, 10)])
def test_rounding_is_possible_where_the_integer_program_is_and_costs_little_more(count, books):
    """Legs unlimited: in every book that has a plan, within 5 % of the optimum, 1 % at the median.

    The nearest lots to the bare relaxation keep the bands in few of them.
    """
    gaps, nearest = [], 0
    for i in range(10):
        asked = replace(program(count, 1_000 * count + i, max_legs=2 * count), ticket_usd=0.0)
        figures = Figures.of(asked)
        whole = searching._search(figures, integer=True, soft=False)
        if whole.infeasible:
            continue
        found = first_plan(asked)
        assert found.stage is Stage.ROUNDED
        bare = searching._search(figures, integer=False, soft=False).lots
        assert whole.lots is not None
        assert bare is not None
        gaps.append(found.cost_usd / figures.cost_of(whole.lots[:, None])[0] - 1.0)
        near = np.asarray(np.round(bare), dtype=np.float64)[:, None]
        nearest += bool(figures.allowed(near)[0]) and not figures.missing(near).any()
    assert len(gaps) == books
    assert max(gaps) < 0.05
    assert np.median(gaps) < 0.01
    assert nearest < 0.5 * books


def test_the_first_plan_of_a_random_book_keeps_every_limit():
    """Also where it cannot have everything."""
    stages = set()
    for seed in range(12):
        asked = program(30, seed)
        found = first_plan(asked)
        allowed, missing = _feasible(asked, found)
        assert allowed
        assert (missing > 0.0) is (found.stage in {Stage.SOFT, Stage.NONE})
        stages.add(found.stage)
    assert {Stage.ROUNDED, Stage.SOFT} <= stages


small_offers = st.lists(
    st.builds(
        _offer,
        st.sampled_from("abcdefgh"),
        side=st.sampled_from([1, -1]),
        least=st.integers(1, 2),
        most=st.integers(2, 5),
        cost_usd=st.floats(0.1, 5.0),
        delta=st.floats(-0.5, 0.5),
        brings=st.tuples(st.floats(-0.1, 0.2), st.floats(-100.0, 100.0)),
        closes=st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda o: (o.name, o.side),
)


@settings(max_examples=60)
@given(small_offers, st.floats(-1_500.0, 1_500.0), st.floats(0.0, 2.0), st.integers(1, 3))
def test_a_solution_is_as_good_as_the_best_of_all_lots(offers, vega, ticket, legs):
    """Against brute force: no limit is passed, and nothing that is allowed is clearly better."""
    aim = math.copysign(650.0, vega) if abs(vega) > 1_000.0 else None
    rows = (GAMMA, Row("vega", vega, -1_000.0, 1_000.0, aim, 1_000.0))
    asked = _program(*offers, rows=rows, ticket_usd=ticket, hedge_usd=2.0, max_legs=legs)
    figures = Figures.of(asked)
    choices = [[0, *range(o.least, o.most + 1)] for o in offers]
    every = np.array(list(product(*choices)), dtype=np.float64).T
    met = figures.allowed(every) & ~figures.missing(every).any(axis=0)
    # Where the aims can be reached they are, also where a small miss would be a little cheaper.
    best = figures.best(every[:, met] if met.any() else every)
    assert best is not None

    def worth(lots):
        column = lots[:, None]
        return float(figures.cost_of(column)[0] + (figures.price @ figures.missing(column))[0])

    found = solve(asked)
    places = {(o.name, o.side): i for i, o in enumerate(offers)}
    mine = np.zeros(len(offers))
    for leg in found.legs:
        mine[places[leg.name, leg.side]] = leg.lots
    assert figures.allowed(mine[:, None])[0]
    assert worth(mine) <= worth(best) * (1.0 + searching.GOOD_ENOUGH + searching.GAP) + 1e-6


def test_a_leg_knows_its_offer():
    """Unsigned lots and the side."""
    sold = _offer("s", side=-1, brings=(0.001,))
    assert solve(_program(sold)).legs == (Leg("s", -1, 238),)
