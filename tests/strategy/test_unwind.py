"""The settlement unwind: equal steps that leave nothing over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.strategy.unwind import UnwindPolicy, due, start, steps_due
from tests.builders.books import NOW
from tests.builders.exposures import exposure

WINDOW_S = 1_800.0
EXPIRY_NS = NOW + 1_800 * NS_PER_S


def _seen(left_s, fading, hedge, spread=0.0):
    """Return what is measured: a fading option beside the hedge that is left of it."""
    delta = fading * left_s / WINDOW_S + hedge
    return exposure(
        delta - spread,
        delta + spread,
        window_delta=fading * left_s / WINDOW_S,
        window_left_s=left_s,
        ts_ns=EXPIRY_NS - round(left_s * NS_PER_S),
    )


@pytest.mark.parametrize("steps", [0, 1, 29])
def test_a_schedule_coarser_than_the_promise_is_refused(steps):
    """Thirty steps are the fewest."""
    with pytest.raises(ValueError, match=f"expected at least 30 unwind steps, found {steps}"):
        UnwindPolicy(steps)


@given(
    st.integers(30, 120),
    st.floats(-20.0, 20.0).filter(lambda d: abs(d) > 0.01),
    st.floats(-0.1, 0.1),
    st.floats(-1.0, 1.0),
)
def test_equal_steps_bring_delta_to_its_target(steps, fading, offset, target):
    """As many trades as steps, all alike, their sum what the options give up."""
    policy = UnwindPolicy(steps)
    hedge = target + offset - fading
    schedule = start(policy, _seen(WINDOW_S - 1e-6, fading, hedge), target)
    assert schedule is not None
    trades = []
    for second in range(1, 1_800):
        found = due(policy, schedule, _seen(WINDOW_S - second, fading, hedge))
        if found is not None:
            schedule, change, because = found
            assert because.reason is Reason.SETTLEMENT_UNWIND
            hedge += change
            trades.append(change)
    assert len(trades) == steps
    assert trades == pytest.approx([(fading - offset) / steps] * steps, abs=1e-9)
    assert hedge == pytest.approx(target, abs=1e-9)


@given(st.integers(30, 120), st.floats(1.0, 1_799.0))
def test_no_more_than_half_a_step_is_ever_ahead_or_behind(steps, elapsed_s):
    """Each step is traded at its middle."""
    exact = elapsed_s / WINDOW_S * steps
    assert abs(steps_due(UnwindPolicy(steps), WINDOW_S - elapsed_s) - exact) <= 0.5 + 1e-9


@given(st.lists(st.floats(0.0, 1.0), min_size=60, max_size=60))
def test_what_did_not_fill_is_shared_by_the_steps_that_remain(shares):
    """Only what the very last orders leave can be left over."""
    policy, hedge = UnwindPolicy(60), 10.0
    schedule = start(policy, _seen(WINDOW_S - 1e-6, -10.0, hedge), 0.0)
    assert schedule is not None
    left = list(shares)
    for second in range(1, 1_800):
        found = due(policy, schedule, _seen(WINDOW_S - second, -10.0, hedge))
        if found is not None:
            schedule, change, _ = found
            assert change <= 0.0
            hedge += change * (left.pop() if len(left) > 1 else 1.0)
    assert hedge == pytest.approx(0.0, abs=1e-9)


def test_steps_that_were_missed_are_made_up_at_once():
    """A minute without a decision owes two of sixty steps."""
    policy = UnwindPolicy(60)
    schedule = start(policy, _seen(WINDOW_S - 1.0, -10.0, 10.0), 0.0)
    assert schedule is not None
    found = due(policy, schedule, _seen(WINDOW_S - 61.0, -10.0, 10.0))
    assert found is not None
    assert found[0].done == 2
    assert found[1] == pytest.approx(-10.0 * 2 / 60)
    assert due(policy, found[0], _seen(WINDOW_S - 62.0, -10.0, 10.0)) is None


def test_a_start_in_the_middle_of_a_window_takes_what_is_left():
    """Half the steps are over; the rest share the rest."""
    policy = UnwindPolicy(60)
    seen = _seen(900.0, -10.0, 5.0)
    schedule = start(policy, seen, 0.0)
    assert schedule is not None
    assert schedule.expiry_ns == EXPIRY_NS
    found = due(policy, schedule, _seen(884.0, -10.0, 5.0))
    assert found is not None
    assert found[1] == pytest.approx(-5.0 / (60 - schedule.done))


def test_nothing_starts_outside_a_window_or_without_delta_in_it():
    """No options inside, no schedule."""
    policy = UnwindPolicy()
    assert start(policy, exposure(1.0), 0.0) is None
    assert start(policy, _seen(900.0, 0.0, 1.0), 0.0) is None
    assert start(policy, _seen(1.0, -1.0, 0.0), 0.0) is None
