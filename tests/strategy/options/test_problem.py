"""What may be traded: liquid to open, wider to close, in lots, within money; order says nothing."""

import math
from dataclasses import replace

import pytest

from bot.book.exposure import Shocks
from bot.domain.instruments import FeeTier
from bot.domain.programs import Stage
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import candidates
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.problem import MOST_OFFERS, Means, Purse, carry_edge
from greeks import black76
from tests.builders.books import book
from tests.builders.exposures import candidate, exposure
from tests.strategy.options.planned import CHEAP, DEAR, POLICY, asked, legs, planned, short


@pytest.mark.parametrize(
    "bad",
    [
        {"days": 1.5},
        {"days": 60.0},
        {"delta": 0.05},
        {"delta": -0.95},
        {"spread_vol": 0.081},
        {"spread_vol": math.inf},
        {"expiring": True},
        {"gamma": 0.0},
        {"gamma": -0.001},
        {"ask_size": 0.0},
    ],
)
def test_what_is_not_liquid_is_not_bought(bad):
    """Tenor, delta, spread, depth and a gamma that is one."""
    plan = planned(short(0.10), (candidate("BTC-4FEB26-60000-C", **bad),))
    assert (plan.trades, plan.stage) == ((), Stage.NONE)
    assert plan.lacks == {"missing": pytest.approx(0.10)}


@pytest.mark.parametrize(
    "bad", [{"days": 1.5}, {"days": 60.0}, {"spread_vol": 0.081}, {"expiring": True}]
)
def test_a_wing_may_have_any_delta_but_must_be_liquid(bad):
    """What cannot be bought for gamma cannot be bought against a shock either."""
    name, shocks = "BTC-4FEB26-50000-P", {-0.1: 2_000.0}
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_loss_usd={-0.1: 10_000.0})
    lost = Shocks({}, {-0.1: -12_000.0})
    good = candidate(name, shocks=shocks, delta=-0.02)
    assert legs(planned(exposure(), (good,), policy=policy, shocks=lost)) == {name: 2.8}
    plan = planned(exposure(), (candidate(name, shocks=shocks, **bad),), policy=policy, shocks=lost)
    assert plan.trades == ()
    assert plan.lacks["missing_usd"] == pytest.approx(5_500.0)


@pytest.mark.parametrize("changes", [{"spread_vol": 0.25}, {"ask": 0.0400}])
def test_no_holding_is_closed_at_a_multiple_of_what_it_is_worth(changes):
    """Three times the spread for opening, or half the model value away: no further."""
    wide = candidate("BTC-4FEB26-69000-C", **changes)
    assert planned(short(0.10), (wide,), {wide.name: -50.0}).trades == ()


def test_a_leg_carries_its_tolerance_from_vega():
    """Half of eight points times vega to open; half the mark at most; three ticks at least."""
    (opened,) = planned(short(0.10), (CHEAP,)).trades
    assert opened.tolerance == pytest.approx(0.5 * 0.08 * 0.1)
    wide = candidate("BTC-4FEB26-69000-C", spread_vol=0.2)
    (closed,) = planned(short(0.10), (wide,), {wide.name: -50.0}).trades
    assert closed.tolerance == pytest.approx(0.5 * 0.24 * 0.1)


def test_a_held_short_is_closed_up_to_what_is_held():
    """Too wide to open, good enough to close, never turned around."""
    wide = candidate("BTC-4FEB26-69000-C", cost_usd=5.0, spread_vol=0.2)
    plan = planned(short(0.10), (wide, DEAR), {wide.name: -0.7})
    assert legs(plan) == {wide.name: pytest.approx(0.7), DEAR.name: pytest.approx(9.3)}
    tight = planned(short(0.10), (CHEAP, DEAR), {CHEAP.name: -0.7})
    assert legs(tight) == {CHEAP.name: pytest.approx(0.7), DEAR.name: pytest.approx(9.3)}


def test_gamma_is_sold_only_out_of_what_is_held_long():
    """Never short, whatever is offered."""
    policy = GammaPolicy(GammaBand(upper=0.25), GammaBand(), action="auto")
    held = {DEAR.name: 1.25, CHEAP.name: -4.0}
    plan = planned(exposure(gamma=0.30), (CHEAP, DEAR), held, policy)
    assert legs(plan) == {DEAR.name: pytest.approx(-1.2)}
    assert plan.stage is Stage.SOFT
    assert plan.lacks == {"missing": pytest.approx(0.30 - 0.1625 - 0.012)}


