"""The gamma plan: cheapest first, whole lots, closing before opening, within what is offered."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.exposure import Shocks
from bot.domain.reasons import Reason
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaNeed, GammaPolicy, gamma_need, plan_gamma, within_budget
from tests.builders.exposures import candidate, exposure

POLICY = GammaPolicy(GammaBand(lower=-0.25), GammaBand(lower=-0.10), action="auto")
CHEAP = candidate("BTC-4FEB26-60000-C", cost_usd=5.0)
DEAR = candidate("BTC-4FEB26-62000-C", cost_usd=20.0)


def _need(rest=0.0, expiring=0.0, usd=0.0, move=0.0):
    return GammaNeed(rest, expiring, usd, (), move)


def _legs(plan):
    return {t.candidate.name: t.quantity for t in plan.trades}


def test_a_passed_limit_is_corrected_to_its_share():
    """From -0.40 to 65 % of -0.25."""
    need = gamma_need(exposure(gamma=-0.40), None, POLICY)
    assert need.rest == pytest.approx(-0.1625 + 0.40)
    assert [b.reason for b in need.reasons] == [Reason.GAMMA_BELOW]


def test_nothing_is_needed_inside_the_limits():
    """On the limit is inside."""
    need = gamma_need(exposure(gamma=-0.25, gamma_expiring=-0.10), None, POLICY)
    assert (need.any, need.reasons) == (False, ())


def test_the_expiring_bucket_has_limits_of_its_own():
    """It is not made up for by what lives longer."""
    need = gamma_need(exposure(gamma=1.0, gamma_expiring=-0.20), None, POLICY)
    assert need.rest == 0.0
    assert need.expiring == pytest.approx(-0.065 + 0.20)
    assert [b.reason for b in need.reasons] == [Reason.EXPIRING_GAMMA]


def test_an_action_that_is_off_needs_nothing():
    """Whatever gamma does."""
    policy = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), action="off")
    assert not gamma_need(exposure(gamma=-9.0), None, policy).any


def test_the_cheapest_gamma_is_bought_first():
    """Cost per unit of gamma decides, not cost per coin."""
    strong = candidate("BTC-4FEB26-61000-C", cost_usd=8.0, gamma=0.02)
    plan = plan_gamma(_need(0.05), (DEAR, CHEAP, strong), {}, POLICY)
    assert _legs(plan) == {strong.name: 2.5}
    assert [c.name for c in plan.candidates] == [strong.name, CHEAP.name, DEAR.name]


def test_a_need_is_met_in_whole_lots_rounded_up():
    """0.0421 of gamma at 0.01 a coin takes 4.3 coins."""
    plan = plan_gamma(_need(0.0421), (CHEAP,), {}, POLICY)
    assert _legs(plan) == {CHEAP.name: pytest.approx(4.3)}
    assert plan.missing == 0.0


def test_no_more_is_taken_than_is_shown():
    """What the cheapest does not have comes from the next."""
    thin = candidate(CHEAP.name, cost_usd=5.0, ask_size=1.25)
    plan = plan_gamma(_need(0.03), (thin, DEAR), {}, POLICY)
    assert _legs(plan) == {thin.name: pytest.approx(1.2), DEAR.name: pytest.approx(1.8)}


def test_a_plan_has_no_more_legs_than_allowed_and_says_what_is_missing():
    """Four at most."""
    offered = tuple(
        candidate(f"BTC-4FEB26-{60 + i}000-C", cost_usd=5.0 + i, ask_size=1.0) for i in range(6)
    )
    plan = plan_gamma(_need(0.06), offered, {}, POLICY)
    assert list(_legs(plan)) == [c.name for c in offered[:4]]
    assert plan.missing == pytest.approx(0.02)


def test_a_held_short_is_closed_first_at_equal_price():
    """Closing frees margin; its name would have sorted last."""
    held = candidate("BTC-4FEB26-69000-C", cost_usd=5.0)
    plan = plan_gamma(_need(0.02), (CHEAP, held), {held.name: -5.0}, POLICY)
    assert _legs(plan) == {held.name: 2.0}


def test_a_held_short_that_would_not_be_bought_anew_is_closed_up_to_what_is_held():
    """Too wide to open, good enough to close, never turned around."""
    wide = candidate("BTC-4FEB26-69000-C", cost_usd=5.0, spread_vol=0.2)
    plan = plan_gamma(_need(0.02), (wide, DEAR), {wide.name: -0.7}, POLICY)
    assert _legs(plan) == {wide.name: pytest.approx(0.7), DEAR.name: pytest.approx(1.3)}


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
    ],
)
def test_what_is_not_liquid_is_not_bought(bad):
    """Tenor, delta, spread and a gamma that is one."""
    plan = plan_gamma(_need(0.01), (candidate("BTC-4FEB26-60000-C", **bad),), {}, POLICY)
    assert plan.trades == ()
    assert plan.reasons[-1].reason is Reason.NO_CANDIDATE
    assert plan.missing == pytest.approx(0.01)


def test_gamma_is_sold_only_out_of_what_is_held_long():
    """Never short, whatever is offered."""
    plan = plan_gamma(_need(-0.05), (CHEAP, DEAR), {DEAR.name: 1.25, CHEAP.name: -4.0}, POLICY)
    assert _legs(plan) == {DEAR.name: pytest.approx(-1.2)}
    assert plan.missing == pytest.approx(0.038)


def test_expiring_gamma_is_only_closed():
    """Pin risk is not bought by accident, nor paid for with longer options."""
    short = candidate("BTC-6JAN26-60000-C", gamma=0.05, expiring=True, days=0.5)
    other = candidate("BTC-6JAN26-61000-C", gamma=0.05, expiring=True, days=0.5, cost_usd=1.0)
    plan = plan_gamma(_need(expiring=0.2), (short, other, CHEAP), {short.name: -1.0}, POLICY)
    assert _legs(plan) == {short.name: 1.0}
    assert plan.missing == pytest.approx(0.15)


offers = st.lists(
    st.builds(
        candidate,
        st.integers(40, 80).map(lambda k: f"BTC-4FEB26-{k}000-C"),
        gamma=st.floats(-0.01, 0.1),
        cost_usd=st.floats(0.1, 100.0),
        delta=st.floats(-1.0, 1.0),
        days=st.floats(0.1, 90.0),
        ask_size=st.floats(0.0, 30.0),
        bid_size=st.floats(0.0, 30.0),
        spread_vol=st.floats(0.0, 0.2),
        expiring=st.booleans(),
        lot=st.sampled_from([0.1, 1.0]),
        shocks=st.floats(-500.0, 5_000.0).map(lambda gain: {-0.1: gain}),
    ),
    max_size=10,
    unique_by=lambda c: c.name,
).map(tuple)


@given(
    offers,
    st.builds(
        _need,
        st.floats(-2.0, 2.0),
        st.floats(-1.0, 1.0),
        st.sampled_from([0.0, 20_000.0]),
        st.just(-0.1),
    ),
    st.data(),
)
def test_every_plan_can_be_carried_out(offered, need, data):
    """Lots, sizes, legs, one order per option; sales out of holdings, expiring ones to close."""
    names = [c.name for c in offered]
    held = data.draw(st.dictionaries(st.sampled_from(names), st.floats(-9, 9))) if names else {}
    plan = plan_gamma(need, offered, held, POLICY)
    assert len(plan.trades) <= POLICY.max_legs
    assert len(_legs(plan)) == len(plan.trades)
    for trade in plan.trades:
        option, owned = trade.candidate, held.get(trade.candidate.name, 0.0)
        lots = trade.quantity / option.lot
        assert lots == pytest.approx(round(lots), abs=1e-6)
        assert trade.quantity != 0.0
        shown = option.ask_size if trade.quantity > 0 else option.bid_size
        assert abs(trade.quantity) <= shown + 1e-6
        if trade.quantity < 0.0 or option.expiring:
            assert abs(owned + trade.quantity) < abs(owned) + 1e-6
            assert abs(trade.quantity) <= abs(owned) + 1e-6


@given(offers, st.floats(0.001, 2.0))
def test_a_plan_overshoots_by_less_than_its_last_lot(offered, need):
    """Rounded up once, not once per leg."""
    plan = plan_gamma(_need(need), offered, {}, POLICY)
    gained = sum(t.gamma for t in plan.trades)
    assert gained + plan.missing >= need - 1e-9
    if plan.trades and plan.missing == 0.0:
        last = plan.trades[-1].candidate
        assert gained < need + last.gamma * last.lot + 1e-9


def _shocks(pnl=None, delta=None):
    return Shocks(delta or {}, pnl or {})


def test_a_shocked_loss_beyond_its_limit_is_lifted_to_its_share():
    """12,000 lost where 10,000 may be: 5,500 are missing to 65 %."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_loss_usd={-0.1: 10_000.0, 0.1: 10_000.0})
    need = gamma_need(exposure(), _shocks({-0.1: -12_000.0, 0.1: -9_000.0}), policy)
    assert need.shock_usd == pytest.approx(5_500.0)
    assert need.shock_move == -0.1
    assert [b.reason for b in need.reasons] == [Reason.SHOCK_LIMIT]
    assert not gamma_need(exposure(), _shocks({-0.1: -10_000.0, 0.1: 0.0}), policy).any


