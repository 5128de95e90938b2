"""Coin-settled options: derivatives of V/F, parity in coin, limits and faults."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks import black76, inverse

FORWARD, STRIKES, YEARS, VOL = 60_000.0, np.array([30_000.0, 55_000.0, 61_000.0, 9e4]), 0.08, 0.6


@pytest.mark.parametrize("is_call", [True, False])
def test_net_delta_and_net_gamma_are_slopes_of_the_coin_price(is_call):
    """Net delta is F dc/dF and net gamma is its slope, by central differences."""
    step = 2.0
    up = inverse.greeks(is_call, FORWARD + step, STRIKES, YEARS, VOL)
    down = inverse.greeks(is_call, FORWARD - step, STRIKES, YEARS, VOL)
    actual = inverse.greeks(is_call, FORWARD, STRIKES, YEARS, VOL)
    net_delta = FORWARD * (up.coin_price - down.coin_price) / (2 * step)
    net_gamma = (up.net_delta - down.net_delta) / (2 * step)
    np.testing.assert_allclose(actual.net_delta, net_delta, rtol=2e-6, atol=1e-11)
    np.testing.assert_allclose(actual.net_gamma, net_gamma, rtol=2e-6, atol=1e-15)


@given(
    st.floats(1e-2, 1e6),
    st.floats(-3.0, 3.0),
    st.one_of(st.just(0.0), st.floats(1e-8, 3.0)),
    st.one_of(st.just(0.0), st.floats(1e-3, 4.0)),
)
def test_coin_greeks_are_the_plain_ones_restated(forward, moneyness, years, vol):
    """Each figure is the Black-76 one per forward, net delta is delta less price."""
    strike = forward * float(np.exp(moneyness))
    plain = black76.first([True, False], forward, strike, years, vol)
    actual = inverse.greeks([True, False], forward, strike, years, vol)
    scale = 1.0 + strike / forward
    np.testing.assert_allclose(actual.coin_price, plain.price / forward, rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(actual.coin_vega, plain.vega / forward, rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(actual.coin_theta, plain.theta / forward, rtol=1e-15, atol=1e-300)
    expected = plain.delta - plain.price / forward
    np.testing.assert_allclose(actual.net_delta, expected, rtol=0, atol=2e-14 * scale)
    assert actual.net_delta[0] - actual.net_delta[1] == pytest.approx(strike / forward, rel=1e-13)
    assert 0.0 <= actual.net_delta[0] <= strike / forward * (1.0 + 4e-16)
    assert np.isfinite(actual).all()


def test_a_far_out_of_the_money_call_keeps_its_relative_net_delta():
    """Where delta and price nearly cancel, net delta still has its digits."""
    actual = inverse.greeks(True, 1.0, np.exp(-8.0), 1.0, 0.5)
    assert float(actual.net_delta) == pytest.approx(np.exp(-8.0), rel=1e-14)


def test_a_put_can_have_a_net_delta_below_minus_one():
    """A put deep in the money is worth more than one coin, and so is its hedge."""
    actual = inverse.greeks(False, 60_000.0, 120_000.0, 0.1, 0.6)
    assert float(actual.coin_price) == pytest.approx(1.0, abs=1e-3)
    assert float(actual.net_delta) == pytest.approx(-2.0, abs=1e-2)


def test_at_expiry_net_delta_is_a_step_of_strike_over_forward():
    """Exercised, at the strike and worthless: K/F, half of it, nothing."""
    actual = inverse.greeks(True, [120.0, 100.0, 80.0], 100.0, 0.0, 0.6)
    np.testing.assert_allclose(actual.net_delta, [100 / 120, 0.5, 0.0], rtol=1e-15)
    np.testing.assert_allclose(actual.coin_price, [20 / 120, 0.0, 0.0], rtol=1e-15)
    np.testing.assert_array_equal(actual.coin_vega, 0.0)


def test_a_bad_element_is_nan_in_every_output():
    """One faulty forward among three spoils its own element alone."""
    actual = np.array(inverse.greeks(True, [100.0, -1.0, 100.0], 100.0, 0.1, 0.6))
    np.testing.assert_array_equal(np.isnan(actual), np.tile([False, True, False], (5, 1)))
