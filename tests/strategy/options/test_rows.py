"""Limits as rows: which are passed, where they should be, and what a candidate does to them."""

import math

import pytest

from bot.book.exposure import Shocks
from bot.domain.reasons import Reason
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.rows import BUCKETS, gamma_need
from tests.builders.exposures import candidate, exposure

POLICY = GammaPolicy(GammaBand(lower=-0.25), GammaBand(lower=-0.10), action="auto")


def _row(need, name):
    return next(limit for limit in need.limits if limit.row.name == name)


def test_a_passed_limit_is_wanted_at_its_share():
    """From -0.40 to 65 % of -0.25."""
    need = gamma_need(exposure(gamma=-0.40), POLICY)
    row = _row(need, "gamma").row
    assert (row.now, row.lower, row.upper) == (-0.40, -0.25, math.inf)
    assert row.aim == pytest.approx(-0.1625)
    assert [b.reason for b in need.reasons] == [Reason.GAMMA_BELOW]
    assert need.reasons[0].numbers == {"gamma": -0.40, "limit": -0.25}


def test_nothing_is_wanted_inside_the_limits():
    """On the limit is inside, and every limit is a row all the same."""
    need = gamma_need(exposure(gamma=-0.25, gamma_expiring=-0.10), POLICY)
    assert (need.any, need.reasons) == (False, ())
    assert [limit.row.name for limit in need.limits] == ["gamma", "gamma_expiring"]


def test_the_expiring_bucket_has_limits_of_its_own():
    """It is not made up for by what lives longer."""
    need = gamma_need(exposure(gamma=1.0, gamma_expiring=-0.20), POLICY)
    assert _row(need, "gamma").passed is None
    expiring = _row(need, "gamma_expiring")
    assert expiring.row.aim == pytest.approx(-0.065)
    assert [b.reason for b in need.reasons] == [Reason.EXPIRING_GAMMA]
    late, soon = candidate("x", gamma=0.02), candidate("y", gamma=0.02, expiring=True)
    assert (expiring.effect(late), expiring.effect(soon)) == (0.0, 0.02)
    assert (_row(need, "gamma").effect(late), _row(need, "gamma").effect(soon)) == (0.02, 0.0)


def test_an_action_that_is_off_needs_nothing():
    """Whatever gamma does."""
    policy = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), action="off")
    assert not gamma_need(exposure(gamma=-9.0), policy).limits


@pytest.mark.parametrize(
    "days,bucket",
    [
        (3.0, "under_7d"),
        (7.0, "from_7d"),
        (29.9, "from_7d"),
        (30.0, "from_30d"),
        (90.0, "from_90d"),
    ],
)
def test_vega_has_a_limit_for_each_tenor(days, bucket):
    """|vega| of one bucket alone; an option counts where it expires."""
    policy = GammaPolicy(GammaBand(), GammaBand(), vega_usd=dict.fromkeys(BUCKETS, 1_000.0))
    tenor = BUCKETS[bucket][0][0]
    need = gamma_need(exposure(), policy, vega_usd={tenor: -1_500.0})
    assert [limit.row.name for limit in (m for m in need.limits if m.passed)] == [f"vega_{bucket}"]
    assert _row(need, f"vega_{bucket}").row.aim == pytest.approx(-650.0)
    one = candidate("x", days=days, vega_usd=60.0)
    effects = {limit.row.name: limit.effect(one) for limit in need.limits}
    assert effects == {f"vega_{name}": 60.0 if name == bucket else 0.0 for name in BUCKETS}
    assert [b.reason for b in need.reasons] == [Reason.VEGA_LIMIT]


def test_a_vega_without_a_limit_is_no_row():
    """Absent means none."""
    policy = GammaPolicy(GammaBand(), GammaBand(), vega_usd={"from_7d": 10.0})
    need = gamma_need(exposure(), policy, vega_usd={"30_90d": 9e9, "under_1d": 9e9, "1_7d": 9e9})
    assert [limit.row.name for limit in need.limits] == ["vega_from_7d"]
    assert not need.any


def test_the_first_week_is_one_bucket():
    """Two tenors of the samples make it up."""
    policy = GammaPolicy(GammaBand(), GammaBand(), vega_usd={"under_7d": 100.0})
    assert gamma_need(exposure(), policy, vega_usd={"under_1d": 60.0, "1_7d": 60.0}).any


def test_a_shocked_loss_beyond_its_limit_is_wanted_at_its_share():
    """12,000 lost where 10,000 may be: to 6,500; a candidate lifts it by its hedged gain."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_loss_usd={-0.1: 10_000.0, 0.1: 10_000.0})
    need = gamma_need(exposure(), policy, Shocks({}, {-0.1: -12_000.0, 0.1: -9_000.0}))
    assert _row(need, "pnl-0.1").row.aim == pytest.approx(-6_500.0)
    assert _row(need, "pnl+0.1").row.aim is None
    assert _row(need, "pnl-0.1").effect(candidate("x", shocks={-0.1: 70.0})) == 70.0
    assert [b.reason for b in need.reasons] == [Reason.SHOCK_LIMIT]
    assert not gamma_need(exposure(), policy, Shocks({}, {-0.1: -10_000.0, 0.1: 0.0})).any


def test_a_delta_that_a_small_move_throws_out_is_wanted_back():
    """0.9 coin away after 2 % where 0.5 may be: what the move brings to 65 % of that."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_delta_coin=0.5)
    need = gamma_need(exposure(0.0), policy, Shocks({-0.02: 0.9, 0.02: -0.7}))
    assert [(m.row.now, m.row.aim) for m in need.limits] == [(-0.9, -0.325), (-0.7, -0.325)]
    bought = candidate("x", gamma=0.01)
    assert need.limits[0].effect(bought) == pytest.approx(0.02)
    assert need.limits[1].effect(bought) == pytest.approx(0.02)
    assert not gamma_need(exposure(0.0), policy, Shocks({-0.02: 0.5, 0.02: -0.5})).any
    assert not gamma_need(exposure(0.0), policy, Shocks({-0.02: -0.9, 0.02: 0.9})).any


def test_a_delta_that_is_out_already_is_not_bought_back_with_gamma():
    """Two coins away now and 2.1 after the move is the delta plan's to mend."""
    policy = GammaPolicy(GammaBand(), GammaBand(), shock_delta_coin=0.5)
    assert not gamma_need(exposure(2.0), policy, Shocks({-0.02: 2.1, 0.02: 1.9})).any


@pytest.mark.parametrize("gamma,badly", [(-0.3, False), (-0.33, False), (-0.34, True)])
def test_a_limit_is_passed_badly_when_a_correction_would_not_undo_it(gamma, badly):
    """By more than the 35 % of it that a correction brings it inside."""
    assert gamma_need(exposure(gamma=gamma), POLICY).badly(0.65) is badly
