"""What gamma earned against theta: the formula sheet's case, steps, days and what is not known."""

import math
from dataclasses import replace

import pytest

from bot.book.gamma_account import LONGEST_S, GammaAccount
from bot.domain.units import NS_PER_S
from greeks import black76
from tests.builders.books import DAY_NS, NOW
from tests.builders.exposures import exposure

FIRST = black76.first(True, 60_000.0, 65_000.0, 30 / 365, 0.6)
GAMMA = float(FIRST.gamma) * 600.0
THETA = float(FIRST.theta) / 365.0
LONG = exposure(gamma=GAMMA, theta_usd_day=THETA)
STEP = 60 * NS_PER_S


def later(now, seconds, index):
    """Return an exposure some time later at another index."""
    return replace(now, ts_ns=now.ts_ns + round(seconds * NS_PER_S), index=index)


def test_a_day_of_the_formula_sheet():
    """Long the call of case A, up 2.5 % in a day: 23.39 USD lost at a volatility of .4776."""
    account = GammaAccount()
    account.see(LONG, NOW)
    last = LONG
    for i in range(1, 1_441):
        last = later(LONG, 60.0 * i, 60_000.0 if i < 1_440 else 61_500.0)
        account.see(replace(last, gamma=GAMMA, theta_usd_day=THETA), NOW)
    found = account.figures(LONG)
    assert found.earned_usd + found.theta_usd == pytest.approx(-23.39, abs=0.01)
    assert found.seconds == 86_400.0
    assert 0.025 * math.sqrt(365.0) == pytest.approx(0.4776, abs=1e-4)
    assert found.realised_vol == pytest.approx(math.log(1.025) * math.sqrt(365.0))
    assert found.implied_vol == pytest.approx(0.6)
    assert found.break_even_usd_day == pytest.approx(1_884.3, abs=0.1)


def test_a_short_book_has_the_signs_turned():
    """And breaks even at the same move."""
    short = replace(LONG, gamma=-GAMMA, theta_usd_day=-THETA)
    accounts = []
    for book in (LONG, short):
        account = GammaAccount()
        account.see(book, NOW)
        account.see(later(book, 60.0, 60_300.0), NOW)
        accounts.append(account.figures(book))
    one, other = accounts
    assert (other.earned_usd, other.theta_usd) == (-one.earned_usd, -one.theta_usd)
    assert one.earned_usd > 0.0 > one.theta_usd
    assert other.break_even_usd_day == one.break_even_usd_day


def test_a_step_counts_with_what_it_began_with():
    """Gamma that was bought after the move earned nothing by it."""
    account = GammaAccount()
    account.see(LONG, NOW)
    account.see(replace(later(LONG, 60.0, 60_300.0), gamma=100.0 * GAMMA), NOW)
    expected = 50.0 * GAMMA * 60_000.0 * 0.005**2
    assert account.earned_usd == pytest.approx(expected)


def test_a_new_day_begins_at_zero_and_goes_on():
    """The step over the cut belongs to the new day."""
    account = GammaAccount()
    account.see(LONG, NOW)
    account.see(later(LONG, 60.0, 60_300.0), NOW)
    account.see(later(LONG, 120.0, 60_600.0), NOW + DAY_NS)
    assert account.seconds == 60.0
    assert account.figures(LONG).since_ns == NOW + DAY_NS


@pytest.mark.parametrize(
    "broken",
    [{"index": math.nan}, {"trusted": False}, {"gamma": math.nan}, {"vol": math.nan}],
)
def test_what_is_not_known_ends_no_step(broken):
    """Neither at its beginning nor at its end."""
    account = GammaAccount()
    account.see(LONG, NOW)
    account.see(replace(later(LONG, 60.0, 60_300.0), **broken), NOW)
    account.see(later(LONG, 120.0, 60_300.0), NOW)
    assert (account.seconds, account.earned_usd) == (0.0, 0.0)
    assert math.isnan(account.figures(LONG).realised_vol)
    account.see(later(LONG, 180.0, 60_300.0), NOW)
    assert account.seconds == 60.0


def test_a_gap_is_no_step():
    """What happened inside it is not known."""
    account = GammaAccount()
    account.see(LONG, NOW)
    account.see(later(LONG, LONGEST_S + 1.0, 66_000.0), NOW)
    assert account.seconds == 0.0


def test_no_move_breaks_even_where_gamma_and_theta_agree():
    """Deep options of a coin book can do that."""
    odd = replace(LONG, theta_usd_day=-THETA)
    assert math.isnan(GammaAccount().figures(odd).break_even_usd_day)
    assert math.isnan(GammaAccount().figures(replace(LONG, gamma=0.0)).break_even_usd_day)
