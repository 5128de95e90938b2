"""Candles on chart channels: what the public trades of the same minutes come to."""

import pytest

from bot.sim.wire.candles import Candle
from tests.wire.conftest import RpcFault

TRADES = "trades.BTC-PERPETUAL.100ms"
CHART = "chart.trades.BTC-PERPETUAL.{}"


def trade(minute, price, usd):
    """Return a public trade in a minute of the year 1970."""
    return {"timestamp": minute * 60_000 + 7, "price": price, "amount": usd}


def test_a_candle_opens_with_its_first_trade_and_holds_the_extremes():
    """And the first trade of the next minute opens the next one."""
    candle = Candle("1")
    flat = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    first = candle.take([trade(3, 100.0, 50.0)])
    assert first == {"tick": 180_000, **flat, "volume": 0.5, "cost": 50.0}
    after = candle.take([trade(3, 125.0, 50.0), trade(3, 80.0, 40.0), trade(3, 90.0, 9.0)])
    assert (after["open"], after["high"], after["low"], after["close"]) == (
        100.0,
        125.0,
        80.0,
        90.0,
    )
    assert (after["volume"], after["cost"]) == (0.5 + 0.4 + 0.5 + 0.1, 149.0)
    assert candle.take([trade(4, 95.0, 9.5)])["open"] == 95.0
    day = Candle("1D")
    day.take([trade(1, 100.0, 50.0)])
    assert day.take([trade(1_439, 90.0, 9.0)])["tick"] == 0


@pytest.mark.parametrize("resolution,minutes", [("1", 1), ("3", 3)])
async def test_a_chart_says_what_the_trades_of_its_channel_come_to(
    hand_server, hand, dial, resolution, minutes
):
    """Several candles, each in its last state."""
    raw = await dial(hand_server)
    chart = CHART.format(resolution)
    assert await raw.call("public/subscribe", channels=[TRADES, chart]) == [TRADES, chart]
    for _ in range(240):
        hand.move(1.0)
        hand_server.hub.catch_up()
    await raw.call("public/test")
    told = [frame["params"] for frame in raw.frames if frame.get("method") == "subscription"]
    trades = [one for p in told if p["channel"] == TRADES for one in p["data"]]
    candles = {p["data"]["tick"]: p["data"] for p in told if p["channel"] == chart}
    length_ms = minutes * 60_000
    assert {one["timestamp"] // length_ms * length_ms for one in trades} == candles.keys()
    assert len(candles) > 1
    for tick, candle in candles.items():
        inside = [one for one in trades if 0 <= one["timestamp"] - tick < length_ms]
        prices = [one["price"] for one in inside]
        assert candle["open"] == prices[0]
        assert (candle["high"], candle["low"]) == (max(prices), min(prices))
        assert candle["close"] == prices[-1]
        assert candle["cost"] == sum(one["amount"] for one in inside)


@pytest.mark.parametrize("resolution", ["2", "1m", "0", "-1", "1d"])
async def test_an_unknown_resolution_is_refused(hand_server, dial, resolution):
    """As the venue does, with its name."""
    raw = await dial(hand_server)
    with pytest.raises(RpcFault, match="unrecognized channel"):
        await raw.call("public/subscribe", channels=[CHART.format(resolution)])
