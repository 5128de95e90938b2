"""Caps: what the owner set, or what the book can need."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.exposure import Shocks
from bot.risk.limits import LimitRules, derive_caps
from tests.builders.exposures import exposure

BOOK = exposure(0.5, gamma=-0.8, gross_option_coin=10.0, vol=0.6)
SHOCKS = Shocks({}, {-0.1: -30_000.0, 0.1: -20_000.0})


def _caps(rules=None, book=BOOK, shocks=SHOCKS, extra=0.0):
    return derive_caps(
        rules or LimitRules(),
        book,
        shocks,
        owner_width_coin=0.2,
        policy_width_coin=0.05,
        extra_coin=extra,
    )


def test_an_order_may_be_what_gamma_needs_in_a_bad_hour():
    """0.8 coin per 1 % in a 3-sigma hour at 60 %, and the owner's band."""
    hour_pct = 300.0 * 0.6 / math.sqrt(8_760.0)
    assert _caps().order_coin == pytest.approx(0.8 * hour_pct + 0.2)


def test_a_position_may_be_what_the_options_and_the_collateral_need():
    """Twice ten coins of options, five of collateral, and the owner's band."""
    assert _caps(extra=5.0).position_coin == pytest.approx(25.2)


def test_order_rates_grow_with_the_square_of_what_a_minute_can_cross():
    """At least ten, at most 120 a minute, and a reserve that no setting makes smaller."""
    assert _caps(book=exposure(gamma=0.0)).orders_per_min == 10.0
    minute = 0.8 * 300.0 * 0.6 / math.sqrt(525_600.0) / 0.05
    assert _caps().orders_per_min == pytest.approx(min(10.0 + 6.0 * minute**2, 120.0))
    assert _caps(book=exposure(gamma=-50.0)).orders_per_min == 120.0
    assert _caps().reserve_per_min == 240.0
    assert _caps(LimitRules(orders_per_min=500.0)).reserve_per_min == 240.0
    assert _caps(LimitRules(orders_per_min=5.0)).reserve_per_min == 240.0


def test_losses_and_fees_grow_with_the_book():
    """Twice the worst shock and half a per cent of the notional."""
    assert _caps().loss_day_usd == pytest.approx(60_000.0)
    assert _caps().fees_day_usd == pytest.approx(0.005 * 600_000.0)
    assert _caps(shocks=Shocks()).loss_day_usd == pytest.approx(6_000.0)


def test_what_the_owner_set_is_a_hard_cap():
    """Also where the book would need more, and also zero."""
    found = _caps(LimitRules(25_000.0, 3.0, 5.0, 0.0, 7.0))
    assert found.order_coin == pytest.approx(25_000.0 / 60_000.0)
    assert (found.position_coin, found.orders_per_min) == (3.0, 5.0)
    assert (found.loss_day_usd, found.fees_day_usd) == (0.0, 7.0)


def test_a_book_without_volatility_has_finite_caps():
    """A guess of 80 % stands in."""
    found = _caps(book=exposure(gamma=-0.8, vol=math.nan))
    assert found.order_coin == pytest.approx(0.8 * 300.0 * 0.8 / math.sqrt(8_760.0) + 0.2)


@given(st.floats(-100.0, 100.0), st.floats(0.0, 1_000.0), st.floats(0.05, 5.0))
def test_caps_always_leave_room_to_trade(gamma, gross, vol):
    """No book has a cap of nothing."""
    found = _caps(book=exposure(gamma=gamma, gross_option_coin=gross, vol=vol))
    assert found.order_coin >= 0.2
    assert found.position_coin >= 0.2
    assert 10.0 <= found.orders_per_min <= 120.0


def test_a_derived_order_cap_lets_any_delta_go_in_five_slices():
    """However little gamma the book has."""
    assert _caps(book=exposure(50.0, gamma=0.0)).order_coin == pytest.approx(10.0)
