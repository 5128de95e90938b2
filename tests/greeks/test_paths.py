"""Simulated paths: moments, martingales, mirrors, correlation, and prices against Fourier's."""

import re
from dataclasses import replace
from math import exp, expm1

import numpy as np
import pytest

from greeks import bates, black76, paths
from greeks.bates.model import Bates

DAY, HOUR = 1.0 / 365.0, 1.0 / 8760.0
REFERENCE = Bates(0.2704, 0.3025, 6.0, 2.0, -0.3, 12.0, -0.015, 0.05)
HESTON = replace(REFERENCE, jump_rate=0.0)
HARD = Bates(0.04, 0.04, 0.5, 1.0, -0.9)
UPWARD = Bates(0.09, 0.25, 1.5, 3.0, 0.4, 30.0, -0.05, 0.1)
MODELS = {"reference": REFERENCE, "hard": HARD, "upward": UPWARD}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def mean_and_error(drawn: np.ndarray, *, antithetic: bool) -> tuple[float, float]:
    """Return the mean and its standard error, of pairs where halves are mirrors."""
    independent = drawn.reshape(2, -1).mean(axis=0) if antithetic else drawn
    return float(independent.mean()), float(independent.std() / np.sqrt(independent.size))


def test_gbm_has_the_moments_of_its_law():
    """Steps are independent normals, exactly, however long they are."""
    price = paths.gbm(np.random.default_rng(1), 100.0, 0.8, 0.1, 10, 20_000, drift=0.3)
    assert price.shape == (11, 20_000)
    np.testing.assert_array_equal(price[0], 100.0)
    steps = np.diff(np.log(price), axis=0) - (0.3 - 0.5 * 0.64) * 0.1
    n, scale = steps.size, 0.8 * np.sqrt(0.1)
    assert abs(steps.mean()) <= 4.0 * scale / np.sqrt(n)
    assert abs(steps.var() / scale**2 - 1.0) <= 4.0 * np.sqrt(2.0 / n)
    assert abs((steps**4).mean() / scale**4 - 3.0) <= 4.0 * np.sqrt(96.0 / n)
    assert abs((steps[1:] * steps[:-1]).mean()) <= 4.0 * scale**2 / np.sqrt(n)


@pytest.mark.parametrize("antithetic", [False, True])
def test_gbm_prices_options_as_black76(antithetic):
    """Within three standard errors, and pairs have the smaller one."""
    rng = np.random.default_rng(2)
    last = paths.gbm(rng, 100.0, 0.6, DAY, 30, 20_000, antithetic=antithetic)[-1]
    mean, error = mean_and_error(np.maximum(last - 95.0, 0.0), antithetic=antithetic)
    assert abs(mean - float(black76.price(True, 100.0, 95.0, 30 * DAY, 0.6))) <= 3.0 * error
    assert error <= (0.1 if antithetic else 0.13)


@every_model
@pytest.mark.parametrize("days,steps", [(30, 30), (30, 90), (360, 24)])
def test_the_price_is_a_martingale_but_for_its_drift(model, days, steps):
    """E[S] is spot exp(drift T), and each step's share of it: at steps of up to two weeks."""
    rng = np.random.default_rng([3, steps])
    dt = days * DAY / steps
    price = paths.bates(rng, model, 100.0, dt, steps, 40_000, drift=0.2, antithetic=True).price
    mean, error = mean_and_error(price[-1], antithetic=True)
    # The tail of a year's price is too heavy for its standard error to be one; that of a step
    # is not, and steps are uncorrelated.
    assert days > 30 or abs(mean - 100.0 * exp(0.2 * days * DAY)) <= 3.0 * error
    steps_apart = (price[1:] / price[:-1]).reshape(steps, 2, -1).mean(axis=1).ravel()
    mean, error = mean_and_error(steps_apart, antithetic=False)
    assert error < 6e-4
    assert abs(mean - exp(0.2 * dt)) <= 3.0 * error