def test_expiring_gamma_is_only_closed():
    """Pin risk is not bought by accident, nor paid for with longer options."""
    policy = GammaPolicy(GammaBand(), GammaBand(lower=-0.10), action="auto")
    mine = candidate("BTC-6JAN26-60000-C", gamma=0.05, expiring=True, days=0.5)
    other = candidate("BTC-6JAN26-61000-C", gamma=0.05, expiring=True, days=0.5, cost_usd=1.0)
    plan = planned(exposure(gamma_expiring=-0.265), (mine, other, CHEAP), {mine.name: -1.0}, policy)
    assert legs(plan) == {mine.name: 1.0}
    assert plan.lacks == {"missing": pytest.approx(0.15)}


def test_no_order_is_smaller_than_the_smallest_that_the_venue_takes():
    """Lots of 0.1 from 12 up: that much where 10 are wanted, none where less is shown."""
    option = candidate(CHEAP.name, min_quantity=12.0)
    assert legs(planned(short(0.10), (option,))) == {option.name: 12.0}
    thin = candidate(CHEAP.name, min_quantity=12.0, ask_size=11.9)
    assert planned(short(0.10), (thin,)).trades == ()


def test_no_leg_is_larger_than_the_owners_order():
    """Three coins each, from two options."""
    plan = planned(short(0.10), (CHEAP, DEAR), means=Means(order_coin=3.0))
    assert legs(plan) == {CHEAP.name: pytest.approx(3.0), DEAR.name: pytest.approx(3.0)}
    assert plan.stage is Stage.SOFT


@pytest.mark.parametrize(
    "means,coins",
    [
        (Means(budget_usd=27.0), 5.4),
        (Means(turnover_coin=4.25), 4.2),
        (Means(purses=(Purse("BTC", 0.15, {CHEAP.name: 0.025}),)), 6.0),
        (Means(purses=(Purse("BTC", 0.0, {CHEAP.name: 0.025}),)), 0.0),
        (Means(purses=(Purse("BTC", 0.0, {CHEAP.name: -0.1}),)), 10.0),
        (Means(purses=(Purse("BTC", -1.0, {CHEAP.name: 0.025}),)), 0.0),
        (Means(budget_usd=-1.0), 0.0),
        (Means(hedge_sold=2.0), 4.0),
        (Means(hedge_sold=2.0, away_coin=-1.0), 6.0),
        (Means(hedge_sold=2.0, away_coin=1.0), 4.0),
        (Means(hedge_bought=0.0), 10.0),
    ],
)
def test_a_plan_is_cut_to_what_may_be_used_up(means, coins):
    """Money, turnover, funds, and the room for the hedge of its delta of a half."""
    plan = planned(short(0.10), (CHEAP,), means=means)
    assert legs(plan).get(CHEAP.name, 0.0) == pytest.approx(coins)
    assert plan.lacks["missing"] == pytest.approx(0.10 - 0.01 * coins)


def test_what_a_sale_would_bring_pays_for_nothing():
    """Its leg may be the one that is not filled."""
    policy = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), vega_usd={"from_30d": 10.0})
    long = candidate("BTC-4MAR26-60000-C", days=60.0, gamma=0.001, vega_usd=5.0)
    near = candidate(CHEAP.name, days=20.0)
    purse = Purse("BTC", 0.05, {near.name: 0.025, long.name: 0.5})
    plan = planned(
        short(0.10), (near, long), {long.name: 5.0}, policy, Means(purses=(purse,)),
        vegas={"30_90d": 20.0},
    )  # fmt: skip
    assert legs(plan)[long.name] < 0.0
    assert legs(plan)[near.name] == pytest.approx(2.0)


def test_what_may_not_be_turned_around_is_not():
    """The other side may be taken."""
    means = Means(barred=frozenset({(CHEAP.name, 1)}))
    assert set(legs(planned(short(0.10), (CHEAP, DEAR), means=means))) == {DEAR.name}
    means = Means(barred=frozenset({(CHEAP.name, -1)}))
    assert set(legs(planned(short(0.10), (CHEAP, DEAR), means=means))) == {CHEAP.name}


def test_an_edge_makes_an_option_cheaper_but_never_free():
    """What an owner's volatility sees beyond the market's; theta itself is not charged."""
    dear = candidate(DEAR.name, cost_usd=20.0, theta_usd_day=-9e9)
    means = Means(edge_usd={dear.name: 34.0})
    assert set(legs(planned(short(0.10), (CHEAP, dear)))) == {CHEAP.name}
    assert set(legs(planned(short(0.10), (CHEAP, dear), means=means))) == {dear.name}
    _, program = asked(short(0.10), (dear,), means=Means(edge_usd={dear.name: 1e9}))
    assert program.offers[0].cost_usd == pytest.approx(0.1 * 0.1 * 20.0)


