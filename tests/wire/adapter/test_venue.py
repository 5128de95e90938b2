"""The live venue over loopback: what it tells, what it refuses, and what it survives."""

import asyncio
import random
import time
from decimal import Decimal

import pytest

from bot.domain.commands import Cancel, Place, Query, QueryPositions, WantGamma
from bot.domain.errors import KeyRightsError
from bot.domain.events import (
    Filled,
    GammaWanted,
    InstrumentsListed,
    LaneChanged,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
    RivalSeen,
    Settled,
    Tick,
)
from bot.domain.orders import OrderState
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.strategy.options.solve import solve
from bot.venues.deribit.flaws import Flaw
from bot.venues.deribit.orders import OrderLaneError
from bot.venues.deribit.terms import VenueUnreachableError
from tests.builders.intents import intent
from tests.builders.programs import program
from tests.struck import struck
from tests.wire.adapter.drive import PATIENCE_S, drain, take, until
from tests.wire.scripted import (
    CALL,
    PERPETUAL,
    change,
    now_ms,
    option,
    option_ticker,
    order,
    perpetual,
    position,
    snapshot,
    ticker,
    trade,
)

TICKER = f"ticker.{PERPETUAL}.100ms"
OPTION_TICKER = f"ticker.{CALL}.100ms"
BOOK = f"book.{PERPETUAL}.100ms"
INDEX = "deribit_price_index.btc_usd"
CHANGES = "user.changes.any.any.raw"
ACCOUNT_CALLS = frozenset(
    {
        *("public/auth", "private/subscribe"),
        *("private/get_positions", "private/get_account_summaries"),
    }
)
LISTINGS = "instrument.state.any.any"


def changes(*, trades=(), orders=(), positions=()):
    """Return the data of a notification of our account's changes."""
    return {
        "instrument_name": PERPETUAL,
        "trades": list(trades),
        "orders": list(orders),
        "positions": list(positions),
    }


def place(label, quantity="10", **terms):
    """Return a request for an order on the perpetual."""
    valid_ns = time.time_ns() + 5 * NS_PER_S
    return Place(
        intent(PERPETUAL, quantity, "100000", label=label, valid_until_ns=valid_ns, **terms)
    )


def now_ns():
    """Return the wall clock."""
    return time.time_ns()


# --- public data ----------------------------------------------------------------------------------


async def test_without_a_key_instruments_come_first_and_then_prices(connect, server):
    """Listing, then a quote with every figure of its ticker."""
    venue = await connect()
    listed = venue.next_event()
    assert isinstance(listed, InstrumentsListed)
    assert [i.name for i in listed.instruments] == [CALL, PERPETUAL]
    at_ms = now_ms()
    await server.push(TICKER, ticker(at_ms=at_ms))
    quote = await take(venue, Quote)
    assert (quote.bid, quote.ask, quote.bid_size) == (100_000.0, 100_000.5, 5_000.0)
    assert (quote.index, quote.mark, quote.funding_8h) == (100_000.0, 100_010.0, 0.0001)
    assert abs(quote.ts_venue_ns - at_ms * NS_PER_MS) < NS_PER_S
    assert server.auths == 0


async def test_without_a_key_nothing_private_exists(connect):
    """Positions and orders are refused loudly: there is no object that could ask for them."""
    venue = await connect()
    assert venue.private is None
    assert venue.lane is None
    for request in (place("a"), Cancel("a", PERPETUAL), Query("a", PERPETUAL), QueryPositions()):
        with pytest.raises(OrderLaneError):
            venue.send(request, now_ns())


async def test_a_chain_is_a_summary_with_the_sizes_of_streamed_tickers(connect, server):
    """Volatility and forward of every option, sizes of those near the money."""
    venue = await connect(chain_s=0.05)
    await server.push(INDEX, {"timestamp": now_ms(), "price": 99_990.0, "index_name": "btc_usd"})
    chain = await take(venue, Chain)
    assert (chain.index, chain.forward[0], chain.mark[0]) == (99_990.0, 100_120.0, 0.0512)
    assert chain.vol[0] == pytest.approx(0.551)
    assert chain.bid_size[0] != chain.bid_size[0]
    await venue.public._want()
    assert server.listens(OPTION_TICKER)
    await server.push(OPTION_TICKER, option_ticker(best_bid_price=0.051))
    chain = await take(venue, Chain, where=lambda c: c.bid_size[0] == 10.0)
    assert (chain.bid[0], chain.ask_size[0]) == (0.051, 7.0)


