"""What the unmodified ccxt client meets on the exchange: refusals, certificates, lost replies."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import ccxt  # type: ignore[import-untyped]
import pytest

from bot.sim.wire.certificate import self_signed
from bot.venues.deribit.client import HardenedDeribit
from tests.wire.calls import PERPETUAL


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


@pytest.mark.parametrize("kind,refused", [(ccxt.pro.deribit, 1), (HardenedDeribit, 0)])
async def test_two_programs_of_one_key_may_ask_the_same_in_one_millisecond(
    hand_server, hand, client, kind, refused
):
    """The stock client signs both alike, and the second looks like a replay of the first."""
    extra = {"clock": hand.now_ns} if kind is HardenedDeribit else {}
    pair = [client(hand_server, kind=partial(kind, **extra)) for _ in range(2)]
    for one in pair:
        one.milliseconds = lambda: hand.now_ns() // 1_000_000
    asked = [one.private_get_get_positions({"currency": "any"}) for one in pair]
    found = await asyncio.gather(*asked, return_exceptions=True)
    errors = [str(one) for one in found if isinstance(one, Exception)]
    assert len(errors) == refused
    assert all("13004" in error for error in errors)


async def test_a_replayed_order_is_refused(server, client):
    """With replays refused, the repeat is an authentication error and one order stands."""
    exchange = client(server)
    price = (await exchange.fetch_ticker(PERPETUAL))["bid"] - 500
    server.hub.rest_faults.drop_after_booking = 1
    with pytest.raises(ccxt.BaseError, match="13004"):
        await exchange.create_order(PERPETUAL, "limit", "buy", 100, price, {"label": "once"})
    assert [one.label for one in server.hub.exchange.tickets.values()] == ["once"]
