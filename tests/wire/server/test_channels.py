"""What streams say: chains of change ids, atomic changes, heartbeats, Greeks and portfolio sums."""

import math
from decimal import Decimal

import pytest
from scipy.stats import norm

from bot.domain.positions import Position
from bot.domain.units import Quantity, Unit, utc_ns
from bot.sim.wire.clock import HandClock
from bot.sim.wire.hub import Opening
from tests.wire.conftest import RpcFault

OPTION = "BTC-27MAR26-92000-C"
BOOK = "book.BTC-PERPETUAL.raw"
CHANGES = "user.changes.any.any.raw"
MARKET = {"instrument_name": "BTC-PERPETUAL", "amount": 50_000, "type": "market"}


def pass_s(server, hand, seconds):
    """Let time pass and the market follow."""
    hand.move(seconds)
    server.hub.catch_up()


def apply(book, message):
    """Fold a snapshot or a change into a book of two sides."""
    for side in ("bids", "asks"):
        for step, price, amount in message[side]:
            if step == "delete":
                del book[side][price]
            else:
                assert (step == "change") == (price in book[side])
                book[side][price] = amount


@pytest.mark.parametrize("name", ["BTC-PERPETUAL", OPTION])
@pytest.mark.parametrize("interval", ["raw", "100ms"])
async def test_a_book_can_be_followed_by_its_changes(hand_server, hand, dial, name, interval):
    """Every change continues the one before; the sum is the exchange's own book."""
    raw = await dial(hand_server)
    await raw.login()
    channel = f"book.{name}.{interval}"
    await raw.call("public/subscribe", channels=[channel])
    first = await raw.data(channel)
    book: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
    apply(book, first)
    last = first["change_id"]
    for turn in range(12):
        pass_s(hand_server, hand, 1)
        if turn == 4:
            await raw.call("private/buy", instrument_name=name, amount=10, type="market")
            pass_s(hand_server, hand, 0.2)
    await raw.call("public/test")
    changes = [f["params"]["data"] for f in raw.frames if f.get("method") == "subscription"]
    assert len(changes) > 3
    for change in changes:
        assert (change["type"], change["prev_change_id"]) == ("change", last)
        last = change["change_id"]
        apply(book, change)
        assert max(book["bids"]) < min(book["asks"])
    bids, asks = hand_server.hub.exchange.depth(hand_server.hub.exchange.instrument(name))
    assert book["bids"] == {float(level.price): level.size for level in bids}
    assert book["asks"] == {float(level.price): level.size for level in asks}


async def test_what_is_taken_is_missing_at_once_on_raw_and_soon_on_100ms(hand_server, hand, dial):
    """The slow channel waits for the next tenth of a second."""
    raw = await dial(hand_server)
    await raw.login()
    slow = "book.BTC-PERPETUAL.100ms"
    await raw.call("public/subscribe", channels=[BOOK, slow])
    await raw.data(BOOK)
    await raw.data(slow)
    await raw.call("private/buy", **MARKET)
    assert (await raw.data(BOOK))["type"] == "change"
    await raw.call("public/test")
    assert raw.frames == []
    pass_s(hand_server, hand, 0.1)
    assert (await raw.data(slow))["type"] == "change"


async def test_a_change_of_the_account_is_one_message(hand_server, dial):
    """Order, trades and position of a fill stand together, and agree with the books."""
    raw = await dial(hand_server)
    await raw.login()
    echoed = [CHANGES, "user.portfolio.btc", "user.trades.future.BTC.100ms"]
    assert await raw.call("private/subscribe", channels=echoed) == echoed
    assert (await raw.data("user.portfolio.btc"))["delta_total"] == 0.0
    done = await raw.call("private/sell", **MARKET, label="one")
    change = await raw.data(CHANGES)
    assert [one["order_id"] for one in change["orders"]] == [done["order"]["order_id"]]
    assert change["trades"] == done["trades"]
    (position,) = change["positions"]
    held = hand_server.hub.exchange.holdings["BTC-PERPETUAL"]
    assert (position["size"], position["direction"]) == (float(held.quantity), "sell")
    assert await raw.data("user.trades.future.BTC.100ms") == done["trades"]
    total = (await raw.data("user.portfolio.btc"))["delta_total"]
    assert total == pytest.approx(position["delta"])


async def test_expiry_reaches_the_account_as_a_change(serve, dial):
    """A delivered option leaves a position of zero, and its order is cancelled with it."""
    hand = HandClock(utc_ns(2026, 3, 4, 7, 59))
    name = "BTC-4MAR26-89000-C"
    held = Position(name, Quantity(Decimal("-1.0"), Unit.COIN))
    server = await serve(Opening(seed=3, regime="calm", positions=(held,)), clock=hand)
    raw = await dial(server)
    await raw.login()
    order = {"instrument_name": name, "amount": 0.1, "price": 0.0001}
    await raw.call("private/buy", **order)
    await raw.call("private/subscribe", channels=[CHANGES, "instrument.state.option.BTC"])
    pass_s(server, hand, 60)
    change = await raw.data(CHANGES)
    assert [one["order_state"] for one in change["orders"]] == ["cancelled"]
    assert [one["size"] for one in change["positions"]] == [0.0]
    state = await raw.data("instrument.state.option.BTC")
    assert state["state"] in {"settled", "created"}
    with pytest.raises(RpcFault, match="13019 orderbook_closed"):
        await raw.call("private/buy", **order)
    with pytest.raises(RpcFault, match="10041 settlement_in_progress"):
        await raw.call("private/buy", **MARKET)
    pass_s(server, hand, 2)
    assert (await raw.call("private/buy", **MARKET))["order"]["order_state"] == "filled"


