"""A settlement over the wire: the exchange publishes the price, the adapter tells it once."""

import asyncio
from decimal import Decimal

import pytest

from bot.domain import deribit
from bot.domain.commands import QueryPositions
from bot.domain.events import PositionsReport, Settled
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.wire.auth import TRADER
from bot.sim.wire.clock import HandClock
from bot.sim.wire.hub import Opening
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from tests.wire.adapter.drive import drain, take
from tests.wire.conftest import RpcFault

BEFORE_NS = utc_ns(2026, 3, 5, 7, 59)
AFTER_NS = utc_ns(2026, 3, 5, 8)
CALL = "BTC-5MAR26-92000-C"
HELD = Position(CALL, deribit.parse(CALL).quantity(Decimal(-2)))
OPENING = Opening(seed=4, regime="calm", positions=(HELD,))


@pytest.fixture
def hand():
    """Return a clock a minute before a settlement."""
    return HandClock(BEFORE_NS)


async def pass_time(hand):
    """Let two seconds go by in each, so that a busy machine does not miss what is due."""
    while True:
        hand.move(0.02)
        await asyncio.sleep(0.01)


async def test_the_exchange_publishes_the_price_that_it_paid(serve, hand, dial):
    """One row a day, newest first; nothing before the first settlement; pages like the venue."""
    raw = await dial(await serve(OPENING, clock=hand))
    ask = {"index_name": "btc_usd"}
    assert await raw.call("public/get_delivery_prices", **ask) == {"data": [], "records_total": 0}
    hand.move(61.0)
    told = await raw.call("public/get_delivery_prices", **ask)
    (row,) = told["data"]
    assert row["date"] == "2026-03-05"
    index = await raw.call("public/get_index_price", index_name="btc_usd")
    assert row["delivery_price"] == pytest.approx(index["index_price"], rel=0.01)
    hand.move(86_400.0)
    told = await raw.call("public/get_delivery_prices", **ask)
    assert [row["date"] for row in told["data"]] == ["2026-03-06", "2026-03-05"]
    page = await raw.call("public/get_delivery_prices", **ask, offset=1, count=1)
    assert (page["data"], page["records_total"]) == ([row], 2)
    for wrong in ({"count": 0}, {"count": 1_001}, {"offset": -1}, {"index_name": "doge_usd"}):
        with pytest.raises(RpcFault, match="Invalid params"):
            await raw.call("public/get_delivery_prices", **(ask | wrong))


async def test_an_expiry_is_told_once_with_the_price_that_the_exchange_paid(serve, hand):
    """The position is gone, its Settled has the exchange's own price, and no other name settles."""
    server = await serve(OPENING, clock=hand)
    settings = DeribitSettings(
        feed=FeedRules(("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    venue = DeribitVenue(settings, hand.now_ns, ApiKey(TRADER.client_id, TRADER.secret))
    passing = asyncio.create_task(pass_time(hand))
    try:
        await venue.start()
        report = await take(venue, PositionsReport)
        assert [(p.instrument, p.quantity.value) for p in report.positions] == [(CALL, -2)]
        assert not [event for event in drain(venue) if isinstance(event, Settled)]
        hand.move((AFTER_NS - hand.now_ns()) / NS_PER_S)
        settled = await take(venue, Settled, timeout_s=60.0)
        price = next(iter(server.hub.exchange.delivered["BTC"].values()))
        assert (settled.instrument, settled.price_usd) == (CALL, pytest.approx(price, abs=1e-3))
        venue.send(QueryPositions(), hand.now_ns())
        report = await take(venue, PositionsReport)
        assert report.positions == ()
        for _ in range(10):
            await venue.wait(0.1)
            assert not [event for event in drain(venue) if isinstance(event, Settled)]
    finally:
        passing.cancel()
        await venue.close()
