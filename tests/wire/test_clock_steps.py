"""The wall clock is set while a bot runs: prices are fresh, orders taken, the book is hedged."""

import asyncio
import time

import pytest

from bot.domain.commands import Place
from bot.domain.events import OrderUpdate
from bot.domain.orders import OrderState
from bot.domain.quotes import Quote
from bot.domain.records import OrderTransition
from bot.domain.units import NS_PER_S
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from bot.sim.wire.auth import TRADER
from bot.sim.wire.clock import WallClock
from bot.sim.wire.hub import Opening
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from bot.venues.steady import SteadyClock
from tests.builders.intents import intent
from tests.simulation.drive import book
from tests.struck import struck
from tests.wire.adapter.drive import take, until
from tests.wire.in_process import graph
from tests.wire.resting import comes
from tests.wire.test_by_hand import PERPETUAL, buy
from tests.wire.test_run import booked, straddle

STEPS_S = (-3_600.0, -60.0, -15.0, -5.0, -2.0, 2.0, 5.0, 15.0, 60.0, 3_600.0)


class Wall:
    """The wall clock of a machine: `step_s` is by how much it has been set."""

    def __init__(self):
        self.step_s = 0.0
        self.clock = SteadyClock(self.read)

    def read(self):
        """Return its time, ns."""
        return time.time_ns() + round(self.step_s * NS_PER_S)


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


@pytest.fixture
async def beside(serve):
    """Return a venue with an order lane that has told a price, our wall and the exchange's."""
    wall, theirs = Wall(), Wall()
    server = await serve(Opening(seed=7, regime="calm"), clock=WallClock(read=theirs.read))
    settings = DeribitSettings(
        feed=FeedRules(("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    key = ApiKey(TRADER.client_id, TRADER.secret)
    venue = DeribitVenue(settings, wall.clock, key, orders=True)
    try:
        await venue.start()
        await take(venue, Quote)
        yield venue, wall, theirs
    finally:
        await venue.close()


async def buys(venue, label):
    """Tell whether an order that is valid for two seconds is filled."""
    until_ns = venue.now_ns() + 2 * NS_PER_S  # the exchange refuses what comes later
    order = intent(PERPETUAL, "10", "120000", label=label, valid_until_ns=until_ns)
    venue.send(Place(order), venue.now_ns())
    update = await take(venue, OrderUpdate, where=lambda event: event.report.label == label)
    return update.report.state is OrderState.FILLED


@pytest.mark.parametrize("step_s", STEPS_S)
async def test_a_wall_that_is_set_changes_nothing(beside, step_s):
    """Prices are as fresh as before, the next order is in time, a lost connection comes back."""
    venue, wall, _ = beside
    before_ns, ahead_s = venue.now_ns(), venue.health().clock_ahead_s
    wall.step_s = step_s
    struck("F60")
    assert 0 <= venue.now_ns() - before_ns < NS_PER_S
    assert venue.health().clock_ahead_s == pytest.approx(ahead_s, abs=0.01)
    quote = await take(venue, Quote, where=lambda quote: quote.ts_ns > before_ns)
    assert abs(quote.ts_ns - quote.ts_venue_ns) < NS_PER_S
    assert await buys(venue, "db-1")
    epoch = venue.health().account_epoch
    await venue.private.session.reconnect(ConnectionError("cut"))
    await until(venue, lambda: venue.health().account_epoch > epoch and venue.lane.armed)
    assert await buys(venue, "db-2")
    assert abs(venue.now_ns() - time.time_ns()) < NS_PER_S


@pytest.mark.parametrize("paused_s", [2.0, 15.0, 120.0])
async def test_a_machine_that_was_paused_is_told_of_it_by_one_reply(beside, paused_s):
    """Then orders are in time; ours is the exchange's time once the wall has been put right."""
    venue, wall, theirs = beside
    theirs.step_s = paused_s  # all the world went on, but this machine
    struck("F60")
    await until(venue, lambda: abs(venue.health().clock_ahead_s - paused_s) < 0.25)
    assert await buys(venue, "db-1")
    assert theirs.read() - venue.now_ns() > (paused_s - 0.5) * NS_PER_S
    wall.step_s = paused_s
    await until(venue, lambda: abs(venue.health().clock_ahead_s) < 0.25)
    assert abs(venue.now_ns() - theirs.read()) < NS_PER_S
    assert await buys(venue, "db-2")


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
