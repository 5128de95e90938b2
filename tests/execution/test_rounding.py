"""Rounding on the grid: never more than was decided, never a worse price."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.numeraire import future_delta
from bot.domain.deribit import parse
from bot.execution.rounding import quantity_for, to_lots, to_tick
from tests.struck import struck

NAMES = ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC-PERPETUAL", "BTC-27MAR26-60000-C")
instruments = st.sampled_from([parse(name) for name in NAMES])
prices = st.floats(0.0001, 200_000.0)


@given(instruments, st.floats(-1e7, 1e7))
def test_a_quantity_is_whole_lots_and_never_more_than_was_decided(instrument, quantity):
    """Towards zero, less than one lot away, on the same side."""
    struck("F47")
    found = to_lots(instrument, quantity).value
    assert found % instrument.lot == 0
    assert abs(found) <= Decimal(repr(abs(quantity))) + instrument.lot * Decimal("1e-9")
    assert found * Decimal(quantity) >= 0
    if abs(quantity) >= float(instrument.min_quantity):
        assert abs(quantity) - float(abs(found)) < float(instrument.lot) * (1 + 1e-9) + 1e-6


@given(instruments, st.integers(-10_000, 10_000))
def test_whole_lots_stay_as_they_are(instrument, lots):
    """Also when they come out of float arithmetic."""
    exact = instrument.lot * lots
    assert to_lots(instrument, float(exact)).value == exact
    assert to_lots(instrument, float(exact) / 3.0 * 3.0).value == exact


@given(instruments, st.floats(0.0, 0.999))
def test_less_than_the_smallest_order_is_none(instrument, share):
    """And it is falsy."""
    struck("F47")
    assert not to_lots(instrument, share * float(instrument.min_quantity))


@given(instruments, prices)
def test_a_limit_is_on_the_grid_and_on_the_side_that_costs_less(instrument, price):
    """A buy limit is not raised, a sell limit not lowered; at least one tick remains."""
    exact = Decimal(repr(price))
    buy, sell = (to_tick(instrument, price, buy=side) for side in (True, False))
    slack = instrument.ticks.at(exact) * Decimal("1e-9")
    assert sell >= exact - slack
    assert buy <= exact + slack or buy == instrument.ticks.base
    for limit in (buy, sell):
        assert limit > 0
        assert limit % instrument.ticks.at(min(limit, exact)) == 0
    assert sell - buy <= 2 * instrument.ticks.at(exact)


@pytest.mark.parametrize(
    "price,buy,limit",
    [
        (0.00512, True, "0.0050"),
        (0.00512, False, "0.0055"),
        (0.00499, True, "0.0049"),
        (0.00499, False, "0.0050"),
        (0.0050, True, "0.0050"),
        (0.0050, False, "0.0050"),
        (0.00001, True, "0.0001"),
    ],
)
def test_a_limit_near_a_step_of_the_tick_table_stays_on_the_grid(price, buy, limit):
    """Both sides of 0.005."""
    assert to_tick(parse("BTC-27MAR26-60000-C"), price, buy=buy) == Decimal(limit)


@given(
    st.sampled_from([parse(name) for name in NAMES[:3]]),
    st.floats(-50.0, 50.0),
    st.floats(0.5, 2.0),
)
def test_a_quantity_brings_the_delta_that_it_was_asked_for(instrument, delta, ratio):
    """Inverse or linear, with the future above or below its index."""
    index, price = 60_000.0, 60_000.0 * ratio
    quantity = quantity_for(instrument, delta, price, index)
    assert future_delta(instrument, quantity, price, index) == pytest.approx(delta)


def test_numbers_of_arrays_are_numbers():
    """A float64 out of an array rounds like any float."""
    perpetual = parse("BTC-PERPETUAL")
    assert to_lots(perpetual, np.float64(105.0)).value == 100
    assert to_tick(perpetual, np.float64(60_000.3), buy=True) == Decimal("60000.0")
