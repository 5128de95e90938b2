"""Each defect of the stock client, reproduced, and what the hardened one does in its place."""

import asyncio
from decimal import Decimal

import ccxt  # type: ignore[import-untyped]
import pytest

from bot.venues.deribit.flaws import Flaw
from tests.struck import struck
from tests.wire.adapter.drive import PATIENCE_S
from tests.wire.scripted import (
    CALL,
    PERPETUAL,
    change,
    order,
    snapshot,
    ticker,
    trade,
)

OPTION = "BTC/USD:BTC-961002-100000-C"
PERP = "BTC/USD:BTC"
TICKER = f"ticker.{PERPETUAL}.100ms"
BOOK = f"book.{CALL}.100ms"
TRADES = "user.trades.any.any.raw"
AFTER_S = 0.3


async def hangs(awaitable, errors):
    """Return whether something still waits a while after the receive loop has died."""
    task = asyncio.ensure_future(awaitable)
    try:
        await errors.first()
        done, _ = await asyncio.wait({task}, timeout=AFTER_S)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return not done


async def order_on_a_dropped_connection(client, server):
    """Place an order over REST on a kept connection that drops after the booking."""
    await client.load_markets()
    fates = iter(["after"])
    server.on_order = lambda _label: next(fates, "")
    return await client.create_order(PERP, "limit", "buy", 10, 100_000, {"label": "h1"})


async def test_1_stock_books_an_order_twice_when_its_reply_is_lost(stock, server):
    """Aiohttp repeats the GET by itself, and the client reports one success."""
    await order_on_a_dropped_connection(stock, server)
    assert len(server.booked("h1")) == 2


async def test_1_hardened_books_once_and_says_that_it_does_not_know(hardened, server):
    """The lost reply is an error of the unknown kind, and the call is not repeated."""
    for count in range(1, 11):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await order_on_a_dropped_connection(hardened, server)
        assert len(server.booked("h1")) == count
        struck("F03")


async def test_1_the_session_has_the_switch_that_we_turn_off(hardened):
    """It is private to aiohttp: a version without it must not pass unseen."""
    hardened.open()
    assert "_retry_connection" in vars(hardened.session)
    assert hardened.session._retry_connection is False


async def watched_trades(client, server, count):
    """Return what one who watches fills has seen when all of a burst have been sent."""
    await client.load_markets()
    watching = asyncio.ensure_future(client.watch_my_trades())
    await server.until(lambda: server.listens(TRADES))
    for i in range(count):
        await server.push(TRADES, [trade(f"T{i}")])
    seen = {row["id"] for row in await watching}
    last = [trade(f"T{count}")]
    async with asyncio.timeout(PATIENCE_S):
        while f"T{count}" not in seen:
            watching = asyncio.ensure_future(client.watch_my_trades())
            await asyncio.sleep(0)
            await server.push(TRADES, last)
            seen |= {row["id"] for row in await watching}
    return seen


async def test_2_stock_loses_fills_of_a_burst(stock, server):
    """A message without a waiting call is dropped."""
    assert len(await watched_trades(stock, server, 50)) < 51


async def test_2_hardened_keeps_every_fill_of_a_burst(hardened, server):
    """The cache exists before the first message."""
    assert len(await watched_trades(hardened, server, 50)) == 51


BAD_FRAMES = pytest.mark.parametrize(
    "frame",
    [
        '{"jsonrpc":"2.0","id":987654,"error":{"code":10028,"message":"too_many_requests"}}',
        '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}}',
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"moon.phase","data":{}}}',
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.BTC-PERP',
    ],
    ids=["error by id", "error without id", "unknown channel", "truncated"],
)


async def after_a_bad_frame(client, server, frame):
    """Watch a ticker, receive a bad frame, and watch on."""
    await client.load_markets()
    watching = asyncio.ensure_future(client.watch_ticker(PERP))
    await server.until(lambda: server.listens(TICKER))
    await server.push(TICKER, ticker())
    await watching
    watching = asyncio.ensure_future(client.watch_ticker(PERP))
    await asyncio.sleep(0)
    await server.say(frame)
    await server.push(TICKER, ticker(last_price=77.0))
    return await watching


