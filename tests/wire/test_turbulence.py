"""Connections that end at any moment, on the exchange itself: nothing twice, nothing crossed."""

import asyncio
import random
import time
from collections import Counter

import numpy as np
import pytest

from bot.domain.commands import Place, QueryPositions
from bot.domain.events import Filled, OrderDenied, OrderUpdate, PositionsReport
from bot.domain.orders import OrderState
from bot.domain.quotes import Chain, Quote
from bot.sim.wire.auth import TRADER
from bot.sim.wire.clock import HandClock
from bot.sim.wire.hub import Opening
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from tests.builders.intents import intent
from tests.struck import struck
from tests.wire.adapter.drive import PATIENCE_S, drain, take, until
from tests.wire.conftest import NOON_NS

PERPETUAL = "BTC-PERPETUAL"
ORDERS = 200
ROUNDS = 80
PLENTY = {"rate": 5_000, "burst": 5_000}
LIMITS = {"matching_engine": PLENTY, "non_matching_engine": PLENTY}
TROUBLES = ("drop", "book_gaps", "html", "truncated", "error_frames")
BOOKED, NOT_BOOKED = OrderState.FILLED, OrderState.NOT_BOOKED


def venue_of(server, clock, *, orders, **feed):
    """Return an adapter of a served exchange."""
    settings = DeribitSettings(
        feed=FeedRules(("BTC",), **feed),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
        redial_s=0.0,
    )
    key = ApiKey(TRADER.client_id, TRADER.secret) if orders else None
    return DeribitVenue(settings, clock, key, orders=orders)


def armed(server):
    """Return the session whose orders die with it: that of the account."""
    (one,) = [session for session in server.sessions.values() if session.cancel_on_disconnect]
    return one


class Memory:
    """What an adapter has told of our orders."""

    def __init__(self, venue):
        self.venue = venue
        self.states: dict[str, OrderState] = {}
        self.fills: dict[str, str] = {}

    def learn(self):
        """Take in what has arrived."""
        for event in drain(self.venue):
            if isinstance(event, OrderUpdate):
                self.states[event.report.label] = event.report.state
            elif isinstance(event, OrderDenied):
                self.states.setdefault(event.label, NOT_BOOKED)
            elif isinstance(event, Filled):
                assert self.fills.setdefault(event.fill.trade_id, event.fill.label) == (
                    event.fill.label
                )

    async def until(self, condition):
        """Take in what arrives until something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await self.venue.wait(0.01)
                self.learn()


async def end(session, how, luck):
    """End a connection after an order has been sent on it: by a fault, or at any moment.

    Moments are turns of the event loop, so that they fall before, into and after the booking
    whatever the speed of this machine.
    """
    if how == "moment":
        for _ in range(luck.randint(0, 12)):
            await asyncio.sleep(0)
    elif how == "silent":
        await session.hub.clock.until(session.hub.now_ns() + 5_000_000)
    else:
        await asyncio.wait_for(session.ended.wait(), PATIENCE_S)
    session.drop()


@pytest.mark.parametrize("seed", [1, 2])
async def test_two_hundred_orders_lose_their_connection_at_random_moments(serve, seed):
    """One order each or none, as the bot comes to know; every fill once; positions equal."""
    luck = random.Random(seed)
    server = await serve(Opening(seed=7, regime="calm"))
    server.hub.account.limits = LIMITS
    venue = venue_of(server, time.time_ns, orders=True)
    await venue.start()
    assert venue.private is not None
    memory, hows = Memory(venue), {}
    try:
        for i in range(ORDERS):
            label, how = f"db-{i}", luck.choice(("moment", "moment", "silent", "after", "before"))
            hows[label] = how
            await memory.until(lambda: venue.lane is not None and venue.lane.armed)
            session, epoch = armed(server), venue.private.session.epoch
            if how in {"after", "before"}:
                setattr(session.faults, f"drop_{how}_booking", 1)
            elif how == "silent":
                session.faults.lose_replies, session.faults.silent = 1, True
            buys = luck.random() < 0.5
            quantity, price = ("10", "120000") if buys else ("-10", "70000")
            venue.send(Place(intent(PERPETUAL, quantity, price, label=label)), time.time_ns())
            await end(session, how, luck)
            await memory.until(lambda epoch=epoch: venue.private.session.epoch > epoch)
            await memory.until(lambda label=label: label in memory.states)
        await memory.until(lambda: venue.lane is not None and venue.lane.armed)
        memory.learn()
        venue.send(QueryPositions(), time.time_ns())
        report = await take(venue, PositionsReport)
    finally:
        await venue.close()
    exchange = server.hub.exchange
    booked = Counter(one.label for one in exchange.tickets.values())
    for label, how in hows.items():
        assert booked[label] <= 1
        assert memory.states[label] is (BOOKED if booked[label] else NOT_BOOKED), (label, how)
        if how in {"after", "before"}:
            assert booked[label] == (how == "after")
    struck("F02", sum(booked[label] for label in hows))
    fates = {booked[label] for label, how in hows.items() if how == "moment"}
    assert fates == {0, 1}  # moments fell on both sides of the booking
    told = Counter(memory.fills.values())
    assert told == Counter(one.fill.label for one in exchange.executions)
    held = {p.instrument: p.quantity.value for p in report.positions}
    assert held == {n: h.quantity for n, h in exchange.holdings.items() if h.quantity}


def crossed(event):
    """Tell whether prices contradict each other."""
    if isinstance(event, Quote):
        return event.bid >= event.ask
    with np.errstate(invalid="ignore"):
        return bool(np.any(event.bid >= event.ask))


def shown(venue):
    """Return the book that an adapter keeps."""
    depth = venue.depth(PERPETUAL)
    return None if depth is None else (depth.bids, depth.asks)


def standing(server):
    """Return the exchange's own book."""
    exchange = server.hub.exchange
    sides = exchange.depth(exchange.instrument(PERPETUAL))
    return tuple(tuple((float(level.price), level.size) for level in side[:20]) for side in sides)


