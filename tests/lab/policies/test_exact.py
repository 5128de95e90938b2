"""The exact no-trade region: a table computed elsewhere, a published figure, and what must hold."""

import csv
from pathlib import Path

import pytest

from bot.lab.policies.exact import Call, indifference, regions
from greeks import black76

TABLE = Path(__file__).parent / "hn_boundaries.csv"
ONE_GRID_STEP = 0.0025
COST = 5e-4


def rows(vol: float, aversion: float, longest_days: float) -> list[dict[str, float]]:
    """Return the table's rows of one hedger."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        found = [{key: float(text) for key, text in row.items()} for row in csv.DictReader(file)]
    return [
        row
        for row in found
        if (row["vol"], row["gamma"]) == (vol, aversion) and row["tau_days"] <= longest_days
    ]


@pytest.mark.parametrize(
    "vol,aversion,days",
    [(0.5, 1.0, 16), (0.25, 0.3, 5), (0.25, 10.0, 5), (0.5, 3.0, 5), (0.8, 1.0, 5)],
)
def test_the_bounds_are_those_of_the_table(vol, aversion, days):
    """One grid step at most; hourly tree, 5 bp, one call of 100 USD."""
    call = Call(100.0, 100.0, vol, aversion, COST)
    wanted = rows(vol, aversion, days)
    assert wanted
    seen = 0
    for region in regions(call, days / 365, days * 24):
        for row in wanted:
            if round(row["tau_days"] * 24) == days * 24 - region.step:
                low, high = region.at(row["S"])
                assert low == pytest.approx(row["HN_lo"], abs=ONE_GRID_STEP)
                assert high == pytest.approx(row["HN_hi"], abs=ONE_GRID_STEP)
                seen += 1
    assert seen == len(wanted)


@pytest.mark.parametrize("cost,published", [(0.0, 0.8836), (0.01, 3.2979)])
def test_a_published_charge_is_met(cost, published):
    """One year, volatility 0.2, thirty dates to trade on, aversion 1, liquidated at the end."""
    call = Call(100.0, 100.0, 0.2, 1.0, cost)
    premium = float(black76.price(True, 100.0, 100.0, 1.0, 0.2))
    coarse, fine = (
        indifference(call, 1.0, 30 * between, every=between, liquidated=True) - premium
        for between in (8, 16)
    )
    assert 2 * fine - coarse == pytest.approx(published, rel=0.03)  # the tree's error goes as 1/n


def test_without_costs_there_is_one_right_hedge():
    """The region is a point: the delta."""
    call = Call(100.0, 100.0, 0.5, 0.01, 0.0)
    *_, now = regions(call, 10 / 365, 240)
    assert (now.low == now.high).all()
    delta = float(black76.first(True, 100.0, 100.0, 10 / 365, 0.5).delta)
    assert now.at(100.0)[0] == pytest.approx(delta, abs=ONE_GRID_STEP)


def test_costs_widen_the_region_and_aversion_narrows_it():
    """Around the delta, at the money and at its sides."""
    spots = (92.0, 100.0, 108.0)

    def widths(aversion: float, cost: float) -> list[float]:
        region = list(regions(Call(100.0, 100.0, 0.5, aversion, cost), 5 / 365, 120))[60]
        bounds = [region.at(spot) for spot in spots]
        return [high - low for low, high in bounds]

    plain = widths(1.0, COST)
    assert all(wide > 1.2 * base for wide, base in zip(widths(1.0, 4e-3), plain, strict=True))
    assert all(0.8 * base > thin for thin, base in zip(widths(10.0, COST), plain, strict=True))


def test_a_call_costs_more_than_its_premium_and_most_where_trading_is_dear():
    """What a seller must be paid for risk that he cannot hedge without paying."""
    premium = float(black76.price(True, 100.0, 100.0, 10 / 365, 0.5))
    asked = [
        indifference(Call(100.0, 100.0, 0.5, 1.0, cost), 10 / 365, 240)
        for cost in (0.0, 5e-4, 5e-3)
    ]
    assert premium - 0.02 < asked[0] < asked[1] < asked[2]
