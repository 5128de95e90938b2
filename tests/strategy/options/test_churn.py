"""Worth beside a round trip, the aversion that a band reveals, and what is held too short."""

import math

import numpy as np
import pytest

from bot.domain.units import NS_PER_S
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.churn import (
    Traded,
    benefit_usd,
    gamma_variance,
    held_too_short,
    per_usd,
    revealed,
    vega_variance,
)
from bot.strategy.options.rows import gamma_need
from tests.builders.books import NOW
from tests.builders.exposures import candidate, exposure

HOUR_NS = 3_600 * NS_PER_S


def test_a_hedged_books_variance_is_that_of_its_squared_returns():
    """Simulated: half gamma times the square of an hour's return, less its mean, 24 times."""
    gamma, index, vol, step = -0.4, 60_000.0, 0.6, 1.0 / 8_760.0
    rng = np.random.Generator(np.random.PCG64(7))
    returns = vol * math.sqrt(step) * rng.standard_normal((40_000, 24))
    per_usd = gamma * 100.0 / index
    pnl = (0.5 * per_usd * index**2 * (returns**2 - vol**2 * step)).sum(axis=1)
    assert gamma_variance(gamma, index, vol) == pytest.approx(pnl.var(), rel=0.03)


def test_vega_moves_with_the_volatility_of_volatility():
    """80 % of 60 points a year, over a day: 2.5 points."""
    assert vega_variance(100.0, 0.6) == pytest.approx((100.0 * 0.8 * 60.0) ** 2 / 365.0)


def test_a_band_reveals_the_aversion_that_it_is_best_for():
    """Whalley and Wilmott's half-width at that aversion is the band again."""
    gamma, index, cost, half = 0.25, 60_000.0, 30.0, 0.035
    aversion = revealed(gamma, index, cost, half)
    bend = gamma * 100.0 / index
    assert (1.5 * cost * bend**2 / aversion) ** (1.0 / 3.0) == pytest.approx(half)
    assert math.isinf(revealed(gamma, index, cost, 0.0))


def test_an_aversion_without_a_scale_shrinks_with_the_book():
    """1 is 100 over the options' notional."""
    assert per_usd(1.0, 60_000.0, 20.0) == pytest.approx(100.0 / 1_200_000.0)
    assert per_usd(3.0, 60_000.0, 200.0) == pytest.approx(0.3 * 100.0 / 1_200_000.0)


def test_benefit_counts_what_is_taken_away_and_nothing_that_is_added():
    """Gamma halved; a vega that grows has its own limit."""
    seen = exposure(gamma=-0.3, gamma_expiring=-0.1, vega_usd=50.0)
    saved = gamma_variance(0.4, 60_000.0, 0.6) - gamma_variance(0.2, 60_000.0, 0.6)
    assert benefit_usd(seen, 0.2, 10.0, 0.1) == pytest.approx(0.05 * saved)
    steadier = vega_variance(50.0, 0.6) - vega_variance(20.0, 0.6)
    assert benefit_usd(seen, 0.2, -30.0, 0.1) == pytest.approx(0.05 * (saved + steadier))
    assert benefit_usd(seen, -0.2, 10.0, 0.1) == 0.0
    assert math.isnan(benefit_usd(exposure(gamma=-0.3, vol=math.nan), 0.1, 0.0, 0.1))


@pytest.mark.parametrize(
    "gamma,traded,age_h,barred",
    [
        (-0.3, 5.0, 1.0, True),
        (-0.3, 5.0, 4.0, False),
        (0.3, 4.0, 1.0, True),
        (0.3, 6.0, 1.0, False),
        (0.3, -6.0, 1.0, True),
        (-0.3, -6.0, 1.0, False),
        (0.2, 6.0, 1.0, True),
    ],
)
def test_a_leg_is_not_turned_around_before_its_time_unless_it_is_to_blame(
    gamma, traded, age_h, barred
):
    """0.01 a coin: six coins and not four are as much as 0.30 is above 0.25."""
    one = candidate("x")
    band = GammaBand(lower=-0.25, upper=0.25)
    need = gamma_need(exposure(gamma=gamma), GammaPolicy(band, GammaBand(), action="auto"))
    last = {"x": Traded(NOW - round(age_h * HOUR_NS), traded)}
    found = held_too_short(last, need, (one, candidate("y")), NOW, 14_400.0)
    assert found == (frozenset({("x", -1 if traded > 0.0 else 1)}) if barred else frozenset())