class Onlooker:
    """An adapter that lives from second to second; none of its prices may be crossed."""

    def __init__(self, server, venue, hand):
        self.server, self.venue, self.hand = server, venue, hand
        self.seen: Counter[str] = Counter()

    async def second(self):
        """Let a second pass and be heard of."""
        self.hand.move(1.0)
        told = False
        while not told:
            await self.venue.wait(1.0)
            told = self.look()

    def look(self):
        """Look at what has arrived; return whether a quote is as new as the exchange's time."""
        quotes = [event for event in drain(self.venue) if isinstance(event, Quote | Chain)]
        assert not [event for event in quotes if crossed(event)]
        self.seen.update(type(event).__name__ for event in quotes)
        depth = self.venue.depth(PERPETUAL)
        if depth is not None:
            assert depth.bids[0][0] < depth.asks[0][0]
            self.seen["depth"] += 1
        now_ns = self.hand.now_ns()
        return any(isinstance(one, Quote) and one.ts_venue_ns >= now_ns for one in quotes)

    def strike(self, what, times):
        """Let something go wrong on every connection."""
        self.seen[what] += 1
        for session in tuple(self.server.sessions.values()):
            if what == "drop":
                session.drop()
            else:
                setattr(session.faults, what, times)


async def test_no_crossed_price_passes_whatever_happens_to_the_stream(serve):
    """Reconnects into a falling market, gaps, halves, pages, errors; at the end all is whole."""
    luck, hand = random.Random(3), HandClock(NOON_NS)
    server = await serve(Opening(seed=7, regime="crash", compress=60), clock=hand)
    venue = venue_of(server, hand.now_ns, orders=False, depth=frozenset({PERPETUAL}))
    await venue.start()
    onlooker = Onlooker(server, venue, hand)
    try:
        async with asyncio.timeout(4 * PATIENCE_S):
            for _ in range(ROUNDS):
                await onlooker.second()
                onlooker.strike(luck.choice(TROUBLES), luck.randint(1, 2))
            for session in server.sessions.values():
                session.faults.clear()
            await onlooker.second()
        await until(venue, lambda: shown(venue) == standing(server))
    finally:
        await venue.close()
    assert min(onlooker.seen[one] for one in ("Quote", "Chain", "depth", *TROUBLES)) >= 10
