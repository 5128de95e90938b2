"""Whose delta the settings choose reaches the rules of the book."""

import pytest

from bot.book.kinds import DeltaKind, DeltaRule
from bot.sim.ports import Cadence
from bot.wiring.desks import desk_rules
from config.schema import Settings


def measured(**said):
    """Return how a book is measured with these settings of its delta."""
    delta = {"upper": 0.1, "lower": -0.1} | said
    one = {"numeraire": "usd", "collateral_delta": "exclude", "delta": delta}
    settings = Settings.model_validate({"underlying": {"BTC": one}})
    return desk_rules(settings, "BTC", Cadence(0.5, 5.0, 5.0)).measure


def test_by_default_the_model_and_nothing_beside_it():
    """As if there were no other."""
    found = measured()
    assert (found.greeks, found.shadow) == (DeltaRule(), None)
    assert not found.asks(DeltaKind.SMILE)


@pytest.mark.parametrize("kind", ["model", "smile", "venue"])
def test_what_is_traded_and_what_is_in_the_shadow(kind):
    """Each with a ratio of its own."""
    found = measured(greeks=kind, skew_stickiness=1.6)
    assert found.greeks == DeltaRule(DeltaKind(kind), 1.6)
    traded = "venue" if kind == "model" else "model"
    found = measured(greeks=traded, shadow=kind, shadow_skew_stickiness=2.1)
    assert (found.greeks.kind, found.shadow) == (DeltaKind(traded), DeltaRule(DeltaKind(kind), 2.1))
    assert found.asks(DeltaKind(kind))
