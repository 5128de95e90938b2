"""The synthetic market's parameters are those that the recording gives."""

import subprocess
import sys

import numpy as np
import pytest

from bot.lab.calibrate import observed, prices, smiles, spreads
from bot.lab.calibrate.compare import compare
from bot.lab.calibrate.figures import fit
from bot.lab.calibrate.smiles import Factors
from bot.sim.market.params import SPREADS, VOLATILITY


@pytest.fixture(scope="module")
def recording(data_dir):
    """Return the recorded BTC market."""
    return observed.recorded(data_dir / "market")


@pytest.mark.data
def test_every_parameter_stands_within_tolerance_of_its_fit(recording):
    """Fitting again gives params.py, each figure as exactly as the recording determines it."""
    figures = fit(recording)
    assert len(figures) == 30
    assert [one for one in figures if not one.within] == []


@pytest.mark.data
def test_the_model_resembles_the_recording(recording):
    """The same estimators on a generated fortnight give figures of the same size."""
    model = observed.generated(5, "normal", 14)
    rows = {row.name: row for row in compare(recording, model)}
    for name, tolerance in (
        ("minute correlation", 0.05),
        ("price-vol correlation, hourly", 0.2),
        ("quarter-hour activity, log sd", 0.1),
        ("skew 25-45 d", 0.04),
        ("curvature 25-45 d", 0.012),
        ("spread 2-3 d, points", 0.6),
        ("spread 14-25 d, points", 0.2),
        ("options without bid", 0.04),
    ):
        assert rows[name].model == pytest.approx(rows[name].recorded, abs=tolerance), name


def test_factors_are_found_again_where_they_are_known():
    """Curves made from two factors of known speed and size give them back."""
    known = Factors(0.35, 0.016, 2.7, 0.71)
    chance = np.random.default_rng(1)
    days = 0.25
    noise = chance.standard_normal((8_000, 2)) * np.sqrt(days / 365.0)
    moves = noise * np.array([known.fast_vol, known.slow_vol])
    curves = np.cumsum(moves @ known.loadings(smiles.TENORS).T, axis=0)
    found = smiles.factors(np.arange(8_000.0) * days, curves)
    assert [found.fast_per_day, found.slow_per_day] == pytest.approx([0.35, 0.016], rel=0.1)
    assert [found.fast_vol, found.slow_vol] == pytest.approx([2.7, 0.71], rel=0.1)


def test_the_spread_curve_is_found_again():
    """Spreads on the curve give its two parameters back."""
    days = np.array([0.7, 1.5, 4.0, 11.0, 30.0, 70.0, 130.0])
    points = np.sqrt(SPREADS.one_day_points**2 / days + SPREADS.far_points**2 * days / 100.0)
    fitted = spreads.tenor_fit(days, points)
    assert fitted == pytest.approx((SPREADS.one_day_points, SPREADS.far_points))


def test_jumps_are_seen_and_quiet_days_have_none():
    """Planted jumps are found, each once; Gaussian minutes have none and no jump share."""
    chance = np.random.default_rng(2)
    quiet = chance.standard_normal(5_000) * 5e-4
    jumpy = quiet.copy()
    jumpy[[700, 2_500, 4_200]] += [0.006, -0.007, 0.008]
    assert len(prices.outliers(np.cumsum(quiet))) == 0
    assert len(prices.outliers(np.cumsum(jumpy))) == 3
    assert abs(prices.jump_share(np.cumsum(quiet))) < 0.03
    assert prices.jump_share(np.cumsum(jumpy)) > 0.07


def test_a_mean_reverting_series_gives_its_speed():
    """The speed per day is found from the variance of steps."""
    chance = np.random.default_rng(3)
    speed, days = 0.2, 0.25
    values = np.zeros(40_000)
    for i in range(1, len(values)):
        values[i] = values[i - 1] * np.exp(-speed * days) + chance.standard_normal()
    gap = np.full(len(values) - 1, days)
    assert smiles.reversion(values, np.diff(values), gap) == pytest.approx(speed, rel=0.05)


def test_the_generated_market_leans_as_set():
    """DVOL's correlation with the price follows from each factor's, whatever the seed."""
    model = observed.generated(3, "calm", 10)
    assert prices.lean(model.hour_price, model.hour_vol) < VOLATILITY.spot_correlation / 2.0


@pytest.mark.parametrize(
    "arguments,code,words",
    [
        ([], 2, "usage: python -m bot.lab.calibrate FOLDER"),
        (["a", "b"], 2, "usage: python -m bot.lab.calibrate FOLDER"),
        (["nowhere"], 1, "expected a folder of recorded chains, found none"),
    ],
)
def test_misuse_is_answered_with_what_was_expected(arguments, code, words):
    """The command says how it is used, or which folder it did not find."""
    run = subprocess.run(
        [sys.executable, "-m", "bot.lab.calibrate", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code
    assert words in run.stderr
