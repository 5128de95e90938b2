"""The delta plan: when, how much, how urgently; and what it never does."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy, LastHedge, LastInside, plan_delta
from bot.strategy.policies import Fixed
from tests.builders.books import NOW
from tests.builders.exposures import conditions, exposure

OWNER = Band(-0.10, 0.0, 0.10)
POLICY = DeltaPolicy(OWNER, Fixed(0.05), Landing(TradeTo.EDGE))
NEVER = LastHedge()


def planned(exposure, policy, last, cost, *rest):
    """Return the plan where hedging a coin costs this much."""
    return plan_delta(exposure, policy, policy.levels(conditions(cost)), last, *rest)


policies = st.builds(
    lambda target, below, above, width, to, ratio, ticket: DeltaPolicy(
        Band(target - below, target, target + above),
        Fixed(width),
        Landing(to, ticket),
        ratio=ratio,
    ),
    st.floats(-5.0, 5.0),
    st.floats(0.01, 2.0),
    st.floats(0.01, 2.0),
    st.floats(0.001, 3.0),
    st.sampled_from(TradeTo),
    st.floats(0.1, 1.0),
    st.sampled_from([0.0, 1.0, 50.0]),
)
intervals = st.tuples(st.floats(-10.0, 10.0), st.floats(0.0, 6.0)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)


@given(policies, intervals, st.floats(0.01, 100.0))
def test_it_trades_only_when_the_whole_interval_is_outside_on_one_side(policy, interval, cost):
    """What may already be inside, or on the other side, is left alone."""
    low, high = interval
    plan = planned(exposure(low, high), policy, NEVER, cost)
    band = plan.policy
    outside = low > band.upper or high < band.lower
    assert plan.wanted is outside
    if not outside:
        expected = Reason.INSIDE_BAND if band.holds(low, high) else Reason.DELTA_UNCERTAIN
        assert plan.reasons[0].reason is expected


@given(policies, intervals, st.floats(0.01, 100.0))
def test_it_never_trades_more_than_the_ratio_of_the_smallest_distance(policy, interval, cost):
    """A reply that got lost can then not make us overshoot."""
    low, high = interval
    plan = planned(exposure(low, high), policy, NEVER, cost)
    if plan.wanted:
        target = policy.owner.target
        nearest = min(abs(low - target), abs(high - target))
        side = policy.owner.upper if low > target else policy.owner.lower
        back = max(nearest - abs(side - target), 0.0)  # what the owner's promise asks for
        assert abs(plan.change) <= max(policy.ratio * nearest, back) * (1.0 + 1e-12)


@given(policies, intervals, st.floats(0.01, 100.0), st.floats(0.0, 1.0))
def test_any_part_of_a_fill_brings_the_worst_case_nearer(policy, interval, cost, part):
    """And never to the other side of the target."""
    low, high = interval
    plan = planned(exposure(low, high), policy, NEVER, cost)
    target = policy.owner.target
    worst = max(abs(low - target), abs(high - target))
    moved = plan.change * part
    after = max(abs(low + moved - target), abs(high + moved - target))
    assert after <= worst + 1e-12
    if plan.wanted:
        assert (low - target) * (low + plan.change - target) >= -1e-12
        assert (high - target) * (high + plan.change - target) >= -1e-12


@pytest.mark.parametrize(
    "to,ticket,after",
    [
        (TradeTo.EDGE, 0.0, 0.05),
        (TradeTo.TARGET, 0.0, 0.0),
        (TradeTo.INNER, 0.0, 0.05),
        (TradeTo.INNER, 0.3, 0.0146832),
    ],
)
def test_it_trades_to_where_the_owner_said(to, ticket, after):
    """Edge, target, or the point between that the ticket cost chooses."""
    policy = replace(POLICY, landing=Landing(to, ticket))
    for side in (1.0, -1.0):
        plan = planned(exposure(side * 0.08), policy, NEVER, 20.0)
        assert side * 0.08 + plan.change == pytest.approx(side * after, abs=1e-5)


def test_a_ratio_trades_a_part_of_the_way():
    """Half the way to the target from both sides."""
    policy = replace(POLICY, landing=Landing(TradeTo.TARGET), ratio=0.5)
    assert planned(exposure(0.08), policy, NEVER, 1.0).change == pytest.approx(-0.04)
    assert planned(exposure(-0.08), policy, NEVER, 1.0).change == pytest.approx(0.04)


def test_a_ratio_yields_to_the_promise():
    """Half the way would end outside the owner's band: at least one smallest order inside it."""
    policy = replace(POLICY, landing=Landing(TradeTo.TARGET), ratio=0.5)
    plan = planned(exposure(0.3), policy, NEVER, 1.0, 0.001)
    assert plan.change == pytest.approx(0.099 - 0.3)
    plan = planned(exposure(-0.3), policy, NEVER, 1.0, 0.001)
    assert plan.change == pytest.approx(0.3 - 0.099)


