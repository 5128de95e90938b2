"""Methods that anybody may call, and those about a connection itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.domain.instruments import Instrument
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.sim.wire import channels
from bot.sim.wire.call import Call
from bot.sim.wire.channels import Channel
from bot.sim.wire.instruments import CURRENCIES, Json, currency, index_name
from bot.sim.wire.quotes import pairs
from bot.sim.wire.rpc import (
    BAD_INSTRUMENT,
    NEEDS_WEBSOCKET,
    RAW_NEEDS_AUTH,
    UNAUTHORIZED,
    RpcError,
    invalid,
    method,
)

if TYPE_CHECKING:
    from bot.sim.wire.session import Session

MOST_DELIVERIES: Final = 1_000
KINDS: Final = ("option", "future", "spot", "future_combo", "option_combo", "combo", "any")
CURRENCY_WORDS: Final = (*CURRENCIES, "USDT", "EURR", "any")
VERSION: Final = "1.2.26"
DEPTH: Final = 20


@method("public/auth")
def auth(call: Call) -> Json:
    """Prove who one is."""
    token = call.hub.auth.grant(call.params, call.now_ns)
    if call.caller.session is not None:
        call.caller.session.token = token
    return token.reply(call.now_ns)


@method("public/get_time")
def get_time(call: Call) -> int:
    """Return the exchange's time, as skewed as this connection is told it."""
    skew_ns = round(call.caller.faults.clock_skew_s * NS_PER_S)
    return (call.now_ns + skew_ns) // NS_PER_MS


@method("public/test")
def test(call: Call) -> Json:
    """Answer; also the answer that a heartbeat asks for."""
    if call.params.text("expected_result", "") == "exception":
        raise invalid("expected_result", "exception")
    return {"version": VERSION}


@method("public/hello")
def hello(call: Call) -> Json:
    """Answer a client that introduces itself."""
    call.params.text("client_name")
    return {"version": VERSION}


@method("public/status")
def status(_call: Call) -> Json:
    """Say that nothing is locked."""
    return {"locked": "false", "locked_indices": []}


@method("public/get_currencies")
def get_currencies(_call: Call) -> list[Json]:
    """Return the currencies."""
    return [currency(name, *about) for name, about in CURRENCIES.items()]


@method("public/get_instruments")
def get_instruments(call: Call) -> list[Json]:
    """Return the instruments of a currency and kind; without parameters all of them."""
    wanted = call.params.choice("currency", CURRENCY_WORDS, "any")
    kind = call.params.choice("kind", KINDS, "any")
    if call.params.flag("expired"):
        return []
    return [
        entry
        for entry in call.hub.instruments()
        if wanted in {"any", entry["settlement_currency"], entry["base_currency"]}
        and (kind in {"any", entry["kind"]} or (kind == "combo" and "combo" in entry["kind"]))
    ]


@method("public/get_instrument")
def get_instrument(call: Call) -> Json:
    """Return one instrument."""
    name = call.params.text("instrument_name")
    for entry in call.hub.instruments():
        if entry["instrument_name"] == name:
            return entry
    raise RpcError(BAD_INSTRUMENT)


@method("public/ticker")
def ticker(call: Call) -> Json:
    """Return a ticker; one listed without a market is closed."""
    one, closed = named(call)
    if one is not None:
        return call.hub.quotes.ticker(one)
    return call.hub.quotes.closed(closed)


@method("public/get_order_book")
def get_order_book(call: Call) -> Json:
    """Return the ticker and the book."""
    depth = call.params.integer("depth", DEPTH)
    one, closed = named(call)
    if one is None:
        return call.hub.quotes.closed(closed) | {"change_id": 0, "bids": [], "asks": []}
    bids, asks = call.hub.exchange.depth(one)
    return call.hub.quotes.ticker(one) | {
        "change_id": call.hub.moves,
        "bids": pairs(bids[:depth]),
        "asks": pairs(asks[:depth]),
    }


