"""The unmodified ccxt client passes the reference's whole call list, plain and over TLS."""

import asyncio
from datetime import UTC, datetime

import ccxt  # type: ignore[import-untyped]
import pytest

from bot.sim.wire.certificate import CERTIFICATE, self_signed
from tests.wire.server.stock_calls import PERPETUAL, call_everything


async def subscribed(server, *channels):
    """Wait until somebody listens to every one of these channels."""
    for _ in range(5_000):
        if {text for one in server.sessions.values() for text in one.channels} >= {*channels}:
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"nobody listens to {channels}")


async def watch_one_trade(exchange, server):
    """Watch orders and trades while one order fills; return both."""
    watching = asyncio.gather(exchange.watch_orders(), exchange.watch_my_trades())
    await subscribed(server, "user.orders.any.any.raw", "user.trades.any.any.raw")
    order = await exchange.create_order(PERPETUAL, "market", "sell", 100, params={"label": "seen"})
    orders, trades = await asyncio.wait_for(watching, 5)
    assert [one["id"] for one in orders] == [order["id"]]
    return orders, trades


async def test_every_call_of_the_reference_passes(server, client):
    """Plain HTTP and WebSocket."""
    exchange = client(server)
    await call_everything(exchange, server.hub)
    _orders, trades = await watch_one_trade(exchange, server)
    assert trades[0]["info"]["label"] == "seen"
    assert server.hub.exchange.holdings["BTC-PERPETUAL"].quantity == -100


async def test_every_call_of_the_reference_passes_over_tls(serve, client, tmp_path):
    """The client trusts the certificate that the server made, and nothing else."""
    server = await serve(tls=self_signed(tmp_path, datetime.now(UTC)))
    assert server.rest_url.startswith("https://")
    exchange = client(server, cafile=str(tmp_path / CERTIFICATE))
    await call_everything(exchange, server.hub)
    await watch_one_trade(exchange, server)


async def test_a_certificate_that_is_not_trusted_ends_the_call(serve, client, tmp_path):
    """As the reference says: ExchangeNotAvailable."""
    server = await serve(tls=self_signed(tmp_path, datetime.now(UTC)))
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client(server).load_markets()


@pytest.mark.parametrize(
    "change,error,code",
    [
        ({"price": 90_000.25}, ccxt.InvalidOrder, 10043),
        ({"amount": 1e9}, ccxt.InsufficientFunds, 10009),
        ({"params": {"label": "x" * 65}}, ccxt.BadRequest, -32602),
        ({"params": {"valid_until": 1}}, ccxt.ExchangeError, 13888),
    ],
)
async def test_a_refusal_reaches_the_client_as_its_own_error(server, client, change, error, code):
    """Each venue code has an exception in ccxt."""
    exchange = client(server)
    await exchange.load_markets()
    exchange.price_to_precision = lambda _symbol, price: str(price)
    order = {"symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 100, "price": 90_000}
    with pytest.raises(error, match=f'"code":{code}'):
        await exchange.create_order(**{**order, **change})
    assert server.hub.exchange.tickets == {}


async def test_post_only_that_would_take_is_refused(server, client):
    """11054, which ccxt makes an InvalidOrder."""
    exchange = client(server)
    ask = (await exchange.fetch_ticker(PERPETUAL))["ask"]
    with pytest.raises(ccxt.InvalidOrder, match="11054"):
        await exchange.create_order(PERPETUAL, "limit", "buy", 100, ask + 50, {"postOnly": True})


async def test_a_dropped_order_is_booked_twice_by_the_stock_client(server, client):
    """Where replays pass, aiohttp repeats a GET on a kept-alive connection: two orders."""
    exchange = client(server)
    price = (await exchange.fetch_ticker(PERPETUAL))["bid"] - 500
    server.hub.auth.refuse_replays = False
    server.hub.rest_faults.drop_after_booking = 1
    await exchange.create_order(PERPETUAL, "limit", "buy", 100, price, {"label": "once"})
    assert [one.label for one in server.hub.exchange.tickets.values()] == ["once", "once"]


async def test_a_replayed_order_is_refused(server, client):
    """With replays refused, the repeat is an authentication error and one order stands."""
    exchange = client(server)
    price = (await exchange.fetch_ticker(PERPETUAL))["bid"] - 500
    server.hub.rest_faults.drop_after_booking = 1
    with pytest.raises(ccxt.BaseError, match="13004"):
        await exchange.create_order(PERPETUAL, "limit", "buy", 100, price, {"label": "once"})
    assert [one.label for one in server.hub.exchange.tickets.values()] == ["once"]
