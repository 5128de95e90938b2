"""Order budgets: so many in any minute, and a bounded reserve for what reduces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.units import NS_PER_S
from bot.risk.budget import BURST, Bucket, OrderBudget, Window
from tests.builders.books import NOW


def _later(seconds):
    return NOW + round(seconds * NS_PER_S)


def _spend(budget):
    spent = 0
    while budget.take():
        spent += 1
    return spent


@given(st.lists(st.floats(0.0, 30.0), max_size=80), st.integers(1, 12))
def test_no_minute_ever_sees_more_than_its_orders(gaps, per_min):
    """Whenever the minute is taken to begin."""
    window, second, sent = Window(float(per_min), NOW), 0.0, []
    for gap in gaps:
        second += gap
        window.refill(float(per_min), _later(second))
        if window.take():
            sent.append(_later(second))
    for first in sent:
        assert sum(first <= other < first + 60 * NS_PER_S for other in sent) <= per_min


@pytest.mark.parametrize("seconds,orders", [(59.9, 0), (60.0, 10), (3_600.0, 10)])
def test_an_order_is_forgotten_after_a_minute(seconds, orders):
    """Not sooner."""
    window = Window(10.0, NOW)
    assert _spend(window) == 10
    window.refill(10.0, _later(seconds))
    assert _spend(window) == orders


def test_time_that_runs_backwards_gives_nothing():
    """Neither to the window nor to the bucket."""
    for budget in (Window(10.0, NOW), Bucket(60.0, BURST, NOW)):
        _spend(budget)
        budget.refill(60.0 if isinstance(budget, Bucket) else 10.0, _later(-60.0))
        assert _spend(budget) == 0


def test_a_smaller_allowance_holds_at_once():
    """What was sent under the larger one counts."""
    window = Window(60.0, NOW)
    for _ in range(8):
        assert window.take() is True
    window.refill(10.0, NOW)
    assert _spend(window) == 2


@pytest.mark.parametrize("seconds,tokens", [(0.2, 0), (0.25, 1), (1.0, 4), (3_600.0, 20)])
def test_the_reserve_refills_at_four_a_second_up_to_its_burst(seconds, tokens):
    """So the venue's own limit is never reached."""
    bucket = Bucket(240.0, BURST, NOW)
    assert _spend(bucket) == 20
    bucket.refill(240.0, _later(seconds))
    assert _spend(bucket) == tokens


def test_the_reserve_is_spent_only_by_what_reduces_and_only_after_the_common_budget():
    """Everything else stops where the common budget ends."""
    budget = OrderBudget.start(NOW)
    budget.refill(10.0, 240.0, NOW)
    assert sum(budget.take(reducing=False) for _ in range(50)) == 10
    assert budget.reserve.tokens == 20.0
    assert sum(budget.take(reducing=True) for _ in range(500)) == 20
    assert budget.take(reducing=False) is False


def test_orders_are_spare_while_less_than_half_of_a_minutes_are_spent():
    """Asking spends none; what is older than a minute is spent no more."""
    budget = OrderBudget.start(NOW)
    budget.refill(10.0, 240.0, NOW)
    for _ in range(4):
        budget.take(reducing=True)
    assert budget.spare(NOW)
    assert budget.spare(NOW)
    budget.take(reducing=True)
    assert not budget.spare(NOW)
    assert not budget.spare(NOW + 59 * NS_PER_S)
    assert budget.spare(NOW + 60 * NS_PER_S)
