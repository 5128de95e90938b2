"""Where a long book's next hedge rests: at the edge, passive, harmless; and when it goes."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.reasons import Because, Reason
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.edge_order import FURTHEST, holds, plan_edge
from bot.strategy.policies import Fixed
from tests.builders.books import quote
from tests.builders.exposures import conditions, exposure

OWNER = Band(-0.1, 0.0, 0.1)
POLICY = DeltaPolicy(OWNER, Fixed(0.05), Landing(TradeTo.TARGET), rest_at_edges=True)
LEVELS = POLICY.levels(conditions())
QUOTE = quote(bid=59_999.5, ask=60_000.5, mark=60_000.0, index=60_000.0)
LOT = 1e-4


def planned(delta=0.01, gamma=0.02, policy=POLICY, **more):
    """Return what rests for a book that is long gamma."""
    levels = policy.levels(conditions())
    return plan_edge(exposure(delta, gamma=gamma, **more), policy, levels, QUOTE, LOT)


def test_it_rests_where_the_price_brings_delta_to_the_nearer_edge():
    """From .01, .02 coin per 1 % reaches .05 two percent up, -.01 reaches -.05 two percent down."""
    above, below = planned(0.01), planned(-0.01)
    assert above is not None
    assert below is not None
    assert (above.rest_at, above.change) == (pytest.approx(61_200.0), pytest.approx(-0.05))
    assert (below.rest_at, below.change) == (pytest.approx(58_800.0), pytest.approx(0.05))
    assert above.reasons[0].reason is Reason.EDGE_ORDER
    assert above.purpose == "edge"


@given(
    st.floats(-0.05, 0.05), st.floats(1e-3, 1.0), st.sampled_from(TradeTo), st.floats(0.01, 0.2),
    st.floats(0.01, 0.2), st.floats(-1.0, 1.0),
)  # fmt: skip
def test_what_rests_is_passive_and_harmless(away, gamma, to, below, above, target):
    """Filled at once it leaves delta in the policy's band; its price never crosses the spread."""
    owner = Band(target - below, target, target + above)
    policy = DeltaPolicy(owner, Fixed(0.05), Landing(to, 1.0), rest_at_edges=True)
    levels = policy.levels(conditions())
    plan = plan_edge(exposure(target + away, gamma=gamma), policy, levels, QUOTE, LOT)
    assume(plan is not None)
    assert plan is not None
    assert plan.rest_at is not None
    assert levels.band.holds(target + away + plan.change)
    assert plan.rest_at <= QUOTE.bid if plan.change > 0.0 else plan.rest_at >= QUOTE.ask
    there = target + away + 100.0 * gamma * (plan.rest_at / QUOTE.mark - 1.0)
    edge = levels.band.lower if plan.change > 0.0 else levels.band.upper
    spread = 100.0 * gamma * 1e-5
    assert there == pytest.approx(edge, abs=1e-9 + spread)
    assert abs(plan.change) <= abs(edge - target) + LOT


@pytest.mark.parametrize(
    "changes",
    [
        {"gamma": -0.02},
        {"gamma": 0.0},
        {"gamma": 0.0079 / (100 * FURTHEST)},
        {"delta": 0.06},
        {"high": 0.02},
        {"trusted": False},
        {"doubts": (Because(Reason.STALE_QUOTE),)},
        {"window_left_s": 60.0},
        {"policy": DeltaPolicy(OWNER, Fixed(0.05))},
    ],
)
def test_nothing_rests_without_a_sure_long_gamma_inside_the_band(changes):
    """Short, flat, too far, outside, uncertain, expiring, or not asked for."""
    assert planned(0.01) is not None
    assert planned(**({"delta": 0.01} | changes)) is None


@pytest.mark.parametrize(
    "delta,gamma,kept",
    [
        (0.01, 0.02, True),
        (0.015, 0.02, True),
        (0.03, 0.02, False),
        (0.01, 0.03, False),
        (0.01, 0.021, True),
        (0.064, -0.02, False),
        (-0.064, 0.02, False),
        (math.nan, 0.02, False),
    ],
)
def test_it_stays_while_it_is_near_the_edge(delta, gamma, kept):
    """A quarter of the half-width is no reason to move; a book that turned short is."""
    now = exposure(delta, gamma=gamma)
    assert holds(61_200.0, now, LEVELS.band, QUOTE, buy=False) is kept


def test_a_price_that_went_through_it_is_not_waited_for():
    """Delta a quarter beyond the edge, and the order should have been filled."""
    near = quote(bid=61_199.5, ask=61_200.5, mark=61_200.0, index=61_200.0)
    for delta, kept in ((0.05, True), (0.062, True), (0.063, False), (-0.063, False)):
        now = exposure(delta, gamma=0.02, index=61_200.0)
        assert holds(61_200.0, now, LEVELS.band, near, buy=False) is kept
