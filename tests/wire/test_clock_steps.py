"""The wall clock is set while a bot runs: prices are fresh, orders taken, the book is hedged."""

import asyncio
import time

import pytest

from bot.domain.commands import Place
from bot.domain.events import Filled
from bot.domain.orders import OrderState
from bot.domain.quotes import Quote
from bot.domain.records import OrderTransition
from bot.domain.units import NS_PER_S
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from bot.sim.wire.auth import TRADER
from bot.sim.wire.hub import Opening
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.steady import SteadyClock
from tests.builders.intents import intent
from tests.simulation.drive import book
from tests.struck import struck
from tests.wire.adapter.drive import drain, take
from tests.wire.in_process import graph
from tests.wire.resting import comes
from tests.wire.test_by_hand import PERPETUAL, buy
from tests.wire.test_run import booked, straddle

STEPS_S = (-3_600.0, -60.0, -15.0, -5.0, -2.0, 2.0, 5.0, 15.0, 60.0, 3_600.0)


class Wall:
    """The wall clock of this test alone; `step_s` is by how much it has been set."""

    def __init__(self):
        self.step_s = 0.0
        self.clock = SteadyClock(lambda: time.time_ns() + round(self.step_s * NS_PER_S))


class Fates:
    """Observer: how orders went."""

    def __init__(self):
        self.found = set()

    def see(self, _event):
        """Take an event."""

    def note(self, record):
        """Take a record."""
        if isinstance(record, OrderTransition):
            self.found.add(record.after)


@pytest.mark.parametrize("step_s", STEPS_S)
async def test_what_comes_after_a_step_is_as_fresh_and_as_good_as_before(serve, step_s):
    """The venue's clock is known to be where it was, although no reply has come since."""
    server = await serve(Opening(seed=7, regime="calm"))
    settings = DeribitSettings(
        feed=FeedRules(("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    wall = Wall()
    venue = DeribitVenue(settings, wall.clock, ApiKey(TRADER.client_id, TRADER.secret), orders=True)
    try:
        await venue.start()
        await take(venue, Quote)
        before_ns, ahead_s = venue.now_ns(), venue.health().clock_ahead_s
        wall.step_s = step_s
        struck("F60")
        now_ns, moved_s = venue.now_ns(), venue.health().clock_ahead_s - ahead_s
        assert now_ns >= before_ns
        assert moved_s == pytest.approx(-max(step_s, 0.0), abs=0.1)
        drain(venue)
        quote = await take(venue, Quote, where=lambda quote: quote.ts_ns >= now_ns)
        assert abs(quote.ts_ns - quote.ts_venue_ns) < NS_PER_S
        until_ns = venue.now_ns() + 2 * NS_PER_S  # the exchange refuses what comes later
        order = intent(PERPETUAL, "10", "120000", label="db-1", valid_until_ns=until_ns)
        venue.send(Place(order), venue.now_ns())
        fill = (await take(venue, Filled)).fill
        assert (fill.label, fill.quantity.value) == ("db-1", 10)
    finally:
        await venue.close()


@pytest.mark.parametrize("step_s", [-15.0, 15.0])
async def test_a_book_is_hedged_right_after_a_step(step_s, serve, dial, tmp_path):
    """A person's trade takes it out of its band; no order of ours is refused as too late."""
    server = await serve(Opening(seed=3, regime="calm", positions=straddle("-2")))
    wall = Wall()
    run = graph(book(band=0.1), server, wall.clock)
    journal = Journal.open(tmp_path, "demo", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "test", 0, {}, fresh=True))
    await run.venue.start()

    def apart() -> tuple[float, float]:
        health = run.venue.health()
        return health.clock_ahead_s, health.clock_error_s

    engine = Engine(
        run.core,
        run.venue,
        journal,
        Control(clock=apart),
        speed=None,
        observers=(fates := Fates(),),
        views=lambda _: (),
        account=lambda: ((), ()),
    )
    going = asyncio.create_task(engine.run(None))
    try:
        await comes(lambda: going.done() or booked(server).get(PERPETUAL))
        hedged = booked(server)[PERPETUAL]
        wall.step_s = step_s
        struck("F60")
        await buy(dial, server)
        await comes(lambda: going.done() or booked(server)[PERPETUAL] < hedged + 25_000.0)
        assert not going.done()
        assert OrderState.REJECTED not in fates.found
    finally:
        going.cancel()
        await run.venue.close()
        journal.close()
