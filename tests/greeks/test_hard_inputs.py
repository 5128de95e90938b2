"""Whatever arrays are handed in: right, or NaN with a status; no crash, no hang, no warning."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from greeks import bates, black76, implied, inverse, scenario, settlement, surface
from tests.struck import struck

MODEL = bates.Bates(0.27, 0.30, 6.0, 2.0, -0.3, 12.0, -0.015, 0.05)
SECOND = 1 / 31_536_000

PRICED = (60_000.0, 54_000.0, 0.1, 0.6)  # forward, strike, years, vol


def times(one: Any, other: Any) -> Any:
    """Return a product that may overflow: it is the function's to complain, not the test's."""
    with np.errstate(all="ignore"):
        return np.multiply(one, other)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "first": lambda f, k, t, v: black76.first(True, f, k, t, v),
    "greeks": lambda f, k, t, v: black76.greeks(False, f, k, t, v),
    "coin": lambda f, k, t, v: inverse.greeks(True, f, k, t, v),
    "settled": lambda f, k, t, v: settlement.first(True, f, k, times(t, 3e7), v, f),
    "settled_coin": lambda f, k, t, v: settlement.coin(False, f, k, times(t, 3e7), v, f),
    "implied": lambda f, k, t, v: implied.volatility(True, times(f, v), f, k, t),
    "scenario": lambda f, k, t, v: scenario.revalue(1.0, True, f, k, t, v, moves=[-0.1, 0.0, 0.2]),
    "quoted": lambda f, k, t, v: surface.quoted.volatilities(
        True, times(f, v), times(times(f, v), 1.1), f, k, t
    ),
    "bates": lambda f, k, t, _: (bates.price(MODEL, True, f, k, t),),
}

HARD = (0.0, -1.0, 1e-300, 1e-9, 1.0, 1e6, 1e300, np.inf, -np.inf, np.nan)

every = pytest.mark.parametrize("name", FUNCTIONS)


def outputs(found: Any) -> Iterator[np.ndarray]:
    """Yield every column of a result."""
    for column in found:
        yield np.asarray(column)


@every
def test_hard_numbers_in_any_place_raise_nothing(name):
    """All pairs of ten hard numbers in any two of the four columns."""
    for i, j in product(range(4), range(4)):
        columns = [np.full(100, one) for one in PRICED]
        columns[i], columns[j] = np.repeat(HARD, 10), np.tile(HARD, 10)
        for column in outputs(FUNCTIONS[name](*columns)):
            assert column.dtype.kind in "fib"


@every
def test_a_bad_number_stays_in_its_own_element(name):
    """Its neighbours are what they are without it."""
    if name == "scenario":
        pytest.skip("a book's sums are NaN as a whole, which test_scenario holds")
    clean = list(outputs(FUNCTIONS[name](*(np.full(3, one) for one in PRICED))))
    for place, bad in product(range(3), (np.nan, np.inf, -1.0)):
        if name.startswith("settled") and (place, bad) == (2, -1.0):
            continue  # time runs on past a settlement: the outcome stays
        columns = [np.full(3, one) for one in PRICED]
        columns[place][1] = bad
        for column, right in zip(outputs(FUNCTIONS[name](*columns)), clean, strict=True):
            np.testing.assert_allclose(column[[0, 2]], right[[0, 2]], rtol=1e-15, atol=0.0)
            if column.dtype.kind == "f":
                assert not np.isfinite(column[1]), (place, bad)


@every
@pytest.mark.parametrize("kind", ["int", "float32", "read_only", "strided", "reversed", "lists"])
def test_any_kind_of_array_gives_the_same_answers(name, kind):
    """Integers, single precision, read-only memory, strides of both signs, plain lists."""
    base = [np.array(one) for one in
            ([60_000.0, 61_000.0, 62_000.0, 63_000.0], [54_000.0, 61_000.0, 70_000.0, 63_000.0],
             [1.0, 2.0, 1.0, 3.0], [1.0, 1.0, 2.0, 1.0])]  # fmt: skip
    made: dict[str, Callable[[np.ndarray], Any]] = {
        "int": lambda one: one.astype(np.int64),
        "float32": lambda one: one.astype(np.float32),
        "read_only": lambda one: np.broadcast_to(one, one.shape),
        "strided": lambda one: np.repeat(one, 3)[::3],
        "reversed": lambda one: one[::-1].copy()[::-1],
        "lists": lambda one: one.tolist(),
    }
    given = [made[kind](one) for one in base]
    found, right = FUNCTIONS[name](*given), FUNCTIONS[name](*base)
    for column, expected in zip(outputs(found), outputs(right), strict=True):
        np.testing.assert_array_equal(column, expected)


@every
def test_empty_arrays_give_empty_answers(name):
    """A book without options; its sums are nothing."""
    nothing = np.empty(0)
    for column in outputs(FUNCTIONS[name](nothing, nothing, nothing, nothing)):
        assert (column == 0.0).all() if name == "scenario" else column.shape == (0,)


@every
def test_columns_broadcast_against_each_other(name):
    """A grid of strikes and times is the same options one by one."""
    if name == "scenario":
        pytest.skip("a book is summed")
    strikes, years = np.array([50_000.0, 60_000.0, 75_000.0]), np.array([[0.01], [0.5]])
    grid = list(outputs(FUNCTIONS[name](60_000.0, strikes, years, 0.6)))
    for i, j in product(range(2), range(3)):
        one = outputs(FUNCTIONS[name](60_000.0, strikes[j], years[i, 0], 0.6))
        for column, single in zip(grid, one, strict=True):
            assert column.shape == (2, 3)
            np.testing.assert_allclose(column[i, j], single, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("vol", [1e-6, 0.6, 20.0])
@pytest.mark.parametrize("ratio", [1e-6, 0.5, 1.0, 2.0, 1e6])
def test_the_corners_of_the_domain_are_inside_their_bounds(ratio, vol):
    """A second and thirty years, volatilities of 1e-6 and 20, strikes a million times apart."""
    struck("F56")
    years = np.array([SECOND, 1.0, 30.0])
    for is_call in (True, False):
        g = black76.greeks(is_call, 60_000.0, 60_000.0 * ratio, years, vol)
        intrinsic = max((60_000.0 - 60_000.0 * ratio) * (1 if is_call else -1), 0.0)
        bound = 60_000.0 * (1.0 if is_call else ratio)
        assert (g.price >= intrinsic * (1 - 1e-15)).all()
        assert (g.price <= bound * (1 + 1e-15)).all()
        assert all(np.isfinite(column).all() for column in g)
        found = implied.volatility(is_call, g.price, 60_000.0, 60_000.0 * ratio, years)
        again = black76.price(is_call, 60_000.0, 60_000.0 * ratio, years, found.vol)
        solved = found.status == implied.Status.SOLVED
        np.testing.assert_allclose(again[solved], g.price[solved], rtol=1e-12)
        assert np.isin(
            found.status[~solved], [implied.Status.AT_INTRINSIC, implied.Status.ABOVE_BOUND]
        ).all()