@every_model
def test_variance_has_the_moments_of_its_law(model):
    """Mean and variance of v after a year are Cox, Ingersoll and Ross's, at steps of two weeks."""
    drawn = paths.bates(np.random.default_rng(4), model, 1.0, 1 / 26, 26, 40_000)
    v, kept, gone = drawn.variance[-1], exp(-model.kappa), -expm1(-model.kappa)
    mean = model.theta + (model.v0 - model.theta) * kept
    spread = model.xi**2 / model.kappa * gone * (model.v0 * kept + 0.5 * model.theta * gone)
    assert (drawn.variance >= 0.0).all()
    assert abs(v.mean() - mean) <= 4.0 * np.sqrt(spread / v.size)
    squares = (v - mean) ** 2
    assert abs(squares.mean() - spread) <= 4.0 * squares.std() / np.sqrt(v.size)


@every_model
@pytest.mark.parametrize("step", [DAY, DAY / 3])
def test_options_have_their_fourier_price(model, step):
    """At the money and in the wings, 20 days, within three standard errors and 0.03 vol points."""
    years, spread = 20 * DAY, float(np.sqrt(bates.expected_variance(model, 20 * DAY) * 20 * DAY))
    rng = np.random.default_rng([5, round(step / HOUR)])
    last = paths.bates(rng, model, 1.0, step, round(years / step), 40_000, antithetic=True).price[
        -1
    ]
    for k in (-1.5 * spread, 0.0, 1.2 * spread):
        call = k >= 0.0
        payoff = np.maximum(last - exp(k) if call else exp(k) - last, 0.0)
        mean, error = mean_and_error(payoff, antithetic=True)
        vol = bates.volatility(model, k, years).vol
        vega = float(black76.first(call, 1.0, exp(k), years, vol).vega)
        expected = float(bates.price(model, call, 1.0, exp(k), years))
        assert abs(mean - expected) <= 3.0 * error + 3e-4 * vega
        assert 3.0 * error < 0.015 * vega


def test_returns_and_variance_are_correlated_by_rho():
    """Hourly, over all steps; and each has its own size."""
    drawn = paths.bates(np.random.default_rng(6), HESTON, 100.0, HOUR, 100, 2_000)
    before = drawn.variance[:-1]
    returns = np.diff(np.log(drawn.price), axis=0) / np.sqrt(before * HOUR)
    moves = np.diff(drawn.variance, axis=0) / np.sqrt(before * HOUR)
    n = returns.size
    assert np.corrcoef(returns.ravel(), moves.ravel())[0, 1] == pytest.approx(-0.3, abs=0.01)
    assert returns.var() == pytest.approx(1.0, abs=4.0 * np.sqrt(2.0 / n))
    assert moves.std() == pytest.approx(2.0, rel=0.01)


def test_jumps_come_at_their_rate_and_of_their_size():
    """Where variance is next to nothing, only jumps move: number, mean, spread, independence."""
    model = Bates(1e-12, 1e-12, 1.0, 0.0, 0.0, 40.0, -0.1, 0.05)
    drawn = paths.bates(np.random.default_rng(7), model, 1.0, DAY, 365, 4_000)
    moves = np.diff(np.log(drawn.price), axis=0) + 40.0 * model.jump_drift * DAY
    jumped = np.abs(moves) > 1e-4
    expected = 4_000 * 365 * -expm1(-40.0 * DAY)
    assert abs(jumped.sum() - expected) <= 4.0 * np.sqrt(expected)
    total = moves.sum(axis=0)
    assert total.mean() == pytest.approx(-4.0, abs=4.0 * np.sqrt(model.jump_variance / 4_000))
    assert total.var() == pytest.approx(model.jump_variance, rel=4.0 * np.sqrt(2.1 / 4_000))
    per_day = jumped.sum(axis=1)
    assert per_day.var() == pytest.approx(per_day.mean(), rel=0.35)
    per_path = jumped.sum(axis=0)
    assert abs(np.corrcoef(jumped[:180].sum(axis=0), jumped[180:].sum(axis=0))[0, 1]) <= 0.07
    assert per_path.var() == pytest.approx(per_path.mean() * (1 - 20 * DAY), rel=0.15)


def test_realised_variance_is_the_expected_one():
    """Squared returns add up to expected variance, jumps included."""
    drawn = paths.bates(np.random.default_rng(8), REFERENCE, 1.0, DAY / 4, 120, 20_000)
    realised = (np.diff(np.log(drawn.price), axis=0) ** 2).sum(axis=0) / (30 * DAY)
    error = realised.std() / np.sqrt(realised.size)
    expected = float(bates.expected_variance(REFERENCE, 30 * DAY))
    assert abs(realised.mean() - expected) <= 4.0 * error + 1e-3 * expected
    last = drawn.price[-1]
    index = np.sqrt(2.0 * (last - 1.0 - np.log(last)).mean() / (30 * DAY))
    assert index == pytest.approx(float(bates.index(REFERENCE, 30 * DAY)), abs=0.005)


