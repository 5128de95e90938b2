import numpy as np
import pytest

from greeks import black76, inverse, scenario
from greeks.surface import smile
from greeks.surface.svi import Shape, Svi, shape

FORWARD, STRIKE, YEARS = 60_000.0, 54_000.0, 30 / 365
SLICE = Svi(a=0.018, b=0.06, rho=-0.3, m=0.01, s=0.15)


def case_b(k):
    """Return the smile of the formula sheet's case B: volatility and its slope."""
    return 0.60 - 0.10 * k + 0.5 * k * k, -0.10 + k


@pytest.mark.parametrize("ratio, expected", [(1.0, -0.246726), (0.0, -0.228148), (2.0, -0.265304)])
def test_case_b_of_the_formula_sheet(ratio, expected):
    """Sticky strike, sticky moneyness, and the short-dated limit of local volatility."""
    k = np.log(STRIKE / FORWARD)
    vol, slope = case_b(k)
    first = black76.first(False, FORWARD, STRIKE, YEARS, vol)
    assert vol == pytest.approx(0.616086, abs=1e-6)
    assert first.vega == pytest.approx(5427.945, abs=1e-3)
    assert smile.delta(first.delta, first.vega, slope, FORWARD, ratio) == pytest.approx(
        expected, abs=1e-6
    )


@pytest.mark.parametrize("ratio", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("is_call", [True, False])
def test_the_adjusted_delta_is_the_slope_of_a_value_whose_smile_moves(is_call, ratio):
    """By its definition, on an SVI slice, in USD and in coin."""
    strikes = np.array([48_000.0, 57_000.0, 60_000.0, 66_000.0, 80_000.0])

    def value(forward):
        level = np.log(forward / FORWARD)
        still = smile.volatility(shape(SLICE, np.log(strikes / FORWARD)), YEARS)
        lean = smile.skew(shape(SLICE, np.log(strikes / FORWARD)), YEARS)
        return black76.price(is_call, forward, strikes, YEARS, still + (ratio - 1) * lean * level)

    here = shape(SLICE, np.log(strikes / FORWARD))
    vol, lean = smile.volatility(here, YEARS), smile.skew(here, YEARS)
    first = black76.first(is_call, FORWARD, strikes, YEARS, vol)
    h = 6.0
    slope = (value(FORWARD + h) - value(FORWARD - h)) / (2 * h)
    np.testing.assert_allclose(
        smile.delta(first.delta, first.vega, lean, FORWARD, ratio), slope, rtol=1e-5
    )
    coin = inverse.greeks(is_call, FORWARD, strikes, YEARS, vol)
    up, down = (value(FORWARD + move) / (FORWARD + move) for move in (h, -h))
    np.testing.assert_allclose(
        smile.net_delta(coin.net_delta, coin.coin_vega, lean, ratio),
        FORWARD * (up - down) / (2 * h),
        rtol=1e-5,
    )


def test_volatility_kept_with_moneyness_is_the_shifted_smile():
    """R = 0: the smile moves with the forward as a whole."""
    moved = FORWARD * 1.0001
    before = smile.volatility(shape(SLICE, np.log(STRIKE / FORWARD)), YEARS)
    after = smile.volatility(shape(SLICE, np.log(STRIKE / moved)), YEARS)
    lean = smile.skew(shape(SLICE, np.log(STRIKE / FORWARD)), YEARS)
    assert (after - before) / 1e-4 == pytest.approx((0.0 - 1.0) * lean, rel=1e-3)


def test_a_scenarios_stickiness_is_what_the_ratio_leaves_of_one():
    """Both say by how much a strike's volatility moves with the forward."""
    here = shape(SLICE, np.log(STRIKE / FORWARD))
    vol, lean = smile.volatility(here, YEARS), smile.skew(here, YEARS)
    first = black76.first(True, FORWARD, STRIKE, YEARS, vol)
    for ratio in (0.0, 1.0, 1.7):
        found = scenario.revalue(
            1.0, True, FORWARD, STRIKE, YEARS, vol, moves=[-1e-4, 1e-4], skew=lean,
            stickiness=1.0 - ratio,
        )  # fmt: skip
        slope = float(found.value[1, 0, 0] - found.value[0, 0, 0]) / (2e-4 * FORWARD)
        delta = smile.delta(first.delta, first.vega, lean, FORWARD, ratio)
        assert slope == pytest.approx(float(delta), rel=1e-6)


def test_skew_is_the_slope_of_volatility():
    """In log-strike, per square root of whatever years are given."""
    k, h = np.linspace(-0.5, 0.5, 11), 1e-6
    for years in (YEARS, 0.9 * YEARS):
        up, down = (smile.volatility(shape(SLICE, k + move), years) for move in (h, -h))
        np.testing.assert_allclose(
            smile.skew(shape(SLICE, k), years), (up - down) / (2 * h), atol=1e-8
        )


def test_a_stickiness_is_found_again_from_moves():
    """Within its own standard error, over several expiries in one regression."""
    draw = np.random.Generator(np.random.PCG64(11))
    moves = 0.02 * draw.standard_normal((400, 1))
    skews = np.array([-0.30, -0.15, -0.08])
    vols = 1.4 * skews * moves + 0.002 * draw.standard_normal((400, 3))
    found = smile.stickiness(moves, vols, skews)
    assert found.moves == 1_200
    assert abs(found.ratio - 1.4) < 3 * found.error
    assert found.error == pytest.approx(0.002 / np.sqrt((skews**2).sum() * 400) / 0.02, rel=0.1)


def test_moves_that_are_missing_are_left_out_and_too_few_give_nan():
    """Nothing raises."""
    assert smile.stickiness([0.01, np.nan, 0.02], [-0.002, 0.1, -0.004], -0.2).ratio == 1.0
    assert np.isnan(smile.stickiness([0.01], [0.001], -0.2).ratio)
    assert np.isnan(smile.stickiness([0.0, 0.0], [0.001, 0.0], -0.2).ratio)


def test_without_time_or_variance_there_is_no_volatility():
    """NaN or infinite, never a warning."""
    nothing = Shape(np.array([0.0, np.nan]), np.zeros(2), np.zeros(2))
    assert not np.isfinite(smile.skew(nothing, 0.0)).any()
    assert not np.isfinite(smile.volatility(nothing, 0.0)).any()
