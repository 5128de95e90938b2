"""The parts without a wire: credits, the inbox, requests, books, clocks."""

import asyncio
import random
from typing import Any

import pytest

from bot.domain.events import GammaWanted, Tick
from bot.domain.programs import Solution, Stage
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.venues.deribit.backoff import Backoff
from bot.venues.deribit.books import OrderBook
from bot.venues.deribit.credits import MATCHING, Credits, Tier
from bot.venues.deribit.flaws import Flaw, FlawedError, Flaws
from bot.venues.deribit.inbox import Inbox
from bot.venues.deribit.requests import (
    NoAnswerError,
    NotSentError,
    RefusedError,
    Requests,
    VenueClock,
)
from tests.struck import struck
from tests.wire.scripted import PERPETUAL, change, snapshot


class Clock:
    """A wall clock that a test turns."""

    def __init__(self, now_ns=1_000 * NS_PER_S):
        self.now_ns = now_ns

    def __call__(self):
        """Read it."""
        return self.now_ns

    def turn(self, seconds):
        """Let time pass."""
        self.now_ns += round(seconds * NS_PER_S)


def quote(ts_ns, bid=1.0, name=PERPETUAL):
    """Return a quote."""
    return Quote(name, "BTC", ts_ns, ts_ns, bid, 2.0, 1.0, 1.0, 1.5, 1.5)


# --- pauses between dials -------------------------------------------------------------------------


def pauses(first_s, *lives):
    """Return the pauses after connections that were ready, sound and refused as said."""
    backoff = Backoff(first_s)
    return [
        backoff.after(ready="r" in life, sound="s" in life, refused="x" in life) for life in lives
    ]


def test_dials_that_fail_are_further_and_further_apart():
    """Doubling up to half a minute, without chance; a sound connection begins anew."""
    assert pauses(0.2, *[""] * 10) == [0.2, 0.4, 0.8, 1.6, 3.2, *[5.0] * 5]
    assert pauses(0.2, *[""] * 6, "rs", "") == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 0.2, 0.4]


def test_a_flapping_connection_is_dialled_again_within_two_seconds():
    """It worked, if not for long."""
    assert pauses(0.2, *["r"] * 6) == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


@pytest.mark.parametrize("first", ["rsx", "rx", "x"])
def test_what_we_refuse_is_dialled_once_a_second_and_then_once_in_thirty(first):
    """A key with other rights or the wrong system: also right after a sound connection."""
    assert pauses(0.2, first, *["x"] * 6) == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pauses(0.2, "x", "x", "rs") == [1.0, 2.0, 0.2]


# --- credits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_the_venue_s_own_pool_never_runs_dry_whatever_the_network_does(seed):
    """Requests leave as fast as our budget allows and arrive late by up to 250 ms, in order."""
    struck("F58")
    generator, clock = random.Random(seed), Clock()
    mine = Credits(clock)
    arrivals, last = [], 0.0
    for _ in range(4_000):
        clock.turn(generator.expovariate(40.0))
        spent = mine.matching.take() if generator.random() < 0.3 else mine.order()
        if spent:
            last = max(last, clock.now_ns / NS_PER_S + generator.random() * 0.25)
            arrivals.append(last)
    left, at = MATCHING.burst, 0.0
    for arrival in arrivals:
        left = min(MATCHING.burst, left + (arrival - at) * MATCHING.rate) - 1.0
        at = arrival
        assert left >= 0.0
    assert len(arrivals) > 400


def test_orders_leave_the_last_credits_to_cancels():
    """And time brings credits back for both."""
    clock = Clock()
    mine = Credits(clock)
    orders = sum(mine.order() for _ in range(50))
    cancels = sum(mine.matching.take() for _ in range(50))
    assert (orders, cancels) == (12, 6)
    clock.turn(mine.matching.wait_s() + 0.001)
    assert mine.matching.take()
    assert not mine.order()


def test_the_account_s_own_tier_replaces_the_default():
    """In the old shape and in the newer one; nonsense changes nothing."""
    mine = Credits(Clock())
    mine.learn({"matching_engine": {"rate": 30, "burst": 250}})
    assert mine.matching.tier == Tier(30.0, 250.0)
    nested = {"trading": {"total": {"rate": 10, "burst": 40}}}
    mine.learn({"matching_engine": nested, "non_matching_engine": {"rate": 50, "burst": 99}})
    assert (mine.matching.tier, mine.others.tier) == (Tier(10.0, 40.0), Tier(50.0, 99.0))
    for nonsense in (None, 3, {"matching_engine": {"rate": "x", "burst": -1}}):
        mine.learn(nonsense)
    assert mine.matching.tier == Tier(10.0, 40.0)


