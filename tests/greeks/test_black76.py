"""Black-76: derivatives of itself, identities, limits, faults, and the packed form."""

import threading
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from greeks import black76
from greeks.plain.kernel import BLOCK

Array = NDArray[np.float64]

RNG = np.random.default_rng(20260105)
SIZE = 400
BOOK = {
    "is_call": RNG.random(SIZE) < 0.5,
    "forward": np.exp(RNG.uniform(np.log(0.5), np.log(1e5), SIZE)),
    "years": np.exp(RNG.uniform(np.log(1e-3), np.log(2.0), SIZE)),
    "vol": np.exp(RNG.uniform(np.log(0.1), np.log(2.5), SIZE)),
    "rate": RNG.uniform(-0.1, 0.1, SIZE),
}
# Within two deviations, where every Greek is alive and a difference quotient means something.
BOOK["strike"] = BOOK["forward"] * np.exp(
    RNG.uniform(-2.0, 2.0, SIZE) * BOOK["vol"] * np.sqrt(BOOK["years"])
)


def book_greeks(**changed: Array) -> black76.Greeks:
    """Return the book's Greeks with some inputs replaced; the discount follows rate and years."""
    book = BOOK | changed
    return black76.greeks(
        book["is_call"],
        book["forward"],
        book["strike"],
        book["years"],
        book["vol"],
        np.exp(-book["rate"] * book["years"]),
    )


def slope(function: Callable[[Array], Array], at: Array, step: Array) -> Array:
    """Return the derivative by a seven-point central difference (error of the sixth power)."""
    weights = ((1, 45.0), (2, -9.0), (3, 1.0))
    terms = [w * (function(at + k * step) - function(at - k * step)) for k, w in weights]
    total: Array = np.sum(terms, axis=0)
    return total / (60.0 * step)


@pytest.mark.parametrize(
    "name,of,variable,sign",
    [
        ("delta", "price", "forward", 1),
        ("gamma", "delta", "forward", 1),
        ("speed", "gamma", "forward", 1),
        ("vega", "price", "vol", 1),
        ("volga", "vega", "vol", 1),
        ("ultima", "volga", "vol", 1),
        ("vanna", "delta", "vol", 1),
        ("zomma", "gamma", "vol", 1),
        ("theta", "price", "years", -1),
        ("charm", "delta", "years", -1),
        ("veta", "vega", "years", -1),
        ("color", "gamma", "years", -1),
        ("rho", "price", "rate", 1),
    ],
)
def test_every_greek_is_the_slope_it_is_named_after(name, of, variable, sign):
    """A difference quotient of the output below it gives the same number."""
    at = BOOK[variable]
    deviation = BOOK["vol"] * np.sqrt(BOOK["years"])
    step = {
        "forward": 0.005 * deviation * at,
        "vol": 0.005 * at,
        "years": 0.005 * at,
        "rate": np.full(SIZE, 0.01),
    }[variable]
    expected = sign * slope(lambda x: getattr(book_greeks(**{variable: x}), of), at, step)
    actual = getattr(book_greeks(), name)
    # The quotient cannot know the rounding of the output below, magnified by the step.
    unknown = 1e-11 * np.abs(getattr(book_greeks(), of)) / step
    assert np.all(np.abs(actual - expected) <= 1e-8 * np.abs(expected) + unknown)


option = st.tuples(
    st.floats(1e-2, 1e6),
    st.floats(-4.0, 4.0),
    st.one_of(st.just(0.0), st.floats(1e-9, 5.0)),
    st.one_of(st.just(0.0), st.floats(1e-4, 8.0)),
    st.floats(0.5, 1.5),
).map(lambda drawn: (drawn[0], drawn[0] * float(np.exp(drawn[1])), *drawn[2:]))


@given(option)
def test_every_output_is_finite_also_without_time_or_volatility(drawn):
    """No option, however flat, makes a NaN or an infinity."""
    forward, strike, years, vol, discount = drawn
    if years == 0.0:
        discount = 1.0
    actual = black76.greeks([True, False], forward, strike, years, vol, discount)
    assert all(np.isfinite(output).all() for output in actual)