@BAD_FRAMES
async def test_3_stock_hangs_after_a_bad_frame(stock, server, frame, event_loop_errors):
    """The receive loop ends, the socket stays open, nobody is told."""
    assert await hangs(after_a_bad_frame(stock, server, frame), event_loop_errors)


@BAD_FRAMES
async def test_3_hardened_goes_on_after_a_bad_frame(hardened, server, frame):
    """It is noted, and the next ticker arrives."""
    assert (await after_a_bad_frame(hardened, server, frame))["last"] == 77.0
    assert hardened.flaws.counts


async def test_3_hardened_gives_an_error_to_the_call_that_it_answers(hardened, server):
    """A refused subscription ends that watch with the venue's reason, and can be tried again."""
    await hardened.load_markets()
    server.refusals["public/subscribe"] = [(10028, "too_many_requests")]
    with pytest.raises(ccxt.DDoSProtection):
        await hardened.watch_ticker(PERP)
    watching = asyncio.ensure_future(hardened.watch_ticker(PERP))
    await server.until(lambda: server.listens(TICKER))
    await server.push(TICKER, ticker())
    assert (await watching)["symbol"] == PERP


def three_private_watches(client, server):
    """Start three private watches at once behind a slow authentication."""
    server.auth_s = 0.25
    watches = [client.watch_orders(), client.watch_my_trades(), client.watch_balance()]
    return asyncio.gather(*watches)


async def test_4_stock_subscribes_before_it_is_authenticated(stock, server, event_loop_errors):
    """The second watch does not wait for the first one's authentication; then all three hang."""
    await stock.load_markets()
    assert await hangs(three_private_watches(stock, server), event_loop_errors)
    assert any("13009" in str(error) for error in event_loop_errors.found)


async def test_4_hardened_authenticates_once_and_then_subscribes(hardened, server):
    """One authentication of 250 ms serves all three."""
    await hardened.load_markets()
    watching = three_private_watches(hardened, server)
    listening = ("user.orders.any.any.raw", TRADES, "user.portfolio.BTC")
    await server.until(lambda: all(server.listens(channel) for channel in listening))
    await server.push("user.orders.any.any.raw", order())
    await server.push(TRADES, [trade("T1")])
    await server.push("user.portfolio.BTC", {"currency": "BTC", "equity": 1.0, "balance": 1.0})
    async with asyncio.timeout(PATIENCE_S):
        await watching
    assert server.auths == 1


async def book_after_a_reconnect(client, server):
    """Watch a book, lose the connection, come back to a market that has moved down."""
    server.snapshots[BOOK] = lambda: snapshot(1, [(0.05, 10.0)], [(0.0525, 7.0)])
    await client.load_markets()
    await client.watch_order_book(OPTION)
    watching = asyncio.ensure_future(client.watch_order_book(OPTION))
    await asyncio.sleep(0)
    server.snapshots[BOOK] = lambda: snapshot(90, [(0.04, 10.0)], [(0.0425, 7.0)])
    server.cut(BOOK)
    with pytest.raises(ccxt.NetworkError):
        await watching
    return await client.watch_order_book(OPTION)


async def test_5_stock_merges_a_snapshot_into_the_old_book(stock, server):
    """The bid of before stands over the ask of now."""
    book = await book_after_a_reconnect(stock, server)
    assert book["bids"][0][0] > book["asks"][0][0]


async def test_5_hardened_starts_a_new_book_after_a_reconnect(hardened, server):
    """Only the new levels are there."""
    book = await book_after_a_reconnect(hardened, server)
    assert [row[:2] for row in book["bids"]] == [[0.04, 10.0]]
    assert [row[:2] for row in book["asks"]] == [[0.0425, 7.0]]


