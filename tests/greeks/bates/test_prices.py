"""Bates's prices against published values, brute quadrature, and the models it contains."""

from dataclasses import replace
from math import exp, factorial

import numpy as np
import pytest

from greeks import bates, black76, implied
from greeks.bates.model import Bates

# The formula sheet's set, and one that is hard: Feller's condition missed by far, steep, slow.
REFERENCE = Bates(0.2704, 0.3025, 6.0, 2.0, -0.3, 12.0, -0.015, 0.05)
HARD = Bates(0.04, 0.04, 0.5, 1.0, -0.9)
STORM = Bates(1.2, 0.3, 15.0, 6.0, -0.5, 2.0, -0.2, 0.15)
UPWARD = Bates(0.09, 0.25, 1.5, 3.0, 0.4, 30.0, -0.05, 0.1)
MODELS = (REFERENCE, HARD, STORM, UPWARD)
HOUR = 1.0 / 8760.0


def brute(model: Bates, log_moneyness: np.ndarray, years: float) -> np.ndarray:
    """Return calls on a forward of 1 by Heston's two probabilities and many Gauss nodes."""

    def phi(u):
        iu = 1j * u
        b = model.kappa - model.rho * model.xi * iu
        d = np.sqrt(b * b + model.xi**2 * (u * u + iu))
        g, fading = (b - d) / (b + d), np.exp(-d * years)
        level = (b - d) * years - 2.0 * np.log((1.0 - g * fading) / (1.0 - g))
        slope = (b - d) / model.xi**2 * (1.0 - fading) / (1.0 - g * fading)
        size = np.exp(iu * model.jump_mean - 0.5 * (model.jump_deviation * u) ** 2)
        jumps = size - 1.0 - iu * model.jump_drift
        return np.exp(
            model.kappa * model.theta / model.xi**2 * level
            + model.v0 * slope
            + model.jump_rate * years * jumps
        )

    node, weight = np.polynomial.legendre.leggauss(12)
    end = 1500.0 / np.sqrt(float(bates.expected_variance(model, years)) * years)
    edges = np.concatenate([np.geomspace(1e-5, 1.0, 400) * end, np.linspace(0.0, end, 3000)])
    edges = np.unique(edges)
    half = 0.5 * np.diff(edges)
    u = (half[:, None] * node + 0.5 * (edges[1:] + edges[:-1])[:, None]).ravel()
    scale = (half[:, None] * weight).ravel() / (1j * u) / np.pi
    on_price, on_money = phi(u - 1j) * scale, phi(u) * scale
    values = []
    for k in log_moneyness:
        wave = np.exp(-1j * u * k)
        values.append(
            0.5 + np.sum((wave * on_price).real) - exp(k) * (0.5 + np.sum((wave * on_money).real))
        )
    return np.array(values)


@pytest.mark.parametrize(
    "years,published,error", [(1.0, 5.785155450, 2e-8), (10.0, 22.318945791, 1e-9)]
)
def test_heston_has_the_published_prices(years, published, error):
    """Fang and Oosterlee (2008), tables 4 and 5; the first of theirs is exact to 1.6e-8."""
    model = Bates(0.0175, 0.0398, 1.5768, 0.5751, -0.5711)
    assert float(bates.price(model, True, 100, 100, years)) == pytest.approx(published, abs=error)