@given(option)
def test_price_and_slopes_keep_their_bounds(drawn):
    """Price lies between intrinsic value and bound; gamma and vega are not negative."""
    forward, strike, years, vol, discount = drawn
    actual = black76.first([True, False], forward, strike, years, vol, discount)
    intrinsic = discount * np.maximum([forward - strike, strike - forward], 0.0)
    bound = discount * np.array([forward, strike])
    assert np.all(actual.price >= intrinsic)
    assert np.all(actual.price <= bound * (1 + 5e-14))
    assert 0.0 <= actual.delta[0] <= discount
    assert -discount <= actual.delta[1] <= 0.0
    assert np.all(actual.gamma >= 0.0)
    assert np.all(actual.vega >= 0.0)


@given(option)
def test_call_less_put_is_the_discounted_forward_contract(drawn):
    """Put-call parity holds for price, delta, gamma and vega."""
    forward, strike, years, vol, discount = drawn
    actual = black76.first([True, False], forward, strike, years, vol, discount)
    scale = actual.price.sum() + discount * max(forward, strike)
    gap = actual.price[0] - actual.price[1] - discount * (forward - strike)
    assert abs(gap) <= 4e-16 * scale
    assert actual.delta[0] - actual.delta[1] == pytest.approx(discount, rel=1e-14)
    assert actual.gamma[0] == actual.gamma[1]
    assert actual.vega[0] == actual.vega[1]


@given(option, st.floats(1.0, 2.0))
def test_price_rises_with_volatility_and_falls_with_a_calls_strike(drawn, factor):
    """More volatility never cheapens an option; a higher strike never makes a call dearer."""
    forward, strike, years, vol, discount = drawn
    base = black76.price(True, forward, strike, years, vol, discount)
    slack = 1 + 1e-13
    assert black76.price(True, forward, strike, years, vol * factor, discount) * slack >= base
    assert black76.price(True, forward, strike * factor, years, vol, discount) <= base * slack


@given(option)
def test_scaling_money_scales_the_price(drawn):
    """Counting in cents multiplies price and vega by the power of two and leaves delta alone."""
    forward, strike, years, vol, discount = drawn
    base = black76.first(True, forward, strike, years, vol, discount)
    cents = black76.first(True, 64 * forward, 64 * strike, years, vol, discount)
    assert cents.delta == base.delta
    assert abs(cents.price - 64 * base.price) <= 1e-300
    assert abs(cents.vega - 64 * base.vega) <= 1e-300


@pytest.mark.parametrize("s", [1e-2, 1e-3, 1e-5, 1e-9])
def test_a_short_dated_option_keeps_its_relative_accuracy(s):
    """At the money the price tends to F s / sqrt(2 pi) (1 - s²/24), to the last digits."""
    actual = black76.price([True, False], 60_000.0, 60_000.0, 1.0, s)
    expected = 60_000.0 * s / np.sqrt(2 * np.pi) * (1 - s**2 / 24 + s**4 / 640)
    np.testing.assert_allclose(actual, expected, rtol=1e-15 + 1e-5 * s**4)


def test_the_series_for_short_dates_meets_the_direct_form():
    """On both sides of the switch the price is one smooth function of volatility."""
    vol = 0.05 * (1 + np.array([-2e-9, -1e-9, 0.0, 1e-9, 2e-9]))
    strikes = 60_000.0 * np.exp(np.array([[0.0], [0.1], [0.2]]))
    actual = black76.first(True, 60_000.0, strikes, 1.0, vol)
    line = actual.price[:, 2:3] + actual.vega[:, 2:3] * (vol - 0.05)
    np.testing.assert_allclose(actual.price, line, rtol=2e-13)


@pytest.mark.parametrize("years,vol", [(0.0, 0.6), (0.5, 0.0), (0.0, 0.0)])
def test_without_randomness_an_option_is_its_intrinsic_value(years, vol):
    """At expiry or without volatility delta is a step, and what bends is zero."""
    actual = black76.greeks([1, 1, 1, 0, 0, 0], 100.0, [90.0, 100.0, 110.0] * 2, years, vol)
    np.testing.assert_array_equal(actual.price, [10, 0, 0, 0, 0, 10])
    np.testing.assert_array_equal(actual.delta, [1, 0.5, 0, 0, -0.5, -1])
    for name in set(actual._fields) - {"price", "delta", "rho"}:
        np.testing.assert_array_equal(getattr(actual, name), np.zeros(6))