async def test_only_the_newest_of_a_backlog_of_quotes_is_told(connect, server):
    """An engine that was busy sees the market as it is, not as it was."""
    venue = await connect()
    drain(venue)
    for last in range(5):
        await server.push(TICKER, ticker(best_bid_amount=100.0 + last))
    await take(venue, Quote, where=lambda quote: quote.bid_size == 104.0)
    assert not [event for event in drain(venue) if isinstance(event, Quote)]


@pytest.mark.parametrize(
    "wrong,flaw",
    [
        ({"best_bid_price": 100_001.0}, Flaw.CROSSED),
        ({"state": "closed"}, Flaw.NOT_OPEN),
        ({"index_price": None}, Flaw.NOT_A_NUMBER),
        ({"mark_price": "100000"}, Flaw.NOT_A_NUMBER),
        ({"mark_price": -1.0}, Flaw.NOT_A_NUMBER),
        ({"timestamp": None}, Flaw.NOT_A_TIME),
        ({"instrument_name": "ETH-PERPETUAL"}, Flaw.UNKNOWN_INSTRUMENT),
    ],
)
async def test_an_impossible_ticker_never_reaches_the_core(connect, server, wrong, flaw):
    """It has a name, and the next good one is told."""
    venue = await connect()
    drain(venue)
    await server.push(TICKER, ticker(**wrong))
    await server.push(TICKER, ticker(best_bid_amount=7.0))
    assert (await take(venue, Quote)).bid_size == 7.0
    assert venue.flaws.counts[flaw] == 1


async def test_depth_is_whole_or_absent_and_mended_after_a_gap(connect, server):
    """A missing change drops the book; a new snapshot restores it."""
    prices = {"bids": [(99_999.5, 10.0)], "asks": [(100_000.0, 20.0)], "name": PERPETUAL}
    server.snapshots[BOOK] = lambda: snapshot(1, **prices)
    venue = await connect(feed={"depth": frozenset({PERPETUAL})})
    await server.push(BOOK, change(1, 2, bids=[("new", 99_999.0, 5.0)], name=PERPETUAL))
    await server.push(TICKER, ticker())
    await take(venue, Quote)
    assert venue.depth(PERPETUAL).bids == ((99_999.5, 10.0), (99_999.0, 5.0))
    await server.push(BOOK, change(3, 4, name=PERPETUAL))
    await server.push(TICKER, ticker())
    await take(venue, Quote)
    assert venue.depth(PERPETUAL) is None
    await until(venue, lambda: venue.depth(PERPETUAL) is not None)
    assert venue.depth(PERPETUAL).bids == ((99_999.5, 10.0),)
    assert server.count("public/unsubscribe") == 1


async def test_a_frozen_stream_is_flagged_within_its_age_limit_and_then_replaced(connect, server):
    """Old data on a live connection is stale by the venue's own time; the stream is asked anew."""
    venue = await connect(feed={"quote_s": 0.4, "index_s": 60.0})
    frozen = now_ms()
    await server.push(TICKER, ticker(at_ms=frozen))
    await take(venue, Quote)
    limit_ns = frozen * NS_PER_MS + 4 * NS_PER_S // 10
    stale: dict[str, float] = {}
    while not stale:
        await server.push(TICKER, ticker(at_ms=frozen))
        await take(venue, Quote)
        before_ns, stale, after_ns = now_ns(), venue.health().stale, now_ns()
        # At the moment of its limit, neither earlier nor later.
        assert stale if before_ns > limit_ns + NS_PER_MS else True
        assert not stale if after_ns < limit_ns - NS_PER_MS else True
    assert stale[TICKER] > 0.399  # ages are told by the venue's clock, known to the millisecond
    await server.until(lambda: server.count("public/subscribe") >= 2)
    assert venue.flaws.counts[Flaw.STALE_CHANNEL] == 1

    async def streams():
        while True:  # a slow machine may have dialled again meanwhile: whoever listens hears it
            await server.push(TICKER, ticker())
            await asyncio.sleep(0.02)

    telling = asyncio.create_task(streams())
    try:
        await take(venue, Quote, where=lambda quote: quote.ts_ns > limit_ns)
        await until(venue, lambda: not venue.health().stale)
    finally:
        telling.cancel()


