"""Settings become rules without a figure getting lost."""

import math

from bot.sim.ports import Cadence
from bot.strategy.hedge_cost import HedgePolicy
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