def test_the_most_lift_per_dollar_is_bought_against_a_shocked_loss():
    """Wings that gain in that move, whole lots of what is shown."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_loss_usd={-0.1: 10_000.0})
    good = candidate("BTC-4FEB26-50000-P", shocks={-0.1: 2_000.0}, cost_usd=10.0)
    poor = candidate("BTC-4FEB26-70000-C", shocks={-0.1: 100.0}, cost_usd=10.0)
    losing = candidate("BTC-4FEB26-60000-C", shocks={-0.1: -100.0}, cost_usd=0.1)
    need = gamma_need(exposure(), _shocks({-0.1: -12_000.0}), policy)
    assert _legs(plan_gamma(need, (losing, poor, good), {}, policy)) == {good.name: 2.8}


def test_a_delta_that_a_small_move_throws_out_is_met_with_gamma():
    """0.9 coin away after 2 % where 0.5 may be: back to 65 % of it over two per cent."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_delta_coin=0.5)
    need = gamma_need(exposure(0.0), _shocks(delta={-0.02: 0.9, 0.02: -0.7}), policy)
    assert need.rest == pytest.approx((0.9 - 0.325) / 2.0)
    assert not gamma_need(exposure(0.0), _shocks(delta={-0.02: 0.5, 0.02: -0.5}), policy).any
    assert not gamma_need(exposure(0.0), _shocks(delta={-0.02: -0.9, 0.02: 0.9}), policy).any


