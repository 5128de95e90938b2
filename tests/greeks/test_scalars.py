"""The compiled scalars against the C library's and scipy's functions."""

import math

import numpy as np
import pytest
from scipy.special import erfcx

pytest.importorskip("numba")

from greeks.compiled import scalars

RNG = np.random.default_rng(20260105)
EPS = float(np.finfo(np.float64).eps)


def over(function, *columns):
    """Return a compiled scalar of columns."""
    return np.array([function(*row) for row in zip(*columns, strict=True)])


@pytest.fixture(autouse=True)
def kernels():
    """Choose nothing: these are the compiled ones' own."""


def test_the_exponential_is_good_to_two_units_in_the_last_place():
    """From the deepest tail to above one, and 0 where it is dust."""
    x = np.concatenate([RNG.uniform(-707.9, 700.0, 4_000), RNG.uniform(-1.0, 1.0, 4_000), [0.0]])
    found = over(scalars.exponential, x)
    assert np.all(np.abs(found / np.exp(x) - 1.0) <= 2.0 * EPS)
    assert list(over(scalars.exponential, [-708.1, -1e5])) == [0.0, 0.0]


def test_the_logarithm_is_good_to_two_units_in_the_last_place():
    """Over all magnitudes, and near one, where it vanishes."""
    x = np.exp(np.concatenate([RNG.uniform(-700.0, 700.0, 4_000), RNG.uniform(-1.0, 1.0, 4_000)]))
    found = over(scalars.logarithm, x)
    np.testing.assert_allclose(found, np.log(x), rtol=2.0 * EPS, atol=0.0)
    assert over(scalars.logarithm, [1.0]) == [0.0]


def test_the_logarithm_of_a_ratio_loses_nothing_where_it_is_small():
    """Prices a unit in the last place apart have one."""
    small = np.exp(RNG.uniform(-10.0, 15.0, 6_000))
    apart = np.concatenate([10.0 ** RNG.uniform(-15.0, 0.0, 3_000), RNG.uniform(0.0, 1e6, 3_000)])
    big = small * (1.0 + apart)
    found = over(scalars.log_ratio, big, small)
    expected = np.log1p((big - small) / small)
    np.testing.assert_allclose(found, expected, rtol=3.0 * EPS, atol=0.0)
    assert over(scalars.log_ratio, [7.0], [7.0]) == [0.0]


def test_a_mills_ratio_is_good_to_some_units_in_the_last_place():
    """From where it begins to far beyond where anything is left of a normal tail."""
    x = np.concatenate(
        [RNG.uniform(scalars.START, 40.0, 6_000), 10.0 ** RNG.uniform(1.6, 8.0, 500)]
    )
    q = 1.0 / (x - scalars.START + scalars.SCALE)
    t = 1.0 - 2.0 * scalars.SCALE * q
    found = over(scalars.mills, t, t)[:, 0] * q
    expected = math.sqrt(0.5 * math.pi) * erfcx(x / math.sqrt(2.0))
    np.testing.assert_allclose(found, expected, rtol=8.0 * EPS, atol=0.0)


def test_two_mills_ratios_differ_by_what_they_should_however_close_they_are():
    """The divided difference tends to the derivative, R' = x R - 1, and has no bad place."""
    x = RNG.uniform(scalars.START, 12.0, 3_000)
    h = 10.0 ** RNG.uniform(-12.0, -7.0, 3_000)
    low, high = x - scalars.START + scalars.SCALE, x + 2.0 * h - scalars.START + scalars.SCALE
    q = 1.0 / (low * high)
    ends = (1.0 - 2.0 * scalars.SCALE / low, 1.0 - 2.0 * scalars.SCALE / high)
    p, d = over(scalars.mills, *ends).T
    found = q * (p - 2.0 * scalars.SCALE / high * d)  # (R(x) - R(x + 2h)) / 2h
    middle = x + h
    ratio = math.sqrt(0.5 * math.pi) * erfcx(middle / math.sqrt(2.0))
    expected = 1.0 - middle * ratio
    # What float64 makes of 1 - x R loses x squared units itself.
    assert np.all(np.abs(found / expected - 1.0) <= 2e-13 + 4.0 * EPS * (1.0 + middle**2) + h * h)