async def test_a_stream_that_stays_silent_costs_the_connection(connect, server):
    """After asking anew did not help, it dials again."""
    venue = await connect(feed={"quote_s": 0.1, "index_s": 60.0})
    await server.until(lambda: server.count("public/subscribe") >= 3)
    await until(venue, lambda: venue.health().public_epoch >= 2)
    assert venue.flaws.counts[Flaw.CONNECTION_LOST] >= 1


async def test_a_reconnect_to_a_moved_market_tells_only_the_new_prices(connect, server):
    """Books are new, the quote is new, nothing is crossed."""
    low = {"bids": [(90_000.0, 10.0)], "asks": [(90_000.5, 10.0)], "name": PERPETUAL}
    high = {"bids": [(99_999.5, 10.0)], "asks": [(100_000.0, 20.0)], "name": PERPETUAL}
    server.snapshots[BOOK] = lambda: snapshot(1, **high)
    venue = await connect(feed={"depth": frozenset({PERPETUAL})})
    await server.push(TICKER, ticker())
    await take(venue, Quote)
    server.snapshots[BOOK] = lambda: snapshot(70, **low)
    server.cut(TICKER)
    await server.until(lambda: server.count("public/subscribe") == 2)
    moved = {"best_bid_price": 90_000.0, "best_ask_price": 90_000.5}
    await server.push(TICKER, ticker(**moved, index_price=90_000.0, mark_price=90_000.0))
    quote = await take(venue, Quote)
    assert (quote.bid, quote.index) == (90_000.0, 90_000.0)
    assert venue.depth(PERPETUAL).bids == ((90_000.0, 10.0),)
    assert venue.depth(PERPETUAL).asks == ((90_000.5, 10.0),)


async def test_an_error_frame_and_broken_text_leave_both_connections_alive(connect, server):
    """Public and private data go on."""
    venue = await connect(orders=True)
    await server.say('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params"}}')
    await server.say('{"jsonrpc":"2.0","method":"subscription","params":{"chan')
    await server.say("<html><body>502 Bad Gateway</body></html>")
    await server.push(TICKER, ticker())
    await take(venue, Quote)
    await server.push(CHANGES, changes(positions=[position()]))
    report = await take(venue, PositionsReport, where=lambda e: e.positions)
    assert report.positions[0].quantity.value == -50
    assert venue.health().public_epoch == venue.health().account_epoch == 1


async def test_a_venue_that_is_not_there_is_said_at_the_start(connect, server):
    """One error of ours with what was expected."""
    venue = await connect(start=False)
    await server.stop()
    with pytest.raises(VenueUnreachableError, match="expected the venue to answer"):
        await venue.start()
    assert venue.next_time() is None


async def test_a_refused_key_is_said_at_the_start(connect, server):
    """The venue's own words are in the error."""
    server.refusals["public/auth"] = [(13004, "invalid_credentials")]
    venue = await connect(key=True, start=False)
    with pytest.raises(KeyRightsError, match="invalid_credentials"):
        await venue.start()


async def test_a_new_listing_is_told_when_the_venue_announces_it(connect, server):
    """The list is loaded again off the hot path, and streamed."""
    venue = await connect()
    drain(venue)
    server.instruments.append(perpetual("BTC_USDC-PERPETUAL", settlement_currency="USDC"))
    await server.push(LISTINGS, {"state": "created", "instrument_name": "BTC_USDC-PERPETUAL"})
    listed = await take(venue, InstrumentsListed)
    assert "BTC_USDC-PERPETUAL" in [i.name for i in listed.instruments]
    await server.until(lambda: server.listens("ticker.BTC_USDC-PERPETUAL.100ms"))


STRANGE = "BTC-25DEC26-110000-C"