def test_a_delta_that_is_out_already_is_not_bought_back_with_gamma():
    """Two coins away now and 2.1 after the move is the delta plan's to mend."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_delta_coin=0.5)
    need = gamma_need(exposure(2.0), _shocks(delta={-0.02: 2.1, 0.02: 1.9}), policy)
    assert need.rest == 0.0


@pytest.mark.parametrize("changes", [{"spread_vol": 0.25}, {"ask": 0.0400}])
def test_no_holding_is_closed_at_a_multiple_of_what_it_is_worth(changes):
    """Three times the spread for opening, or half the model value away: no further."""
    wide = candidate("BTC-4FEB26-69000-C", **changes)
    plan = plan_gamma(_need(0.02), (wide,), {wide.name: -5.0}, POLICY)
    assert plan.trades == ()
    assert plan.reasons[-1].numbers == {"missing": pytest.approx(0.02)}


def test_a_leg_carries_its_tolerance_from_vega():
    """Half of eight points times vega to open; half the mark at most; three ticks at least."""
    (opened,) = plan_gamma(_need(0.02), (CHEAP,), {}, POLICY).trades
    assert opened.tolerance == pytest.approx(0.5 * 0.08 * 0.1)
    wide = candidate("BTC-4FEB26-69000-C", spread_vol=0.2)
    (closed,) = plan_gamma(_need(0.02), (wide,), {wide.name: -5.0}, POLICY).trades
    assert closed.tolerance == pytest.approx(0.5 * 0.24 * 0.1)
    assert candidate("x", mark=0.01).tolerance(1.0) == pytest.approx(0.005)
    assert candidate("x", vega_price=0.0).tolerance(1.0) == pytest.approx(0.0015)


def test_no_order_is_smaller_than_the_smallest_that_the_venue_takes():
    """Lots of 0.1 from 1.0 up: one coin where 0.3 are wanted, none where 0.9 are shown."""
    option = candidate(CHEAP.name, min_quantity=1.0)
    assert _legs(plan_gamma(_need(0.003), (option,), {}, POLICY)) == {option.name: 1.0}
    thin = candidate(CHEAP.name, min_quantity=1.0, ask_size=0.9)
    assert plan_gamma(_need(0.003), (thin,), {}, POLICY).trades == ()


def test_a_plan_is_cut_to_what_the_budget_leaves():
    """The cheapest gamma first, whole lots, and what is missing is told."""
    thin = candidate(CHEAP.name, cost_usd=5.0, ask_size=1.0)
    plan = plan_gamma(_need(0.03), (thin, DEAR), {}, POLICY)
    cut = within_budget(plan, 5.0 + 23.0)
    assert _legs(cut) == {thin.name: 1.0, DEAR.name: pytest.approx(1.1)}
    assert cut.missing == pytest.approx(0.009)
    assert within_budget(plan, plan.cost_usd) == plan
    nothing = within_budget(plan, 0.49)
    assert not nothing.trades
    assert nothing.missing == pytest.approx(0.03)


def test_too_much_gamma_is_not_sold_while_a_shock_limit_is_passed():
    """Selling would take the shocked loss further out; what is missing is told."""
    band = GammaBand(upper=0.25)
    policy = GammaPolicy(band, GammaBand(), shock_loss_usd={-0.1: 10_000.0})
    need = gamma_need(exposure(gamma=0.40), _shocks({-0.1: -12_000.0}), policy)
    wing = candidate("BTC-4FEB26-50000-P", shocks={-0.1: 2_000.0}, delta=-0.05)
    plan = plan_gamma(need, (wing, CHEAP), {CHEAP.name: 20.0}, policy)
    assert _legs(plan) == {wing.name: 2.8}
    assert plan.missing == pytest.approx(0.40 - 0.1625 + 0.028)
    assert plan.missing_usd == 0.0


@pytest.mark.parametrize(
    "bad", [{"days": 1.5}, {"days": 60.0}, {"spread_vol": 0.081}, {"expiring": True}]
)
def test_a_wing_may_have_any_delta_but_must_be_liquid(bad):
    """What cannot be bought for gamma cannot be bought against a shock either."""
    name, shocks = "BTC-4FEB26-50000-P", {-0.1: 2_000.0}
    need = _need(usd=5_500.0, move=-0.1)
    good = candidate(name, shocks=shocks, delta=-0.02)
    assert _legs(plan_gamma(need, (good,), {}, POLICY)) == {name: 2.8}
    plan = plan_gamma(need, (candidate(name, shocks=shocks, **bad),), {}, POLICY)
    assert plan.trades == ()
    assert plan.missing_usd == pytest.approx(5_500.0)


def test_ties_are_broken_by_name_whatever_the_order():
    """Same chain, same plan."""
    twins = tuple(candidate(f"BTC-4FEB26-6{k}000-C") for k in range(5))
    plans = [plan_gamma(_need(0.3), row, {}, POLICY) for row in (twins, twins[::-1])]
    assert plans[0] == plans[1]
