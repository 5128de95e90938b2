import numpy as np
import pytest

from greeks import black76
from greeks.surface.quoted import NARROWEST, WIDEST, volatilities, weight

FORWARD = 60_000.0
STRIKES = np.array([48_000.0, 54_000.0, 60_000.0, 66_000.0, 75_000.0])
YEARS = 30 / 365
VOLS = np.array([0.72, 0.63, 0.58, 0.57, 0.60])


def books(is_call, half, in_coin):
    """Return bids and asks so many volatilities to each side."""
    unit = FORWARD if in_coin else 1.0
    return (
        black76.price(is_call, FORWARD, STRIKES, YEARS, VOLS + side) / unit
        for side in (-half, half)
    )


@pytest.mark.parametrize("in_coin", [True, False])
@pytest.mark.parametrize("is_call", [True, False])
def test_books_give_back_the_volatilities_that_made_them(is_call, in_coin):
    """Both sides, and a mid and a spread to first order."""
    bid, ask = books(is_call, 0.01, in_coin)
    found = volatilities(is_call, bid, ask, FORWARD, STRIKES, YEARS, in_coin=in_coin)
    np.testing.assert_allclose(found.bid, VOLS - 0.01, rtol=1e-9)
    np.testing.assert_allclose(found.ask, VOLS + 0.01, rtol=1e-9)
    np.testing.assert_allclose(found.mid, VOLS, atol=5e-4)
    np.testing.assert_allclose(found.spread, 0.02, rtol=0.01)
    assert found.usable.all()
    np.testing.assert_allclose(weight(found), 50.0, rtol=0.01)


def test_a_missing_side_a_crossed_book_and_a_wide_one_are_left_out():
    """With NaN or 0 for what is not there; the others stay."""
    bid, ask = (np.array(side) for side in books(True, 0.01, in_coin=True))
    bid[0], ask[1] = np.nan, 0.0
    bid[2], ask[2] = ask[2], bid[2]
    bid[3] *= 0.5
    found = volatilities(True, bid, ask, FORWARD, STRIKES, YEARS, in_coin=True)
    assert list(found.usable) == [False, False, False, False, True]
    assert found.spread[3] > WIDEST * found.mid[3]
    assert np.isnan(found.bid[0])
    assert np.isnan(found.ask[1])
    assert (weight(found)[:4] == 0.0).all()


def test_a_bid_below_intrinsic_value_has_no_volatility_but_its_mid_may():
    """As in the money, on a coarse grid of prices."""
    price = black76.price(True, FORWARD, 48_000.0, YEARS, 0.7)
    found = volatilities(True, 11_990.0, 2 * price - 11_990.0, FORWARD, 48_000.0, YEARS)
    assert np.isnan(found.bid)
    assert found.mid == pytest.approx(0.7)


def test_a_spread_of_the_price_grid_weighs_no_more_than_a_narrow_one():
    """One tick is not belief."""
    bid, ask = books(True, 1e-5, in_coin=False)
    found = volatilities(True, bid, ask, FORWARD, STRIKES, YEARS)
    np.testing.assert_allclose(weight(found), 1.0 / NARROWEST)


def test_an_expired_option_and_no_options_have_none():
    """Nothing raises or warns."""
    assert not volatilities(True, 1.0, 2.0, FORWARD, FORWARD, 0.0).usable
    assert volatilities(True, [], [], FORWARD, [], 0.1).usable.shape == (0,)
