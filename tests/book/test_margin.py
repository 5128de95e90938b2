"""What funds carry of a future by the local formula of margin."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.margin import FUTURES, required, room
from bot.domain.deribit import parse

PERPETUAL = parse("BTC-PERPETUAL")
LINEAR = parse("BTC_USDC-PERPETUAL")
INDEX = 60_000.0


def initial(coins, one=PERPETUAL):
    """Return the initial margin (settlement currency) of so many coins of a future."""
    return required(one, coins * INDEX if one is PERPETUAL else coins, INDEX, INDEX).initial


@given(
    held=st.floats(-50.0, 50.0),
    free=st.floats(-2.0, 10.0),
    buy=st.booleans(),
    linear=st.booleans(),
)
def test_the_room_is_where_the_venue_would_begin_to_refuse(held, free, buy, linear):
    """All of it just uses up the free funds; what is held may be closed whatever they are."""
    one = LINEAR if linear else PERPETUAL
    funds = free * INDEX if linear else free
    most = room(one, held, funds, INDEX, buy=buy)
    assert most >= 0.0
    after = held + most if buy else held - most
    used = initial(after, one) - initial(held, one)
    if most > 0.0:
        spent = max(funds, -initial(held, one))
        assert used == pytest.approx(spent, rel=1e-6, abs=1e-6 * INDEX)
    closing = -held if buy else held
    assert most >= closing - 1e-9


def test_check_values_of_the_venues_page():
    """25 BTC need .53125; so much margin carries 25 BTC."""
    assert initial(25.0) == pytest.approx(0.53125)
    assert room(PERPETUAL, 0.0, 0.53125, INDEX, buy=True) == pytest.approx(25.0)
    assert room(PERPETUAL, 25.0, 0.0, INDEX, buy=False) == pytest.approx(50.0)


def test_what_is_not_known_is_no_obstacle():
    """A coin without terms, or funds that nobody told, are left to the venue."""
    assert "XRP" not in FUTURES
    assert room(replace(PERPETUAL, coin="XRP"), 0.0, 1.0, 1.0, buy=True) == math.inf
    assert room(PERPETUAL, 0.0, math.nan, INDEX, buy=True) == math.inf
