"""What an expiry does to streams: a channel of something that is gone costs nothing but itself."""

import asyncio
import time

import pytest

from bot.domain.events import InstrumentsListed
from bot.domain.quotes import Quote
from bot.venues.deribit.flaws import Flaw
from tests.struck import struck
from tests.wire.adapter.drive import drain, take, until
from tests.wire.scripted import CALL, PERPETUAL, now_ms, option, ticker

TICKER = f"ticker.{PERPETUAL}.100ms"
BOOK = f"book.{PERPETUAL}.100ms"
INDEX = "deribit_price_index.btc_usd"
CHANNELS = (TICKER, BOOK, INDEX, "instrument.state.any.any")
GONE = "BTC-1JAN26-100000-C"
GONE_TICKER = f"ticker.{GONE}.100ms"


@pytest.mark.parametrize("gone", CHANNELS)
async def test_a_channel_that_is_refused_costs_no_other(connect, server, gone):
    """The venue refuses the whole request; all channels but one are taken up, and it is named."""
    struck("F35")
    server.unknown = {gone}
    venue = await connect(feed={"depth": frozenset({PERPETUAL})})
    assert venue.health().connected
    assert [one for one in CHANNELS if not server.listens(one)] == [gone]
    refused = [one for one in venue.flaws.newest if one.flaw is Flaw.CHANNEL_REFUSED]
    assert [one.subject for one in refused] == [gone]


async def test_a_stale_stream_that_the_venue_refuses_costs_no_other(connect, server):
    """Asked anew together, the one that lives comes back."""
    struck("F35")
    venue = await connect(feed={"quote_s": 0.4, "index_s": 0.4})
    server.unknown = {INDEX}
    await until(venue, lambda: Flaw.CHANNEL_REFUSED in venue.flaws.counts)
    await server.push(TICKER, ticker())
    await take(venue, Quote)
    assert server.listens(TICKER)
    assert venue.health().public_epoch == 1


@pytest.mark.parametrize("code", [10028, 10041, 13009, 13888])
async def test_a_request_that_is_refused_for_another_reason_is_not_repeated(connect, server, code):
    """The epoch ends with it and the next one asks once again."""
    struck("F35")
    venue = await connect()
    asked = server.count("public/subscribe")
    server.refusals["public/subscribe"] = [(code, "no")]
    server.cut(TICKER)
    await until(venue, lambda: venue.health().public_epoch == 3 and venue.health().connected)
    assert server.count("public/subscribe") == asked + 2


async def test_after_an_expiry_the_next_connection_comes_up_and_lists_anew(connect, server):
    """The option was held and at the money; nobody could announce that it is gone."""
    struck("F35")
    expiry_ms = now_ms() + 3_000
    server.instruments.append(option(GONE, expiration_timestamp=expiry_ms))
    server.positions = {GONE: -2.0}
    venue = await connect(key=True)
    await server.push(INDEX, {"timestamp": now_ms(), "price": 100_000.0, "index_name": "btc_usd"})
    await server.until(lambda: server.listens(GONE_TICKER))
    server.instruments.pop()
    server.unknown = {GONE_TICKER}
    await asyncio.sleep(max(0.0, expiry_ms / 1_000 - time.time()) + 0.01)
    drain(venue)
    server.calls.clear()
    server.cut(TICKER)
    listed = await take(venue, InstrumentsListed)
    assert [one.name for one in listed.instruments] == [CALL, PERPETUAL]
    await server.push(TICKER, ticker())
    await take(venue, Quote)
    assert server.listens(TICKER)
    asked = [params["channels"] for name, params in server.calls if name == "public/subscribe"]
    assert asked
    assert not [names for names in asked if GONE_TICKER in names]
