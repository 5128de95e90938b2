"""Closed forms of the cheapest band: the formula sheet's check values, and what must hold."""

import numpy as np
import pytest

from bot.lab.policies import rules
from bot.strategy import width
from bot.strategy.bands import inner_share
from greeks import black76

SPOT, VOL, YEARS, RATE = 100.0, 0.5, 30 / 365, 5e-4
COST = RATE * SPOT
FIRST = black76.first(True, SPOT, SPOT, YEARS, VOL)
GAMMA = float(FIRST.gamma)


def running_cost(h, r, ticket):
    """Return J(h, r) in USD a year, aversion 1."""
    drift = (GAMMA * SPOT * VOL) ** 2
    return (
        drift * (ticket + COST * (h - r)) / (h * h - r * r)
        + (SPOT * VOL) ** 2 * (h * h + r * r) / 12.0
    )


def test_whalley_wilmott_of_the_formula_sheet():
    """At the money, 30 days, 5 bp: to the edge and to the middle."""
    assert pytest.approx(0.027759, abs=1e-6) == GAMMA
    half = float(width.whalley_wilmott(COST, GAMMA, 1.0))
    assert half == pytest.approx(0.038663, abs=1e-6)
    assert width.CENTRED * half == pytest.approx(0.06137, abs=1e-5)


@pytest.mark.parametrize("ticket,half,share", [(0.0005, 0.06084, 0.374), (0.005, 0.08945, 0.141)])
def test_mixed_costs_of_the_formula_sheet(ticket, half, share):
    """Width and destination, and that nothing near them is cheaper."""
    h, r = width.mixed(COST, ticket, GAMMA, 1.0)
    assert h == pytest.approx(half, abs=5e-5)
    assert r / h == pytest.approx(share, abs=1e-3)
    assert r / h == pytest.approx(inner_share(ticket, COST, h), abs=1e-9)
    around = 1.0 + np.linspace(-2e-3, 2e-3, 41)
    costs = running_cost(h * around[:, None], r * around, ticket)
    assert np.unravel_index(costs.argmin(), costs.shape) == (20, 20)


def test_the_ends_of_mixed_costs_are_the_simple_ones():
    """No ticket: the edge. Nothing but tickets: the middle."""
    plain = float(width.whalley_wilmott(COST, GAMMA, 1.0))
    assert width.mixed(COST, 0.0, GAMMA, 1.0) == (plain, plain)
    assert width.mixed(COST, 1e-12, GAMMA, 1.0) == pytest.approx((plain, plain), rel=1e-3)
    h, r = width.mixed(0.0, 0.005, GAMMA, 1.0)
    assert h == pytest.approx((12 * 0.005 * GAMMA**2) ** 0.25)
    assert r == 0.0
    assert width.mixed(1e-9, 0.005, GAMMA, 1.0)[0] == pytest.approx(h, rel=1e-3)


def test_the_hybrid_band_of_the_formula_sheet():
    """Correction for hourly looks, least width, widened volatility, middle and both edges."""
    assert float(width.polling(GAMMA, SPOT, VOL, 1 / 8760)) == pytest.approx(0.008640, abs=1e-6)
    one = np.ones(1)
    sight = rules.Sight(
        0, 1 / 8760, SPOT * one, YEARS, VOL * one, FIRST.delta * one, FIRST.gamma * one, SPOT, RATE
    )
    assert float(rules._least(sight, 1.0)[0]) == pytest.approx(0.000243, abs=1e-6)
    assert float(rules._widened(sight, 1.0, 5.76)[0]) == pytest.approx(0.511022, abs=1e-6)
    low, high, *_ = rules.hybrid(1.0).bounds(sight)
    assert float(low[0]) == pytest.approx(0.498931, abs=1e-6)
    assert float(high[0]) == pytest.approx(0.559464, abs=1e-6)


@pytest.mark.parametrize("hours,paid", [(1, 0.53604), (8, 0.51303), (24, 0.50756)])
def test_lelands_volatility_of_the_formula_sheet(hours, paid):
    """Short gamma, 5 bp: the middle of the timer is the delta of this volatility."""
    one = np.ones(1)
    sight = rules.Sight(
        0, 1 / 8760, 97.0 * one, YEARS, VOL * one, FIRST.delta * one, FIRST.gamma * one, SPOT, RATE
    )
    expected = black76.first(True, 97.0, SPOT, YEARS, paid).delta
    assert float(rules.leland(hours).bounds(sight).low[0]) == pytest.approx(
        float(expected), abs=2e-6
    )


DRIFT = GAMMA * SPOT * VOL


def test_a_width_has_its_aversion():
    """Each the other's inverse."""
    aversion = float(width.aversion_of(0.04, COST, GAMMA))
    assert float(width.whalley_wilmott(COST, GAMMA, aversion)) == pytest.approx(0.04)


@pytest.mark.parametrize("ticket", [0.0, 0.0005, 0.005])
def test_nothing_near_the_centred_width_is_cheaper(ticket):
    """The least of J(h, 0), and the formula sheet's .06137 without a ticket."""
    h = width.centred(COST, ticket, GAMMA, 1.0)
    around = h * (1.0 + np.linspace(-2e-3, 2e-3, 41))
    assert running_cost(around, 0.0, ticket).argmin() == 20
    if not ticket:
        assert h == pytest.approx(0.06137, abs=1e-5)


def test_turnover_of_a_band_is_the_one_that_was_simulated():
    """Half-width 0.04, looked at every five minutes: 22.66 coins a year with the correction."""
    wider = 0.04 + float(width.polling(GAMMA, SPOT, VOL, 5 / 525_600))
    for half, turnover in ((wider, 22.66), (0.04, 24.08)):
        cost = 365.0 * width.cost_a_day(half, half, COST, 0.0, DRIFT)
        assert cost / COST == pytest.approx(turnover, abs=0.02)
    variance = wider**2 / 3
    assert variance == pytest.approx(6.02e-4, rel=0.01)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9])
def test_cost_and_deviation_are_the_two_parts_of_what_is_minimised(rho):
    """J is the cost and half the variance, per year and aversion 1."""
    h, ticket = 0.05, 0.002
    cost = 365.0 * width.cost_a_day(h, rho * h, COST, ticket, DRIFT)
    spread = 365.0 * width.deviation_a_day(h, rho * h, SPOT, VOL) ** 2
    assert cost + 0.5 * spread == pytest.approx(running_cost(h, rho * h, ticket))


def test_what_a_band_leaves_is_a_uniform_error_of_delta():
    """In a day's dollars."""
    assert width.deviation_a_day(0.3, 0.3, 60_000.0, 0.6) == pytest.approx(
        60_000 * 0.6 / np.sqrt(365) * 0.3 / np.sqrt(3)
    )


def test_funding_moves_the_middle_against_who_is_paid():
    """-0.004 coins at ten percent a year, and never more than half the band."""
    assert width.funding_shift(0.10, 0.04, SPOT, VOL, 1.0) == pytest.approx(-0.004)
    assert width.funding_shift(-5.0, 0.04, SPOT, VOL, 1.0) == 0.02


def test_widths_broadcast_over_books():
    """One call for many gammas."""
    gammas = np.array([0.01, -0.02, 0.0])
    np.testing.assert_allclose(
        width.whalley_wilmott(COST, gammas, 1.0),
        [float(width.whalley_wilmott(COST, gamma, 1.0)) for gamma in gammas],
    )