@method("public/get_book_summary_by_currency")
def get_book_summary_by_currency(call: Call) -> list[Json]:
    """Return a summary of every instrument of a currency."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    kind = call.params.choice("kind", KINDS, "any")
    return [
        call.hub.quotes.summary(one)
        for one in call.hub.exchange.listed()
        if wanted in {"any", one.coin} and kind in {"any", "option" if one.is_option else "future"}
    ]


@method("public/get_book_summary_by_instrument")
def get_book_summary_by_instrument(call: Call) -> list[Json]:
    """Return a summary of one instrument, as a list of one."""
    one, _closed = named(call)
    return [] if one is None else [call.hub.quotes.summary(one)]


@method("public/get_index_price")
def get_index_price(call: Call) -> Json:
    """Return an index."""
    name = call.params.text("index_name")
    for coin in call.hub.exchange.market.coins:
        if name == index_name(coin):
            price = call.hub.quotes.index(coin)
            return {"index_price": price, "estimated_delivery_price": price}
    raise invalid("index_name", "unknown index")


@method("public/get_index_price_names")
def get_index_price_names(call: Call) -> list[str]:
    """Return the names of the indices."""
    return [index_name(coin) for coin in call.hub.exchange.market.coins]


@method("public/get_delivery_prices")
def get_delivery_prices(call: Call) -> Json:
    """Return the settlement prices of an index since the exchange was opened, newest first."""
    name = call.params.text("index_name")
    coins = [coin for coin in call.hub.exchange.market.coins if index_name(coin) == name]
    if not coins:
        raise invalid("index_name", "unknown index")
    offset, count = call.params.integer("offset", 0), call.params.integer("count", 10)
    if offset < 0:
        raise invalid("offset", "must not be negative")
    if not 1 <= count <= MOST_DELIVERIES:
        raise invalid("count", f"must be from 1 to {MOST_DELIVERIES}")
    told = call.hub.exchange.delivered.get(coins[0], {})
    rows = [
        {
            "date": f"{datetime.fromtimestamp(due_ns // NS_PER_S, tz=UTC):%Y-%m-%d}",
            "delivery_price": round(price, 4),
        }
        for due_ns, price in sorted(told.items(), reverse=True)
    ]
    return {"data": rows[offset : offset + count], "records_total": len(rows)}


# --- the connection -------------------------------------------------------------------------------


@method("public/set_heartbeat")
def set_heartbeat(call: Call) -> str:
    """Ask to be asked; an answer that does not come ends the connection."""
    interval = call.params.integer("interval")
    if interval < 10:  # noqa: PLR2004  the venue's least
        raise invalid("interval", "must be 10 or more")
    connection(call).beat(interval)
    return "ok"


@method("public/disable_heartbeat")
def disable_heartbeat(call: Call) -> str:
    """Ask no longer to be asked."""
    connection(call).beat(0)
    return "ok"


@method("public/subscribe")
def subscribe(call: Call) -> list[str]:
    """Listen to public channels."""
    return _subscribe(call, private=False)


@method("private/subscribe", "account:read")
def subscribe_private(call: Call) -> list[str]:
    """Listen to any channels."""
    return _subscribe(call, private=True)


@method("public/unsubscribe")
def unsubscribe(call: Call) -> list[str]:
    """Stop listening to channels."""
    return _unsubscribe(call)


@method("private/unsubscribe", "account:read")
def unsubscribe_private(call: Call) -> list[str]:
    """Stop listening to channels."""
    return _unsubscribe(call)


@method("public/unsubscribe_all")
def unsubscribe_all(call: Call) -> str:
    """Stop listening to anything."""
    connection(call).unsubscribe_all()
    return "ok"


@method("private/unsubscribe_all", "account:read")
def unsubscribe_all_private(call: Call) -> str:
    """Stop listening to anything."""
    return str(unsubscribe_all(call))


@method("private/enable_cancel_on_disconnect", "account:read")
def enable_cancel_on_disconnect(call: Call) -> str:
    """Have this connection's orders (scope account: every new connection's) die with it."""
    scope = call.params.choice("scope", ("connection", "account"), "connection")
    if scope == "account":
        call.hub.cancel_on_disconnect = True
    if call.caller.session is not None:
        call.caller.session.cancel_on_disconnect = True
    elif scope == "connection":
        raise RpcError(NEEDS_WEBSOCKET)
    return "ok"


@method("private/disable_cancel_on_disconnect", "account:read")
def disable_cancel_on_disconnect(call: Call) -> str:
    """Let orders outlive their connection."""
    if call.params.choice("scope", ("connection", "account"), "connection") == "account":
        call.hub.cancel_on_disconnect = False
    if call.caller.session is not None:
        call.caller.session.cancel_on_disconnect = False
    return "ok"


@method("private/get_cancel_on_disconnect", "account:read")
def get_cancel_on_disconnect(call: Call) -> Json:
    """Say whether orders die with their connection."""
    scope = call.params.choice("scope", ("connection", "account"), "connection")
    own = call.caller.session is not None and call.caller.session.cancel_on_disconnect
    enabled = call.hub.cancel_on_disconnect if scope == "account" else own
    return {"scope": scope, "enabled": enabled}


@method("private/logout", "account:read")
def logout(call: Call) -> str:
    """Forget the token and end the connection, without an answer on the venue, with one here."""
    if call.caller.token is not None and call.params.flag("invalidate_token", default=True):
        call.hub.auth.revoke(call.caller.token)
    connection(call).leave()
    return "ok"


@method("private/set_faults", "account:read")
def set_faults(call: Call) -> Json:
    """Switch faults: on this connection, on REST, or on WebSockets to come. Not a venue's method.

    `on` is this, rest or next; every other parameter is a field of `Faults`; `clear` first.
    """
    raw = {name: value for name, value in call.params.raw.items() if name not in _NOT_FAULTS}
    where = call.params.choice("on", ("this", "rest", "next"), "this")
    chosen = {"this": call.caller.faults, "rest": call.hub.rest_faults}
    plan = chosen.get(where, call.hub.dial_faults)
    if call.params.flag("clear"):
        plan.clear()
    plan.set(raw)
    return plan.shown()


_NOT_FAULTS: Final = frozenset({"on", "clear", "access_token"})


def named(call: Call) -> tuple[Instrument | None, Json]:
    """Return the instrument that a request names, or None and its entry where it has no market."""
    name = call.params.text("instrument_name")
    one = call.hub.exchange.instrument(name)
    if one is not None:
        return one, {}
    closed = call.hub.closed.get(name)
    if closed is None:
        raise RpcError(BAD_INSTRUMENT)
    return None, closed


def connection(call: Call) -> Session:
    """Return the WebSocket that a request came over; raises where it is REST."""
    if call.caller.session is None:
        raise RpcError(NEEDS_WEBSOCKET)
    return call.caller.session


def _subscribe(call: Call, *, private: bool) -> list[str]:
    session = connection(call)
    known = call.hub.names()
    wanted = [channels.read(text, known) for text in channels.asked(call.params)]
    for channel in wanted:
        _may_listen(channel, session, private=private)
    for channel in wanted:
        session.subscribe(channel)
    return [channel.text for channel in wanted]


def _unsubscribe(call: Call) -> list[str]:
    session = connection(call)
    return [text for text in channels.asked(call.params) if session.unsubscribe(text)]


def _may_listen(channel: Channel, session: Session, *, private: bool) -> None:
    if channel.private and not private:
        raise RpcError(UNAUTHORIZED, {"reason": "private channel"})
    if channel.raw and session.token is None:
        raise RpcError(RAW_NEEDS_AUTH)
