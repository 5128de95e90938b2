import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from greeks import black76
from greeks.surface.svi import STEEPEST, Svi, butterfly, gap, jump_wings, least, shape

VOGT = Svi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, s=0.4153)
"""Gatheral and Jacquier (2014), example 3.1: a smile whose butterflies have negative prices."""

CALM = Svi(a=0.010, b=0.12, rho=-0.25, m=0.02, s=0.20)


def test_vogts_slice_has_its_published_figures():
    """SVI-JW (v, psi, p, c, v~) at one year, as printed."""
    expected = (0.01742625, -0.1752111, 0.6997381, 1.316798, 0.0116249)
    np.testing.assert_allclose(jump_wings(VOGT, 1.0), expected, rtol=1e-6)


def test_vogts_slice_has_its_known_butterflies():
    """The least g and the strikes between which it is negative."""
    found = least(VOGT)
    assert found.value == pytest.approx(-0.03286, abs=1e-5)
    assert found.at == pytest.approx(0.879, abs=1e-3)
    inside, outside = np.array([0.644, 0.879, 1.255]), np.array([0.642, 1.257])
    assert (butterfly(VOGT, inside) < 0.0).all()
    assert (butterfly(VOGT, outside) > 0.0).all()


def test_a_negative_g_is_a_butterfly_with_a_negative_price():
    """What the sign claims, in prices: the call's second difference in the strike."""
    for k in (0.5, 0.879, 1.1, 1.5):
        strikes = np.exp(k) * (1.0 + 1e-3 * np.array([-1.0, 0.0, 1.0]))
        vols = np.sqrt(shape(VOGT, np.log(strikes)).variance)
        low, middle, high = black76.price(True, 1.0, strikes, 1.0, vols)
        assert np.sign(low - 2.0 * middle + high) == np.sign(butterfly(VOGT, k))


def test_g_is_the_density_that_integrates_to_one():
    """Its definition: density g n(d2)/sqrt(w), of mass 1 where there is no arbitrage."""

    def density(k: float) -> float:
        w = float(shape(CALM, k).variance)
        d2 = -k / np.sqrt(w) - np.sqrt(w) / 2.0
        return float(butterfly(CALM, k) * np.exp(-0.5 * d2 * d2) / np.sqrt(2.0 * np.pi * w))

    assert least(CALM).value > 0.0
    assert quad(density, -8.0, 8.0, limit=200)[0] == pytest.approx(1.0, abs=1e-6)


def test_slopes_are_those_of_the_variance():
    """Both derivatives against differences."""
    k, h = np.linspace(-1.5, 1.5, 31), 1e-5
    up, here, down = (shape(CALM, k + move) for move in (h, 0.0, -h))
    np.testing.assert_allclose(here.slope, (up.variance - down.variance) / (2 * h), atol=1e-9)
    np.testing.assert_allclose(here.bend, (up.slope - down.slope) / (2 * h), atol=1e-8)


def test_a_wing_past_its_bound_is_arbitrage_at_infinity():
    """Where no grid would see it: g tends to 1/4 - slope²/16."""
    steep = CALM._replace(b=(STEEPEST + 0.01) / 1.25, a=40.0)
    found = least(steep)
    assert found.value == pytest.approx(0.25 - (STEEPEST + 0.01) ** 2 / 16.0)
    assert found.value < 0.0
    assert found.at == -np.inf  # the left wing is the steep one
    assert np.isfinite(least(VOGT).at)


@given(
    st.floats(0.001, 0.5), st.floats(0.01, 1.0), st.floats(-0.95, 0.95), st.floats(-0.5, 0.5),
    st.floats(0.01, 1.0),
)  # fmt: skip
def test_the_least_g_is_below_every_g(a, b, rho, m, s):
    """A random look finds nothing lower."""
    slice_ = Svi(a, b, rho, m, s)
    k = np.concatenate([np.linspace(-6.0, 6.0, 4_001), m + s * np.linspace(-3.0, 3.0, 1_001)])
    assert least(slice_).value <= butterfly(slice_, k).min() + 1e-9


def test_slices_that_cross_are_found_where_they_do():
    """And only within the strikes asked for."""
    near, far = CALM, CALM._replace(a=0.012, b=0.10)
    everywhere = gap(near, far)
    assert everywhere.value < 0.0
    assert abs(everywhere.at) > 100.0  # the flatter wing loses by more the further one goes
    assert gap(near, far, 0.05).value == pytest.approx(
        (shape(far, -0.05).variance - shape(near, -0.05).variance), abs=2e-4
    )
    assert gap(near, far, 0.05).value > gap(near, far, 0.5).value
    assert gap(near, CALM._replace(a=0.011)).value == pytest.approx(0.001)


def test_many_slices_are_looked_at_in_one_call():
    """Arrays of parameters give arrays of answers, each its own."""
    many = Svi(*np.array([VOGT, CALM]).T)
    np.testing.assert_array_equal(least(many).value, [least(VOGT).value, least(CALM).value])
    assert shape(Svi(*(np.asarray(p)[:, None] for p in many)), np.zeros(7)).variance.shape == (2, 7)


@pytest.mark.parametrize(
    "wrong",
    [{"b": -0.1}, {"rho": 1.0}, {"s": 0.0}, {"a": -1.0}, {"m": np.nan}, {"a": np.inf}],
)
def test_what_is_no_slice_is_nan_throughout(wrong):
    """Nothing raises or warns."""
    broken = CALM._replace(**wrong)
    assert np.isnan(shape(broken, 0.1)).all()
    assert np.isnan(butterfly(broken, 0.1))
    assert np.isnan(least(broken)).all()
    assert np.isnan(gap(CALM, broken)).all()
    assert np.isnan(jump_wings(broken, 1.0)).all()


def test_a_dip_far_from_a_narrow_slice_is_found():
    """Where k is many widths away, but few deviations from the money."""
    narrow = Svi(-4.4079e-6, 0.064887, -0.052842, 2.1613, 1.6101e-4)
    found = least(narrow)
    assert found.value <= butterfly(narrow, 4.283) < 0.0
