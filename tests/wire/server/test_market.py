"""Time on the exchange: compression, an offset clock, orders that come too late; orders' terms."""

import time

import numpy as np
import pytest

from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.market import SyntheticMarket
from bot.sim.market.path import Block, Path
from bot.sim.wire.clock import WallClock
from bot.sim.wire.hub import Hub, Opening
from bot.sim.wire.paced import PacedMarket
from tests.wire.conftest import NOON_NS, RpcFault

PERPETUAL = "BTC-PERPETUAL"
OPTION = "BTC-27MAR26-92000-C"


def walk(compress, seconds=1_800):
    """Return a market's perpetual prices and volumes, second by second."""
    market = PacedMarket(5, "calm", NOON_NS, compress=compress)
    steps = [market.advance(NOON_NS + second * NS_PER_S)[0] for second in range(seconds)]
    return (
        np.array([step.quote.index for step in steps]),
        np.array([step.bought_usd + step.sold_usd for step in steps]),
    )


@pytest.mark.parametrize("compress", [7, 16, 240])
def test_a_compressed_second_carries_its_variance_and_flow(compress):
    """Each of its seconds ends where the N-th second of the same path does, hour after hour."""
    length = 4 * 3_600 // compress
    one, many = walk(1, length * compress), walk(compress, length)
    assert many[0].tolist() == one[0][compress - 1 :: compress].tolist()
    assert many[1].mean() / one[1].mean() == pytest.approx(compress, rel=0.35)


def test_a_compressed_market_is_the_same_however_it_is_walked():
    """Second by second or in leaps over many blocks: prices and volume are the same."""
    walked, leapt = (PacedMarket(5, "calm", NOON_NS, compress=240) for _ in range(2))
    leaps = (0, 1, 14, 15, 16, 100, 3_599, 3_600, 4_000)
    volume = 0.0
    for second in range(leaps[-1] + 1):
        (move, *_) = walked.advance(NOON_NS + second * NS_PER_S)
        volume += move.bought_usd + move.sold_usd
        if second in leaps:
            (other, *_) = leapt.advance(NOON_NS + second * NS_PER_S)
            assert other.quote == move.quote
            assert other.bought_usd + other.sold_usd == pytest.approx(volume)
            volume = 0.0


def test_a_compressed_market_keeps_the_clocks_time():
    """Expiries, time stamps and the settlement average are not compressed."""
    start = utc_ns(2026, 3, 4, 7, 29)
    market = PacedMarket(5, "calm", start, compress=16)
    plain = SyntheticMarket(5, "calm", start)
    assert {i.expiry_ns for i in market.instruments("BTC", start)} == {
        i.expiry_ns for i in plain.instruments("BTC", start)
    }
    inside = []
    for second in range(120):
        (move, *_) = market.advance(start + second * NS_PER_S)
        assert move.quote.ts_ns == start + second * NS_PER_S
        inside.append(move.quote.index)
    assert np.isfinite(market.average("BTC"))
    assert market.average("BTC") == pytest.approx(np.mean(inside[61:]), rel=1e-12)


def test_no_compression_is_the_market_itself():
    """The same path, second for second."""
    plain = SyntheticMarket(5, "calm", NOON_NS)
    expected = [plain.advance(NOON_NS + s * NS_PER_S)[0].quote.index for s in range(100)]
    assert walk(1, 100)[0].tolist() == expected


def test_a_compression_below_one_is_refused():
    """Time does not stand still here."""
    with pytest.raises(ValueError, match="expected a compression of 1 or more, found 0"):
        PacedMarket(1, "calm", NOON_NS, compress=0)


@pytest.mark.parametrize("compress", [1, 7, 240, 1_440])
def test_a_hub_starts_at_the_present_and_with_little_of_the_path(compress, monkeypatch):
    """At the wall's own time; no more is made before it listens with a day in a minute either."""
    made: list[Block] = []
    next_block = Path.next_block

    def counted(path: Path) -> Block:
        made.append(next_block(path))
        return made[-1]

    monkeypatch.setattr(Path, "next_block", counted)
    hub = Hub(Opening(seed=1, compress=compress))
    assert 1 <= len(made) <= 8
    assert abs(hub.quotes.now_ms() / 1_000 - time.time()) < 2


async def test_an_offset_clock_judges_what_comes(serve, dial):
    """The exchange is an hour ahead: its time says so, and a fresh order has long expired."""
    server = await serve(clock=WallClock(3_600))
    raw = await dial(server)
    await raw.login()
    now_ms = time.time_ns() // 1_000_000
    assert abs(await raw.call("public/get_time") - now_ms - 3_600_000) < 2_000
    order = {"instrument_name": PERPETUAL, "amount": 100, "price": 80_000}
    with pytest.raises(RpcFault, match="13888 timed_out"):
        await raw.call("private/buy", **order, valid_until=now_ms + 5_000)
    done = await raw.call("private/buy", **order, valid_until=now_ms + 3_605_000)
    assert done["order"]["order_state"] == "open"


@pytest.fixture
async def raw(hand_server, dial):
    """Return a connection that is logged in."""
    raw = await dial(hand_server)
    await raw.login()
    return raw


