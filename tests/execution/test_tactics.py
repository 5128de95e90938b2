"""Prices by urgency: resting at the touch, crossing up a ladder, never beyond the widest collar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.orders import TimeInForce
from bot.execution.tactics import TacticRules, price_hedge, price_option, should_reprice
from tests.builders.books import quote

RULES = TacticRules()
TIGHT = quote()


def _price(buy=True, passive=False, attempt=0, widest=100.0, market=TIGHT, rules=RULES):
    return price_hedge(rules, market, buy=buy, passive=passive, attempt=attempt, widest_bps=widest)


@pytest.mark.parametrize("buy,limit", [(True, 59_999.5), (False, 60_000.5)])
def test_a_passive_order_rests_at_its_own_side(buy, limit):
    """Post-only, until cancelled."""
    found = _price(buy, passive=True)
    assert (found.limit, found.time_in_force, found.post_only) == (limit, TimeInForce.GTC, True)


def test_an_owner_who_never_rests_always_crosses():
    """Passive is a habit that can be switched off."""
    found = _price(passive=True, rules=TacticRules(passive=False))
    assert (found.time_in_force, found.post_only) == (TimeInForce.IOC, False)


@pytest.mark.parametrize("attempt,bps", [(0, 3.0), (1, 10.0), (2, 30.0), (3, 50.0), (9, 100.0)])
def test_each_attempt_widens_the_collar_by_a_rung(attempt, bps):
    """15, 30, 50 and 100 basis points of the mark, on both sides."""
    assert _price(True, attempt=attempt).limit == pytest.approx(60_000.0 * (1 + bps * 1e-4))
    assert _price(False, attempt=attempt).limit == pytest.approx(60_000.0 * (1 - bps * 1e-4))
    assert _price(True, attempt=attempt).time_in_force is TimeInForce.IOC


def test_a_rung_never_exceeds_the_widest_collar():
    """The gate's limit is the ladder's end."""
    assert _price(attempt=9, widest=40.0).limit == pytest.approx(60_000.0 * 1.004)


def test_a_spread_wider_than_the_rung_is_crossed():
    """Half a fill is worse than none: the touch is taken, as far as the widest collar."""
    wide = quote(bid=59_800.0, ask=60_200.0)
    assert _price(True, market=wide).limit == 60_200.0
    assert _price(False, market=wide).limit == 59_800.0
    wider = quote(bid=59_000.0, ask=61_000.0)
    assert _price(True, market=wider).limit == pytest.approx(60_600.0)
    assert _price(False, market=wider).limit == pytest.approx(59_400.0)


@given(
    st.booleans(),
    st.integers(0, 6),
    st.floats(10.0, 100.0),
    st.floats(30_000.0, 90_000.0),
    st.floats(0.5, 3_000.0),
)
def test_no_crossing_order_is_priced_beyond_the_widest_collar(buy, attempt, widest, middle, half):
    """However the book is manipulated, the mark holds the limit."""
    market = quote(bid=middle - half, ask=middle + half)
    limit = _price(buy, attempt=attempt, widest=widest, market=market).limit
    side = 1.0 if buy else -1.0
    assert side * (limit / 60_000.0 - 1.0) * 1e4 <= widest + 1e-6


@pytest.mark.parametrize(
    "buy,resting,left",
    [
        (True, 59_999.5, False),
        (True, 59_990.0, False),
        (True, 59_980.0, True),
        (True, 60_010.0, False),
        (False, 60_000.5, False),
        (False, 60_020.0, True),
        (False, 59_990.0, False),
    ],
)
def test_an_order_is_left_behind_when_the_best_price_moves_away(buy, resting, left):
    """More than three basis points, on its own side only."""
    assert should_reprice(RULES, resting, TIGHT, buy=buy) is left


def test_an_option_leg_takes_the_other_side_as_displayed():
    """Immediate or cancelled."""
    assert price_option(0.010, 0.011, buy=True).limit == 0.011
    assert price_option(0.010, 0.011, buy=False).limit == 0.010
    assert price_option(0.010, 0.011, buy=False).time_in_force is TimeInForce.IOC
