"""The settlement unwind: equal steps that leave nothing of the expiring options' hedge over."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.strategy.bands import Band
from bot.strategy.unwind import UnwindPolicy, due, schedule, steps_due
from tests.builders.books import NOW
from tests.builders.exposures import exposure

WINDOW_S = 1_800.0
EXPIRY_NS = NOW + 1_800 * NS_PER_S
BAND = Band(-0.1, 0.0, 0.1)
WIDE = Band(-20.0, 0.0, 20.0)


def _seen(left_s, fading, hedge, spread=0.0):
    """Return what is measured: a fading option beside all else, which is mostly its hedge."""
    delta = fading * left_s / WINDOW_S + hedge
    return exposure(
        delta - spread,
        delta + spread,
        window_delta=fading * left_s / WINDOW_S,
        window_left_s=left_s,
        ts_ns=EXPIRY_NS - round(left_s * NS_PER_S),
    )


def _walk(policy, fading, hedge, band=BAND, smallest=0.0):
    """Walk through a window second by second; return the trades and the delta that is left."""
    running = schedule(policy, None, _seen(WINDOW_S - 1e-6, fading, hedge), band)
    trades = []
    for second in range(1, 1_800):
        seen = _seen(WINDOW_S - second, fading, hedge)
        running = schedule(policy, running, seen, band)
        if running is None:
            continue
        plan = due(policy, running, seen, band, smallest)
        if plan is not None:
            assert band.holds(seen.delta + plan.change)
            assert (plan.reasons[0].reason, plan.purpose) == (Reason.SETTLEMENT_UNWIND, "unwind")
            running = replace(running, done=plan.step)
            hedge += plan.change
            trades.append(plan.change)
    return trades, hedge


@pytest.mark.parametrize("steps", [0, 1, 29])
def test_a_schedule_coarser_than_the_promise_is_refused(steps):
    """Thirty steps are the fewest."""
    with pytest.raises(ValueError, match=f"expected at least 30 unwind steps, found {steps}"):
        UnwindPolicy(steps)


@given(
    st.integers(30, 120),
    st.floats(-20.0, 20.0).filter(lambda d: abs(d) > 1.0),
    st.floats(-0.1, 0.1),
    st.floats(-1.0, 1.0),
)
def test_equal_steps_bring_delta_to_its_target(steps, fading, offset, target):
    """As many trades as steps, all alike, their sum what the options give up."""
    band = Band(target - 40.0, target, target + 40.0)
    trades, left = _walk(UnwindPolicy(steps), fading, target + offset - fading, band)
    assert len(trades) == steps
    assert trades == pytest.approx([(fading - offset) / steps] * steps, abs=1e-9)
    assert left == pytest.approx(target, abs=1e-9)


@given(
    st.floats(-0.5, 0.5).filter(lambda d: abs(d) > 0.05),
    st.floats(-0.9, 0.9).filter(lambda d: abs(d) > 0.06),
)
def test_a_small_expiry_is_no_reason_to_trade_a_large_book(fading, offset):
    """What is unwound is the options' own hedge; inside the band the rest stays where it is."""
    band = Band(-1.0, 0.0, 1.0)
    trades, left = _walk(UnwindPolicy(60), fading, offset - fading, band)
    assert abs(sum(trades)) <= 1.1 * abs(fading) + 1e-9
    assert abs(left) <= abs(offset) + 1e-9
    assert len({trade > 0.0 for trade in trades}) <= 1


@pytest.mark.parametrize("fading, unwound", [(0.0019, False), (-0.0021, True)])
def test_options_next_to_worthless_have_no_hedge_to_unwind(fading, unwound):
    """Two hundredths of the policy's half-width are where it begins."""
    found = schedule(UnwindPolicy(), None, _seen(1_799.0, fading, 0.05), BAND)
    assert (found is not None) is unwound


def test_what_is_less_than_the_smallest_order_waits_for_the_next_step():
    """Sixty steps of a third of a lot are twenty orders of a lot, and none is refused."""
    trades, left = _walk(UnwindPolicy(60), -0.2, 0.2, smallest=0.01 - 1e-9)
    assert len(trades) == 20
    assert trades == pytest.approx([-0.01] * 20)
    assert left == pytest.approx(0.0, abs=1e-9)


