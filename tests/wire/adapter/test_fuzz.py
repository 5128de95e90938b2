"""Ten thousand broken frames: each becomes a named flaw or a sound event, never an exception."""

import asyncio
import copy
import json
import math
import random
import time
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from bot.domain.events import Filled, OrderUpdate, PositionsReport
from bot.domain.labels import Whose
from bot.domain.quotes import Quote
from bot.venues.deribit.account import AccountBook
from bot.venues.deribit.books import OrderBook
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.directory import Directory
from bot.venues.deribit.feeds import FeedRules, MarketFeed
from bot.venues.deribit.flaws import Flaw, Flaws
from bot.venues.deribit.inbox import Surroundings
from tests.struck import struck
from tests.wire.scripted import (
    CALL,
    PERPETUAL,
    change,
    option,
    option_ticker,
    order,
    perpetual,
    portfolio,
    position,
    snapshot,
    ticker,
    trade,
)

FRAMES = 10_000
GONE = object()
ABSURD: tuple[Any, ...] = (
    *(None, "", "abc", "100000", True, -1, -1.0, 0, 10**400, 1e308, -1e308, 1e-300),
    *(math.nan, math.inf, [], {}, [None], {"a": 1}, [[]], "\x00", "x" * 10_000, 2**63),
)


def sound_frames():
    """Return every kind of notification, sound."""
    changes = {
        "instrument_name": PERPETUAL,
        "trades": [trade("T1", label="db-1")],
        "orders": [order()],
        "positions": [position()],
    }
    book = f"book.{PERPETUAL}.100ms"
    return [
        (f"ticker.{PERPETUAL}.100ms", ticker()),
        (f"ticker.{CALL}.100ms", option_ticker()),
        (book, snapshot(1, [(99_999.5, 10.0)], [(100_000.0, 1.0)], PERPETUAL)),
        (book, change(1, 2, [("new", 99_999.0, 1.0)], name=PERPETUAL)),
        ("deribit_price_index.btc_usd", {"timestamp": 1_795_000_000_000, "price": 1e5}),
        ("instrument.state.any.any", {"state": "created", "instrument_name": "X"}),
        ("user.changes.any.any.raw", changes),
        ("user.portfolio.btc", portfolio()),
    ]


