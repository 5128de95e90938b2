"""Every call of the reference, made by an unmodified client, each checked by what came back."""

from typing import Any

from bot.sim.wire.hub import Hub

PERPETUAL = "BTC/USD:BTC"


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
    asked = {"currency": "BTC", "label": "rests"}
    (found,) = (await exchange.private_get_get_order_state_by_label(asked))["result"]
    assert found["order_id"] == rested["id"]
    assert len((await exchange.private_get_get_open_orders_by_label(asked))["result"]) == 1
    changed = await exchange.private_get_edit_by_label(
        {"label": "rests", "instrument_name": "BTC-PERPETUAL", "amount": 100, "price": far - 20}
    )
    assert changed["result"]["order"]["price"] == far - 20
    assert (await exchange.cancel_order(rested["id"]))["status"] == "canceled"
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
    assert await exchange.fetch_positions(params={"kind": "future", "currency": "BTC"}) == []
    assert (await exchange.fetch_position(option))["contracts"] == 0.3
    balance = await exchange.fetch_balance()
    assert balance["BTC"]["total"] == hub.account.portfolio("BTC")["equity"]
    assert PERPETUAL in await exchange.fetch_trading_fees()
    trades = await exchange.fetch_my_trades(option)
    assert [trade["fee"]["currency"] for trade in trades] == ["BTC"]
    assert len(await exchange.fetch_order_trades(trades[0]["order"])) == 1


async def watch(exchange: Any, option: str) -> None:
    """Make every watch once."""
    assert (await exchange.watch_ticker(PERPETUAL))["bid"] > 0
    assert (await exchange.watch_ticker(option))["info"]["greeks"]["delta"] > 0
    assert await exchange.watch_tickers([PERPETUAL, option], {"interval": "raw"})
    assert await exchange.watch_bids_asks([PERPETUAL, option])
    for symbol in (PERPETUAL, option):
        book = await exchange.watch_order_book(symbol)
        assert book["bids"][0][0] < book["asks"][0][0]
    assert (await exchange.watch_balance())["BTC"]["info"]["delta_total"] is not None


async def call_everything(exchange: Any, hub: Hub) -> str:
    """Make every call but the watches of orders and trades; return the option's symbol."""
    option = await read_prices(exchange, hub)
    await trade(exchange, hub, option)
    await read_account(exchange, hub, option)
    await watch(exchange, option)
    return option
