"""To the target because a person asked, whatever the bands say: what is surely too much."""

import pytest

from bot.domain.reasons import Reason
from bot.strategy.at_once import plan_at_once
from bot.strategy.bands import Band
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from tests.builders.exposures import exposure

POLICY = DeltaPolicy(Band(-0.1, 0.02, 0.2), Fixed(0.05), cooldown_s=60.0, min_move_bps=50.0)
BAND = Band(-0.03, 0.02, 0.07)
SMALLEST = 0.001


def plan(low, high=None):
    """Return the plan for an interval."""
    return plan_at_once(exposure(low, high), POLICY, BAND, SMALLEST)


@pytest.mark.parametrize("delta,change", [(0.03, -0.01), (0.0, 0.02), (0.5, -0.48)])
def test_delta_is_brought_to_the_target(delta, change):
    """From inside the policy's band as from outside the owner's."""
    found = plan(delta)
    assert found.change == pytest.approx(change)
    assert found.at_once
    assert found.reasons[0].reason is Reason.HEDGE_NOW


def test_it_never_waits_for_a_maker_s_fill():
    """Across the spread, inside the owner's band and outside."""
    assert plan(0.03).patience_s == 0.0
    assert plan(0.5).patience_s == 0.0


@pytest.mark.parametrize("delta", [0.0195, 0.02, 0.0205])
def test_within_one_smallest_order_nothing_is_left_to_do(delta):
    """What cannot be traded is not wanted."""
    assert plan(delta) is None


@pytest.mark.parametrize(
    "low,high,change", [(0.03, 0.4, -0.01), (-0.4, 0.0, 0.02), (0.0, 0.1, 0.0), (0.0205, 0.4, 0.0)]
)
def test_only_what_is_surely_too_much_is_traded(low, high, change):
    """The nearest end counts; an interval around the target waits."""
    found = plan(low, high)
    assert found.change == pytest.approx(change)
    assert found.at_once
    assert (found.reasons[0].reason is Reason.DELTA_UNCERTAIN) == (change == 0.0)