def places(value, path=()):
    """Yield the path of everything inside a message, itself included."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from places(inner, (*path, key))


def broken(generator, message):
    """Return a message with one to three things replaced or removed."""
    message = json.loads(json.dumps(message))
    for _ in range(generator.randint(1, 3)):
        path = generator.choice(list(places(message)))
        if not path:
            continue
        holder = message
        for key in path[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and generator.random() < 0.3:
            del holder[path[-1]]
        else:
            holder[path[-1]] = copy.deepcopy(generator.choice(ABSURD))
    return message


class Both:
    """A feed and an account behind one listener."""

    def __init__(self, told, flaws):
        async def fetch():
            return {"result": [perpetual(), option()]}

        around = Surroundings(told.append, time.time_ns, flaws)
        self.exchange = HardenedDeribit({}, clock=time.time_ns, flaws=flaws, listener=self)
        self.directory = Directory(("BTC",), fetch, time.time_ns, flaws)
        self.feed = MarketFeed(
            FeedRules(("BTC",)),
            self.directory,
            self.exchange.requests,
            held=list,
            relist=lambda: None,
            around=around,
        )
        self.account = AccountBook(
            positions=fetch,
            summaries=fetch,
            contracts=self.directory.contracts,
            whose=lambda label: Whose.OURS if label.startswith("db-") else Whose.PERSON,
            see_order=lambda _report: None,
            learn_limits=lambda _limits: None,
            met=lambda _: None,
            around=around,
        )

    def hear(self, channel, data, received_ns):
        """Offer a notification to both."""
        return self.feed.hear(channel, data, received_ns) or self.account.hear(
            channel, data, received_ns
        )


def numbers(event):
    """Yield every float of an event."""
    for one in fields(event):
        value = getattr(event, one.name)
        if isinstance(value, float):
            yield one.name, value


@pytest.fixture
async def both():
    """Return a feed and an account whose instruments are known, and what they have told."""
    told: list[Any] = []
    two = Both(told, Flaws())
    await two.directory.load()
    two.feed.relisted()
    told.clear()
    escaped = []
    asyncio.get_running_loop().set_exception_handler(lambda _l, c: escaped.append(c))
    yield two, told
    await two.exchange.close()
    assert not escaped
    assert Flaw.FAULT_OF_OURS not in two.exchange.flaws.counts


def judge(told):
    """Hold what was told against what must be true of everything that is told."""
    for event in told:
        assert isinstance(event, Filled | OrderUpdate | Quote | PositionsReport)
        assert all(abs(value) < 1e15 or math.isnan(value) for _, value in numbers(event))
        if isinstance(event, Quote):
            assert np.isfinite([event.index, event.mark, event.funding_8h]).all()
            assert event.index > 0.0 < event.mark
            assert not event.bid >= event.ask


def notified(channel, data):
    """Return a notification."""
    params = {"channel": channel, "data": data}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}


async def test_ten_thousand_broken_frames_never_raise_and_never_pass_as_sound(both):
    """What is told is finite where it must be, and never crossed; the rest is named."""
    struck("F45", FRAMES)
    (two, told), generator = both, random.Random(20_261_124)
    sound = sound_frames()
    for _ in range(FRAMES):
        two.exchange.handle_message(None, broken(generator, notified(*generator.choice(sound))))
    judge(told)
    assert sum(isinstance(event, Quote) for event in told) > 100
    assert {Filled, OrderUpdate} <= {type(event) for event in told}
    assert {Flaw.NOT_A_NUMBER, Flaw.NOT_A_TIME, Flaw.NOT_AN_OBJECT, Flaw.UNKNOWN_INSTRUMENT} <= set(
        two.exchange.flaws.counts
    )


def replaced(message, path, value):
    """Return a message with one thing replaced, or removed where the value is `GONE`."""
    message = copy.deepcopy(message)
    holder = message
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(value)
    return message


async def test_each_place_of_each_message_may_hold_anything(both):
    """Null, absent, a string, a list, a number without end: one at a time, everywhere."""
    two, told = both
    count = 0
    for channel, data in sound_frames():
        frame = notified(channel, data)
        for path in places(frame):
            for value in (GONE, *ABSURD) if path else ():
                two.exchange.handle_message(None, replaced(frame, path, value))
                count += 1
    judge(told)
    assert count > 3_500


READ = {
    "ticker": ("timestamp", "best_bid_price", "best_ask_price", "mark_price", "index_price"),
    "deribit_price_index": ("timestamp", "price"),
    "trades": ("amount", "price", "fee", "timestamp"),
    "orders": ("filled_amount",),
    "positions": ("size",),
}


@pytest.mark.parametrize(
    "kind,field", [(kind, name) for kind, names in READ.items() for name in names]
)
async def test_a_number_that_comes_as_a_string_is_no_number(both, kind, field):
    """Nothing is told of it, and it has a name."""
    two, told = both
    for channel, data in sound_frames():
        whole = channel.startswith(kind)
        if not whole and not (isinstance(data, dict) and kind in data):
            continue
        row = data if whole else data[kind][0]
        if row.get("instrument_name") == CALL or not isinstance(row.get(field), int | float):
            continue
        bad = row | {field: str(row[field])}
        two.exchange.handle_message(None, notified(channel, bad if whole else {kind: [bad]}))
        assert told == []
        assert sum(two.exchange.flaws.counts.values()) == 1
        return
    pytest.fail(f"no sound frame has {kind} with {field}")


async def test_broken_replies_reach_their_callers_as_errors_of_ours():
    """An id that is a string, an error that is a word, no result at all."""
    flaws = Flaws()
    exchange = HardenedDeribit({}, clock=time.time_ns, flaws=flaws)
    replies: tuple[Any, ...] = (
        *({}, {"id": "1"}, {"id": None, "error": "x"}, {"id": 5, "error": 7}),
        *([], 3, None),
    )
    for reply in replies:
        exchange.handle_message(None, reply)
    assert flaws.counts[Flaw.STRAY_ERROR] == 2
    assert flaws.counts[Flaw.BAD_MESSAGE] == 3
    await exchange.close()


async def test_books_of_what_is_known_no_more_are_dropped(both):
    """A book is kept as long as its instrument's terms are."""
    two, _ = both
    names = ("BTC-1JAN26", PERPETUAL)
    two.feed._books.kept |= {f"book.{name}.raw": OrderBook(name) for name in names}
    two.feed.relisted()
    assert two.feed._books.kept.keys() == {f"book.{PERPETUAL}.raw"}
