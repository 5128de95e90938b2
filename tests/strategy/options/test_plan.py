"""Plans as they are told, and answers that no longer fit the book."""

from dataclasses import replace

import pytest

from bot.book.exposure import Shocks
from bot.domain.programs import Leg, Solution, Stage
from bot.domain.reasons import Reason
from bot.strategy.options.plan import DRIFT, plan_of, unfit
from bot.strategy.options.problem import Means
from bot.strategy.options.solve import solve
from tests.builders.exposures import candidate
from tests.strategy.options.planned import CHEAP, DEAR, POLICY, asked, planned, short

LOST = Shocks({}, {-0.1: -12_000.0, 0.1: -9_000.0})


def test_a_plan_is_told_with_what_it_costs_gives_up_and_takes_away():
    """Ten coins: 60 of theta a day each, 300 lifted in the worst move, 2,000 in the other."""
    one = candidate(CHEAP.name, cost_usd=5.0, shocks={-0.1: 30.0, 0.1: 200.0}, vega_usd=7.0)
    plan = planned(short(0.10), (one,), means=Means(hedge_usd=30.0, away_coin=-2.0), shocks=LOST)
    assert plan.cost_usd == pytest.approx(50.0)
    assert plan.delta == pytest.approx(5.0)
    assert plan.worth == {
        "theta_usd_day": pytest.approx(-600.0),
        "vega_change_usd": pytest.approx(70.0),
        "round_trip_usd": pytest.approx(2.0 * (50.0 + 30.0 * 3.0)),
        "tail_lifted_usd": pytest.approx(300.0),
        "tail_lifted_per_usd": pytest.approx(6.0),
    }
    told = plan.told
    assert told["before"]["gamma"] == pytest.approx(-0.2625)
    assert told["after"]["gamma"] == pytest.approx(-0.1625)
    assert (told["found"], told["missing"]) == ("rounded", 0.0)


def test_an_edge_is_told_beside_the_cost_where_there_is_one():
    """Ten coins of four dollars, which are in no other figure."""
    need, program = asked(short(0.10), (CHEAP,))
    plain = planned(short(0.10), (CHEAP,))
    edges = {CHEAP.name: 4.0, DEAR.name: 9.0}
    plan = plan_of(program, solve(program), need, (CHEAP,), {}, POLICY, None, edges)
    assert plan.worth == plain.worth | {"edge_usd": pytest.approx(40.0)}
    assert plan.told == plain.told | {"edge_usd": pytest.approx(40.0)}
    assert plan.cost_usd == plain.cost_usd


def test_the_worst_move_may_be_another_one_afterwards():
    """Lifted by 4,000 there, the other one is the worst."""
    one = candidate(CHEAP.name, shocks={-0.1: 400.0})
    assert planned(short(0.10), (one,), shocks=LOST).tail_usd == pytest.approx(3_000.0)


def test_a_plan_without_trades_is_worth_nothing():
    """And misses everything; what could be traded is shown, cheapest gamma first."""
    need, program = asked(short(0.10), (DEAR, CHEAP))
    plan = plan_of(program, Solution(Stage.NONE), need, (DEAR, CHEAP), {}, POLICY)
    assert (plan.trades, plan.worth) == ((), {})
    assert plan.lacks == {"missing": pytest.approx(0.10)}
    assert [c.name for c in plan.candidates] == [CHEAP.name, DEAR.name]


def _answered(missing=0.10, offered=(CHEAP,), held=None):
    _, program = asked(short(missing), offered, held)
    return program, solve(program)


def test_an_answer_fits_the_program_that_it_was_found_for():
    """And one whose figures have moved a little."""
    program, solution = _answered()
    assert unfit(program, program, solution) is None
    nearly, _ = _answered(0.10 + 0.9 * DRIFT * 0.25)
    assert unfit(program, nearly, solution) is None


@pytest.mark.parametrize(
    "changed,subject",
    [
        ({"missing": 0.10 + 1.1 * DRIFT * 0.25}, "gamma"),
        ({"missing": 0.08}, "gamma"),
        ({"held": {CHEAP.name: -1.0}}, "holdings"),
        ({"offered": (replace(CHEAP, ask_size=9.9),)}, CHEAP.name),
        ({"offered": (replace(CHEAP, spread_vol=0.09),)}, CHEAP.name),
        ({"offered": (replace(CHEAP, ask=0.0400),)}, CHEAP.name),
        ({"offered": (DEAR,)}, CHEAP.name),
        ({"offered": ()}, CHEAP.name),
    ],
)
def test_an_answer_to_another_book_is_none(changed, subject):
    """Figures, holdings, sizes, spreads, prices, what is still offered; no need any more."""
    program, solution = _answered()
    newest, _ = _answered(**changed)
    found = unfit(program, newest, solution)
    assert found is not None
    assert (found.reason, found.subject) == (Reason.BOOK_CHANGED, subject)


def test_an_answer_that_would_pass_a_limit_now_is_none():
    """The budget was larger when it was found."""
    program, solution = _answered()
    _, poorer = asked(short(0.10), (CHEAP,), means=Means(budget_usd=49.0))
    _, richer = asked(short(0.10), (CHEAP,), means=Means(budget_usd=51.0))
    assert unfit(richer, richer, solution) is None
    found = unfit(richer, poorer, solution)
    assert found is not None
    assert found.subject == "budget"
    assert unfit(program, richer, solution) is not None


def test_lots_that_nobody_asked_for_are_none():
    """A side that is not offered."""
    program, _ = _answered()
    strange = Solution(Stage.ROUNDED, (Leg(CHEAP.name, -1, 5),))
    assert unfit(program, program, strange) is not None