@given(st.integers(30, 120), st.floats(1.0, 1_799.0))
def test_no_more_than_half_a_step_is_ever_ahead_or_behind(steps, elapsed_s):
    """Each step is traded at its middle."""
    exact = elapsed_s / WINDOW_S * steps
    assert abs(steps_due(UnwindPolicy(steps), steps, WINDOW_S - elapsed_s) - exact) <= 0.5 + 1e-9


@given(st.lists(st.floats(0.0, 1.0), min_size=60, max_size=60))
def test_what_did_not_fill_is_shared_by_the_steps_that_remain(shares):
    """Only what the very last orders leave can be left over."""
    policy, hedge = UnwindPolicy(60), 10.0
    running = schedule(policy, None, _seen(WINDOW_S - 1e-6, -10.0, hedge), WIDE)
    assert running is not None
    left = list(shares)
    for second in range(1, 1_800):
        plan = due(policy, running, _seen(WINDOW_S - second, -10.0, hedge), WIDE)
        if plan is not None:
            running = replace(running, done=plan.step)
            assert plan.change <= 0.0
            hedge += plan.change * (left.pop() if len(left) > 1 else 1.0)
    assert hedge == pytest.approx(0.0, abs=1e-9)


def test_steps_that_were_missed_are_made_up_at_once():
    """A minute without a decision owes two of sixty steps."""
    policy = UnwindPolicy(60)
    running = schedule(policy, None, _seen(WINDOW_S - 1.0, -10.0, 10.0), WIDE)
    assert running is not None
    plan = due(policy, running, _seen(WINDOW_S - 61.0, -10.0, 10.0), WIDE)
    assert plan is not None
    assert plan.step == 2
    assert plan.change == pytest.approx(-10.0 * 2 / 60)
    done = replace(running, done=2)
    assert due(policy, done, _seen(WINDOW_S - 62.0, -10.0, 10.0), WIDE) is None


def test_a_start_in_the_middle_of_a_window_takes_what_is_left():
    """Half the steps are over; the rest share the rest."""
    policy = UnwindPolicy(60)
    running = schedule(policy, None, _seen(900.0, -10.0, 5.0), WIDE)
    assert running is not None
    assert running.expiry_ns == EXPIRY_NS
    plan = due(policy, running, _seen(884.0, -10.0, 5.0), WIDE)
    assert plan is not None
    assert plan.change == pytest.approx(-5.0 / (60 - running.done))


def test_nothing_starts_outside_a_window_or_without_delta_in_it():
    """No options inside, no schedule."""
    policy = UnwindPolicy()
    assert schedule(policy, None, exposure(1.0), BAND) is None
    assert schedule(policy, None, _seen(900.0, 0.0, 1.0), BAND) is None
    assert schedule(policy, None, _seen(1.0, -1.0, 0.0), BAND) is None


def test_no_schedule_begins_outside_the_band():
    """What the band is about to trade away must not be taken for the options' hedge."""
    policy = UnwindPolicy()
    assert schedule(policy, None, _seen(1_500.0, 0.5, 4.0), BAND) is None
    assert schedule(policy, None, _seen(1_500.0, 0.5, -0.4), BAND) is not None


@given(st.floats(-8.0, 8.0).filter(lambda d: abs(d) > 0.5), st.floats(-0.015, 0.015))
def test_a_hedge_that_is_large_beside_the_band_leaves_in_more_and_smaller_steps(fading, offset):
    """The drift between two steps stays inside, so that the band never trades against them."""
    band = Band(-0.035, 0.0, 0.035)
    policy = UnwindPolicy()
    running = schedule(policy, None, _seen(WINDOW_S - 1e-6, fading, offset - fading), band)
    assert running is not None
    assert running.steps == min(max(60, math.ceil(abs(fading) / 0.0175)), 240)
    if running.steps < 240:
        trades, left = _walk(policy, fading, offset - fading, band)
        assert len({trade > 0.0 for trade in trades}) == 1
        assert band.holds(left)


def test_a_schedule_ends_with_its_expiry():
    """The next day's options get their own."""
    policy = UnwindPolicy()
    running = schedule(policy, None, _seen(900.0, -10.0, 10.0), WIDE)
    assert running is not None
    assert schedule(policy, running, _seen(0.0, 0.0, 0.0), WIDE) is None