async def test_a_held_instrument_that_is_not_listed_yet_is_looked_up_at_once(connect, server):
    """The account's stream was quicker than the venue's announcement, which never comes here."""
    venue = await connect(key=True)
    await take(venue, PositionsReport)
    drain(venue)
    server.instruments.append(option(STRANGE, 110_000.0))
    row = position(STRANGE, -2.0, kind="option")
    await server.push(CHANGES, changes(positions=[row]))
    report = await take(venue, PositionsReport)
    assert [p.instrument for p in report.positions] == [STRANGE]
    listed = await take(venue, InstrumentsListed, timeout_s=0.9)
    assert STRANGE in [i.name for i in listed.instruments]


async def test_a_trade_in_an_instrument_that_is_not_listed_yet_asks_for_the_list(connect, server):
    """By whomever: the position that it makes will follow."""
    venue = await connect(key=True)
    drain(venue)
    server.instruments.append(option(STRANGE, 110_000.0))
    done = trade("T1", instrument_name=STRANGE, amount=1.0)
    await server.push(CHANGES, changes(trades=[done]))
    listed = await take(venue, InstrumentsListed, timeout_s=2.0)
    assert STRANGE in [i.name for i in listed.instruments]


async def test_an_instrument_that_stays_unlisted_does_not_flood_the_venue(connect, server):
    """However often it is reported, the long list is fetched once for it in five seconds."""
    server.positions[STRANGE] = -1.0
    server.positions["SOL-25DEC26-200-C"] = -1.0  # of a coin that is not ours
    venue = await connect(key=True)
    begun = server.count("public/get_instruments")
    for _ in range(20):
        venue.send(QueryPositions(), venue.now_ns())
        await take(venue, PositionsReport)
    await until(venue, lambda: server.count("public/get_instruments") > begun)
    await asyncio.sleep(0.3)
    assert server.count("public/get_instruments") == begun + 1


