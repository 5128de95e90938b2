"""A settlement over the wire: the exchange publishes the price, the adapter tells it once.

The exchange's time is moved by hand, a second at a time, and only once the adapter has heard of the
second before: how quick this machine is decides how long a test takes, not what it finds.
"""

import asyncio
from decimal import Decimal

import pytest

from bot.domain import deribit
from bot.domain.commands import QueryPositions
from bot.domain.events import Event, PositionsReport, Settled
from bot.domain.positions import Position
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.wire.auth import TRADER
from bot.sim.wire.clock import HandClock
from bot.sim.wire.hub import Opening
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.public import LOOK_S
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from tests.wire.adapter.drive import PATIENCE_S, drain, take
from tests.wire.conftest import RpcFault

BEFORE_NS = utc_ns(2026, 3, 5, 7, 59) + 50 * NS_PER_S
CALL = "BTC-5MAR26-92000-C"
HELD = Position(CALL, deribit.parse(CALL).quantity(Decimal(-2)))
OPENING = Opening(seed=4, regime="calm", positions=(HELD,))


@pytest.fixture
def hand():
    """Return a clock ten seconds before a settlement."""
    return HandClock(BEFORE_NS)


async def pass_s(hand, venue, seconds, *, pause_s=0.0):
    """Let seconds go by, each heard of by the venue before the next; return what it told.

    With a pause of its own looks in each second, the venue gets to look about once in each.
    """
    told: list[Event] = []
    for _ in range(seconds):
        hand.move(1.0)
        async with asyncio.timeout(PATIENCE_S):
            while not any(isinstance(e, Quote) and e.ts_venue_ns >= hand.now_ns() for e in told):
                await venue.wait(1.0)
                told += drain(venue)
        await asyncio.sleep(pause_s)
        told += drain(venue)
    return told


async def test_the_exchange_publishes_the_price_that_it_paid(serve, hand, dial):
    """One row a day, newest first; nothing before the first settlement; pages like the venue."""
    server = await serve(OPENING, clock=hand)
    raw = await dial(server)
    ask = {"index_name": "btc_usd"}
    assert await raw.call("public/get_delivery_prices", **ask) == {"data": [], "records_total": 0}
    hand.move(11.0)
    told = await raw.call("public/get_delivery_prices", **ask)
    (row,) = told["data"]
    assert row["date"] == "2026-03-05"
    index = await raw.call("public/get_index_price", index_name="btc_usd")
    assert row["delivery_price"] == pytest.approx(index["index_price"], rel=0.01)
    hand.move(86_400.0)
    raw = await dial(server)  # a day without a word has ended the first one
    told = await raw.call("public/get_delivery_prices", **ask)
    assert [row["date"] for row in told["data"]] == ["2026-03-06", "2026-03-05"]
    page = await raw.call("public/get_delivery_prices", **ask, offset=1, count=1)
    assert (page["data"], page["records_total"]) == ([row], 2)
    for wrong in ({"count": 0}, {"count": 1_001}, {"offset": -1}, {"index_name": "doge_usd"}):
        with pytest.raises(RpcFault, match="Invalid params"):
            await raw.call("public/get_delivery_prices", **(ask | wrong))


@pytest.mark.parametrize("lost", [False, True], ids=["connected", "connection lost"])
async def test_an_expiry_is_told_once_with_the_price_that_the_exchange_paid(serve, hand, lost):
    """The position is gone, its Settled has the exchange's own price, and no other name settles.

    Also where the expiry falls into a reconnect: what has expired is not asked for any more.
    """
    server = await serve(OPENING, clock=hand)
    settings = DeribitSettings(
        feed=FeedRules(("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    venue = DeribitVenue(settings, hand.now_ns, ApiKey(TRADER.client_id, TRADER.secret))
    try:
        await venue.start()
        report = await take(venue, PositionsReport)
        assert [(p.instrument, p.quantity.value) for p in report.positions] == [(CALL, -2)]
        assert settlements(await pass_s(hand, venue, 9)) == []
        if lost:
            for session in tuple(server.sessions.values()):
                session.drop()
            hand.move(1.0)
        told = settlements(await pass_s(hand, venue, 16, pause_s=LOOK_S))
        price = next(iter(server.hub.exchange.delivered["BTC"].values()))
        assert told == [(CALL, pytest.approx(price, abs=1e-3))]
        venue.send(QueryPositions(), hand.now_ns())
        report = await take(venue, PositionsReport)
        assert report.positions == ()
    finally:
        await venue.close()


def settlements(told):
    """Return the name and the price of each settlement that was told."""
    return [(one.instrument, one.price_usd) for one in told if isinstance(one, Settled)]