def test_antithetic_halves_are_mirrors():
    """Of normals and of jump sizes: seen exactly where variance does not move."""
    price = paths.gbm(np.random.default_rng(9), 100.0, 0.5, HOUR, 50, 400, antithetic=True)
    log = np.log(price / 100.0)
    middle = -0.125 * HOUR * np.arange(51)[:, None]
    np.testing.assert_allclose(
        log[:, :200] + log[:, 200:], 2.0 * middle + 0 * log[:, 200:], atol=1e-13
    )
    model = Bates(0.25, 0.25, 1.0, 0.0, 0.0, 500.0, -0.1, 0.2)
    price = paths.bates(
        np.random.default_rng(9), model, 100.0, HOUR, 50, 400, antithetic=True
    ).price
    log = np.log(price / 100.0) + (0.125 + 500.0 * model.jump_drift) * HOUR * np.arange(51)[:, None]
    jumps = np.round((log[:, :200] + log[:, 200:]) / (2.0 * model.jump_mean), 6)
    assert set(np.unique(jumps)) >= {0.0, 1.0, 2.0}
    np.testing.assert_allclose(jumps, np.round(jumps), atol=1e-5)
    drawn = paths.bates(np.random.default_rng(9), HESTON, 100.0, HOUR, 50, 400, antithetic=True)
    for moved in (np.log(drawn.price[-1]), drawn.variance[-1]):
        assert np.corrcoef(moved[:200], moved[200:])[0, 1] < -0.97


@pytest.mark.parametrize("antithetic", [False, True])
def test_the_same_seed_gives_the_same_paths(antithetic):
    """And the next draw of the same generator gives others."""

    def draw(rng):
        return (
            paths.gbm(rng, 100.0, 0.5, HOUR, 5, 8, antithetic=antithetic),
            *paths.bates(rng, REFERENCE, 100.0, HOUR, 5, 8, antithetic=antithetic),
        )

    first, again = np.random.default_rng(10), np.random.default_rng(10)
    one, two = draw(first), draw(again)
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.flags.c_contiguous
        assert mine.shape == (6, 8)
    for mine, theirs in zip(one, draw(first), strict=True):
        assert (mine[-1] != theirs[-1]).all()


@pytest.mark.parametrize(
    "change,message",
    [
        ({"spot": 0.0}, "expected a finite spot > 0, found 0.0"),
        ({"dt_years": -1.0}, "expected a finite dt_years > 0, found -1.0"),
        ({"steps": 0}, "expected at least one step and one path, found 0 and 4"),
        ({"paths": 0}, "expected at least one step and one path, found 2 and 0"),
        ({"drift": float("nan")}, "expected a finite drift, found nan"),
        ({"paths": 3, "antithetic": True}, "expected an even number of antithetic paths, found 3"),
    ],
)
def test_what_is_no_simulation_is_refused(change, message):
    """Both generators say what they expected and what they found."""
    given = {"spot": 1.0, "dt_years": 0.1, "steps": 2, "paths": 4} | change
    with pytest.raises(ValueError, match=message):
        paths.gbm(np.random.default_rng(0), vol=0.5, **given)
    with pytest.raises(ValueError, match=message):
        paths.bates(np.random.default_rng(0), REFERENCE, **given)


@pytest.mark.parametrize("vol", [-0.5, 1e200, np.nan])
def test_a_volatility_that_is_none_is_refused(vol):
    """A negative one would be drawn as its mirror, unseen."""
    with pytest.raises(ValueError, match=re.escape(f"expected a vol of 0 to 1000, found {vol}")):
        paths.gbm(np.random.default_rng(1), 1.0, vol, 0.1, 2, 4)


def test_a_step_without_a_martingale_correction_is_refused():
    """Its exponential moment would not exist: rho > 0, xi large, a step of a year."""
    model = Bates(0.25, 0.25, 1.0, 4.0, 0.9)
    with pytest.raises(
        ValueError, match=r"expected a step short enough for xi and rho, found 1\.0"
    ):
        paths.bates(np.random.default_rng(0), model, 1.0, 1.0, 1, 2)
