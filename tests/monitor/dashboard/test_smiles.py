"""The smile that a page shows, from quotes that a real market made."""

import numpy as np
import pytest

from bot.monitor.dashboard.compute import Compute
from bot.monitor.dashboard.smiles import smiles
from tests.monitor.dashboard.bots import shown


def test_every_expiry_is_fitted_within_its_spreads():
    """The synthetic market quotes around a smooth smile."""
    found, surface = smiles(shown(120.0)["chain"]["BTC"], None)
    assert found is not None
    assert surface is not None
    assert len(found["expiries"]) >= 5
    for one in found["expiries"][1:]:
        assert one["verdict"] == "fitted"
        assert one["inside"] >= 80.0
        assert 30.0 < one["atm"] < 90.0
        fitted = np.interp(one["strike"], one["fit"]["strike"], one["fit"]["vol"])
        quoted = np.isfinite(one["bid"]) & np.isfinite(one["ask"])
        within = (fitted >= one["bid"] - 0.5) & (fitted <= one["ask"] + 0.5)
        assert within[quoted].mean() > 0.9


def test_held_expiries_are_named_and_the_nearest_ones_are_there_too():
    """The demo book holds three beside the first morning's."""
    found, _ = smiles(shown(120.0)["chain"]["BTC"], None)
    assert found is not None
    held = [one["expiry"] for one in found["expiries"] if one["held"]]
    assert len(held) == 4
    assert min(one["expiry"] for one in found["expiries"]) in held


def test_without_quotes_there_is_no_smile():
    """An empty chain is nothing to fit."""
    quotes = {"ts_ns": 0, "index": 1.0, "inverse": True, "expiries": []}
    assert smiles(quotes, None) == (None, None)


def test_only_what_is_new_is_computed():
    """New quotes give a smile, a new book gives the map and the expiry desk."""
    views, compute = shown(120.0), Compute()
    assert set(compute.parts({"chain": views["chain"]})) == {"smile"}
    inputs = {name: views[name] for name in ("greeks", "exposure", "feeds")}
    found = compute.parts(inputs)
    assert set(found) == {"map", "expiry"}
    assert set(found["map"]) == {"BTC", "ETH"}
    assert found["map"]["BTC"]["index"] == pytest.approx(views["exposure"]["BTC"]["index"])
