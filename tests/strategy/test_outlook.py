"""What a band costs and leaves, and what others would: the figures that a plan shows."""

import math
from dataclasses import replace

import pytest

from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.outlook import alternatives, frontier, residual
from bot.strategy.policies import Fixed, Knob, WhalleyWilmott
from tests.builders.exposures import conditions, exposure

LANDING = Landing(TradeTo.INNER, 1.0)
POLICY = DeltaPolicy(Band(-1.0, 0.0, 1.0), Fixed(0.5), LANDING, most_share=0.7)
NOW = conditions(swing=0.001, vega_usd=-200.0, vol_day=0.02)


def test_three_parts_of_what_is_left():
    """The band's own, gamma's and vega's, and what the band costs."""
    found = residual(POLICY.levels(NOW), LANDING)
    assert found.band_usd_day == pytest.approx(NOW.deviation_a_day(0.5, LANDING))
    assert found.cost_usd_day == pytest.approx(NOW.cost_a_day(0.5, LANDING))
    assert found.gamma_usd_day == pytest.approx(50.0 * 0.1 * 60_000.0 * 0.001)
    assert found.vega_usd_day == pytest.approx(400.0)
    unknown = residual(POLICY.levels(conditions()), LANDING)
    assert math.isnan(unknown.gamma_usd_day)
    assert math.isnan(unknown.vega_usd_day)


def test_the_frontier_trades_cost_for_deviation_over_the_whole_room():
    """From the narrowest to the widest half-width; each point is what a knob would buy."""
    points = frontier(POLICY, NOW)
    assert (points[0].half_coin, points[-1].half_coin) == pytest.approx((0.05, 0.7))
    costs = [point.cost_usd_day for point in points]
    left = [point.band_usd_day for point in points]
    both = [point.deviation_usd_day for point in points]
    assert both == pytest.approx([math.hypot(one, 300.0) for one in left])
    assert costs == sorted(costs, reverse=True)
    assert left == sorted(left)
    assert all(0.0 <= point.inner_coin < point.half_coin for point in points)
    bought = WhalleyWilmott(Knob.COST, costs[3]).size(NOW, POLICY.room(NOW), LANDING)
    assert bought.half == pytest.approx(points[3].half_coin, rel=1e-6)
    assert frontier(POLICY, conditions(vol=math.nan)) == ()


def test_other_policies_show_their_own_band_and_trade():
    """Every one inside the owner's band; caution is dearer and leaves less."""
    found = {one.policy: one for one in alternatives(POLICY, exposure(2.0), NOW)}
    thrifty, cautious = (found[f"whalley_wilmott aversion {a}"] for a in ("0.3", "3"))
    assert cautious.upper < thrifty.upper
    assert cautious.cost_usd_day > thrifty.cost_usd_day
    assert cautious.deviation_usd_day < thrifty.deviation_usd_day
    assert cautious.deviation_usd_day == pytest.approx(math.hypot(cautious.band_usd_day, 300.0))
    assert found["fixed 0.35 coin, to the target"].change_coin == pytest.approx(-2.0)
    assert all(-2.0 <= one.change_coin <= -1.0 for one in found.values())
    assert found["bps 350"].upper == pytest.approx(found["fixed 0.35 coin"].upper)
    nothing = alternatives(POLICY, exposure(2.0), replace(NOW, gross_coin=0.0))
    assert not [one for one in nothing if one.policy.startswith("bps")]