def test_a_clock_that_goes_back_earns_nothing():
    """Nor does its return."""
    clock = Clock()
    mine = Credits(clock)
    while mine.matching.take():
        pass
    clock.turn(-10.0)
    assert not mine.matching.take()
    clock.turn(10.0)
    assert not mine.matching.take()


# --- inbox ----------------------------------------------------------------------------------------


def test_events_are_told_in_time_order_whatever_was_conflated():
    """A replaced quote moves behind what arrived before its newer value."""
    clock = Clock()
    inbox = Inbox(clock)
    start = clock.now_ns
    inbox.put(quote(start))
    inbox.put(GammaWanted(start + 1, "BTC", Solution(Stage.NONE), start))
    inbox.put(quote(start + 2, bid=1.1))
    inbox.wake_at(start + 1)
    clock.turn(1.0)
    told: list[Any] = []
    while (event := inbox.pop()) is not None:
        told.append(event)
    assert [type(event) for event in told] == [Tick, GammaWanted, Quote]
    assert told[2].bid == 1.1
    assert [event.ts_ns for event in told] == sorted(event.ts_ns for event in told)
    assert inbox.conflated == 1


def test_nothing_is_told_after_the_time_that_was_asked_for():
    """Neither a tick nor what has arrived."""
    clock = Clock()
    inbox = Inbox(clock)
    inbox.put(quote(clock.now_ns))
    assert inbox.pop(clock.now_ns - 1) is None
    inbox.wake_at(clock.now_ns)
    assert inbox.pop(clock.now_ns - 1) is None
    assert inbox.pop(clock.now_ns) is not None


def test_a_tick_asked_for_the_past_is_told_as_now():
    """Time never goes back for the engine."""
    clock = Clock()
    inbox = Inbox(clock)
    inbox.put(quote(clock.now_ns))
    inbox.pop()
    inbox.wake_at(clock.now_ns - 5)
    assert told_at(inbox.pop()) == clock.now_ns


# --- requests -------------------------------------------------------------------------------------


def told_at(event):
    """Return an event's time."""
    return event.ts_ns


class Wire:
    """What was written, and ids from one."""

    def __init__(self, fault=None):
        self.sent, self.fault, self.last = [], fault, 0

    async def send(self, message):
        """Write a message, or fail."""
        if self.fault is not None:
            raise self.fault
        self.sent.append(message)

    def next_id(self):
        """Return the next id."""
        self.last += 1
        return self.last


def requests_on(wire, clock=None):
    """Return requests over a wire."""
    return Requests(wire.send, wire.next_id, clock or Clock(), Flaws())


async def answered(requests, reply):
    """Return what a call comes to when it gets this reply."""
    call = asyncio.ensure_future(requests.call("public/test", {}))
    await asyncio.sleep(0)
    assert requests.settle({"jsonrpc": "2.0", "id": 1, **reply}, 0)
    return await call


async def test_a_reply_reaches_its_caller_by_id():
    """Whatever the result is."""
    assert await answered(requests_on(Wire()), {"result": None}) is None


@pytest.mark.parametrize("code,certain", [(10009, True), (13888, True), (11094, False)])
async def test_an_error_tells_whether_it_is_the_whole_truth(code, certain):
    """Internal errors of the venue prove nothing."""
    with pytest.raises(RefusedError) as caught:
        await answered(requests_on(Wire()), {"error": {"code": code, "message": "word"}})
    assert (caught.value.code, caught.value.certain) == (str(code), certain)


async def test_silence_and_a_lost_connection_are_no_answer():
    """And a late reply is nobody's."""
    requests = requests_on(Wire())
    with pytest.raises(NoAnswerError):
        await requests.call("private/buy", {}, timeout_s=0.01)
    assert not requests.settle({"id": 1, "result": {}}, 0)
    call = asyncio.ensure_future(requests.call("private/buy", {}))
    await asyncio.sleep(0)
    requests.lose(ConnectionError("gone"))
    with pytest.raises(NoAnswerError, match="gone"):
        await call
    assert requests.under_way == 0


async def test_a_request_that_never_left_is_told_from_one_that_may_have():
    """A broken write is no proof of anything."""
    with pytest.raises(NotSentError):
        await requests_on(Wire(NotSentError("no"))).call("private/buy", {})
    with pytest.raises(NoAnswerError):
        await requests_on(Wire(ConnectionResetError("mid-write"))).call("private/buy", {})


