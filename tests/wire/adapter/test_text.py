"""Frames that are no message: halves, heaps, wrong ids, unknown channels, over a real socket."""

import asyncio
import json
import random

from bot.domain.events import PositionsReport
from bot.domain.quotes import Quote
from bot.venues.deribit.flaws import Flaw
from tests.struck import struck
from tests.wire.adapter.drive import drain, take, until
from tests.wire.scripted import PERPETUAL, position, ticker

FRAMES = 10_000
TICKER = f"ticker.{PERPETUAL}.100ms"
CHANGES = "user.changes.any.any.raw"
MB = 1_000_000
IDS: tuple[object, ...] = (None, "1", "x" * 5_000, -1, 0, 1.5, 10**30, True, [], {}, 2**53, 999_999)


def notice(channel, data):
    """Return the text of a notification."""
    params = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def broken_text(luck):
    """Return one text that no venue should send."""
    whole = notice(TICKER, ticker())
    kind = luck.randrange(6)
    if kind == 0:
        return whole[: luck.randrange(len(whole))]
    if kind == 1:
        at = luck.randrange(len(whole))
        return whole[:at] + chr(luck.randrange(1, 0x2FFF)) + whole[at + 1 :]
    if kind == 2:
        result = luck.choice(([], {}, None, "ok", {"order": None, "trades": [None]}))
        return json.dumps({"jsonrpc": "2.0", "id": luck.choice(IDS), "result": result})
    if kind == 3:
        error = luck.choice((None, {}, "no", {"code": "x", "message": None}, {"code": 10028}))
        return json.dumps({"jsonrpc": "2.0", "id": luck.choice(IDS), "error": error})
    if kind == 4:
        names = ("moon.phase", "", ".", "ticker", "ticker.", "book..", "user", "user.changes", "\0")
        return notice(luck.choice(names), luck.choice((None, {}, [], ticker())))
    return luck.choice(("", "null", "true", "7", '"x"', "[" * 2_000, "{" * 50, "[]", "\ufeff{}"))


async def test_ten_thousand_broken_texts_leave_the_connection_as_it_was(connect, server):
    """No epoch ends, no reply goes astray, and the next sound message is heard."""
    struck("F45", FRAMES)
    luck = random.Random(11)
    venue = await connect(orders=True)
    drain(venue)
    for _ in range(FRAMES):
        text = broken_text(luck)
        struck("F09", '"id":' in text)
        await server.say(text)
    await server.push(TICKER, ticker(best_bid_amount=77.0))
    assert await take(venue, Quote, where=lambda quote: quote.bid_size == 77.0)
    await server.push(CHANGES, {"positions": [position(size=-70.0)]})
    report = await take(venue, PositionsReport, where=lambda one: one.positions)
    assert report.positions[0].quantity.value == -70
    assert venue.health().public_epoch == venue.health().account_epoch == 1
    assert venue.lane.armed
    counts = venue.flaws.counts
    assert {Flaw.BAD_MESSAGE, Flaw.STRAY_ERROR, Flaw.UNKNOWN_CHANNEL} <= set(counts)
    assert Flaw.FAULT_OF_OURS not in counts


async def test_an_enormous_message_is_read_and_more_than_that_costs_the_connection(connect, server):
    """Five megabytes are a message; what is larger than any message ends the epoch, not us."""
    venue = await connect()
    drain(venue)
    await server.push(TICKER, ticker(padding="x" * (5 * MB), best_bid_amount=55.0))
    assert await take(venue, Quote, where=lambda quote: quote.bid_size == 55.0)
    assert venue.health().public_epoch == 1
    await server.push(TICKER, ticker(padding="x" * (11 * MB)))
    await until(venue, lambda: venue.health().public_epoch == 2 and venue.health().connected)
    await server.push(TICKER, ticker(best_bid_amount=66.0))
    assert await take(venue, Quote, where=lambda quote: quote.bid_size == 66.0)


async def test_a_reply_under_a_wrong_id_is_nobody_s(connect, server):
    """The request that it was meant for stays unanswered, and no other is answered by it."""
    struck("F10", len(IDS))
    venue = await connect()
    requests = venue.public.exchange.requests
    server.mute.add("public/get_time")
    waiting = asyncio.ensure_future(requests.call("public/get_time", {}, 1.0))
    await server.until(lambda: bool(server.lines))
    for wrong in IDS:
        await server.say(json.dumps({"jsonrpc": "2.0", "id": wrong, "result": 5}))
    assert await requests.call("public/test", {}) == {"version": "1.2.26"}
    done, _ = await asyncio.wait({waiting}, timeout=0.1)
    assert not done
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