@pytest.mark.parametrize(
    "edge,held,opening,closing",
    [
        (4.0, 0.0, 10.0 - 0.5 * 4.0, None),
        (-4.0, 0.0, 10.0 + 0.5 * 4.0, None),
        (4.0, -1.0, 10.0 - 4.0, None),
        (-4.0, -1.0, 10.0 + 4.0, None),
        (4.0, 1.0, 10.0 - 0.5 * 4.0, 10.0 + 4.0),
        (-4.0, 1.0, 10.0 + 0.5 * 4.0, 10.0 - 4.0),
    ],
)
def test_what_opens_has_half_an_edge_and_what_is_sold_pays_it(edge, held, opening, closing):
    """The price of what opens stands for a round trip of 20; USD a coin, of lots of 0.1."""
    one = candidate(CHEAP.name, cost_usd=10.0)
    means = Means(edge_usd={one.name: edge}, budget_usd=100.0)
    _, program = asked(short(0.10), (one,), {one.name: held}, means=means)
    costs = {offer.side: offer.cost_usd / 0.1 for offer in program.offers}
    assert costs.pop(1) == pytest.approx(opening)
    assert costs.pop(-1, None) == (None if closing is None else pytest.approx(closing))
    assert all(o.brings[-1] == pytest.approx(0.1 * 10.0) for o in program.offers)


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("model_vol", [0.5, 0.6, 0.8])
def test_the_carry_edge_is_half_gamma_times_the_difference_of_variances(
    numeraire, linear, model_vol
):
    """By definition, over an hour: of a call on a forward 2 % above the index, 60 % volatility."""
    builder = book(numeraire).option(0, 65_000.0, forward=61_200.0, linear=linear)
    if linear:
        builder.rows[0] = replace(builder.rows[0], bid=2_200.0, ask=2_260.0)
    (one,) = candidates(builder.built(), "BTC", builder.now_ns, FeeTier())
    first = black76.first(True, 61_200.0, 65_000.0, 30.0 / 365.0, 0.6)
    usd = 1.0 if linear else 60_000.0 / 61_200.0
    gains = 0.5 * float(first.gamma) * usd * 61_200.0**2 * (model_vol**2 - 0.6**2)
    edge = carry_edge(one, model_vol, 3_600.0)
    assert edge == pytest.approx(gains / (365.0 * 24.0), rel=1e-9, abs=1e-12)


def test_no_edge_is_earned_after_an_option_has_ended():
    """Half a day of a day."""
    one = candidate("x", days=0.5, theta_usd_day=-60.0, vol=0.5)
    assert carry_edge(one, 1.0, 86_400.0) == pytest.approx(0.5 * 60.0 * 3.0)


def test_neither_order_nor_names_change_a_program():
    """The same chain permuted is the same program; relabelled, the same figures."""
    chain = tuple(
        candidate(f"BTC-4FEB26-{60 + k}000-C", cost_usd=5.0 + k % 3, gamma=0.01 + 0.001 * (k % 2))
        for k in range(7)
    )
    _, one = asked(short(0.10), chain)
    _, other = asked(short(0.10), chain[::-1])
    assert one == other
    relabelled = tuple(
        candidate(f"ETH-4FEB26-{9 - k}-P", cost_usd=c.cost_usd, gamma=c.gamma)
        for k, c in enumerate(chain)
    )
    _, third = asked(short(0.10), relabelled)
    assert [(o.cost_usd, o.brings) for o in third.offers] == [
        (o.cost_usd, o.brings) for o in one.offers
    ]


def test_of_many_offers_those_are_searched_that_do_most_per_dollar():
    """And everything that closes."""
    chain = [
        candidate(f"BTC-4FEB26-{10_000 + k}-C", cost_usd=10.0 + k) for k in range(MOST_OFFERS + 50)
    ]
    held = {chain[-1].name: -1.0}
    _, program = asked(short(0.10), tuple(chain), held)
    names = {offer.name for offer in program.offers}
    assert len(names) == MOST_OFFERS
    assert names == {c.name for c in chain[: MOST_OFFERS - 1]} | {chain[-1].name}


def test_the_policy_says_how_many_legs():
    """Four of six thin options."""
    chain = tuple(
        candidate(f"BTC-4FEB26-{60 + i}000-C", cost_usd=5.0 + i, ask_size=2.0) for i in range(6)
    )
    plan = planned(short(0.10), chain)
    assert list(legs(plan)) == [c.name for c in chain[:4]]
    assert plan.lacks == {"missing": pytest.approx(0.02)}
    assert POLICY.max_legs == 4