def test_bates_has_the_price_that_the_references_options_were_sold_at():
    """6.147566 for 30 days at the money, a volatility of 0.5380335."""
    price = bates.price(REFERENCE, True, 100.0, 100.0, 30 / 365)
    assert float(price) == pytest.approx(6.147566, abs=5e-7)
    assert float(bates.volatility(REFERENCE, 0.0, 30 / 365).vol) == pytest.approx(
        0.5380335, abs=1e-7
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("years", [HOUR, 1 / 365, 30 / 365, 2.0])
def test_prices_are_those_of_brute_quadrature(model, years):
    """Within 1e-12 of the forward at the money and far out, from an hour to two years."""
    spread = float(np.sqrt(bates.expected_variance(model, years) * years))
    k = np.clip(np.array([-6.0, -2.0, -0.3, 0.0, 1.0, 4.0]) * spread, -1.6, 1.6)
    actual = bates.price(model, True, 1.0, np.exp(k), years)
    np.testing.assert_allclose(actual, brute(model, k, years), rtol=0, atol=1e-12)


@pytest.mark.parametrize("xi", [0.0, 1e-9, 1e-5])
@pytest.mark.parametrize("years", [HOUR, 0.1, 2.0])
def test_without_volatility_of_variance_it_is_black76(xi, years):
    """With no jumps either, at the mean variance to come."""
    model = Bates(0.16, 0.36, 3.0, xi, -0.7)
    strikes = np.array([40.0, 90.0, 100.0, 130.0])
    vol = np.sqrt(bates.expected_variance(model, years))
    expected = black76.price(False, 100.0, strikes, years, vol, 0.97)
    actual = bates.price(model, False, 100.0, strikes, years, 0.97)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=10.0 * xi + 1e-10)


@pytest.mark.parametrize("years", [1 / 365, 0.25, 1.5])
def test_with_constant_variance_it_is_mertons_series(years):
    """A sum of Black-76 prices over the number of jumps (Merton 1976)."""
    model = Bates(0.09, 0.09, 1.0, 0.0, 0.0, 8.0, -0.06, 0.12)
    strikes = np.array([60.0, 95.0, 100.0, 140.0])
    rate = model.jump_rate * years
    expected = np.zeros(4)
    for count in range(60):
        drift = count * (model.jump_mean + 0.5 * model.jump_deviation**2)
        forward = 100.0 * exp(drift - rate * model.jump_drift)
        spread = np.sqrt(0.09 * years + count * model.jump_deviation**2)
        weight = exp(-rate) * rate**count / factorial(count)
        expected += weight * black76.price(True, forward, strikes, 1.0, spread)
    actual = bates.price(model, True, 100.0, strikes, years)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_prices_keep_parity_bounds_and_shape(model):
    """Call less put is forward less strike; calls fall and bend upwards with the strike."""
    years = np.array([HOUR, 7 / 365, 1.0])[:, None]
    strikes = np.linspace(20.0, 400.0, 60)
    call = bates.price(model, True, 100.0, strikes, years, 0.9)
    put = bates.price(model, False, 100.0, strikes, years, 0.9)
    assert call.shape == (3, 60)
    np.testing.assert_allclose(
        call - put, np.broadcast_to(0.9 * (100 - strikes), (3, 60)), atol=1e-9
    )
    assert (call >= np.maximum(0.9 * (100.0 - strikes), 0.0)).all()
    assert (call <= 90.0).all()
    assert (put >= 0.0).all()
    assert (put <= 0.9 * strikes).all()
    assert (np.diff(call) <= 1e-10).all()
    assert (np.diff(call, 2) >= -1e-9).all()


def test_expiry_is_intrinsic_and_bad_elements_are_nan():
    """One bad element leaves its neighbours as they are."""
    actual = bates.price(
        REFERENCE,
        [1, 0, 1, 1, 1, 1, 2, 1],
        [100.0, 100.0, np.nan, -1.0, 100.0, 100.0, 100.0, 100.0],
        90.0,
        [0.0, 0.0, 0.1, 0.1, -0.1, np.inf, 0.1, 0.1],
    )
    np.testing.assert_array_equal(actual[:2], [10.0, 0.0])
    assert np.isnan(actual[2:7]).all()
    assert actual[7] == bates.price(REFERENCE, 1, 100.0, 90.0, 0.1)
    assert np.isnan(bates.index(REFERENCE, -1.0))