def test_the_venue_s_clock_is_read_from_the_quickest_reply():
    """A slow reply tells less: its stamps lie anywhere within it."""
    clock = VenueClock()
    ahead_us = 7_000_000
    slow = {"usIn": 900_000 + ahead_us, "usOut": 900_000 + ahead_us}
    clock.sample(0, NS_PER_S, slow)
    quick = {"usIn": str(1_001_000 + ahead_us), "usOut": 1_001_000 + ahead_us}
    clock.sample(NS_PER_S, NS_PER_S + 2 * NS_PER_MS, quick)
    assert clock.ahead_ns == 7 * NS_PER_S
    assert clock.error_ns == NS_PER_MS
    clock.sample(0, 1, {"usIn": None, "usOut": "x"})
    assert clock.ahead_ns == 7 * NS_PER_S


def test_a_reply_that_contradicts_the_quickest_means_that_a_clock_was_set():
    """Sixty-three older and quicker ones say nothing any more; a slow one contradicts nothing."""
    clock = VenueClock()
    for _ in range(63):
        clock.sample(0, 2 * NS_PER_MS, {"usIn": 1_000, "usOut": 1_000})
    assert clock.ahead_ns == 0
    clock.sample(0, NS_PER_S, {"usIn": 900_000, "usOut": 900_000})
    assert (clock.ahead_ns, clock.error_ns) == (0, NS_PER_MS)
    clock.sample(0, 10 * NS_PER_MS, {"usIn": 6_005_000, "usOut": 6_005_000})
    assert (clock.ahead_ns, clock.error_ns) == (6 * NS_PER_S, 5 * NS_PER_MS)


# --- books ----------------------------------------------------------------------------------------


def followed(seed):
    """Return a book and the truth after random changes of one to four levels."""
    generator = random.Random(seed)
    truth = {"bids": {99.0: 1.0}, "asks": {101.0: 1.0}}
    book = OrderBook(PERPETUAL)
    book.apply(snapshot(0, truth["bids"].items(), truth["asks"].items()), 0)
    for step in range(200):
        levels: dict[str, list[Any]] = {"bids": [], "asks": []}
        for _ in range(generator.randint(1, 4)):
            side = generator.choice(("bids", "asks"))
            price = 100.0 + generator.randint(1, 9) * (-1.0 if side == "bids" else 1.0)
            if price in truth[side] and generator.random() < 0.5:
                del truth[side][price]
                levels[side].append(("delete", price, 0.0))
            else:
                word = "change" if price in truth[side] else "new"
                truth[side][price] = float(generator.randint(1, 50))
                levels[side].append((word, price, truth[side][price]))
        book.apply(change(step, step + 1, levels["bids"], levels["asks"]), step)
    return book, truth


@pytest.mark.parametrize("seed", range(5))
def test_a_followed_book_is_the_venue_s_book(seed):
    """After two hundred changes."""
    book, truth = followed(seed)
    depth = book.depth(100)
    assert depth.bids == tuple(sorted(truth["bids"].items(), reverse=True))
    assert depth.asks == tuple(sorted(truth["asks"].items()))


@pytest.mark.parametrize(
    "wrong,flaw",
    [
        (change(7, 8), Flaw.BOOK_GAP),
        (change(None, 2), Flaw.BOOK_GAP),
        (change(1, None), Flaw.BOOK_GAP),
        (change(1, 2, bids=[("new", 101.0, 1.0)]), Flaw.CROSSED),
        (change(1, 2, bids=[("moved", 99.0, 1.0)]), Flaw.NOT_A_NUMBER),
        (change(1, 2, bids=[("new", "99", 1.0)]), Flaw.NOT_A_NUMBER),
        (change(1, 2, bids=[("new", 99.0)]), Flaw.NOT_A_NUMBER),
        (change(1, 2) | {"asks": None}, Flaw.NOT_A_LIST),
        (change(1, 2) | {"timestamp": "now"}, Flaw.NOT_A_TIME),
    ],
)
def test_a_book_in_doubt_is_no_book_until_the_next_snapshot(wrong, flaw):
    """Also what would follow it is refused."""
    book = OrderBook(PERPETUAL)
    book.apply(snapshot(1, [(99.0, 1.0)], [(101.0, 1.0)]), 0)
    with pytest.raises(FlawedError) as caught:
        book.apply(wrong, 1)
    assert caught.value.flaw is flaw
    assert book.depth() is None
    with pytest.raises(FlawedError):
        book.apply(change(2, 3) if flaw is Flaw.BOOK_GAP else change(8, 9), 2)
    book.apply(snapshot(40, [(98.0, 1.0)], [(101.0, 1.0)]), 3)
    depth = book.depth()
    assert depth is not None
    assert depth.bids == ((98.0, 1.0),)
