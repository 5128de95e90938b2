"""Every call of the reference, made by a client, each checked by what came back.

`METHODS` and `CHANNELS` are the reference's own tables: what a client that has made every call has
asked an exchange for.
"""

import asyncio
from typing import Any

from bot.sim.wire.hub import Hub
from bot.sim.wire.server import Server

PERPETUAL = "BTC/USD:BTC"
PATIENCE_S = 30.0

METHODS = frozenset(
    {
        *("public/get_currencies", "public/get_instruments", "public/ticker"),
        *("public/get_order_book", "public/get_book_summary_by_currency"),
        *("public/get_book_summary_by_instrument", "public/auth", "public/subscribe"),
        *("private/get_positions", "private/get_position", "private/get_account_summaries"),
        *("private/get_account_summary", "private/get_order_state", "private/subscribe"),
        *("private/get_order_state_by_label", "private/get_open_orders"),
        *("private/get_open_orders_by_currency", "private/get_open_orders_by_instrument"),
        *("private/get_open_orders_by_label", "private/get_user_trades_by_currency"),
        *("private/get_user_trades_by_instrument", "private/get_user_trades_by_order"),
        *("private/buy", "private/sell", "private/edit", "private/edit_by_label"),
        *("private/cancel", "private/cancel_by_label", "private/cancel_all"),
        "private/cancel_all_by_instrument",
    }
)
CHANNELS = frozenset(
    {
        *("ticker.BTC-PERPETUAL.100ms", "ticker.BTC-PERPETUAL.raw", "quote.BTC-PERPETUAL"),
        *("book.BTC-PERPETUAL.100ms", "book.BTC-PERPETUAL.raw"),
        *("user.orders.any.any.raw", "user.trades.any.any.raw"),
        *(f"user.portfolio.{currency}" for currency in ("BTC", "ETH", "SOL", "USDC")),
        *("trades.BTC-PERPETUAL.100ms", "chart.trades.BTC-PERPETUAL.1"),
    }
)


def near_the_money(exchange: Any, hub: Hub) -> str:
    """Return the symbol of an option near the money with at least a week to live."""
    index = hub.exchange.index["BTC"]
    horizon = hub.now_ns() // 1_000_000 + 7 * 86_400_000
    calls = [
        market
        for market in exchange.markets.values()
        if market["option"] and market["strike"] and market["active"] and market["base"] == "BTC"
        if market["optionType"] == "call" and market["expiry"] > horizon
    ]
    best = min(calls, key=lambda market: (abs(market["strike"] - index), market["expiry"]))
    symbol: str = best["symbol"]
    return symbol


async def read_prices(exchange: Any, hub: Hub) -> str:
    """Make the public calls; return an option's symbol."""
    markets = await exchange.load_markets()
    assert "option_combo" in {market["info"]["kind"] for market in markets.values()}
    assert markets["BTC/USDC:USDC"]["linear"]
    option = near_the_money(exchange, hub)
    listed = hub.exchange.instrument(markets[option]["id"])
    mark = None if listed is None else hub.quotes.mark(listed)
    assert mark is not None
    for symbol in (PERPETUAL, option):
        ticker = await exchange.fetch_ticker(symbol)
        assert 0 < ticker["bid"] < ticker["ask"]
        book = await exchange.fetch_order_book(symbol)
        assert book["bids"][0][0] < book["asks"][0][0]
    assert option in await exchange.fetch_tickers([option])
    assert len(await exchange.fetch_tickers(params={"code": "BTC"})) > 300
    chain = await exchange.fetch_option_chain("BTC")
    assert abs(chain[option]["markPrice"] - mark) < 1e-3
    assert (await exchange.fetch_option(option))["underlyingPrice"] > 0
    greeks = await exchange.fetch_greeks(option)
    assert 0 < greeks["delta"] < 1
    assert greeks["theta"] < 0 < greeks["vega"]
    assert 10 < greeks["markImpliedVolatility"] < 200
    return option