@pytest.mark.parametrize(
    "delta,patience_s,reason",
    [
        (0.055, 110.9, Reason.DELTA_ABOVE_POLICY),
        (0.075, 34.2, Reason.DELTA_ABOVE_POLICY),
        (0.095, 1.4, Reason.DELTA_ABOVE_POLICY),
        (0.101, 0.0, Reason.DELTA_ABOVE_OWNER),
        (-0.055, 110.9, Reason.DELTA_BELOW_POLICY),
        (-0.101, 0.0, Reason.DELTA_BELOW_OWNER),
    ],
)
def test_a_hedge_can_wait_ever_less_from_the_policys_edge_to_the_owners(delta, patience_s, reason):
    """By the square of the distance that is left, and not at all outside the promise."""
    plan = planned(exposure(delta), POLICY, NEVER, 1.0)
    assert (plan.patience_s, plan.reasons[0].reason) == (
        pytest.approx(patience_s, abs=0.05),
        reason,
    )


def test_what_may_already_be_outside_the_promise_cannot_wait():
    """The farther end of the interval counts."""
    assert planned(exposure(0.06, 0.12), POLICY, NEVER, 1.0).patience_s == 0.0


def _after(seconds, index=60_000.0):
    return LastHedge(NOW - round(seconds * NS_PER_S), index)


def test_a_cooldown_holds_back_until_it_has_passed():
    """Inside the promise, noise waits."""
    policy = replace(POLICY, cooldown_s=10.0)
    held = planned(exposure(0.08), policy, _after(9.9), 1.0)
    assert (held.wanted, held.reasons[1].reason) == (False, Reason.COOLDOWN)
    assert planned(exposure(0.08), policy, _after(10.0), 1.0).wanted
    assert planned(exposure(0.08), policy, NEVER, 1.0).wanted


def test_a_small_move_holds_back_until_the_index_has_gone():
    """Measured from where the last hedge was made, in both directions."""
    policy = replace(POLICY, min_move_bps=10.0)
    held = planned(exposure(0.08), policy, _after(60.0, 60_050.0), 1.0)
    assert (held.wanted, held.reasons[1].reason) == (False, Reason.SMALL_MOVE)
    for index in (60_061.0, 59_939.0):
        assert planned(exposure(0.08), policy, _after(60.0, index), 1.0).wanted


@pytest.mark.parametrize("delta", [0.11, -0.11])
def test_neither_holds_back_a_breach_of_the_owners_band(delta):
    """The promise outranks both filters."""
    policy = replace(POLICY, cooldown_s=60.0, min_move_bps=100.0)
    assert planned(exposure(delta), policy, _after(1.0), 1.0).wanted


def test_an_exposure_without_an_index_wants_nothing():
    """An interval over everything is uncertain, not a breach."""
    plan = planned(exposure(0.0, math.inf, low=-math.inf, index=math.nan), POLICY, NEVER, 1.0)
    assert (plan.wanted, plan.reasons[0].reason) == (False, Reason.DELTA_UNCERTAIN)


@pytest.mark.parametrize("delta,change", [(1.0, -1.1), (-1.0, 1.1)])
def test_a_ratio_above_one_never_goes_past_the_owners_far_edge(delta, change):
    """Twice the distance would leave the band on the other side."""
    policy = replace(POLICY, owner=Band(-0.1, 0.0, 0.1), landing=Landing(TradeTo.TARGET), ratio=2.0)
    assert planned(exposure(delta), policy, NEVER, 1.0).change == pytest.approx(change)


UNEXPLAINED = replace(POLICY, settle_s=5.0)


def _seen(delta=0.04, index=60_000.0, for_s=1.0):
    return LastInside(delta, index, NOW - round(for_s * NS_PER_S))


def test_a_breach_that_the_price_does_not_explain_waits():
    """Delta rose by .04 while the index stood: volatility moved, and may move back."""
    levels = UNEXPLAINED.levels(conditions())
    held = plan_delta(exposure(0.08), UNEXPLAINED, levels, NEVER, 0.0, _seen())
    assert (held.wanted, held.reasons[1].reason) == (False, Reason.UNEXPLAINED)
    fresh = replace(_seen(), out_ns=0)
    assert not plan_delta(exposure(0.08), UNEXPLAINED, levels, NEVER, 0.0, fresh).wanted
    for seen in (_seen(for_s=5.0), LastInside()):
        assert plan_delta(exposure(0.08), UNEXPLAINED, levels, NEVER, 0.0, seen).wanted


@pytest.mark.parametrize("gamma,waits", [(0.01, True), (0.021, False), (-0.021, True)])
def test_a_breach_that_the_price_explains_is_hedged_at_once(gamma, waits):
    """Half a percent at .021 coin per 1 % brings .04 to .0505."""
    levels = UNEXPLAINED.levels(conditions())
    now = exposure(0.08, gamma=gamma, index=60_300.0)
    plan = plan_delta(now, UNEXPLAINED, levels, NEVER, 0.0, _seen())
    assert plan.wanted is not waits


def test_no_noise_holds_back_a_breach_of_the_owners_band():
    """The promise outranks this filter as well."""
    levels = UNEXPLAINED.levels(conditions())
    assert plan_delta(exposure(0.11), UNEXPLAINED, levels, NEVER, 0.0, _seen()).wanted
