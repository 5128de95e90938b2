"""What holds for any option, whatever its numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks import black76, inverse
from greeks.black76 import Greeks

DEGREE = {
    "price": 1, "delta": 0, "gamma": -1, "vega": 1, "theta": 1, "rho": 1, "vanna": 0,
    "volga": 1, "charm": 0, "veta": 1, "speed": -2, "zomma": -1, "color": -1, "ultima": 1,
}  # fmt: skip
"""Of homogeneity in forward and strike together."""

options = st.tuples(
    st.booleans(),
    st.floats(-1.2, 1.2),  # ln(K/F)
    st.floats(1 / 8_760, 2.0),
    st.floats(0.1, 2.0),
    st.floats(0.8, 1.05),
)

AROUND = np.array([0.6, 0.9, 1.0, 1.1, 1.7])[:, None]
YEARS = np.array([1 / 365, 0.1, 1.0])


def d1d2(vol):
    """Return d1 and d2 of the options at AROUND and YEARS."""
    s = vol * np.sqrt(YEARS)
    d1 = -np.log(AROUND) / s + s / 2
    return d1, d1 - s


@given(options, st.sampled_from([1e-6, 0.125, 64.0, 1e6]))
def test_scaling_money_scales_every_greek_by_its_degree(drawn, factor):
    """Homogeneity in forward and strike; powers of two to the last bit."""
    is_call, k, years, vol, discount = drawn
    forward = 60_000.0
    one = black76.greeks(is_call, forward, forward * np.exp(k), years, vol, discount)
    other = black76.greeks(
        is_call, factor * forward, factor * (forward * np.exp(k)), years, vol, discount
    )
    for name, degree in DEGREE.items():
        here, there = float(getattr(one, name)), float(getattr(other, name))
        exact = factor in {0.125, 64.0}
        tolerance = 1e-15 if exact else 1e-9
        # Where a Greek goes through zero only its own scale tells what is small.
        least = 1e-280 if exact else 1e-11 * (factor * forward) ** degree
        assert there == pytest.approx(here * factor**degree, rel=tolerance, abs=least), name


@given(options)
def test_coin_settled_options_do_not_know_the_size_of_money(drawn):
    """Price, net delta, vega and theta in coin depend on K/F alone; net gamma on 1/F."""
    is_call, k, years, vol, discount = drawn
    one, other = (
        inverse.greeks(is_call, forward, forward * np.exp(k), years, vol, discount)
        for forward in (1_000.0, 64_000.0)
    )
    for name, degree in zip(one._fields, (0, 0, -1, 0, 0), strict=True):
        here, there = float(getattr(one, name)), float(getattr(other, name))
        assert there == pytest.approx(here * 64.0**degree, rel=1e-9, abs=1e-280), name


@given(options)
def test_a_call_is_a_put_with_forward_and_strike_exchanged(drawn):
    """Duality: the right to exchange K for F is one contract, whichever is called money."""
    _, k, years, vol, discount = drawn
    forward, strike = 60_000.0, 60_000.0 * np.exp(k)
    call = black76.greeks(True, forward, strike, years, vol, discount)
    put = black76.greeks(False, strike, forward, years, vol, discount)
    for name in ("price", "vega", "theta", "rho", "volga", "veta", "ultima"):
        ours, theirs = float(getattr(call, name)), float(getattr(put, name))
        scale = abs(float(call.vega)) + abs(float(call.price))
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12 * scale), name


@given(options)
def test_money_is_made_of_its_slopes(drawn):
    """Euler: V = F dV/dF + K dV/dK, the latter the other side's delta by duality."""
    is_call, k, years, vol, discount = drawn
    forward, strike = 60_000.0, 60_000.0 * np.exp(k)
    here = black76.first(is_call, forward, strike, years, vol, discount)
    dual = black76.first(not is_call, strike, forward, years, vol, discount)
    assert float(here.price) == pytest.approx(
        forward * float(here.delta) + strike * float(dual.delta), abs=1e-11 * max(forward, strike)
    )


@given(options)
def test_the_heat_equation_ties_time_to_gamma(drawn):
    """Theta = -vol² F² gamma/2 + r V, and vega = vol F² gamma T."""
    is_call, k, years, vol, discount = drawn
    forward = 60_000.0
    g = black76.greeks(is_call, forward, forward * np.exp(k), years, vol, discount)
    bend = float(g.gamma) * forward * forward
    rate = -np.log(discount) / years
    assert float(g.theta) == pytest.approx(
        -0.5 * vol * vol * bend + rate * float(g.price), rel=1e-10, abs=1e-280
    )
    assert float(g.vega) == pytest.approx(vol * years * bend, rel=1e-10, abs=1e-280)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_every_greek_has_its_sign(is_call, side):
    """Both kinds, long and short; where a sign changes, it does so at its own zero."""
    vol, phi = 0.6, 1.0 if is_call else -1.0
    g = black76.greeks(is_call, 60_000.0, 60_000.0 * AROUND, YEARS, vol)
    held = Greeks(*(side * one for one in g))
    d1, d2 = d1d2(vol)
    s = vol * np.sqrt(YEARS)
    positive = {
        "price": 1.0, "delta": phi, "gamma": 1.0, "vega": 1.0, "theta": -1.0, "rho": -1.0,
        "vanna": -d2, "volga": d1 * d2, "charm": d2, "veta": -(1.0 + d1 * d2),
        "speed": -(d1 / s + 1.0), "zomma": d1 * d2 - 1.0, "color": 1.0 - d1 * d2,
        "ultima": -(d1 * d2 * (1.0 - d1 * d2) + d1 * d1 + d2 * d2),
    }  # fmt: skip
    for name, sign in positive.items():
        alive = np.abs(getattr(g, name)) > 1e-290
        expected = np.broadcast_to(side * np.sign(sign), alive.shape)
        assert alive.any(), name
        np.testing.assert_array_equal(
            np.sign(getattr(held, name))[alive], expected[alive], err_msg=name
        )


def test_call_and_put_share_all_but_price_and_slope():
    """Parity of every Greek: they differ by a forward contract."""
    call = black76.greeks(True, 60_000.0, 60_000.0 * AROUND, YEARS, 0.6)
    put = black76.greeks(False, 60_000.0, 60_000.0 * AROUND, YEARS, 0.6)
    owed = 60_000.0 * (1.0 - AROUND)
    np.testing.assert_allclose(call.price - put.price, owed + 0 * YEARS, rtol=1e-12, atol=1e-8)
    np.testing.assert_allclose(call.delta - put.delta, 1.0, rtol=1e-12)
    for name in ("gamma", "vega", "theta", "vanna", "volga", "charm", "veta", "speed", "zomma"):
        np.testing.assert_allclose(
            getattr(call, name), getattr(put, name), rtol=1e-11, err_msg=name
        )
