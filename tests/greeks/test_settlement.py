"""Options on the average of the last half hour: simulation, continuity, limits, coin settlement."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks import black76, inverse, settlement

F, VOL, W = 60_000.0, 0.6, 1800.0
YEAR_S = 365 * 86_400.0
STEPS = 90
PATHS = 60_000


@cache
def simulated_average(seconds: float, known: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the settlement average and the index at expiry on antithetic driftless paths."""
    rng = np.random.default_rng(800)
    before = max(seconds - W, 0.0)
    inside = min(seconds, W)
    half = rng.standard_normal((STEPS + 1, PATHS // 2))
    normal = np.concatenate([half, -half], axis=1)
    variance = np.full((STEPS + 1, 1), VOL**2 * inside / STEPS / YEAR_S)
    variance[0] = VOL**2 * before / YEAR_S
    log_index = np.cumsum(np.sqrt(variance) * normal - 0.5 * variance, axis=0)
    index = F * np.exp(log_index)
    rest = (index[1:].sum(axis=0) + 0.5 * (index[0] - index[-1])) / STEPS  # trapezoid
    elapsed = 1.0 - inside / W
    return elapsed * known + (1.0 - elapsed) * rest, index[-1]


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(
    "seconds,known,strike",
    [
        (3600.0, np.nan, 60_000.0),
        (2400.0, np.nan, 60_300.0),
        (1800.0, np.nan, 59_900.0),
        (900.0, 60_100.0, 60_000.0),
        (900.0, 60_000.0, 60_100.0),
        (300.0, 59_900.0, 59_930.0),
    ],
)
def test_value_and_delta_are_those_of_simulated_averages(is_call, seconds, known, strike):
    """Both agree with 60 000 paths within four standard errors."""
    average, _ = simulated_average(seconds, 0.0 if np.isnan(known) else known)
    sign = 1.0 if is_call else -1.0
    payoff = np.maximum(sign * (average - strike), 0.0)
    elapsed = max(1.0 - seconds / W, 0.0)
    rest_share = (average - elapsed * (0.0 if np.isnan(known) else known)) / F
    slope = np.where(payoff > 0.0, sign * rest_share, 0.0)
    actual = settlement.first(is_call, F, strike, seconds, VOL, known)
    for mine, drawn in ((actual.price, payoff), (actual.delta, slope)):
        pairs = drawn.reshape(2, -1).mean(axis=0)
        error = pairs.std() / np.sqrt(pairs.size)
        assert abs(float(mine) - pairs.mean()) <= 4.0 * error


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("seconds,known", [(2400.0, np.nan), (900.0, 60_080.0)])
def test_a_coin_settled_option_is_paid_at_the_average(is_call, seconds, known):
    """Its coin price is the simulated value of (A - K)/A coin, in coin of today."""
    strike = 60_050.0
    average, last = simulated_average(seconds, 0.0 if np.isnan(known) else known)
    sign = 1.0 if is_call else -1.0
    paid = np.maximum(sign * (1.0 - strike / average), 0.0) * last / F
    pairs = paid.reshape(2, -1).mean(axis=0)
    error = pairs.std() / np.sqrt(pairs.size)
    actual = settlement.coin(is_call, F, strike, seconds, VOL, known)
    # The payoff over the mean average is not the mean of the ratio: half a percent of the value.
    assert abs(float(actual.coin_price) - pairs.mean()) <= 4.0 * error + 5e-3 * pairs.mean()


def test_variance_time_loses_two_thirds_of_the_window():
    """Twenty minutes are off before the window, a third is left inside, nothing after."""
    seconds = np.array([5400.0, 3600.0, 1800.0, 900.0, 0.0, -60.0])
    actual = settlement.variance_years(seconds) * YEAR_S
    np.testing.assert_allclose(actual, [4200, 2400, 600, 300, 0, 0], rtol=1e-14)
    assert settlement.variance_years(600.0, 0.0) * YEAR_S == pytest.approx(600.0)


def test_the_elapsed_share_runs_from_nothing_to_all():
    """It is 0 before the window, 1 from expiry on, linear between; without a window it jumps."""
    seconds = np.array([7200.0, 1800.0, 1350.0, 900.0, 0.0, -1.0])
    np.testing.assert_allclose(settlement.window_fraction(seconds), [0, 0, 0.25, 0.5, 1, 1])
    np.testing.assert_array_equal(settlement.window_fraction([1.0, 0.0, -1.0], 0.0), [0, 1, 1])


@given(st.booleans(), st.floats(-0.02, 0.02), st.floats(0.2, 2.0))
def test_every_figure_is_continuous_at_the_windows_edge(is_call, moneyness, vol):
    """A microsecond before and after the window opens, nothing jumps."""
    strike = F * float(np.exp(moneyness))
    arguments = (
        is_call,
        F,
        strike,
        np.array([W + 1e-6, W, W - 1e-6]),
        vol,
        np.array([np.nan, F, F]),
    )
    for output in (*settlement.first(*arguments), *settlement.coin(*arguments)):
        np.testing.assert_allclose(output, output[1], rtol=1e-6, atol=1e-12)


def test_before_the_window_it_is_black76_with_less_time():
    """With the average still to come, every figure is the plain option's at its variance time."""
    strikes = np.array([58_000.0, 60_000.0, 61_000.0])
    years = settlement.variance_years(7200.0)
    plain = black76.first(True, F, strikes, years, VOL)
    actual = settlement.first(True, F, strikes, 7200.0, VOL, np.nan)
    for mine, theirs in zip(actual, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-14)
    coin = settlement.coin(True, F, strikes, 7200.0, VOL, np.nan)
    for mine, theirs in zip(coin, inverse.greeks(True, F, strikes, years, VOL), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [59_900.0, 60_000.0, 60_150.0])
def test_slopes_inside_the_window_are_those_of_the_value(is_call, strike):
    """Delta, gamma, vega and the coin slopes are difference quotients in the index."""

    def at(index: float, vol: float = VOL) -> tuple[black76.First, inverse.CoinGreeks]:
        arguments = (is_call, index, strike, 700.0, vol, 60_020.0)
        return settlement.first(*arguments), settlement.coin(*arguments)

    (low, low_coin), (mid, mid_coin), (high, high_coin) = at(F - 0.05), at(F), at(F + 0.05)
    assert float(mid.delta) == pytest.approx(float(high.price - low.price) * 10, rel=1e-5)
    assert float(mid.gamma) == pytest.approx(float(high.delta - low.delta) * 10, rel=1e-5)
    vega = (at(F, VOL + 1e-4)[0].price - at(F, VOL - 1e-4)[0].price) / 2e-4
    assert float(mid.vega) == pytest.approx(float(vega), rel=1e-5)
    net_delta = F * (high_coin.coin_price - low_coin.coin_price) * 10
    assert float(mid_coin.net_delta) == pytest.approx(float(net_delta), rel=1e-5)
    net_gamma = (high_coin.net_delta - low_coin.net_delta) * 10
    assert float(mid_coin.net_gamma) == pytest.approx(float(net_gamma), rel=1e-5)


def test_theta_is_what_a_still_index_costs():
    """Over one second in which the average takes in the index, the value falls by theta."""
    seconds, known, strike = 900.0, 60_020.0, 60_050.0
    later = seconds - 1.0
    elapsed, elapsed_later = 1 - seconds / W, 1 - later / W
    known_later = (elapsed * known + (elapsed_later - elapsed) * F) / elapsed_later
    now = settlement.first(True, F, strike, seconds, VOL, known)
    then = settlement.first(True, F, strike, later, VOL, known_later)
    change = float(then.price - now.price) * YEAR_S
    assert change == pytest.approx(float(now.theta + then.theta) / 2, rel=1e-3)


@given(
    st.booleans(),
    st.floats(0.0, W),
    st.floats(-0.05, 0.05),
    st.floats(-0.05, 0.05),
    st.floats(0.0, 3.0),
)
def test_value_is_bounded_and_parity_holds(is_call, seconds, moneyness, drift, vol):
    """Value is at least the projected intrinsic value; call less put is projected less strike."""
    strike, known = F * float(np.exp(moneyness)), F * float(np.exp(drift))
    both = settlement.first([True, False], F, strike, seconds, vol, known)
    elapsed = float(settlement.window_fraction(seconds))
    projected = elapsed * known + (1.0 - elapsed) * F
    assert both.price[0] - both.price[1] == pytest.approx(projected - strike, abs=1e-9 * F)
    assert both.delta[0] - both.delta[1] == pytest.approx(1.0 - elapsed, abs=1e-12)
    sign = 1.0 if is_call else -1.0
    mine = settlement.first(is_call, F, strike, seconds, vol, known)
    assert float(mine.price) >= sign * (projected - strike) - 1e-9 * F
    assert float(mine.price) >= 0.0
    assert 0.0 <= sign * float(mine.delta) <= 1.0 - elapsed + 1e-12


def test_a_strike_already_passed_leaves_certain_exercise():
    """When the elapsed part alone exceeds the strike, delta is the remaining share and no more."""
    call = settlement.first(True, 100.0, 40.0, 900.0, 0.6, 110.0)
    assert float(call.price) == pytest.approx(0.5 * 110 + 0.5 * 100 - 40, rel=1e-14)
    assert float(call.delta) == pytest.approx(0.5, rel=1e-14)
    assert (float(call.gamma), float(call.vega), float(call.theta)) == (0.0, 0.0, 0.0)
    put = settlement.first(False, 100.0, 40.0, 900.0, 0.6, 110.0)
    assert [float(output) for output in put] == [0.0] * 5


def test_at_expiry_the_known_average_pays_and_nothing_moves():
    """The payoff is that of the average, whatever the index does now."""
    actual = settlement.first([True, True, False], 70.0, 100.0, 0.0, 0.6, [110.0, 90.0, 90.0])
    np.testing.assert_allclose(actual.price, [10.0, 0.0, 10.0], rtol=1e-14)
    np.testing.assert_array_equal(np.array(actual[1:]), 0.0)
    coin = settlement.coin([True, True, False], 70.0, 100.0, 0.0, 0.6, [110.0, 90.0, 90.0])
    np.testing.assert_allclose(coin.coin_price, [10 / 110, 0.0, 10 / 90], rtol=1e-14)
    np.testing.assert_array_equal(coin.net_delta, 0.0)


def test_net_delta_fades_as_the_exchange_says():
    """Delta 1 and mark 0.3 with half the window gone: net delta 0.35."""
    actual = settlement.coin(True, 100.0, 70.0, 900.0, 0.6, 100.0)
    assert float(actual.coin_price) == pytest.approx(0.3, rel=1e-12)
    assert float(actual.net_delta) == pytest.approx(0.35, rel=1e-12)


def test_effective_hands_any_pricer_an_option_that_it_can_price():
    """Weight times Black-76 plus certain money is the value, decided or not."""
    seconds = np.array([3600.0, 900.0, 900.0, 0.0])
    strikes = np.array([60_100.0, 60_100.0, 20_000.0, 60_100.0])
    option = settlement.effective(True, F, strikes, seconds, VOL, 60_200.0)
    plain = black76.price(True, option.forward, option.strike, option.years, option.vol)
    value = option.weight * plain + option.certain_usd
    expected = settlement.first(True, F, strikes, seconds, VOL, 60_200.0).price
    np.testing.assert_allclose(value, expected, rtol=1e-15)
    np.testing.assert_allclose(option.weight, [1.0, 0.5, 0.5, 0.0])
    np.testing.assert_allclose(option.projected, [60_000.0, 60_100.0, 60_100.0, 60_200.0])
    assert option.strike[1] == pytest.approx(60_000.0)


@pytest.mark.parametrize(
    "forward,strike,seconds,vol,known",
    [
        (np.nan, 60_000.0, 900.0, 0.6, 60_000.0),
        (F, -1.0, 900.0, 0.6, 60_000.0),
        (F, 60_000.0, np.nan, 0.6, 60_000.0),
        (F, 60_000.0, 900.0, -0.6, 60_000.0),
        (F, 60_000.0, 900.0, 0.6, np.nan),
        (F, 60_000.0, 900.0, 0.6, 0.0),
    ],
)
def test_a_bad_element_is_nan_and_raises_nothing(forward, strike, seconds, vol, known):
    """A missing index, average, time or strike makes that element NaN and leaves its neighbour."""
    arguments = [
        np.array([sound, bad])
        for sound, bad in zip(
            (F, 60_000.0, 900.0, 0.6, 60_000.0), (forward, strike, seconds, vol, known), strict=True
        )
    ]
    for function in (settlement.first, settlement.coin):
        price = function(True, *arguments)[0]
        np.testing.assert_array_equal(np.isnan(price), [False, True])
