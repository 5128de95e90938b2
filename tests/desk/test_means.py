"""What an option plan may use up: funds by the local formula, the hedge's room, the day's money."""

import math
from dataclasses import replace

import pytest

from bot.book.measure import measure
from bot.desk.legs import question_of
from bot.desk.means import means_of
from bot.domain.positions import Balance
from bot.domain.units import NS_PER_S
from bot.risk.limits import LimitRules
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import candidates
from bot.strategy.choice import choose_hedge
from bot.strategy.gamma import GammaPolicy
from greeks import black76
from tests.builders.books import NOW, PERPETUAL, OptionRow, contract_of
from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, desk_rules

ATM = contract_of(60_000.0)
ROWS = [
    OptionRow(c, bid=0.0300, ask=0.0305, bid_size=50.0, ask_size=50.0) for c in (CALL, PUT, ATM)
]
STANDARD = Balance("BTC", 5.0, 5.0, 2.0, 1.0, model="segregated_sm")


def _means(balance=STANDARD, limits=None, **policy):
    """Return the means of a book short twenty calls and hedged with seven coins."""
    gamma = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), **({"action": "auto"} | policy))
    rules = desk_rules(gamma=gamma, limits=limits or LimitRules(order_usd=600_000.0))
    held = {CALL.name: "-20", PERPETUAL: "420000"}
    desk = ScriptedDesk(rules=rules, rows=list(ROWS), positions=held, balance=balance).started()
    floor, now_ns = desk.core.floor, desk.now_ns
    exposure = measure(floor.book, "BTC", now_ns)
    question = question_of(floor, rules, exposure, {})
    assert question is not None
    hedge, _ = choose_hedge(floor.book, "BTC", now_ns, floor.tier)
    offered = candidates(floor.book, "BTC", now_ns, floor.tier)
    return means_of(floor, rules, exposure, hedge, question.need, offered, {CALL.name: -20.0}, {})


def test_funds_are_what_the_owners_share_leaves_and_a_closed_short_frees_its_margin():
    """60 % of 5 less 2; a bought coin takes 60 % of its premium, the call frees 0.1 + mark."""
    (purse,) = _means().purses
    assert (purse.currency, purse.left) == ("BTC", pytest.approx(1.0))
    assert purse.takes[ATM.name] == pytest.approx(0.6 * 0.0305)
    assert purse.takes[CALL.name] == pytest.approx(0.6 * 0.0305 - (0.1 + 0.03025), abs=1e-6)


@pytest.mark.parametrize("model", ["", "segregated_pm"])
def test_only_the_venue_knows_funds_under_another_margin(model):
    """No purse, so that the what-if decides."""
    assert _means(replace(STANDARD, model=model)).purses == ()


def test_the_hedge_has_the_room_of_the_owners_cap():
    """Seven coins held where nine may be: two more, or sixteen less."""
    means = _means(replace(STANDARD, model=""), LimitRules(order_usd=1e9, position_coin=9.0))
    assert means.hedge_bought == pytest.approx(2.0)
    assert means.hedge_sold == pytest.approx(16.0)
    free = _means(replace(STANDARD, model=""))
    assert (free.hedge_bought, free.hedge_sold) == (math.inf, math.inf)


def test_the_hedge_has_the_room_of_the_funds():
    """Three coins of free funds at two per cent: far fewer than infinitely many."""
    means = _means()
    assert 50.0 < means.hedge_bought < 200.0
    assert means.hedge_bought < means.hedge_sold < means.hedge_bought + 15.0


def test_an_order_a_hedge_and_the_day_cost_what_they_cost():
    """600,000 USD are ten coins; half a dollar and five basis points a coin."""
    means = _means(budget_usd_per_day=500.0, turnover_coin=30.0)
    assert means.order_coin == pytest.approx(10.0)
    assert means.hedge_usd == pytest.approx(30.5)
    assert (means.budget_usd, means.turnover_coin) == (500.0, 30.0)
    assert _means(limits=LimitRules()).order_coin == math.inf


@pytest.mark.parametrize("model_vol", [0.5, 0.6, 0.7])
def test_an_option_has_an_edge_against_the_owners_own_volatility(model_vol):
    """All three quoted at 60 %: a day's theta times how much more, or less, variance is seen."""
    found = _means(model_vol=model_vol).edge_usd
    assert set(found) == {CALL.name, PUT.name, ATM.name}
    years = ATM.calendar_years(NOW + NS_PER_S // 2)
    theta = float(black76.first(True, 60_000.0, 60_000.0, years, 0.6).theta) / 365.0
    assert theta < -60.0
    more = (model_vol / 0.6) ** 2 - 1.0
    assert found[ATM.name] == pytest.approx(-theta * more, rel=1e-6)


def test_without_an_own_volatility_there_is_no_edge():
    """Nothing is charged."""
    assert _means().edge_usd == {}


def test_a_proposal_is_not_cut_to_the_days_money():
    """The owner decides."""
    means = _means(action="propose", budget_usd_per_day=1.0, turnover_coin=1.0)
    assert (means.budget_usd, means.turnover_coin) == (math.inf, math.inf)