async def book_with_a_gap(client, server):
    """Watch a book of which the change that deletes the best bid is lost."""
    server.snapshots[BOOK] = lambda: snapshot(1, [(0.05, 10.0), (0.04, 3.0)], [(0.0525, 7.0)])
    await client.load_markets()
    await client.watch_order_book(OPTION)
    server.snapshots[BOOK] = lambda: snapshot(3, [(0.04, 3.0)], [(0.045, 7.0)])
    watching = asyncio.ensure_future(client.watch_order_book(OPTION))
    await asyncio.sleep(0)
    await server.push(BOOK, change(2, 3, asks=[("new", 0.045, 7.0)]))
    return await watching


async def test_5_stock_does_not_see_that_a_change_is_missing(stock, server):
    """The deleted bid stays and the book is crossed."""
    book = await book_with_a_gap(stock, server)
    assert book["bids"][0][0] > book["asks"][0][0]


async def test_5_hardened_asks_for_a_new_snapshot_where_a_change_is_missing(hardened, server):
    """It resubscribes and answers with the whole book."""
    book = await book_with_a_gap(hardened, server)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert hardened.flaws.counts[Flaw.BOOK_GAP] == 1


async def quickest_s(client):
    """Return the seconds of the quickest of ten orders that each follow another."""
    await client.load_markets()
    clock, took = asyncio.get_running_loop().time, []
    await client.create_order(PERP, "limit", "buy", 10, 100_000)
    for _ in range(10):
        started = clock()
        await client.create_order(PERP, "limit", "buy", 10, 100_000)
        took.append(clock() - started)
    return min(took)


async def test_6_stock_throttles_an_order_that_follows_another(stock):
    """Four tokens of 50 ms each, as it is shipped; not one of ten is spared."""
    stock.enableRateLimit = True
    assert await quickest_s(stock) > 0.15


async def test_6_hardened_sends_at_once(hardened):
    """Its budget is counted elsewhere."""
    assert await quickest_s(hardened) < 0.15


def booked(**changes):
    """Return one contract of an option bought at 0.0525 coin."""
    whole = {"instrument_name": CALL, "amount": 1.0, "filled_amount": 1.0, "label": "h1"}
    return order(**(whole | {"price": 0.0525, "average_price": 0.0525} | changes))


OPTION_TRADE = trade("T1", instrument_name=CALL, amount=3.0, price=0.0525)


async def test_7_stock_derives_wrong_values(stock):
    """Cost by division, no client id, a price between the ticks."""
    await stock.load_markets()
    parsed = stock.parse_order(booked())
    assert parsed["cost"] == pytest.approx(19.05, abs=0.01)
    assert parsed["clientOrderId"] is None
    assert stock.price_to_precision(OPTION, 0.01234) == "0.0123"
    assert stock.parse_trade(OPTION_TRADE)["cost"] == pytest.approx(19.05 * 3, abs=0.1)


async def test_7_hardened_derives_them_from_what_the_venue_says(hardened):
    """Premium paid, the label, the step above 0.005."""
    await hardened.load_markets()
    parsed = hardened.parse_order(booked(amount=2.0))
    assert parsed["cost"] == pytest.approx(0.0525)
    assert parsed["clientOrderId"] == "h1"
    assert hardened.parse_trade(OPTION_TRADE)["cost"] == pytest.approx(3 * 0.0525)
    assert Decimal(hardened.price_to_precision(OPTION, 0.01234)) == Decimal("0.0125")
    assert Decimal(hardened.price_to_precision(OPTION, 0.00434)) == Decimal("0.0043")


async def backlog(client, server):
    """Return the ticker of one who watched while five arrived at once."""
    await client.load_markets()
    watching = asyncio.ensure_future(client.watch_ticker(PERP))
    await server.until(lambda: server.listens(TICKER))
    client_side = client.clients[server.ws]
    for i in range(5):
        message = {"params": {"channel": TICKER, "data": ticker(at_ms=1_795_000_000_000 + i)}}
        client.handle_message(client_side, message)
    return await watching


async def test_8_stock_returns_the_oldest_of_a_backlog(stock, server):
    """The first message resolves the call."""
    assert (await backlog(stock, server))["timestamp"] == 1_795_000_000_000


async def test_8_hardened_returns_the_newest_of_a_backlog(hardened, server):
    """The table holds the last one."""
    assert (await backlog(hardened, server))["timestamp"] == 1_795_000_000_004
