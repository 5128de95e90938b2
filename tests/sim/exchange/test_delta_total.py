"""The account's own delta: what its worth in coin moves by, as the venue counts it."""

import math

import pytest

from bot.domain.units import utc_ns
from greeks import settlement
from tests.builders.scripted_market import ScriptedMarket
from tests.sim.exchange.desk import PERPETUAL, desk, position

CALL = "BTC-30JAN26-60000-C"
PUT = "BTC-30JAN26-55000-P"
DEEP = "BTC-5JAN26-30000-C"


def told(at):
    """Return what the account says of its delta, by currency."""
    return {b.coin: b.delta_total for b in at.exchange.positions(at.now_ns).balances}


@pytest.mark.parametrize(
    "held",
    [
        ((CALL, "-3"),),
        ((PUT, "-5"), (PERPETUAL, "-120000")),
        ((CALL, "2"), (PUT, "4"), (PERPETUAL, "60000")),
    ],
    ids=["a call", "a hedged put", "all of them"],
)
def test_it_is_the_slope_of_equity_in_coin(held):
    """Equity after a move of one part in ten thousand, before the next batch of options."""
    step = 1e-4
    market = ScriptedMarket({"BTC": [60_000.0, 60_000.0 * (1.0 + step)]}, (CALL, PUT))
    at = desk(market, positions=tuple(position(*one) for one in held))
    first, before = told(at)["BTC"], at.exchange.equity()["BTC"]
    at.step()
    second, after = told(at)["BTC"], at.exchange.equity()["BTC"]
    assert first != second
    assert (first + second) / 2 == pytest.approx((after - before) / math.log1p(step), rel=2e-3)


def test_what_has_been_averaged_counts_no_more():
    """A quarter of an hour before an option settles on half an hour's average, half is left."""
    market = ScriptedMarket({"BTC": [60_000.0]}, (DEEP,), start_ns=utc_ns(2026, 1, 5, 7, 45))
    at = desk(market, positions=(position(DEEP, "-2"),))
    assert told(at)["BTC"] == pytest.approx(-2 * (1.0 - 0.5) * 0.5)


@pytest.mark.parametrize("strike", ["60000", "59000"])
def test_in_the_window_it_is_the_slope_of_what_is_left(strike):
    """Half is averaged on 60,000: near the strike the rest decides as a binary option does."""
    name = f"BTC-5JAN26-{strike}-C"
    start_ns = utc_ns(2026, 1, 5, 7, 29)
    market = ScriptedMarket({"BTC": [60_000.0]}, (name,), start_ns=start_ns)
    at = desk(market, positions=(position(name, "-1"),))
    at.step(16 * 60)
    left = settlement.coin(True, 60_000.0, float(strike), 900.0, 0.5, 60_000.0)
    assert told(at)["BTC"] == pytest.approx(-float(left.net_delta), rel=1e-6)


def test_a_dated_future_fades_with_its_average():
    """As its hedge is unwound."""
    market = ScriptedMarket(
        {"BTC": [60_000.0]}, dated=("BTC-5JAN26",), start_ns=utc_ns(2026, 1, 5, 7, 45)
    )
    at = desk(market, positions=(position("BTC-5JAN26", "60000"),))
    assert told(at)["BTC"] == pytest.approx(0.5)


def test_a_volatility_that_is_no_number_makes_it_unknown():
    """Nothing is better than a figure that lacks a part."""
    market = ScriptedMarket({"BTC": [60_000.0]}, (CALL,))
    at = desk(market, positions=(position(CALL, "-2"), position(PERPETUAL, "600000")))
    market.terms["BTC"].vol = math.nan
    at.step(5)
    assert told(at) == {"BTC": None}
    assert told(desk(ScriptedMarket({"BTC": [60_000.0]}))) == {"BTC": 0.0}