async def trade(exchange: Any, hub: Hub, option: str) -> None:
    """Make every kind of order and change; compare with what the exchange booked."""
    ticker = await exchange.fetch_ticker(PERPETUAL)
    far = ticker["bid"] - 500
    rested = await exchange.create_order(PERPETUAL, "limit", "buy", 100, far, {"label": "rests"})
    assert [one.id for one in hub.exchange.tickets.values() if one.is_open] == [rested["id"]]
    edited = await exchange.edit_order(rested["id"], PERPETUAL, "limit", "buy", 200, far - 10)
    assert (edited["id"], edited["price"], edited["amount"]) == (rested["id"], far - 10, 200)
    assert (await exchange.fetch_order(rested["id"]))["status"] == "open"
    assert len(await exchange.fetch_open_orders(PERPETUAL)) == 1
    assert len(await exchange.fetch_open_orders()) == 1
    (still,) = (await exchange.private_get_get_open_orders())["result"]
    assert still["order_id"] == rested["id"]
    asked = {"currency": "BTC", "label": "rests"}
    (found,) = (await exchange.private_get_get_order_state_by_label(asked))["result"]
    assert found["order_id"] == rested["id"]
    assert len((await exchange.private_get_get_open_orders_by_label(asked))["result"]) == 1
    changed = await exchange.private_get_edit_by_label(
        {"label": "rests", "instrument_name": "BTC-PERPETUAL", "amount": 100, "price": far - 20}
    )
    assert changed["result"]["order"]["price"] == far - 20
    assert (await exchange.cancel_order(rested["id"]))["status"] == "canceled"
    await exchange.create_order(PERPETUAL, "limit", "buy", 100, far, {"label": "gone"})
    gone = {"currency": "BTC", "label": "gone"}
    assert int((await exchange.private_get_cancel_by_label(gone))["result"]) == 1
    sold = await exchange.create_order(PERPETUAL, "market", "sell", 100)
    assert (sold["status"], sold["info"]["price"]) == ("closed", "market_price")
    maker = await exchange.create_order(
        PERPETUAL, "limit", "buy", 100, far, {"postOnly": True, "label": "maker"}
    )
    assert maker["info"]["post_only"]
    ask = (await exchange.fetch_ticker(option))["ask"]
    terms = {"timeInForce": "IOC", "label": "option"}
    bought = await exchange.create_order(option, "limit", "buy", 0.3, ask, terms)
    assert (bought["filled"], bought["info"]["label"]) == (0.3, "option")
    reduce = {"reduceOnly": True}
    await exchange.create_order(PERPETUAL, "limit", "buy", 500, ticker["ask"] + 200, reduce)
    assert hub.exchange.holdings["BTC-PERPETUAL"].quantity == 0
    assert await exchange.cancel_all_orders(PERPETUAL)
    assert await exchange.cancel_all_orders() is not None
    assert hub.exchange.working == ()


async def read_account(exchange: Any, hub: Hub, option: str) -> None:
    """Make the private reads after `trade`."""
    (held,) = await exchange.fetch_positions()
    assert (held["symbol"], held["contracts"]) == (option, 0.3)
    assert held["info"]["delta"] > 0
    for kind, count in (("future", 0), ("option", 1)):
        found = await exchange.fetch_positions(params={"kind": kind, "currency": "BTC"})
        assert len(found) == count
    assert (await exchange.fetch_position(option))["contracts"] == 0.3
    balance = await exchange.fetch_balance()
    assert balance["BTC"]["total"] == hub.account.portfolio("BTC")["equity"]
    assert PERPETUAL in await exchange.fetch_trading_fees()
    summary = await exchange.private_get_get_account_summary({"currency": "BTC", "extended": True})
    assert float(summary["result"]["equity"]) == hub.account.portfolio("BTC")["equity"]
    assert await exchange.fetch_my_trades()
    trades = await exchange.fetch_my_trades(option)
    assert [trade["fee"]["currency"] for trade in trades] == ["BTC"]
    assert len(await exchange.fetch_order_trades(trades[0]["order"])) == 1


async def watch(exchange: Any, option: str) -> None:
    """Make every watch once but those of orders and of our trades."""
    assert (await exchange.watch_ticker(PERPETUAL))["bid"] > 0
    assert (await exchange.watch_ticker(option))["info"]["greeks"]["delta"] > 0
    assert await exchange.watch_tickers([PERPETUAL, option], {"interval": "raw"})
    assert await exchange.watch_bids_asks([PERPETUAL, option])
    for symbol in (PERPETUAL, option):
        for interval in ("100ms", "raw"):
            book = await exchange.watch_order_book(symbol, None, {"interval": interval})
            assert book["bids"][0][0] < book["asks"][0][0]
    assert (await exchange.watch_balance())["BTC"]["info"]["delta_total"] is not None
    assert (await exchange.watch_trades(PERPETUAL))[-1]["amount"] > 0
    (*_, (_, first, high, low, last, volume)) = await exchange.watch_ohlcv(PERPETUAL, "1m")
    assert low <= min(first, last) <= max(first, last) <= high
    assert volume > 0


async def watch_one_trade(exchange: Any, server: Server) -> None:
    """Watch orders and trades while one order fills."""
    watching = asyncio.gather(exchange.watch_orders(), exchange.watch_my_trades())
    async with asyncio.timeout(PATIENCE_S):
        while not {"user.orders.any.any.raw", "user.trades.any.any.raw"} <= listened(server):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        order = await exchange.create_order(
            PERPETUAL, "market", "sell", 100, params={"label": "seen"}
        )
        orders, trades = await watching
    assert [one["id"] for one in orders] == [order["id"]]
    assert [trade["info"]["label"] for trade in trades] == ["seen"]
    assert server.hub.exchange.holdings["BTC-PERPETUAL"].quantity == -100


def listened(server: Server) -> set[str]:
    """Return every channel that somebody listens to."""
    return {text for session in server.sessions.values() for text in session.channels}


async def call_everything(exchange: Any, server: Server) -> str:
    """Make every call; return the option's symbol."""
    async with asyncio.timeout(2 * PATIENCE_S):
        option = await read_prices(exchange, server.hub)
        await trade(exchange, server.hub, option)
        await read_account(exchange, server.hub, option)
        await watch(exchange, option)
        await watch_one_trade(exchange, server)
    return option
