"""The demo's book starts where its first minute needs it: outside its bands, but not by much."""

from datetime import UTC, datetime

import pytest

from config import load
from config.schema.instrument import MONTHS
from greeks import black76

START = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)
INDEX = {"BTC": 92_000.0, "ETH": 3_150.0}
EXPIRY_DAYS = {"straddle": 7, "strangle": 2, "wings": 25, "expiring": 0}


def expiry(name: str) -> datetime:
    """Give the moment of expiry, 08:00 UTC, of an option."""
    text = name.split("-")[1]
    return datetime(
        2000 + int(text[-2:]), MONTHS.index(text[-5:-2]) + 1, int(text[:-5]), 8, tzinfo=UTC
    )


def measured(coin: str, vol: float, without: str = "") -> tuple[float, float]:
    """Give delta in coin and gamma in coin per 1 % of the demo's options at the start."""
    delta = gamma = 0.0
    for row in load((), (), {}).settings.paper.position:
        if row.coin != coin or row.tag == without:
            continue
        years = (expiry(row.instrument) - START).total_seconds() / (365 * 86_400)
        strike, side = row.instrument.split("-")[2:]
        one = black76.first(side == "C", INDEX[coin], float(strike), years, vol)
        delta += float(row.quantity) * float(one.delta)
        gamma += float(row.quantity) * float(one.gamma) * INDEX[coin] / 100
    return delta, gamma


@pytest.mark.parametrize("vol", [0.45, 0.475, 0.50])
def test_the_bitcoin_book_starts_outside_both_bands(vol):
    """Too long by a few bands, and short of gamma with and without today's expiry."""
    delta, gamma = measured("BTC", vol)
    assert 0.25 <= delta <= 0.40
    assert -0.33 <= gamma <= -0.28
    assert measured("BTC", vol, without="expiring")[1] < -0.25


@pytest.mark.parametrize("vol", [0.65, 0.675, 0.70])
def test_the_ether_twin_starts_outside_its_delta_band(vol):
    """The small twin needs a delta hedge, and no gamma yet."""
    delta, gamma = measured("ETH", vol)
    limits = load((), (), {}).settings.underlying["ETH"]
    assert delta > 2 * limits.delta.upper
    assert limits.gamma.lower is not None
    assert 0.6 * limits.gamma.lower > gamma > limits.gamma.lower


def test_each_part_of_the_book_expires_as_its_story_says():
    """7-day straddles, a 2-day strangle, wings of the month's end, one option for today."""
    for row in load((), (), {}).settings.paper.position:
        assert (expiry(row.instrument) - START).days == EXPIRY_DAYS[row.tag]


def test_the_demo_is_what_it_promises():
    """Bands, limits, numeraire and the collateral that is visibly left out."""
    demo = load((), (), {}).settings
    one = demo.underlying["BTC"]
    assert (one.delta.lower, one.delta.target, one.delta.upper) == (-0.1, 0.0, 0.1)
    assert (one.numeraire, one.collateral_delta, one.gamma.lower) == ("usd", "exclude", -0.25)
    assert (one.gamma.action, demo.paper.collateral["BTC"]) == ("auto", 5.0)
    assert demo.sim.regime == "demo"
    grown = load((), ["paper.scale=10"], {}).settings.scaled().underlying["BTC"]
    assert (grown.delta.lower, grown.delta.upper, grown.gamma.lower) == (-1.0, 1.0, -2.5)