def test_without_volatility_only_discounting_is_left():
    """A certain payoff earns the rate: theta r V, rho -T V, charm r delta."""
    discount = np.exp(-0.05 * 0.5)
    actual = black76.greeks(True, 100.0, 90.0, 0.5, 0.0, discount)
    assert float(actual.price) == pytest.approx(10 * discount, rel=1e-15)
    assert float(actual.theta) == pytest.approx(0.05 * 10 * discount, rel=1e-14)
    assert float(actual.rho) == pytest.approx(-0.5 * 10 * discount, rel=1e-15)
    assert float(actual.charm) == pytest.approx(0.05 * discount, rel=1e-14)


@pytest.mark.parametrize(
    "position,value",
    [
        (0, 2.0),
        (0, np.nan),
        (1, 0.0),
        (1, -1.0),
        (1, np.inf),
        (2, 0.0),
        (2, np.nan),
        (3, -1e-9),
        (3, np.inf),
        (4, -0.1),
        (4, np.nan),
        (5, 0.0),
        (5, -1.0),
    ],
)
def test_one_bad_element_is_nan_and_leaves_the_others_alone(position, value):
    """A fault in one row is confined to it and raises nothing."""
    rows = np.tile(np.array([[1.0], [100.0], [110.0], [0.5], [0.6], [0.99]]), (1, 3))
    sound = black76.greeks(*rows)
    rows[position, 1] = value
    for actual, expected in zip(black76.greeks(*rows), sound, strict=True):
        np.testing.assert_array_equal(actual[[0, 2]], expected[[0, 2]])
        assert np.isnan(actual[1])


def test_arguments_broadcast_and_outputs_have_their_shape():
    """A column of strikes against a row of volatilities makes a matrix; scalars make 0-d arrays."""
    strikes = np.array([[90.0], [100.0], [110.0]])
    actual = black76.greeks(True, 100.0, strikes, 0.5, [0.4, 0.6])
    assert {output.shape for output in actual} == {(3, 2)}
    assert actual.price[2, 1] == black76.price(True, 100.0, 110.0, 0.5, 0.6)
    assert {output.shape for output in black76.first(True, 100.0, 110.0, 0.5, 0.6)} == {()}
    assert black76.price([], [], [], [], []).shape == (0,)


def packed_book(n: int, seed: int = 1) -> Array:
    """Return ``n`` packed options, an expired one and a faulty one among them."""
    rng = np.random.default_rng(seed)
    rows = np.empty((6, n))
    rows[0] = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    rows[1] = 60_000.0
    rows[2] = 60_000.0 * np.exp(rng.uniform(-0.9, 0.9, n))
    rows[3] = rng.uniform(1e-4, 1.0, n)
    rows[4] = rng.uniform(0.2, 2.0, n)
    rows[5] = rng.uniform(0.9, 1.0, n)
    rows[3, n // 3] = 0.0
    rows[2, n // 2] = np.nan
    return rows


@pytest.mark.parametrize("n", [1, 17, 600, BLOCK, 2 * BLOCK + 5])
def test_packed_gives_the_same_numbers_as_first(n):
    """The packed form equals `first` bit for bit, leaves its inputs alone and fills all of out."""
    rows = packed_book(n)
    kept = rows.copy()
    out = np.full((5, n), -1.0)
    black76.packed(rows, out)
    np.testing.assert_array_equal(rows, kept)
    np.testing.assert_array_equal(out, np.array(black76.first(rows[0] > 0, *rows[1:])))


def test_packed_allocates_no_array_when_it_is_called_again():
    """A hundred further calls together stay under the size of one row of scratch."""
    n = BLOCK
    rows, out = packed_book(n), np.empty((5, n))
    black76.packed(rows, out)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(100):
            black76.packed(rows, out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < n * 8 // 2


def test_packed_may_run_in_several_threads():
    """Threads do not share scratch: each gets the numbers that a lone caller gets."""
    books = [packed_book(BLOCK, seed) for seed in range(4)]
    expected = [np.empty((5, BLOCK)) for _ in books]
    for rows, out in zip(books, expected, strict=True):
        black76.packed(rows, out)
    actual = [np.empty((5, BLOCK)) for _ in books]

    def work(rows: Array, out: Array) -> None:
        for _ in range(50):
            black76.packed(rows, out)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(books, actual, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("inputs,out", [((5, 3), (5, 3)), ((6, 3), (5, 4)), ((6, 3), (6, 3))])
def test_packed_says_which_shapes_it_expected(inputs, out):
    """A wrong shape is the caller's mistake and is named."""
    with pytest.raises(ValueError, match=r"expected inputs \(6, n\) and out \(5, n\), found"):
        black76.packed(np.ones(inputs), np.ones(out))