async def test_a_ticker_has_the_venues_greeks(hand_server, dial):
    """N(d1) on the forward, gamma to five decimals, vega per point, theta per day."""
    raw = await dial(hand_server)
    ticker = await raw.call("public/ticker", instrument_name=OPTION)
    vol, forward = ticker["mark_iv"] / 100, ticker["underlying_price"]
    years = (utc_ns(2026, 3, 27, 8) // 1_000_000 - ticker["timestamp"]) / 31_536_000_000
    width = vol * math.sqrt(years)
    d1 = math.log(forward / 92_000) / width + width / 2
    greeks = ticker["greeks"]
    assert greeks["delta"] == pytest.approx(norm.cdf(d1), abs=2e-4)
    assert greeks["gamma"] == round(norm.pdf(d1) / (forward * width), 5)
    assert greeks["vega"] == pytest.approx(
        forward * norm.pdf(d1) * math.sqrt(years) / 100, rel=1e-3
    )
    decay = -forward * norm.pdf(d1) * vol / (2 * math.sqrt(years)) / 365
    assert greeks["theta"] == pytest.approx(decay, rel=1e-3)
    value = forward * norm.cdf(d1) - 92_000 * norm.cdf(d1 - width)
    assert ticker["mark_price"] == pytest.approx(value / forward, abs=2e-5)
    assert ticker["bid_iv"] < ticker["mark_iv"] < ticker["ask_iv"]
    assert ticker["best_bid_price"] < ticker["mark_price"] < ticker["best_ask_price"]


async def test_delta_total_counts_premium_and_futures(serve, hand, dial):
    """Options as N(d1) less their mark, the perpetual in coin; what-if moves it by the same."""
    held = (
        Position(OPTION, Quantity(Decimal("-5.0"), Unit.COIN)),
        Position("BTC-PERPETUAL", Quantity(Decimal(90_000), Unit.USD)),
    )
    server = await serve(Opening(seed=3, positions=held), clock=hand)
    raw = await dial(server)
    await raw.login()
    summary = await raw.call("private/get_account_summary", currency="BTC", extended=True)
    ticker = await raw.call("public/ticker", instrument_name=OPTION)
    future = await raw.call("private/get_position", instrument_name="BTC-PERPETUAL")
    net = ticker["greeks"]["delta"] - ticker["mark_price"]
    assert summary["delta_total"] == pytest.approx(-5 * net + future["size_currency"], abs=1e-4)
    assert summary["options_delta"] == pytest.approx(-5 * ticker["greeks"]["delta"], abs=1e-4)
    what_if = await raw.call(
        "private/simulate_portfolio",
        currency="BTC",
        add_positions=True,
        simulated_positions={"BTC-PERPETUAL": -90_000},
    )
    assert what_if["delta_total"] == pytest.approx(-5 * net, abs=1e-4)
    assert what_if["initial_margin"] < summary["initial_margin"]
    alone = await raw.call(
        "private/simulate_portfolio", currency="BTC", add_positions=False, simulated_positions={}
    )
    assert alone["initial_margin"] == 0.0


async def test_a_heartbeat_must_be_answered(hand_server, hand, dial):
    """A client that answers lives on, one that does not is hung up on."""
    raw = await dial(hand_server)
    await raw.call("public/set_heartbeat", interval=10)
    hand.move(10)
    assert (await raw.receive())["params"] == {"type": "test_request"}
    hand.move(0.001)
    await raw.call("public/test")
    hand.move(10)
    assert (await raw.receive())["params"] == {"type": "heartbeat"}
    hand.move(10)
    assert (await raw.receive())["params"] == {"type": "test_request"}
    hand.move(10)
    with pytest.raises(ConnectionError):
        await raw.receive()


@pytest.mark.parametrize("dying", [True, False])
async def test_orders_die_with_their_connection_if_they_are_to(hand_server, dial, dying):
    """Those of other connections stand."""
    one, other = await dial(hand_server), await dial(hand_server)
    for raw in (one, other):
        await raw.login()
    if dying:
        await one.call("private/enable_cancel_on_disconnect", scope="connection")
    assert (await one.call("private/get_cancel_on_disconnect"))["enabled"] is dying
    terms = {"instrument_name": "BTC-PERPETUAL", "amount": 100, "price": 80_000}
    await one.call("private/buy", **terms, label="mine")
    await other.call("private/buy", **terms, label="other's")
    ended = next(iter(hand_server.sessions.values())).ended
    await one.close()
    await ended.wait()
    found = await other.call("private/get_open_orders")
    assert [order["label"] for order in found] == (["other's"] if dying else ["other's", "mine"])[
        :: 1 if dying else -1
    ]
