"""Implied volatility: the truth table, round trips over the whole domain, a status for the rest."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greeks import black76
from greeks.implied import Status, volatility
from tests.greeks.tables import columns, words

EPS = float(np.finfo(np.float64).eps)
TABLE = columns("implied.csv")
ARGUMENTS = (
    TABLE["is_call"],
    TABLE["price"],
    TABLE["F"],
    TABLE["K"],
    TABLE["T"],
    np.exp(-TABLE["r"] * TABLE["T"]),
)
EXPECTED = {
    "value": Status.SOLVED,
    "zero": Status.AT_INTRINSIC,
    "nan_below": Status.BELOW_INTRINSIC,
    "nan_above": Status.ABOVE_BOUND,
}


def test_every_solvable_row_is_the_truth_as_far_as_its_price_tells():
    """Relative error at most 1.5e-14 plus one ulp of the price times its condition number."""
    solvable = np.array([expect == "value" for expect in words("implied.csv", "expect")])
    vol, _ = volatility(*ARGUMENTS)
    error = np.abs(vol[solvable] / TABLE["iv"][solvable] - 1.0)
    allowed = (1.5e-14 + EPS * TABLE["cond_price"])[solvable]
    assert np.all(error <= allowed)


def test_every_row_has_the_status_of_its_kind():
    """Solved, at intrinsic, below it and above the bound are told apart in all rows."""
    _, status = volatility(*ARGUMENTS)
    assert [Status(s) for s in status] == [EXPECTED[e] for e in words("implied.csv", "expect")]


def test_impossible_prices_are_nan_and_intrinsic_ones_zero():
    """What comes with a status other than solved is 0.0 at intrinsic and NaN everywhere else."""
    vol, status = volatility(*ARGUMENTS)
    np.testing.assert_array_equal(vol[status == Status.AT_INTRINSIC], 0.0)
    assert np.isnan(vol[status > Status.AT_INTRINSIC]).all()
    assert np.isfinite(vol[status == Status.SOLVED]).all()


@given(
    st.booleans(),
    st.floats(1e-2, 1e6),
    st.floats(-3.0, 3.0),
    st.floats(1e-5, 5.0),
    st.floats(0.01, 6.0),
    st.one_of(st.just(1.0), st.floats(0.5, 1.5)),
)
def test_the_volatility_of_a_price_is_the_one_that_made_it(
    is_call, forward, moneyness, years, vol, discount
):
    """The error stays within what the last digits of the price can move."""
    strike = forward * float(np.exp(moneyness))
    made = black76.first(is_call, forward, strike, years, vol, discount)
    assume(made.price > 1e-290 and made.vega > 0.0)
    condition = float(made.price / (made.vega * vol))
    back, status = volatility(is_call, made.price, forward, strike, years, discount)
    if condition * EPS < 1e-3:
        assert Status(int(status)) == Status.SOLVED
        assert float(back) == pytest.approx(vol, rel=1e-13 + 100 * EPS * condition)
    else:
        assert Status(int(status)) in {Status.SOLVED, Status.AT_INTRINSIC, Status.ABOVE_BOUND}


@given(
    st.booleans(),
    st.floats(-12.0, 12.0),
    st.one_of(st.floats(1e-90, 1.0), st.floats(-220.0, 0.0).map(np.exp)),
    st.booleans(),
)
def test_every_possible_price_is_solved_and_reproduced(is_call, moneyness, share, from_above):
    """Any price between intrinsic and bound has a volatility, and that volatility has the price."""
    strike = float(np.exp(moneyness))
    intrinsic = max(1.0 - strike if is_call else strike - 1.0, 0.0)
    bound = 1.0 if is_call else strike
    width = bound - intrinsic
    price = bound - share * width if from_above else intrinsic + share * width
    assume(intrinsic < price < bound)
    vol, status = volatility(is_call, price, 1.0, strike, 1.0)
    assert Status(int(status)) in {Status.SOLVED, Status.AT_INTRINSIC}
    again = float(black76.price(is_call, 1.0, strike, 1.0, vol))
    # The out-of-the-money value itself is reproduced relatively, also at 1e-95.
    value = min(price - intrinsic, bound - price)
    slack = 3e-12 * value + 200 * EPS * (intrinsic + (bound if value < price - intrinsic else 0.0))
    assert abs(again - price) <= slack + 1e-300


def test_strikes_far_apart_are_solved_over_the_whole_range_of_prices():
    """Also where the first guess is poor and the value is more than half of its bound."""
    draw = np.random.default_rng(20260105)
    is_call, from_above = draw.random((2, 20_000)) < 0.5
    strike = np.exp(draw.uniform(-14.0, 14.0, 20_000))
    share = 10.0 ** draw.uniform(-9.0, -0.001, 20_000)
    intrinsic = np.maximum(np.where(is_call, 1.0 - strike, strike - 1.0), 0.0)
    bound = np.where(is_call, 1.0, strike)
    width = bound - intrinsic
    price = np.where(from_above, bound - share * width, intrinsic + share * width)
    vol, status = volatility(is_call, price, 1.0, strike, 1.0)
    solved = status == Status.SOLVED
    assert solved.mean() > 0.9
    again = black76.price(is_call, 1.0, strike, 1.0, vol)[solved]
    slack = (3e-12 * np.minimum(price - intrinsic, bound - price) + 200 * EPS * bound)[solved]
    assert np.all(np.abs(again - price[solved]) <= slack + 200 * EPS * intrinsic[solved])


def test_volatility_rises_with_the_price():
    """Across the whole range of prices the answer is strictly increasing."""
    price = np.concatenate([np.geomspace(1e-280, 1e-3, 200), np.linspace(2e-3, 0.4999, 200)])
    vol, status = volatility(True, price, 0.5, 0.7, 0.25)
    np.testing.assert_array_equal(status, Status.SOLVED)
    assert np.all(np.diff(vol) > 0.0)


@pytest.mark.parametrize(
    "arguments,expected",
    [
        ((True, 0.0, 60_000.0, 70_000.0, 0.1), Status.AT_INTRINSIC),
        ((False, 10_000.0, 60_000.0, 70_000.0, 0.1), Status.AT_INTRINSIC),
        ((True, 0.97 * 10_000.0, 60_000.0, 50_000.0, 0.1, 0.97), Status.AT_INTRINSIC),
        ((True, 10_000.0, 60_000.0, 50_000.0, 0.0), Status.AT_INTRINSIC),
        ((True, 9_999.0, 60_000.0, 50_000.0, 0.1), Status.BELOW_INTRINSIC),
        ((True, -1e-9, 60_000.0, 70_000.0, 0.1), Status.BELOW_INTRINSIC),
        ((True, 60_000.0, 60_000.0, 70_000.0, 0.1), Status.ABOVE_BOUND),
        ((False, 70_001.0, 60_000.0, 70_000.0, 0.1), Status.ABOVE_BOUND),
        ((True, 10.0, 60_000.0, 70_000.0, 0.0), Status.NO_TIME),
        ((True, np.nan, 60_000.0, 70_000.0, 0.1), Status.INVALID),
        ((True, 10.0, -60_000.0, 70_000.0, 0.1), Status.INVALID),
        ((True, 10.0, 60_000.0, 0.0, 0.1), Status.INVALID),
        ((True, 10.0, 60_000.0, 70_000.0, -0.1), Status.INVALID),
        ((True, 10.0, 60_000.0, np.inf, 0.1), Status.INVALID),
        ((True, 10.0, 60_000.0, 70_000.0, 0.1, 0.0), Status.INVALID),
        ((3, 10.0, 60_000.0, 70_000.0, 0.1), Status.INVALID),
    ],
)
def test_what_cannot_be_solved_says_why(arguments, expected):
    """Each kind of price without a volatility has its own status and raises nothing."""
    vol, status = volatility(*arguments)
    assert Status(int(status)) == expected
    assert vol == 0.0 if expected == Status.AT_INTRINSIC else np.isnan(vol)


def test_one_bad_element_leaves_the_others_alone():
    """A chain with a NaN quote is solved everywhere else, in the shape of the chain."""
    strikes = np.array([[50_000.0, 60_000.0], [65_000.0, 70_000.0]])
    price = black76.price(True, 60_000.0, strikes, 0.1, 0.6)
    price[0, 1] = np.nan
    vol, status = volatility(True, price, 60_000.0, strikes, 0.1)
    np.testing.assert_allclose(vol, [[0.6, np.nan], [0.6, 0.6]], rtol=1e-13)
    np.testing.assert_array_equal(status, [[Status.SOLVED, Status.INVALID], [0, 0]])