async def test_ticks_are_stepped(raw):
    """Below 0.005 coin every 0.0001, above it every 0.0005, as the instrument says."""
    entry = await raw.call("public/get_instrument", instrument_name=OPTION)
    assert entry["tick_size"] == 0.0001
    assert entry["tick_size_steps"] == [{"above_price": 0.005, "tick_size": 0.0005}]
    order = {"instrument_name": OPTION, "amount": 0.1}
    await raw.call("private/buy", **order, price=0.0049)
    await raw.call("private/buy", **order, price=0.0055)
    with pytest.raises(RpcFault, match="10043"):
        await raw.call("private/buy", **order, price=0.0056)


async def test_fill_or_kill_takes_all_or_nothing(raw, hand_server):
    """And leaves nothing behind."""
    book = await raw.call("public/get_order_book", instrument_name=OPTION)
    price, size = book["asks"][0]
    order = {"instrument_name": OPTION, "price": price, "time_in_force": "fill_or_kill"}
    killed = await raw.call("private/buy", **order, amount=round(size + 0.1, 1))
    assert (killed["order"]["order_state"], killed["trades"]) == ("cancelled", [])
    filled = await raw.call("private/buy", **order, amount=0.1)
    assert filled["order"]["order_state"] == "filled"
    assert hand_server.hub.exchange.working == ()


async def test_post_only_moves_away_where_it_may(raw):
    """Without reject_post_only the price goes a tick below the ask."""
    ticker = await raw.call("public/ticker", instrument_name=PERPETUAL)
    order = {"instrument_name": PERPETUAL, "amount": 100, "price": ticker["best_ask_price"] + 100}
    done = await raw.call("private/buy", **order, post_only=True)
    assert done["order"]["order_state"] == "open"
    assert done["order"]["price"] == ticker["best_ask_price"] - 0.5


async def test_reduce_only_never_turns_a_position(raw, hand_server):
    """It is cut to what is held, and refused where nothing is."""
    order = {"instrument_name": PERPETUAL, "type": "market", "reduce_only": True}
    with pytest.raises(RpcFault, match="11030"):
        await raw.call("private/sell", **order, amount=100)
    await raw.call("private/buy", instrument_name=PERPETUAL, type="market", amount=300)
    done = await raw.call("private/sell", **order, amount=1_000)
    assert done["order"]["amount"] == 300
    assert hand_server.hub.exchange.holdings[PERPETUAL].quantity == 0


async def test_an_edit_that_is_refused_leaves_the_order_as_it_was(raw):
    """And an edit that crosses fills under the same id."""
    order = {"instrument_name": PERPETUAL, "amount": 100, "price": 80_000}
    order_id = (await raw.call("private/buy", **order))["order"]["order_id"]
    for wrong in ({"price": 80_000.3}, {"amount": 105}, {"amount": 10**9}):
        with pytest.raises(RpcFault):
            await raw.call("private/edit", order_id=order_id, **{**order, **wrong})
    same = await raw.call("private/get_order_state", order_id=order_id)
    assert (same["price"], same["amount"], same["order_state"]) == (80_000, 100, "open")
    done = await raw.call("private/edit", order_id=order_id, amount=200, price=120_000)
    assert (done["order"]["order_id"], done["order"]["order_state"]) == (order_id, "filled")
    assert sum(trade["amount"] for trade in done["trades"]) == 200
    with pytest.raises(RpcFault, match="11044"):
        await raw.call("private/cancel", order_id=order_id)
    with pytest.raises(RpcFault, match="10004"):
        await raw.call("private/cancel", order_id="BTC-999")


async def test_what_is_listed_without_a_market_is_closed(raw):
    """Linear contracts and combos stand in the list, their tickers say closed."""
    listed = await raw.call("public/get_instruments", currency="BTC", kind="any")
    closed = [one for one in listed if not one["is_active"]]
    assert {one["kind"] for one in closed} == {"option", "future", "option_combo", "future_combo"}
    for one in closed:
        name = one["instrument_name"]
        assert (await raw.call("public/ticker", instrument_name=name))["state"] == "closed"
        with pytest.raises(RpcFault, match="13019"):
            await raw.call("private/buy", instrument_name=name, amount=1, type="market")


async def test_margins_and_cash_agree_with_the_exchange(raw, hand_server):
    """What the account summary says is what the exchange's books say."""
    await raw.call("private/sell", instrument_name=OPTION, amount=2, type="market")
    summary = await raw.call("private/get_account_summary", currency="BTC")
    exchange = hand_server.hub.exchange
    assert summary["balance"] == pytest.approx(exchange.account.cash["BTC"], abs=1e-9)
    assert summary["equity"] == pytest.approx(exchange.equity()["BTC"], abs=1e-9)
    margins = {"instrument_name": OPTION, "amount": 2, "price": 0.05}
    sold = (await raw.call("private/get_margins", **margins))["sell"]
    assert summary["initial_margin"] == pytest.approx(sold, rel=1e-4)
    trades = await raw.call("private/get_user_trades_by_instrument", instrument_name=OPTION)
    assert {trade["fee_currency"] for trade in trades["trades"]} == {"BTC"}