def test_the_smile_is_the_price_inverted():
    """Also where the option is far out; one worth nothing has the status of that."""
    k = np.array([-0.8, -0.1, 0.0, 0.3])
    vol, status = bates.volatility(REFERENCE, k, 0.2)
    np.testing.assert_array_equal(status, implied.Status.SOLVED)
    again = black76.price(True, 1.0, np.exp(k), 0.2, vol)
    np.testing.assert_allclose(again, bates.price(REFERENCE, True, 1.0, np.exp(k), 0.2), atol=1e-14)
    none = bates.volatility(Bates(0.04, 0.04, 1.0, 0.0, 0.0), 3.0, HOUR)
    assert none.status == implied.Status.AT_INTRINSIC


def test_correlation_tilts_the_smile_its_own_way():
    """Short-dated, the skew is rho xi / (4 vol) (Medvedev and Scaillet 2007, without jumps)."""
    for rho in (-0.6, 0.6):
        model = Bates(0.25, 0.25, 2.0, 1.5, rho)
        low, high = bates.volatility(model, [-1e-3, 1e-3], 1e-3).vol
        assert (high - low) / 2e-3 == pytest.approx(rho * 1.5 / (4 * 0.5), rel=0.01)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("years", [1 / 365, 30 / 365, 1.0])
def test_the_index_is_what_a_strip_of_options_costs(model, years):
    """2/T times the sum of options out of the money over strike squared, as DVOL and VIX take."""
    spread = float(np.sqrt(bates.expected_variance(model, years) * years))
    k = spread * np.sinh(np.linspace(-1.0, 1.0, 1601) * np.arcsinh(2.0 / spread + 25.0))
    strip = bates.price(model, k >= 0.0, 1.0, np.exp(k), years) * np.exp(-k)
    expected = np.sqrt(2.0 / years * np.trapezoid(strip, k))
    assert float(bates.index(model, years)) == pytest.approx(expected, rel=1e-4)


def test_expected_variance_is_the_references():
    """It is theta + (v - theta) f + jump variance, at given variances and at both ends."""
    assert REFERENCE.jump_variance == pytest.approx(0.0327)
    month = 30 / 365
    f = (1 - exp(-6 * month)) / (6 * month)
    expected = 0.3025 + (np.array([0.1, 0.5]) - 0.3025) * f + 0.0327
    actual = bates.expected_variance(REFERENCE, month, [0.1, 0.5])
    np.testing.assert_allclose(actual, expected, rtol=1e-14)
    assert float(bates.expected_variance(REFERENCE, 0.0)) == pytest.approx(0.2704 + 0.0327)
    assert float(bates.expected_variance(REFERENCE, 1e9)) == pytest.approx(0.3025 + 0.0327)
    assert float(bates.index(REFERENCE)) == pytest.approx(0.5562537, abs=1e-7)
    assert float(bates.index(HARD, 0.4)) == pytest.approx(0.2)


def test_minimum_variance_delta_is_the_references_formula():
    """Delta + Vega f rho xi / (2 vol F), here with F = 60 000, K = 54 000, 30 days."""
    plain = black76.first(False, 60_000.0, 54_000.0, 30 / 365, 0.6)
    f = (1 - exp(-6 * 30 / 365)) / (6 * 30 / 365)
    expected = plain.delta + plain.vega * f / (2 * 0.6) * -0.3 * 2.0 / 60_000
    actual = bates.minimum_variance_delta(REFERENCE, False, 60_000.0, 54_000.0, 30 / 365, 0.6)
    assert float(actual) == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("k", [-0.1, 0.0, 0.08])
