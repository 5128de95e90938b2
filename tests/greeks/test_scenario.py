"""A book over a grid is the sum of its options, each valued where the node puts it."""

import numpy as np
import pytest

from greeks import arithmetic, black76, inverse, scenario

RNG = np.random.default_rng(20260105)
SIZE = 301
QUANTITY = RNG.uniform(-5.0, 5.0, SIZE)
IS_CALL = RNG.random(SIZE) < 0.5
FORWARD = 60_000.0 * np.exp(RNG.uniform(0.0, 0.05, SIZE))
STRIKE = FORWARD * np.exp(RNG.uniform(-0.8, 0.8, SIZE))
YEARS = np.exp(RNG.uniform(np.log(1e-4), 0.0, SIZE))
VOL = RNG.uniform(0.2, 1.5, SIZE)
DISCOUNT = np.where(RNG.random(SIZE) < 0.5, 1.0, RNG.uniform(0.9, 1.0, SIZE))
SKEW = RNG.uniform(-0.5, 0.3, SIZE)
BOOK = (QUANTITY, IS_CALL, FORWARD, STRIKE, YEARS, VOL, DISCOUNT)
MOVES = (-0.6, -0.1, 0.0, 0.05, 1.5)
VOL_MOVES = (-1.0, -0.3, 0.0, 0.5)
ELAPSED = (0.0, 1.0 / 365.0, 0.4)


def over_all(**changes):
    """Return the book over the whole grid."""
    return scenario.revalue(*BOOK, moves=MOVES, vol_moves=VOL_MOVES, elapsed=ELAPSED, **changes)


def one_by_one(move, vol_move, elapsed, stickiness, *, in_coin):
    """Return the sums at a node from the kernels of single options, and their scale."""
    years = np.maximum(YEARS - elapsed, 0.0)
    vol = np.maximum((VOL - stickiness * SKEW * np.log1p(move)) * (1.0 + vol_move), 0.0)
    kernel = inverse.greeks if in_coin else black76.first
    discount = DISCOUNT ** (years / YEARS)
    each = kernel(IS_CALL, FORWARD * (1.0 + move), STRIKE, years, vol, discount)
    return [(float(QUANTITY @ row), float(np.abs(QUANTITY) @ np.abs(row))) for row in each]


@pytest.mark.parametrize("in_coin", [False, True])
@pytest.mark.parametrize("stickiness", [0.0, 0.7, 1.0])
def test_every_node_is_the_sum_of_its_options(in_coin, stickiness):
    """Expired and flat ones included."""
    found = over_all(skew=SKEW, stickiness=stickiness, in_coin=in_coin)
    assert {row.shape for row in found} == {(len(MOVES), len(VOL_MOVES), len(ELAPSED))}
    for i, move in enumerate(MOVES):
        for j, vol_move in enumerate(VOL_MOVES):
            for k, elapsed in enumerate(ELAPSED):
                sums = one_by_one(move, vol_move, elapsed, stickiness, in_coin=in_coin)
                for row, (expected, scale) in zip(found, sums, strict=True):
                    assert row[i, j, k] == pytest.approx(expected, abs=1e-12 * scale + 1e-280)


def test_the_paths_agree():
    """Over the whole grid, on the scale of what is summed."""
    here = over_all()
    arithmetic.use(arithmetic.PLAIN)
    there = over_all()
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-12 * np.abs(other).max() * SIZE)


def test_without_a_move_it_is_the_book_as_it_is():
    """Scalars make one node."""
    found = scenario.revalue(*BOOK)
    plain = black76.first(*BOOK[1:])
    assert found.value.shape == (1, 1, 1)
    assert found.delta[0, 0, 0] == pytest.approx(float(QUANTITY @ plain.delta), rel=1e-12)


def test_a_volatility_that_sticks_to_moneyness_moves_with_the_forward():
    """A falling skew: after a rise the same strike is further down, and dearer."""
    option = (1.0, True, 100.0, 100.0, 0.25, 0.6)
    strike = scenario.revalue(*option, moves=0.1, skew=-0.4)
    moneyness = scenario.revalue(*option, moves=0.1, skew=-0.4, stickiness=1.0)
    expected = black76.price(True, 110.0, 100.0, 0.25, 0.6 + 0.4 * np.log(1.1))
    assert float(moneyness.value[0, 0, 0]) == pytest.approx(float(expected), rel=1e-13)
    assert moneyness.value > strike.value


def test_what_is_no_option_makes_its_sums_nan_and_nothing_raises():
    """Nor an empty book, which is worth nothing."""
    found = scenario.revalue([1.0, 1.0], True, 100.0, [100.0, np.nan], 0.25, 0.6, moves=MOVES)
    assert all(np.isnan(row).all() for row in found)
    empty = scenario.revalue([], True, 100.0, 100.0, 0.25, 0.6, moves=MOVES)
    assert all((row == 0.0).all() for row in empty)
