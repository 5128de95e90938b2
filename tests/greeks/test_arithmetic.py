"""Which kernels are in use, and that it does not matter to the answer."""

import subprocess
import sys

import numpy as np
import pytest

from greeks import arithmetic, black76, implied, inverse
from greeks.packing import pack

RNG = np.random.default_rng(20260105)
SIZE = 1_001  # no multiple of any block or vector
IS_CALL = RNG.random(SIZE) < 0.5
FORWARD = np.exp(RNG.uniform(np.log(0.01), np.log(1e6), SIZE))
YEARS = np.exp(RNG.uniform(np.log(1e-6), np.log(5.0), SIZE))
VOL = np.exp(RNG.uniform(np.log(0.01), np.log(5.0), SIZE))
# From the money to twelve deviations away from it.
STRIKE = FORWARD * np.exp(RNG.uniform(-12.0, 12.0, SIZE) * VOL * np.sqrt(YEARS) * RNG.random(SIZE))
DISCOUNT = np.where(RNG.random(SIZE) < 0.5, 1.0, RNG.uniform(0.8, 1.1, SIZE))
OPTIONS = (IS_CALL, FORWARD, STRIKE, YEARS, VOL, DISCOUNT)
HARD = (0.0, -0.0, -1.0, 1e-6, 1.0, 20.0, 1e6, np.inf, -np.inf, np.nan)
VOLS = (*HARD, 1e-150, 1e-90, 1e90, 1e150)


def by_each(call):
    """Return what a call gives on every path, by name."""
    found = {}
    for one in arithmetic.available():
        arithmetic.use(one)
        found[one] = call()
    return found


@pytest.mark.parametrize("kernel", [black76.greeks, inverse.greeks])
def test_the_paths_agree_to_the_last_bits(kernel):
    """Relative to 1e-13 and four units in the last place of d1 squared, wherever it is no dust."""
    plain, *others = by_each(lambda: kernel(*OPTIONS)).values()
    d1 = np.log(FORWARD / STRIKE) / (VOL * np.sqrt(YEARS)) + 0.5 * VOL * np.sqrt(YEARS)
    allowed = 2e-13 + 1e-15 * d1 * d1
    for other in others:
        for name in plain._fields:
            one, two = getattr(plain, name), getattr(other, name)
            scale = np.maximum(np.abs(one), np.abs(two))
            # What is a difference of two like numbers is only as good as they are.
            near = scale > 1e-9 * np.abs(one).max() if name in CANCELLING else scale > 1e-250
            assert np.all((np.abs(one - two) <= allowed * scale)[near]), name


CANCELLING = {"theta", "charm", "veta", "color", "volga", "zomma", "ultima", "speed"} | {
    "coin_theta",
    "net_gamma",
}


def test_the_paths_agree_about_every_volatility_and_status():
    """What one solves the other solves, to what the price can tell."""
    price, vega = black76.price(*OPTIONS), black76.first(*OPTIONS).vega
    found = by_each(lambda: implied.volatility(IS_CALL, price, FORWARD, STRIKE, YEARS, DISCOUNT))
    plain, *others = found.values()
    solved = (plain.status == implied.Status.SOLVED) & (vega > 0.0)
    assert solved.sum() > SIZE // 2
    blur = 4e-16 * (np.maximum(price, np.abs(FORWARD - STRIKE)) / VOL)[solved] / vega[solved]
    for other in others:
        np.testing.assert_array_equal(other.status, plain.status)
        apart = np.abs(other.vol[solved] / plain.vol[solved] - 1.0)
        assert np.all(apart <= 4e-14 + blur)


@pytest.mark.parametrize("is_call", [True, False, 0.5, np.nan])
def test_the_paths_agree_about_hard_numbers(is_call):
    """The same limits, the same NaN, and never a warning."""
    grid = np.array(np.meshgrid(HARD, HARD, (0.0, 1e-100, 1.0, np.nan), VOLS, (1.0, 0.5, 0.0)))
    forward, strike, years, vol, discount = grid.reshape(5, -1)
    found = by_each(lambda: black76.first(is_call, forward, strike, years, vol, discount))
    plain, *others = found.values()
    for other in others:
        for name in plain._fields:
            one, two = getattr(plain, name), getattr(other, name)
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-290, err_msg=name)


def test_packed_keeps_its_inputs_and_takes_what_is_not_its_own():
    """Read-only inputs, and a view of a larger array that is contiguous."""
    inputs, _ = pack(*OPTIONS)
    before = inputs.copy()
    inputs.flags.writeable = False
    space = np.full((9, SIZE), 7.0)
    black76.packed(inputs, space[2:7])
    np.testing.assert_array_equal(inputs, before)
    np.testing.assert_array_equal(space[[0, 1, 7, 8]], 7.0)
    np.testing.assert_array_equal(space[2], black76.price(*OPTIONS))


def test_one_wrong_column_leaves_the_others_as_they_are():
    """A fault is repaired where it is."""
    good = black76.greeks(*OPTIONS)
    for spoilt in range(5):
        columns = [np.array(column, dtype=np.float64) for column in OPTIONS]
        columns[1 + spoilt][::97] = np.nan
        bad = black76.greeks(*columns)
        rest = np.arange(SIZE) % 97 != 0
        for name in good._fields:
            np.testing.assert_array_equal(getattr(bad, name)[rest], getattr(good, name)[rest])
            assert np.isnan(getattr(bad, name)[~rest]).all()


def test_the_name_is_told_and_another_is_refused(kernels):
    """Nothing changes on a refusal."""
    assert arithmetic.name() == kernels
    with pytest.raises(ValueError, match=r"expected one of .*numpy, found 'fortran'"):
        arithmetic.use("fortran")
    assert arithmetic.name() == kernels


def test_without_numba_there_is_numpy():
    """On a machine that has none, or cannot load it, nothing is missing but speed."""
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "from greeks import black76, arithmetic\n"
        "assert arithmetic.available() == ('numpy',) and arithmetic.use() == 'numpy'\n"
        "print(float(black76.price(1, 100.0, 100.0, 1.0, 0.2)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(7.965567455405804, rel=1e-14)
