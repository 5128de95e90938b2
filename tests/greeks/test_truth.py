"""Black-76 and its coin form against tables computed with 80 digits from exact float64 inputs.

One criterion for every column and every row, also at prices of 1e-290: a relative error of at most
1e-12 (the worst measured is 4.5e-13). It is far inside 1e-10 relative and 1e-12 of the forward.
"""

import numpy as np
import pytest

from greeks import black76, inverse
from tests.greeks.tables import columns, words

TABLE = columns("greeks.csv")
ARGUMENTS = (
    TABLE["is_call"],
    TABLE["F"],
    TABLE["K"],
    TABLE["T"],
    TABLE["sigma"],
    np.exp(-TABLE["r"] * TABLE["T"]),
)
RELATIVE = 1e-12
UNDERFLOW = 1e-300  # below, float64 itself is running out of digits

CASE_A = (60_000.0, 65_000.0, 30 / 365, 0.60)


@pytest.mark.parametrize("name", black76.Greeks._fields)
def test_every_greek_is_the_truth_to_twelve_digits(name):
    """Each of the fourteen outputs agrees with its column."""
    actual = getattr(black76.greeks(*ARGUMENTS), name)
    np.testing.assert_allclose(actual, TABLE[name], rtol=RELATIVE, atol=UNDERFLOW)


@pytest.mark.parametrize("name", black76.First._fields)
def test_the_first_five_are_the_same_numbers_as_in_the_full_set(name):
    """The five of `first` equal those of `greeks` bit for bit."""
    first, greeks = black76.first(*ARGUMENTS), black76.greeks(*ARGUMENTS)
    np.testing.assert_array_equal(getattr(first, name), getattr(greeks, name))


@pytest.mark.parametrize(
    "name,column",
    [
        ("coin_price", "coin_price"),
        ("net_delta", "coin_delta_net"),
        ("coin_vega", "coin_vega"),
        ("coin_theta", "coin_theta"),
    ],
)
def test_every_coin_greek_is_the_truth_to_twelve_digits(name, column):
    """Each coin output with a column of its own agrees with it."""
    actual = getattr(inverse.greeks(*ARGUMENTS), name)
    np.testing.assert_allclose(actual, TABLE[column], rtol=RELATIVE, atol=UNDERFLOW)


def test_net_gamma_is_the_truth_on_the_scale_of_its_two_terms():
    """Net gamma is F c'' + c', and also gamma - net delta / F: the error is relative to those."""
    expected = TABLE["F"] * TABLE["coin_dFF"] + TABLE["coin_dF"]
    scale = np.abs(TABLE["gamma"]) + np.abs(TABLE["coin_delta_net"] / TABLE["F"])
    error = np.abs(inverse.greeks(*ARGUMENTS).net_gamma - expected)
    assert np.all(error <= RELATIVE * scale + UNDERFLOW)


def test_the_table_has_the_hard_cases():
    """A table without deep, expiring and discounted options would prove little."""
    expected = {
        "typical",
        "atm",
        "near_expiry",
        "deep_otm",
        "deep_itm",
        "high_vol",
        "scale",
        "rate",
    }
    assert set(words("greeks.csv", "tag")) == expected


@pytest.mark.parametrize(
    "is_call,price,delta,charm_sign_free",
    [(True, 2237.8682, 0.352226, -1.245150), (False, 7237.8682, -0.647774, -1.245150)],
)
def test_case_a_of_the_formula_sheet(is_call, price, delta, charm_sign_free):
    """A 30-day 65000 option on 60000 at 60 % has the published Greeks."""
    actual = black76.greeks(is_call, *CASE_A)
    expected = {
        "price": price,
        "delta": delta,
        "gamma": 3.5971e-5,
        "vega": 6386.045,
        "theta": -23309.06,
        "vanna": 0.341137,
        "volga": 2225.856,
        "charm": charm_sign_free,
    }
    assert {name: float(getattr(actual, name)) for name in expected} == pytest.approx(
        expected, rel=1.5e-6, abs=6e-10
    )


@pytest.mark.parametrize(
    "is_call,expected",
    [
        (True, (0.0372978, 0.3149282, 3.0722e-5, 0.106434, -0.106434 * 3.65)),
        (False, (0.1206311, -0.7684051, 3.5971e-5 + 0.7684051 / 60_000, 0.106434, -0.3884841)),
    ],
)
def test_case_a_in_coin(is_call, expected):
    """The same option settled in coin has the published net delta, net gamma, vega and theta."""
    actual = inverse.greeks(is_call, *CASE_A)
    assert tuple(map(float, actual)) == pytest.approx(expected, rel=1.5e-5)