@pytest.mark.parametrize("days", [2, 7, 30])
def test_minimum_variance_delta_with_the_skew_is_the_models(k, days):
    """It is within 0.012 of dV/dF + rho xi / F dV/dv of the Fourier price."""
    model, years = replace(REFERENCE, jump_rate=0.0), days / 365

    def value(forward, v0):
        return float(bates.price(replace(model, v0=v0), True, forward, exp(k), years))

    v = model.v0
    by_price = (value(1.0001, v) - value(0.9999, v)) / 2e-4
    by_variance = (value(1.0, v + 1e-4) - value(1.0, v - 1e-4)) / 2e-4
    expected = by_price + model.rho * model.xi * by_variance
    low, vol, high = bates.volatility(model, [k - 1e-3, k, k + 1e-3], years).vol
    skew = (high - low) / 2e-3
    actual = bates.minimum_variance_delta(model, True, 1.0, exp(k), years, vol, skew)
    assert float(actual) == pytest.approx(expected, abs=0.012)
    plain = black76.first(True, 1.0, exp(k), years, vol).delta
    assert abs(float(actual) - expected) < abs(float(plain) - expected)


@pytest.mark.parametrize(
    "name,value,message",
    [
        ("v0", 0.0, "expected v0 > 0, found 0.0"),
        ("theta", -0.1, "expected theta > 0, found -0.1"),
        ("kappa", 0.0, "expected kappa > 0, found 0.0"),
        ("xi", -1.0, "expected xi >= 0, found -1.0"),
        ("rho", 1.0, "expected -1 < rho < 1, found 1.0"),
        ("jump_rate", -1.0, "expected jump_rate >= 0, found -1.0"),
        ("jump_mean", float("nan"), "expected a finite jump_mean, found nan"),
        ("jump_mean", 1000.0, "expected jump sizes of at most 10 in log, found 1000.0 and 0.05"),
        ("jump_deviation", -0.1, "expected jump_deviation >= 0, found -0.1"),
    ],
)
def test_bad_parameters_say_what_was_expected(name, value, message):
    """Each of the eight."""
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        replace(REFERENCE, **{name: value})


def test_the_shortest_lives_are_priced_without_a_break():
    """From 0.1 microseconds to a second, on both sides of where the integral ends."""
    years = np.array([3e-15, 1e-12, 9.999e-9, 1.0001e-8, 3e-8])
    price = bates.price(REFERENCE, True, 1.0, 1.0, years)
    np.testing.assert_allclose(price * np.sqrt(2 * np.pi / (REFERENCE.v0 * years)), 1.0, rtol=4e-4)
    strikes = np.array([0.9, 0.999, 1.0, 1.001, 1.1])
    before, after = (
        bates.price(REFERENCE, strikes > 1.0, 1.0, strikes, at) for at in (9.9999e-9, 1.0001e-8)
    )
    np.testing.assert_allclose(after, before, rtol=3e-4, atol=1e-12)
    call, put = (bates.price(REFERENCE, side, 1.0, strikes, 5e-9) for side in (True, False))
    np.testing.assert_allclose(call - put, 1.0 - strikes, rtol=0.0, atol=1e-14)


def test_far_wings_have_no_volatility_rather_than_a_wrong_one():
    """What is worth less than the price's own error says so; nearer, smiles are smooth."""
    k = np.linspace(-2.0, 2.0, 81)
    vol, status = bates.volatility(REFERENCE, k, 1 / 365)
    silent = np.isnan(vol)
    assert silent.any()
    assert (status[silent] == implied.Status.AT_INTRINSIC).all()
    assert (status[~silent] == implied.Status.SOLVED).all()
    assert (np.diff(np.flatnonzero(~silent)) == 1).all()  # one piece around the money
    assert np.abs(np.diff(vol[~silent], 2)).max() < 0.15


@pytest.mark.parametrize(
    "model", [Bates(1e-8, 1e-8, 1.0, 0.1, 0.0, 1.0, -0.1, 0.5), Bates(1e-12, 1e-12, 1.0, 0.1, 0.0)]
)
def test_an_integral_without_end_is_nan_at_once(model):
    """Variance of next to nothing takes more nodes than there is memory for."""
    assert np.isnan(bates.price(model, True, 100.0, [80.0, 120.0], 1e-6)).all()
