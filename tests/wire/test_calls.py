"""The unmodified ccxt client and ours pass the reference's whole call list, plain and over TLS."""

import asyncio
import time
from datetime import UTC, datetime
from functools import partial

import ccxt.pro  # type: ignore[import-untyped]
import pytest

from bot.sim.wire.certificate import CERTIFICATE, self_signed
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.requests import RefusedError
from tests.wire.calls import CHANNELS, METHODS, PERPETUAL, call_everything, listened
from tests.wire.onlooking import tap

OURS = partial(HardenedDeribit, clock=time.time_ns)
GROUPED = {"useDepthEndpoint": True}

every_transport = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


@pytest.fixture
def exchange(serve, client, tmp_path):
    """Return a maker of a served exchange and a client that trusts it."""

    async def make(kind, tls):
        if not tls:
            server = await serve()
            return server, client(server, kind=kind)
        server = await serve(tls=self_signed(tmp_path, datetime.now(UTC)))
        return server, client(server, kind=kind, cafile=str(tmp_path / CERTIFICATE))

    return make


@every_transport
@pytest.mark.parametrize("kind", [ccxt.pro.deribit, OURS], ids=["stock", "hardened"])
async def test_every_call_of_the_reference_passes(exchange, monkeypatch, kind, tls):
    """And nothing of its tables was left out."""
    asked = tap(monkeypatch)
    server, ours = await exchange(kind, tls)
    assert server.rest_url.startswith("https://" if tls else "http://")
    await call_everything(ours, server)
    assert METHODS - set(asked) == set()
    assert CHANNELS - listened(server) == set()


@every_transport
async def test_orders_pass_over_the_websocket(exchange, tls):
    """Placed, edited, looked up, cancelled; and cancelled with the connection where armed."""
    server, ours = await exchange(OURS, tls)
    await ours.load_markets()
    assert "trade:read_write" in (await ours.authenticate())["scope"]
    call = ours.requests.call
    price = (await ours.fetch_ticker(PERPETUAL))["bid"] - 500.0
    terms = {"instrument_name": "BTC-PERPETUAL", "amount": 100.0, "type": "limit"}
    placed = (await call("private/buy", {**terms, "price": price, "label": "one"}))["order"]
    edit = {"order_id": placed["order_id"], "amount": 200.0, "price": price - 10.0}
    assert (await call("private/edit", edit))["order"]["price"] == price - 10.0
    asked = {"currency": "BTC", "label": "one"}
    (found,) = await call("private/get_order_state_by_label", asked)
    assert (found["order_id"], found["amount"]) == (placed["order_id"], 200.0)
    cancelled = await call("private/cancel", {"order_id": placed["order_id"]})
    assert cancelled["order_state"] == "cancelled"
    with pytest.raises(RefusedError, match="11044"):
        await call("private/cancel", {"order_id": placed["order_id"]})
    assert await call("private/enable_cancel_on_disconnect", {"scope": "connection"}) == "ok"
    await call("private/sell", {**terms, "price": price + 9_000.0, "label": "armed"})
    assert [one.label for one in server.hub.exchange.tickets.values() if one.is_open] == ["armed"]
    (session,) = server.sessions.values()
    await ours.close()
    await session.ended.wait()
    assert [one.label for one in server.hub.exchange.tickets.values() if one.is_open] == []


async def test_a_grouped_book_comes_in_pairs_which_only_ours_can_read(exchange):
    """The stock client fails inside its receive loop; ours shows a book."""
    server, ours = await exchange(OURS, tls=False)
    book = await ours.watch_order_book(PERPETUAL, None, GROUPED)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert "book.BTC-PERPETUAL.none.20.100ms" in listened(server)


async def test_a_ping_is_answered(server, dial):
    """With its own words."""
    raw = await dial(server)
    pong = await raw.pinged(b"still there?")
    assert pong == b"still there?"


async def test_the_stock_client_dies_of_a_grouped_book(exchange):
    """IndexError in the receive loop, and the watch waits for ever."""
    _server, stock = await exchange(ccxt.pro.deribit, tls=False)
    await stock.load_markets()
    died: asyncio.Queue[BaseException] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: died.put_nowait(context["exception"])
    )
    watching = asyncio.ensure_future(stock.watch_order_book(PERPETUAL, None, GROUPED))
    assert isinstance(await asyncio.wait_for(died.get(), 30), IndexError)
    done, _ = await asyncio.wait({watching}, timeout=0.2)
    watching.cancel()
    assert not done
