"""Settings become rules without a figure getting lost."""

import math

import pytest

from bot.domain.units import utc_ns
from bot.sim.ports import Cadence
from bot.strategy.bands import Landing, TradeTo
from bot.strategy.event_calendar import ScheduledEvent
from bot.strategy.hedge_cost import HedgePolicy
from bot.strategy.policies import Fixed, Knob, OfBook, WhalleyWilmott
from bot.wiring.desks import desk_rules
from config.schema import Settings

BTC = {
    "numeraire": "usd",
    "collateral_delta": "exclude",
    "delta": {"upper": 0.1, "lower": -0.1},
}
HEDGE = {
    "hold_h": 24.0,
    "maker_share": 0.25,
    "funding_half_life_h": 4.0,
    "carry_cap_usd_day": 300.0,
    "financing_rate": 0.05,
    "switch_bps": 2.0,
    "basis_coin": 1.5,
}


def rules(**hedge):
    """Return the rules of a plain book with these settings of its hedge."""
    made = Settings.model_validate({"underlying": {"BTC": BTC | {"hedge": hedge}}})
    return desk_rules(made, "BTC", Cadence(1.0, 2.0, 5.0))


def test_what_is_set_of_a_hedge_arrives():
    """Every figure, the half-life in seconds."""
    found = rules(**HEDGE)
    assert found.hedge == HedgePolicy(24.0, 0.25, 300.0, 0.05, 2.0, 1.5)
    assert found.measure.funding_half_life_s == 14_400.0


def test_what_is_not_set_of_a_hedge_binds_nothing():
    """The defaults of the settings are those of the rules."""
    found = rules()
    assert found.hedge == HedgePolicy()
    assert found.hedge.basis_coin == found.hedge.carry_cap_usd_day == math.inf
    assert found.measure.funding_half_life_s == 28_800.0


def delta_rules(**delta):
    """Return the rules of a plain book with these settings of its delta."""
    book = BTC | {"delta": {"upper": 0.1, "lower": -0.1} | delta}
    made = Settings.model_validate({"underlying": {"BTC": book}})
    return desk_rules(made, "BTC", Cadence(1.0, 2.0, 5.0))


@pytest.mark.parametrize(
    "policy,width",
    [
        ({}, WhalleyWilmott(Knob.AVERSION, 1.0)),
        ({"aversion": 0.3}, WhalleyWilmott(Knob.AVERSION, 0.3)),
        ({"cost_usd_day": 50.0}, WhalleyWilmott(Knob.COST, 50.0)),
        ({"deviation_usd_day": 80.0}, WhalleyWilmott(Knob.DEVIATION, 80.0)),
        ({"kind": "fixed"}, Fixed(0.35 * 0.1)),
        ({"kind": "fixed", "width_coin": 0.02}, Fixed(0.02)),
        ({"kind": "bps", "width_bps": 40.0}, OfBook(40.0)),
    ],
)
def test_each_kind_and_knob_of_a_policy_arrives(policy, width):
    """With its parameter."""
    assert delta_rules(policy=policy).delta.width == width


@pytest.mark.parametrize(
    "policy,share,leans",
    [
        ({}, 0.5, True),
        ({"most_share": 0.7, "follow_funding": True}, 0.7, True),
        ({"follow_funding": False}, 0.5, False),
        ({"follow_funding": False, "cost_usd_day": 50.0}, 0.5, False),
    ],
)
def test_the_widest_band_and_its_lean_arrive_set_or_not(policy, share, leans):
    """Half of the owner's narrower side, leaning with funding, where nothing is said."""
    found = delta_rules(policy=policy).delta
    assert (found.most_share, found.width.funding) == (share, leans)


def test_bands_of_a_kind_without_a_room_keep_its_floor():
    """Nobody can set their share: it is the same half."""
    for policy in ({"kind": "fixed"}, {"kind": "bps", "width_bps": 40.0}):
        assert delta_rules(policy=policy).delta.most_share == 0.5


def test_what_else_is_set_of_delta_arrives():
    """Landing, room, filters and the calendar, its minutes in seconds."""
    event = {
        "name": "release", "at": "2026-12-10T13:30:00Z", "before_min": 10.0, "after_min": 20.0,
        "width_factor": 0.5, "every": "week",
    }  # fmt: skip
    policy = {"trade_to": "edge", "ticket_usd": 3.0, "most_share": 0.6, "trend_most": 1.5}
    found = delta_rules(settle_s=7.0, cooldown_s=9.0, policy=policy, event=[event])
    assert found.delta.landing == Landing(TradeTo.EDGE, 3.0)
    assert (found.delta.most_share, found.delta.trend_most) == (0.6, 1.5)
    assert (found.delta.settle_s, found.delta.cooldown_s) == (7.0, 9.0)
    at_ns = utc_ns(2026, 12, 10, 13, 30)
    week_s = 7.0 * 86_400.0
    assert found.events == (ScheduledEvent("release", at_ns, 600.0, 1_200.0, 0.5, week_s),)


@pytest.mark.parametrize("gamma,view", [({}, None), ({"model_vol": 0.55}, 0.55)])
def test_an_owners_own_volatility_arrives(gamma, view):
    """Where he has one."""
    made = Settings.model_validate({"underlying": {"BTC": BTC | {"gamma": gamma}}})
    assert desk_rules(made, "BTC", Cadence(1.0, 2.0, 5.0)).gamma.model_vol == view