async def test_an_expiry_is_settled_at_the_venue_s_delivery_price(connect, server):
    """Once, and only when the venue has published it."""
    expiry_ms = now_ms() + 300
    server.instruments.append(option("BTC-1JAN26-90000-C", expiration_timestamp=expiry_ms))
    day = time.strftime("%Y-%m-%d", time.gmtime(expiry_ms // 1_000))
    server.deliveries.append({"date": day, "delivery_price": 98_765.4})
    venue = await connect()
    settled = await take(venue, Settled)
    assert (settled.instrument, settled.price_usd) == ("BTC-1JAN26-90000-C", 98_765.4)


# --- the port -------------------------------------------------------------------------------------


async def test_ticks_come_when_the_wall_clock_makes_them_due(connect):
    """Not before, and once each however often they were asked for."""
    venue = await connect()
    drain(venue)
    at_ns = now_ns() + 60 * NS_PER_MS
    venue.wake_at(at_ns)
    venue.wake_at(at_ns)
    assert not drain(venue)
    assert (await take(venue, Tick)).ts_ns == at_ns
    assert now_ns() >= at_ns
    assert not drain(venue)


async def test_a_program_comes_back_solved(connect):
    """In a process beside the loop, which ends with the venue."""
    venue = await connect()
    asked = program(10, 10_000)
    venue.send(WantGamma("BTC", 30 * NS_PER_MS, asked), now_ns())
    answer = await take(venue, GammaWanted)
    assert (answer.coin, answer.solution) == ("BTC", solve(asked))
    assert venue.solver.pid is not None
    await venue.close()
    assert venue.solver.pid is None


async def test_waiting_ends_when_something_arrives(connect, server):
    """Long before its time is over."""
    venue = await connect()
    drain(venue)
    waiting = asyncio.ensure_future(venue.wait(30.0))
    await server.push(TICKER, ticker())
    async with asyncio.timeout(15.0):
        await waiting
    assert venue.next_event() is not None


# --- the account ----------------------------------------------------------------------------------


async def test_a_read_only_key_tells_positions_and_has_no_order_lane(connect, server):
    """A report at the start, with the venue's margin and delta beside it."""
    server.positions = {PERPETUAL: -5_000.0, CALL: -2.0, "BTC-FS-25DEC26_PERP": 10.0}
    venue = await connect(key=True)
    report = await take(venue, PositionsReport)
    held = {p.instrument: (p.quantity.value, str(p.quantity.unit)) for p in report.positions}
    assert held[PERPETUAL] == (Decimal(-5000), "usd")
    assert held[CALL] == (Decimal(-2), "coin")
    assert "BTC-FS-25DEC26_PERP" in held
    (balance,) = report.balances
    assert (balance.coin, balance.cash, balance.maintenance_margin) == ("BTC", 10.0, 0.8)
    assert venue.portfolios()["BTC"].balance.delta_total == -1.05
    assert venue.lines()[PERPETUAL].delta_coin == -0.05
    assert venue.lane is None
    with pytest.raises(OrderLaneError):
        venue.send(place("a"), now_ns())


async def test_positions_are_reported_whole_or_not_at_all(connect, server):
    """A row that cannot be read would look like a closed position."""
    server.positions = {PERPETUAL: -5_000.0}
    venue = await connect(key=True)
    await take(venue, PositionsReport)
    bad = [position(), position(CALL, size=1.0) | {"size": None}]
    server.answers["private/get_positions"] = lambda _params: bad
    venue.send(QueryPositions(), now_ns())
    await until(venue, lambda: venue.flaws.counts[Flaw.NOT_A_NUMBER] == 1)
    server.answers.clear()
    venue.send(QueryPositions(), now_ns())
    report = await take(venue, PositionsReport)
    assert [p.quantity.value for p in report.positions] == [Decimal(-5000)]


@pytest.mark.parametrize("read", ["private/get_positions", "private/get_account_summaries"])
async def test_a_settlement_in_progress_only_delays_the_account(connect, server, read):
    """10041 to a read: asked again, and nothing is told until the answer is complete."""
    server.positions = {PERPETUAL: -5_000.0}
    server.refusals[read] = [(10041, "settlement_in_progress")]
    venue = await connect(orders=True)
    report = await take(venue, PositionsReport)
    assert [p.quantity.value for p in report.positions] == [Decimal(-5000)]
    assert server.count(read) == 2
    assert venue.flaws.counts[Flaw.REQUEST_FAILED] == 1
    await until(venue, lambda: venue.lane.armed)
    server.refusals["private/buy"] = [(10041, "settlement_in_progress")]
    venue.send(place("db-1"), now_ns())
    refused = (await take(venue, OrderUpdate)).report
    assert (refused.state, refused.code) == (OrderState.REJECTED, "10041")
    assert venue.lane.armed
    assert venue.health().unknown_orders == 0


async def test_a_manual_trade_appears_as_a_position_and_not_as_our_fill(connect, server):
    """Its label is not ours."""
    venue = await connect(orders=True)
    drain(venue)
    theirs = changes(
        trades=[trade("T1", label="by hand")],
        orders=[order(label="by hand")],
        positions=[position(size=10.0)],
    )
    await server.push(CHANGES, theirs)
    report = await take(venue, PositionsReport)
    assert report.positions[0].quantity.value == 10
    assert not [e for e in drain(venue) if isinstance(e, Filled | OrderUpdate)]


async def test_another_bots_orders_are_told_as_such(connect, server):
    """What rests before we connect, and what it does afterwards; what we left open is ours."""
    labels = ("db-other-1-1", "db-own-1-9", "by hand")
    server.orders = [order(label=label, order_state="open") for label in labels]
    venue = await connect(orders=True, left_open=frozenset({"db-own-1-9"}))
    seen = await take(venue, RivalSeen)
    assert (seen.label, seen.instrument) == ("db-other-1-1", PERPETUAL)
    await server.push(CHANGES, changes(orders=[order(label="db-other-1-2")]))
    assert (await take(venue, RivalSeen)).label == "db-other-1-2"
    await server.push(CHANGES, changes(trades=[trade("T1", label="db-own-1-10")]))
    assert (await take(venue, RivalSeen)).label == "db-own-1-10"
    await server.push(CHANGES, changes(trades=[trade("T2", label="db-own-1-9")]))
    assert (await take(venue, Filled)).fill.label == "db-own-1-9"
    assert not [e for e in drain(venue) if isinstance(e, RivalSeen | OrderUpdate)]


async def test_open_orders_that_cannot_be_read_do_not_keep_us_from_trading(connect, server):
    """They are a look around; the streams tell of another bot all the same."""
    server.refusals["private/get_open_orders"] = [(-32603, "internal")]
    venue = await connect(orders=True)
    assert venue.flaws.counts[Flaw.REQUEST_FAILED] == 1
    venue.send(place("db-1"), now_ns())
    assert (await take(venue, Filled)).fill.label == "db-1"


async def test_fifty_fills_of_a_burst_are_all_told(connect, server):
    """Before the state and the position that they lead to."""
    venue = await connect(orders=True)
    drain(venue)
    venue.send(place("db-1", ioc=False), now_ns())
    for i in range(50):
        fill = trade(f"T{i}", label="db-1")
        await server.push(CHANGES, changes(trades=[fill], positions=[position(size=10.0 + i)]))
    seen: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        while len(seen) < 50:
            while (event := venue.next_event()) is not None:
                if isinstance(event, Filled):
                    seen.add(event.fill.trade_id)
            if len(seen) < 50:
                await venue.wait(1.0)
    assert seen == {f"T{i}" for i in range(50)}


async def test_a_slow_authentication_is_awaited_before_anything_private(connect, server):
    """250 ms, one authentication, no refusal."""
    server.auth_s = 0.25
    venue = await connect(orders=True)
    assert server.auths == 1
    assert venue.health().connected
    methods = [name for name, _ in server.calls if name.startswith("private/")]
    assert methods[0] == "private/subscribe"
    assert Flaw.STRAY_ERROR not in venue.flaws.counts


async def test_a_token_is_renewed_before_it_expires(connect, server):
    """On the same connection."""
    server.expires_s = 1
    venue = await connect(orders=True)
    await server.until(lambda: server.auths >= 6)
    struck("F62", 5)
    assert venue.health().account_epoch == 1


async def test_a_connection_that_answers_nothing_is_given_up(connect, server):
    """Its pongs go on: only a request that stays unanswered tells."""
    venue = await connect(orders=True, pulse_s=0.5)
    await until(venue, lambda: server.count("public/test") >= 2)
    assert venue.health().account_epoch == 1
    server.mute.add("public/test")
    await until(venue, lambda: venue.health().account_epoch >= 2)


async def test_a_stalled_connection_is_replaced_without_waiting_for_its_goodbye(connect, server):
    """The peer is gone and the socket does not know: the next dial does not wait for it."""
    venue = await connect(orders=True, pulse_s=0.2)
    server.stall(CHANGES)
    await until(venue, lambda: venue.health().account_epoch >= 2)
    await until(venue, lambda: venue.lane.armed)


async def test_options_near_the_money_are_streamed_soon_after_the_start(connect, server):
    """With the first index, not a minute later."""
    await connect()
    await server.push(INDEX, {"timestamp": now_ms(), "price": 99_990.0, "index_name": "btc_usd"})
    await server.until(lambda: server.listens(OPTION_TICKER))


# --- orders ---------------------------------------------------------------------------------------


async def test_an_order_s_fills_are_told_before_its_state(connect, server):
    """And what the venue was asked is what was decided."""
    server.ahead_ms = 5_000
    venue = await connect(orders=True)
    drain(venue)
    request = place("db-1", "-20")
    venue.send(request, now_ns())
    fill = (await take(venue, Filled)).fill
    assert (fill.label, fill.quantity.value, fill.price) == ("db-1", -20, Decimal(100_000))
    assert (fill.fee, fill.fee_unit, fill.maker) == (5e-8, "BTC", False)
    report = (await take(venue, OrderUpdate)).report
    assert (report.state, report.filled.value) == (OrderState.FILLED, -20)
    (booked,) = server.booked("db-1")
    assert booked["time_in_force"] == "immediate_or_cancel"
    ahead_ms = booked["valid_until"] - request.intent.valid_until_ns // NS_PER_MS
    assert 4_900 <= ahead_ms <= 5_100


async def test_a_refusal_of_the_venue_is_a_rejection_with_its_code(connect, server):
    """A post-only order that would take: at no other price than the one that was decided."""
    venue = await connect(orders=True)
    for number in range(10):
        side, label = ("buy", "sell")[number % 2], f"db-{number}"
        server.refusals[f"private/{side}"] = [(11054, "post_only_reject")]
        request = place(label, ("20", "-20")[number % 2], ioc=False, post_only=True)
        venue.send(request, now_ns())
        report = (await take(venue, OrderUpdate)).report
        assert (report.label, report.state, report.code) == (label, OrderState.REJECTED, "11054")
        asked = [params for name, params in server.calls if name == f"private/{side}"][-1]
        assert asked["post_only"] is asked["reject_post_only"] is True
        struck("F12")


async def test_an_internal_error_of_the_venue_proves_nothing(connect, server):
    """Nothing is told: the core will ask by label, and then hears the truth."""
    venue = await connect(orders=True)
    drain(venue)
    server.refusals["private/buy"] = [(11094, "internal_server_error")]
    venue.send(place("db-1"), now_ns())
    await server.until(lambda: server.count("private/buy") == 1)
    venue.send(Query("db-1", PERPETUAL), now_ns())
    assert (await take(venue, OrderDenied)).label == "db-1"
    assert venue.health().unknown_orders == 1


async def test_a_label_is_sent_once_and_never_again(connect):
    """The second is a fault of the caller."""
    venue = await connect(orders=True)
    venue.send(place("db-1"), now_ns())
    with pytest.raises(OrderLaneError, match="sent before"):
        venue.send(place("db-1"), now_ns())


async def test_a_working_order_is_cancelled_by_its_venue_id(connect, server):
    """And the reply is the evidence."""
    venue = await connect(orders=True)
    venue.send(place("db-1", ioc=False), now_ns())
    await take(venue, OrderUpdate, where=lambda e: e.report.state is OrderState.WORKING)
    venue.send(Cancel("db-1", PERPETUAL), now_ns())
    await take(venue, OrderUpdate, where=lambda e: e.report.state is OrderState.CANCELLED)
    assert server.count("private/cancel") == 1


async def test_orders_are_refused_while_there_is_no_connection(connect, server):
    """A certain rejection: nothing has left."""
    venue = await connect(orders=True)
    drain(venue)
    server.refusals["public/auth"] = [(13004, "invalid_credentials")] * 1_000
    server.cut(CHANGES)
    await until(venue, lambda: not venue.lane.armed)
    venue.send(place("db-1"), now_ns())
    assert (await take(venue, LaneChanged)).barred == "not_connected"
    report = (await take(venue, OrderUpdate)).report
    assert (report.state, report.code) == (OrderState.REJECTED, "not_connected")
    assert not server.booked("db-1")


async def test_a_reply_that_comes_while_we_close_is_nobodys_flaw(connect, server):
    """Whoever asked is gone: the summary says how the run was, not how it ended."""
    venue = await connect(orders=True)
    stray = {"id": 999_999, "error": {"code": 11044, "message": "not_open_order"}}
    exchange = venue.private.exchange
    line = exchange.client(server.ws)
    exchange.handle_message(line, stray)
    assert venue.health().flaws[Flaw.STRAY_ERROR] == 1
    closing = asyncio.ensure_future(venue.close())
    await asyncio.sleep(0)
    exchange.handle_message(line, stray)
    await closing
    assert venue.health().flaws[Flaw.STRAY_ERROR] == 1


async def test_orders_can_leave_again_once_the_new_connection_is_armed(connect, server):
    """That is told after the positions of the new connection, and an order of that moment goes."""
    venue = await connect(orders=True)
    assert not [event for event in drain(venue) if isinstance(event, LaneChanged)]
    server.cut(CHANGES)
    assert (await take(venue, LaneChanged)).barred == "not_connected"
    await take(venue, PositionsReport)
    assert (await take(venue, LaneChanged)).barred == ""
    venue.send(place("db-1"), now_ns())
    assert (await take(venue, Filled)).fill.label == "db-1"


async def test_after_a_reconnect_every_open_order_is_asked_for(connect, server):
    """The dead-man switch has cancelled it, and the core learns that."""
    venue = await connect(orders=True)
    venue.send(place("db-1", ioc=False), now_ns())
    await take(venue, OrderUpdate, where=lambda e: e.report.state is OrderState.WORKING)
    server.cut(CHANGES)
    report = (await take(venue, OrderUpdate)).report
    assert (report.label, report.state) == ("db-1", OrderState.CANCELLED)
    assert venue.health().account_epoch == 2


@pytest.mark.parametrize("code,word", [(13009, "unauthorized"), (13021, "forbidden")])
async def test_lost_authorisation_is_a_reason_to_connect_anew(connect, server, code, word):
    """The order is rejected for certain, the next connection is authenticated and judged."""
    venue = await connect(orders=True)
    server.refusals["private/buy"] = [(code, word)]
    venue.send(place("db-1"), now_ns())
    report = (await take(venue, OrderUpdate)).report
    assert (report.state, report.code) == (OrderState.REJECTED, str(code))
    await server.until(lambda: server.auths == 2)


async def test_our_budget_ends_before_the_venue_s_and_leaves_cancels_their_reserve(connect, server):
    """The rest of a storm is rejected here; a cancel still leaves at once."""
    venue = await connect(orders=True)
    drain(venue)
    for i in range(40):
        venue.send(place(f"db-{i}", ioc=False), now_ns())
    states = [(await take(venue, OrderUpdate)).report for _ in range(40)]
    sent = [r for r in states if r.code != "no_credit"]
    assert 10 <= len(sent) <= 14
    venue.send(Cancel(sent[0].label, PERPETUAL), now_ns())
    await take(venue, OrderUpdate, where=lambda e: e.report.state is OrderState.CANCELLED)
    assert server.count("private/buy") + server.count("private/cancel") <= 20


async def test_a_flapping_connection_never_asks_more_than_the_venue_allows(connect, server):
    """Ten connections in a row: each sets itself up within the budget of all."""
    server.limits = {"non_matching_engine": {"rate": 100, "burst": 20}}
    venue = await connect(key=True, redial_s=0.0)
    server.calls.clear()
    started = time.monotonic()
    for _ in range(10):
        epoch = venue.health().account_epoch
        server.cut(CHANGES)
        await until(venue, lambda epoch=epoch: venue.health().account_epoch > epoch)
        await until(venue, lambda: venue.health().connected)
    asked = sum(name in ACCOUNT_CALLS for name, _ in server.calls)
    assert asked == 40
    assert asked <= 20 + 100 * (time.monotonic() - started)


async def test_two_hundred_drops_at_random_moments_leave_one_order_each(connect, server):
    """Booked or not, told or not: the core's own questions find out, and the positions agree."""
    generator = random.Random(7)
    fates = {f"db-{i}": generator.choice(("before", "after", "told")) for i in range(200)}
    server.on_order = lambda label: fates.get(label, "")
    server.limits = {
        "matching_engine": {"rate": 5_000, "burst": 5_000},
        "non_matching_engine": {"rate": 5_000, "burst": 5_000},
    }
    venue = await connect(orders=True, redial_s=0.0)
    known = {}
    for label in fates:
        async with asyncio.timeout(PATIENCE_S):
            await venue.private.session.ready.wait()
        venue.send(place(label), now_ns())
        epoch = venue.private.session.epoch
        told = set()
        # After the drop the lane itself asks for what is open: its answer is the evidence.
        async with asyncio.timeout(PATIENCE_S):
            while label not in known:
                while (event := venue.next_event()) is not None:
                    if isinstance(event, Filled):
                        told.add(event.fill.trade_id)
                    elif isinstance(event, OrderUpdate) and event.report.label == label:
                        known[label] = event.report.state
                    elif isinstance(event, OrderDenied) and event.label == label:
                        known[label] = OrderState.NOT_BOOKED
                if label not in known:
                    await venue.wait(1.0)
        await until(venue, lambda epoch=epoch: venue.private.session.epoch > epoch)
    for label, fate in fates.items():
        assert len(server.booked(label)) == (0 if fate == "before" else 1)
        expected = OrderState.NOT_BOOKED if fate == "before" else OrderState.FILLED
        assert known[label] is expected
    await venue.private.session.ready.wait()
    drain(venue)
    venue.send(QueryPositions(), now_ns())
    report = await take(venue, PositionsReport)
    assert float(report.positions[0].quantity.value) == server.positions[PERPETUAL]
