"""Black-76 and its coin form against tables computed with 80 digits from exact float64 inputs.

One criterion for every column and every row above 1e-250: a relative error of at most 5e-13, or of
four units in the last place of d1 squared, which the exponential of it cannot do better than.
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
RELATIVE = 5e-13
UNDERFLOW = 1e-250  # far below, float64 itself is running out of digits
DEVIATION = TABLE["sigma"] * np.sqrt(TABLE["T"])
D1 = np.log(TABLE["F"] / TABLE["K"]) / DEVIATION + 0.5 * DEVIATION
ALLOWED = np.maximum(RELATIVE, 4.0 * D1**2 * 2.2e-16)
# Of max(F, K): compiled kernels are within one unit in the last place.
PRICE = {"numpy": 7e-16, "compiled": 3e-16}

CASE_A = (60_000.0, 65_000.0, 30 / 365, 0.60)


def assert_true(actual, expected):
    """Assert that an output agrees with its column."""
    alive = np.abs(expected) > UNDERFLOW
    error = np.abs(actual[alive] / expected[alive] - 1.0)
    assert np.all(error <= ALLOWED[alive])
    assert np.all(np.abs(actual[~alive]) <= 1.01 * UNDERFLOW)


@pytest.mark.parametrize("name", black76.Greeks._fields)
def test_every_greek_is_the_truth(name):
    """Each of the fourteen outputs agrees with its column."""
    assert_true(getattr(black76.greeks(*ARGUMENTS), name), TABLE[name])


def test_a_price_is_the_truth_to_the_last_place(kernels):
    """On the scale of forward and strike, and relative where it is worth anything."""
    price = black76.price(*ARGUMENTS)
    scale = np.maximum(TABLE["F"], TABLE["K"])
    assert np.all(np.abs(price - TABLE["price"]) <= PRICE[kernels] * scale)
    worth = TABLE["price"] > 1e-9 * TABLE["F"]
    assert np.all(np.abs(price[worth] / TABLE["price"][worth] - 1.0) <= 2e-14)


@pytest.mark.parametrize("name", black76.First._fields)
def test_the_first_five_are_the_same_numbers_as_in_the_full_set(name):
    """The five of `first` equal those of `greeks` (theta of a discounted option to a few bits)."""
    first, greeks = black76.first(*ARGUMENTS), black76.greeks(*ARGUMENTS)
    rtol = 4e-16 if name == "theta" else 0.0
    np.testing.assert_allclose(getattr(first, name), getattr(greeks, name), rtol=rtol, atol=1e-290)


@pytest.mark.parametrize(
    "name,column",
    [
        ("coin_price", "coin_price"),
        ("net_delta", "coin_delta_net"),
        ("coin_vega", "coin_vega"),
        ("coin_theta", "coin_theta"),
    ],
)
def test_every_coin_greek_is_the_truth(name, column):
    """Each coin output with a column of its own agrees with it."""
    assert_true(getattr(inverse.greeks(*ARGUMENTS), name), TABLE[column])


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
