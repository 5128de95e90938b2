"""Fits to chains of known models and to recorded ones; what cannot be fitted says so."""

from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from greeks import bates
from greeks.bates import calibration
from greeks.bates.calibration import calibrate
from greeks.bates.model import Bates
from greeks.bates.quotes import Chain, quotes

REFERENCE = Bates(0.2704, 0.3025, 6.0, 2.0, -0.3, 12.0, -0.015, 0.05)
STORM = Bates(1.2, 0.3, 15.0, 6.0, -0.5, 2.0, -0.2, 0.15)
YEAR_S = 365 * 86_400.0


def made(model: Bates, days: list[int], strikes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log-moneyness, years and the model's own volatilities, two deviations each way."""
    years = np.array(days)[:, None] / 365
    spread = np.sqrt(bates.expected_variance(model, years) * years)
    k = np.linspace(-2.0, 2.0, strikes) * spread
    return k, years, bates.volatility(model, k, years).vol


@pytest.mark.parametrize("model", [REFERENCE, STORM])
def test_a_tabulated_chain_has_the_models_own_volatilities(model):
    """Errors against another model's chain are the differences of the two smiles."""
    k, years, vols = made(REFERENCE, [1, 7, 30, 200], 9)
    errors = Chain(quotes(k, years, vols, 1.0, 1)).errors(model)
    expected = (bates.volatility(model, k, years).vol - vols).ravel()
    np.testing.assert_allclose(errors, expected, atol=2e-6)


@pytest.mark.parametrize("model", [REFERENCE, STORM])
def test_a_models_own_chain_is_fitted(model):
    """Smiles to 0.05 vol points with the prior that the parameters need, index to 0.03."""
    k, years, vols = made(model, [2, 7, 30, 90], 11)
    index = float(bates.index(model))
    fit = calibrate(k, years, vols, index_vol=index)
    assert fit.converged
    assert fit.rms <= 0.05
    assert abs(fit.index_error) <= 0.03
    np.testing.assert_allclose(fit.years, years.ravel())
    again = np.sqrt(((bates.volatility(fit.model, k, years).vol - vols) ** 2).mean(axis=1)) * 100
    np.testing.assert_allclose(fit.expiry_rms, again, rtol=1e-9)
    assert fit.rms == pytest.approx(np.sqrt((fit.expiry_rms**2).mean()))
    assert fit.index_error == pytest.approx(100 * (float(bates.index(fit.model)) - index))


def test_without_noise_and_prior_the_parameters_come_back():
    """All eight, to a thousandth of each."""
    fit = calibrate(*made(REFERENCE, [2, 7, 14, 30, 60, 180], 15), prior_vol=0.0)
    np.testing.assert_allclose(astuple(fit.model), astuple(REFERENCE), rtol=1e-3)
    assert np.isnan(fit.index_error)
    assert fit.at_bounds == ()


def test_heston_is_fitted_without_jumps():
    """Five parameters come back, and three stay none."""
    model = Bates(0.2, 0.35, 5.0, 1.5, -0.5)
    fit = calibrate(*made(model, [7, 30, 90], 9), prior_vol=0.0, jumps=False)
    np.testing.assert_allclose(astuple(fit.model), astuple(model), rtol=1e-3)
    assert fit.model.jump_rate == 0.0


def test_noise_is_not_fitted_and_two_fits_are_one():
    """A fifth of a vol point of noise stays as error; nothing in the fit is random."""
    k, years, vols = made(REFERENCE, [7, 30, 90], 15)
    noisy = vols + 0.002 * np.random.default_rng(1).standard_normal(vols.shape)
    fit = calibrate(k, years, noisy)
    assert 0.15 <= fit.rms <= 0.22
    assert np.abs(bates.volatility(fit.model, k, years).vol - vols).max() <= 0.003
    assert calibrate(k, years, noisy).model == fit.model


def test_weights_decide_and_a_quote_of_none_is_not_looked_at():
    """Of two chains that contradict each other the heavier is fitted; 0 leaves out even NaN."""
    k, years, vols = made(REFERENCE, [7, 30], 9)
    both = np.stack([vols, vols + 0.05, np.full_like(vols, np.nan)])
    weights = np.array([1.0, 1e-6, 0.0])[:, None, None]
    fit = calibrate(k, years, both, weights)
    np.testing.assert_allclose(bates.volatility(fit.model, k, years).vol, vols, atol=0.001)


def test_a_heavier_index_is_met_better():
    """Where it contradicts the chain by three vol points, its weight decides who gives way."""
    k, years, vols = made(REFERENCE, [7, 30], 7)
    asked = float(bates.index(REFERENCE)) - 0.03
    light, heavy = (
        calibrate(k, years, vols, index_vol=asked, index_weight=weight) for weight in (0.01, 100.0)
    )
    assert abs(light.index_error) > 2.0
    assert abs(heavy.index_error) < 0.1
    assert light.rms < heavy.rms


def test_a_fit_that_was_stopped_says_so(monkeypatch):
    """It returns the best model that it saw."""
    monkeypatch.setattr(calibration, "EVALUATIONS", 2)
    fit = calibrate(*made(REFERENCE, [7, 30], 9))
    assert not fit.converged
    assert fit.rms > 0.0


def test_the_best_start_wins(monkeypatch):
    """Stopped early, three starts are at three places; the nearest is the one that is returned."""
    chain = made(STORM, [7, 30], 9)
    monkeypatch.setattr(calibration, "EVALUATIONS", 3)
    together = calibrate(*chain)
    alone = []
    for start in calibration.STARTS:
        monkeypatch.setattr(calibration, "STARTS", (start,))
        alone.append(calibrate(*chain).rms)
    assert max(alone) > 1.1 * min(alone)
    assert together.rms == min(alone)


def test_a_parameter_at_its_bound_is_named():
    """A flat chain at a volatility below the lowest allowed ends there."""
    fit = calibrate(np.linspace(-0.002, 0.002, 9), [[0.1], [0.2]], 0.02, prior_vol=0.0, jumps=False)
    assert {"v0", "theta"} <= set(fit.at_bounds)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"vols": [0.5] * 7}, "expected at least 8 quotes with weight, found 7"),
        ({"vols": [0.5] * 4, "jumps": False}, "expected at least 5 quotes with weight, found 4"),
        ({"vols": [0.5] * 8 + [np.nan]}, "found 1 of 9 quotes without"),
        ({"vols": [0.5] * 8 + [-0.1]}, "found 1 of 9 quotes without"),
        ({"vols": [50.0] * 9}, "expected vols of 0.01 to 5, found 50"),
        ({"years": 1e-9}, "expected years of 1e-05 to 100, found 1e-09"),
        ({"log_moneyness": 800.0}, "expected log-moneyness of -10 to 10, found 800"),
        ({"years": 0.0}, "found 9 of 9 quotes without"),
        ({"weights": -1.0}, "found 9 of 9 quotes without"),
        ({"weights": 0.0}, "found 0"),
        ({"log_moneyness": np.inf}, "found 9 of 9 quotes without"),
        ({"index_vol": -0.5}, "expected index_vol, index_years > 0, found -0.5"),
        ({"index_weight": -1.0}, "expected a finite index_weight >= 0, found -1.0"),
        ({"prior_vol": np.nan}, "expected a finite prior_vol >= 0, found nan"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    """It says what was expected and what was found."""
    given = {"log_moneyness": 0.0, "years": 0.1, "vols": [0.5] * 9} | change
    with pytest.raises(ValueError, match=message):
        calibrate(**given)


class Day(NamedTuple):
    """One recorded chain: marks out of the money within two deviations, 5 to 400 days."""

    k: np.ndarray
    years: np.ndarray
    vols: np.ndarray
    weights: np.ndarray  # every expiry counts the same
    dvol: float


def recorded(folder: Path, when: datetime) -> Day:
    """Return the chain of a moment, with the last volatility index before it."""
    name = pl.col("instrument_name").cast(pl.String).str.split("-")
    day = name.list.get(1).str.to_titlecase().str.strptime(pl.Date, "%d%b%y")
    expiry = day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours=8)
    chain = (
        pl.scan_parquet(folder / "deribit_chain_6h" / "btc_20251230_20260331.parquet")
        .filter(pl.col("snapshot_ts") == when)
        .select(
            years=(expiry - pl.col("snapshot_ts")).dt.total_microseconds() / 1e6 / YEAR_S,
            k=(name.list.get(2).cast(pl.Float64) / pl.col("underlying_price")).log(),
            vol=pl.col("mark_iv_pct") / 100,
            is_call=name.list.get(3) == "C",
        )
        .filter((pl.col("k") >= 0) == pl.col("is_call"))
        .with_columns(money=pl.col("vol").sort_by(pl.col("k").abs()).first().over("years"))
        .filter(pl.col("k").abs() <= 2.0 * pl.col("money") * pl.col("years").sqrt())
        .filter(pl.col("years").is_between(5 / 365, 400 / 365))
        .with_columns(weight=1.0 / pl.len().over("years"))
        .collect()
    )
    dvol = pl.read_csv(
        folder / "deribit_dvol_perp_1h" / "btc_dvol_1h_20210324_20260331.csv.gz",
        try_parse_dates=True,
    ).filter(pl.col("timestamp") <= when)
    k, years, vol, weight = (chain[one].to_numpy() for one in ("k", "years", "vol", "weight"))
    return Day(k, years, vol, weight, float(dvol["iv"][-1]))


@pytest.mark.parametrize(
    "when,rms,index_error",
    [
        (datetime(2026, 1, 12, 15, 35, 7, tzinfo=UTC), 0.5, 0.25),
        (datetime(2026, 2, 5, 15, 51, 32, tzinfo=UTC), 1.8, 0.6),
    ],
    ids=["quiet", "crash"],
)
def test_a_recorded_chain_is_fitted_with_its_index(data_dir, when, rms, index_error):
    """Measured 0.45 and 1.65 vol points, the index 0.19 and 0.50: in a crash one factor strains."""
    day = recorded(data_dir / "market", when)
    fit = calibrate(day.k, day.years, day.vols, day.weights, index_vol=day.dvol)
    assert day.k.size > 150
    assert fit.converged
    assert fit.rms <= rms
    assert abs(fit.index_error) <= index_error
    assert fit.model.rho < 0.0
    assert fit.expiry_rms.max() <= 2.0 * rms
