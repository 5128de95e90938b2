"""A small Deribit on loopback that does what a test tells it: REST and WebSocket, and every fault.

It keeps one account with one position per instrument, books orders whole, and never moves by
itself: a test pushes what it wants heard. `on_order` decides what becomes of an order: "" (normal),
"before" (the connection drops before it is booked), "after" (dropped after, no reply), "told"
(dropped after the reply).
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

PERPETUAL = "BTC-PERPETUAL"
CALL = "BTC-25DEC26-100000-C"
NOW_MS = 1_795_000_000_000
LATE_MS = 4_000_000_000_000  # long after whoever reads this
UNAUTHORISED = (13009, "unauthorized")
MATCHING = {"buy", "sell", "cancel", "cancel_by_label", "edit"}


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


def option(name=CALL, strike=100_000.0, **changes):
    """Return an entry of the instrument list: an inverse option."""
    entry = {
        "kind": "option",
        "instrument_name": name,
        "base_currency": "BTC",
        "counter_currency": "USD",
        "quote_currency": "BTC",
        "settlement_currency": "BTC",
        "settlement_period": "month",
        "instrument_type": "reversed",
        "option_type": "call",
        "strike": strike,
        "contract_size": 1.0,
        "min_trade_amount": 0.1,
        "tick_size": 0.0001,
        "tick_size_steps": [{"above_price": 0.005, "tick_size": 0.0005}],
        "maker_commission": 0.0003,
        "taker_commission": 0.0003,
        "creation_timestamp": 1_790_000_000_000,
        "expiration_timestamp": 1_798_185_600_000,
        "is_active": True,
        "price_index": "btc_usd",
        "instrument_id": 2,
    }
    return entry | changes


def perpetual(name=PERPETUAL, **changes):
    """Return an entry of the instrument list: an inverse perpetual."""
    entry = {
        "kind": "future",
        "instrument_name": name,
        "base_currency": "BTC",
        "counter_currency": "USD",
        "quote_currency": "USD",
        "settlement_currency": "BTC",
        "settlement_period": "perpetual",
        "future_type": "reversed",
        "instrument_type": "reversed",
        "contract_size": 10.0,
        "min_trade_amount": 10.0,
        "tick_size": 0.5,
        "maker_commission": 0.0,
        "taker_commission": 0.0005,
        "max_leverage": 50,
        "creation_timestamp": 1_534_242_287_000,
        "expiration_timestamp": 32_503_708_800_000,
        "is_active": True,
        "price_index": "btc_usd",
        "instrument_id": 1,
    }
    return entry | changes


def ticker(name=PERPETUAL, *, at_ms=None, **changes):
    """Return a ticker of the perpetual, or of an option where `changes` say so."""
    entry = {
        "timestamp": now_ms() if at_ms is None else at_ms,
        "instrument_name": name,
        "state": "open",
        "index_price": 100_000.0,
        "mark_price": 100_010.0,
        "best_bid_price": 100_000.0,
        "best_bid_amount": 5_000.0,
        "best_ask_price": 100_000.5,
        "best_ask_amount": 6_000.0,
        "last_price": 100_000.0,
        "funding_8h": 0.0001,
        "current_funding": 0.0,
        "stats": {"volume": 1.0, "low": 1.0, "high": 2.0},
    }
    return entry | changes


def option_ticker(name=CALL, **changes):
    """Return a ticker of an option."""
    quoted = {
        "mark_price": 0.0512,
        "best_bid_price": 0.05,
        "best_bid_amount": 10.0,
        "best_ask_price": 0.0525,
        "best_ask_amount": 7.0,
        "mark_iv": 55.1,
        "underlying_price": 100_120.0,
        "underlying_index": "SYN.BTC-25DEC26",
    }
    return ticker(name, **(quoted | changes))


def summary(name=CALL, **changes):
    """Return an entry of the book summary."""
    entry = {
        "instrument_name": name,
        "base_currency": "BTC",
        "quote_currency": "BTC",
        "bid_price": 0.05,
        "ask_price": 0.0525,
        "mid_price": 0.05125,
        "mark_price": 0.0512,
        "estimated_delivery_price": 100_000.0,
        "creation_timestamp": now_ms(),
        "mark_iv": 55.1,
        "underlying_price": 100_120.0,
        "underlying_index": "SYN.BTC-25DEC26",
        "interest_rate": 0.0,
    }
    return entry | changes


def snapshot(change_id=1, bids=((0.05, 10.0),), asks=((0.0525, 7.0),), name=CALL):
    """Return a book's snapshot."""
    return {
        "type": "snapshot",
        "instrument_name": name,
        "timestamp": now_ms(),
        "change_id": change_id,
        "bids": [["new", *level] for level in bids],
        "asks": [["new", *level] for level in asks],
    }


def change(before, after, bids=(), asks=(), name=CALL):
    """Return a book's change; levels are whole triples."""
    return {
        "type": "change",
        "instrument_name": name,
        "timestamp": now_ms(),
        "prev_change_id": before,
        "change_id": after,
        "bids": [list(level) for level in bids],
        "asks": [list(level) for level in asks],
    }


def portfolio(currency="BTC", **changes):
    """Return a portfolio, which is also an account summary."""
    entry = {
        "currency": currency,
        "equity": 10.0,
        "balance": 10.0,
        "available_funds": 9.0,
        "initial_margin": 1.0,
        "maintenance_margin": 0.8,
        "margin_balance": 10.0,
        "delta_total": -1.05,
        "projected_delta_total": -1.05,
        "options_delta": -1.0,
        "options_gamma": -0.00004,
        "options_vega": -280.0,
        "options_theta": 120.0,
        "options_value": -0.1024,
        "margin_model": "segregated_pm",
        "limits": {},
    }
    return entry | changes


@dataclass(eq=False)
class Line:
    """One WebSocket connection."""

    socket: web.WebSocketResponse
    request: web.Request
    authenticated: bool = False
    armed: bool = False
    channels: set[str] = field(default_factory=set)
    orders: list[dict[str, Any]] = field(default_factory=list)

    def stall(self) -> None:
        """Read nothing any more: no ping, no request, no goodbye is answered."""
        if self.request.transport is not None:
            self.request.transport.pause_reading()

    def abort(self) -> None:
        """Cut the connection as a network does."""
        if self.request.transport is not None:
            self.request.transport.abort()


class RefusedRequestError(Exception):
    """A request is answered by an error of the venue."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


class DroppedError(Exception):
    """The connection drops instead of an answer."""


class ScriptedDeribit:
    """The server; `start` it, then use `rest` and `ws`."""

    def __init__(self) -> None:
        self.instruments = [perpetual(), option(expiration_timestamp=LATE_MS)]
        self.summaries: dict[str, list[dict[str, Any]]] = {"BTC": [summary()]}
        self.figures: dict[str, Any] = {}
        self.snapshots: dict[str, Callable[[], Any]] = {}
        self.positions: dict[str, float] = {}
        self.limits: dict[str, Any] = {}
        self.orders: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.lines: list[Line] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.deliveries: list[dict[str, Any]] = []
        # What answers in the place of the venue: a proxy, a captive portal, somebody else.
        self.instead: Callable[[web.Request], web.StreamResponse | None] = lambda _request: None
        self.on_order: Callable[[str], str] = lambda _label: ""
        self.answers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        self.mute: set[str] = set()
        self.unknown: set[str] = set()  # channels for which a whole request is refused
        self.auth_s = 0.0
        self.expires_s = 900
        self.ahead_ms = 0
        self.testnet: bool | None = True
        self.auths = 0
        self.changed = asyncio.Condition()
        self._ids = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def rest(self) -> str:
        """Return the base of REST calls."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Return the url of the WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws/api/v2"

    @property
    def urls(self) -> dict[str, Any]:
        """Return ccxt's configuration for this server."""
        both = {"rest": self.rest, "ws": self.ws}
        return {"urls": {"api": both, "test": both}}

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_get("/api/v2/{scope}/{method}", self._rest)
        app.router.add_get("/ws/api/v2", self._socket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut every connection and stop listening."""
        for line in self.lines:
            line.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    # --- what a test does -------------------------------------------------------------------------

    async def until(self, condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Wait until something is true of this server."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(condition)

    async def push(self, channel: str, data: Any) -> None:
        """Notify everybody who has subscribed."""
        params = {"channel": channel, "data": data}
        message = {"jsonrpc": "2.0", "method": "subscription", "params": params}
        for line in list(self.lines):
            if channel in line.channels:
                await self._text(line, json.dumps(message))

    async def say(self, text: str, channel: str | None = None) -> None:
        """Send any text to everybody, or to the subscribers of a channel."""
        for line in list(self.lines):
            if channel is None or channel in line.channels:
                await self._text(line, text)

    def cut(self, channel: str) -> None:
        """Cut the connections that listen to a channel."""
        for line in self.lines:
            if channel in line.channels:
                line.abort()

    def stall(self, channel: str) -> None:
        """Stall the connections that listen to a channel."""
        for line in self.lines:
            if channel in line.channels:
                line.stall()

    def listens(self, channel: str) -> bool:
        """Tell whether somebody listens to a channel."""
        return any(channel in line.channels for line in self.lines)

    def booked(self, label: str) -> list[dict[str, Any]]:
        """Return the orders under a label."""
        return [order for order in self.orders if order["label"] == label]

    def count(self, method: str) -> int:
        """Return how often a method was called."""
        return sum(name == method for name, _ in self.calls)

    # --- transport --------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        method = f"{request.match_info['scope']}/{request.match_info['method']}"
        if (instead := self.instead(request)) is not None:
            return instead
        try:
            body = {"result": await self._call(method, dict(request.query), None)}
        except RefusedRequestError as refused:
            return web.json_response({"jsonrpc": "2.0", "error": refused.error}, status=400)
        except DroppedError:
            if request.transport is not None:
                request.transport.close()
            raise
        return web.json_response({"jsonrpc": "2.0", **body, **self._stamps()})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if (instead := self.instead(request)) is not None:
            return instead
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        line = Line(socket, request)
        self.lines.append(line)
        tasks: set[asyncio.Task[None]] = set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    task = asyncio.create_task(self._frame(line, message.data))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        finally:
            self.lines.remove(line)
            if line.armed:
                self._cancel_open(line)
            await self._tell_change()
        return socket

    async def _frame(self, line: Line, text: str) -> None:
        message = json.loads(text)
        if message["method"] in self.mute:
            return
        reply = {"jsonrpc": "2.0", "id": message.get("id")}
        try:
            reply["result"] = await self._call(message["method"], message["params"], line)
        except RefusedRequestError as refused:
            reply["error"] = refused.error
        except DroppedError:
            line.abort()
            return
        await self._text(line, json.dumps(reply | self._stamps()))
        if message["method"].endswith("/subscribe"):
            for channel in message["params"]["channels"]:
                if channel in self.snapshots:
                    await self.push(channel, self.snapshots[channel]())
        if reply.get("result") is not None and self.on_order_reply(message):
            line.abort()

    def on_order_reply(self, message: dict[str, Any]) -> bool:
        """Tell whether the connection drops right after this reply."""
        label = message["params"].get("label", "")
        is_order = message["method"] in {"private/buy", "private/sell"}
        return is_order and self.on_order(label) == "told"

    async def _text(self, line: Line, text: str) -> None:
        if not line.socket.closed:
            try:
                await line.socket.send_str(text)
            except ConnectionError:
                return

    def _stamps(self) -> dict[str, Any]:
        now = (now_ms() + self.ahead_ms) * 1_000
        told = {} if self.testnet is None else {"testnet": self.testnet}
        return {"usIn": now, "usOut": now, "usDiff": 0} | told

    async def _tell_change(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    # --- methods ----------------------------------------------------------------------------------

    async def _call(self, method: str, params: dict[str, Any], line: Line | None) -> Any:
        self.calls.append((method, params))
        try:
            if self.refusals.get(method):
                raise RefusedRequestError(*self.refusals[method].pop(0))
            if method in self.answers:
                return self.answers[method](params)
            scope, _, name = method.partition("/")
            if scope == "private" and line is not None and not line.authenticated:
                raise RefusedRequestError(*UNAUTHORISED)
            handler = getattr(self, f"_{name}", None)
            if handler is None:
                raise RefusedRequestError(-32601, "Method not found")
            return await handler(params, line)
        finally:
            await self._tell_change()

    async def _auth(self, _params, line):
        self.auths += 1
        if self.auth_s:
            await asyncio.sleep(self.auth_s)
        line.authenticated = True
        return {
            "access_token": "A",
            "refresh_token": "R",
            "expires_in": self.expires_s,
            "scope": "connection mainaccount account:read trade:read_write",
        }

    async def _subscribe(self, params, line):
        if self.unknown & set(params["channels"]):
            raise RefusedRequestError(-32602, "Invalid params")
        line.channels.update(params["channels"])
        return params["channels"]

    async def _unsubscribe(self, params, line):
        line.channels.difference_update(params["channels"])
        return params["channels"]

    async def _test(self, _params, _line):
        return {"version": "1.2.26"}

    async def _get_currencies(self, _params, _line):
        return [{"currency": "BTC", "currency_long": "Bitcoin", "fee_precision": 4, "decimals": 8}]

    async def _get_instruments(self, _params, _line):
        return self.instruments

    async def _get_book_summary_by_currency(self, params, _line):
        return self.summaries.get(params["currency"], [])

    async def _get_delivery_prices(self, _params, _line):
        return {"data": self.deliveries, "records_total": len(self.deliveries)}

    async def _get_positions(self, _params, _line):
        return [self._position(name) for name in self.positions]

    def _position(self, name):
        size = self.positions[name]
        return {
            "instrument_name": name,
            "kind": "option" if name.endswith(("-C", "-P")) else "future",
            "size": size,
            "direction": "buy" if size > 0 else "sell" if size < 0 else "zero",
            "average_price": 1.0,
            "mark_price": 1.0,
            "delta": size / 100_000.0,
        }

    async def _get_account_summaries(self, _params, _line):
        return {"id": 1, "summaries": [portfolio(limits=self.limits, **self.figures)]}

    async def _enable_cancel_on_disconnect(self, _params, line):
        line.armed = True
        return "ok"

    async def _get_cancel_on_disconnect(self, params, line):
        return {"scope": params.get("scope"), "enabled": line.armed}

    async def _set_heartbeat(self, _params, _line):
        return "ok"

    async def _buy(self, params, line):
        return self._book(params, line, "buy")

    async def _sell(self, params, line):
        return self._book(params, line, "sell")

    def _book(self, params, line, side):
        label = params.get("label", "")
        fate = self.on_order(label)
        if fate == "before":
            raise DroppedError
        if float(params["amount"]) % 10.0:
            raise RefusedRequestError(-32602, "Invalid params")
        number = next(self._ids)
        taken = params.get("time_in_force") != "good_til_cancelled"
        amount = float(params["amount"])
        order = {
            "order_id": f"BTC-{number}",
            "instrument_name": params["instrument_name"],
            "direction": side,
            "order_type": "limit",
            "order_state": "filled" if taken else "open",
            "price": float(params["price"]),
            "amount": amount,
            "filled_amount": amount if taken else 0.0,
            "average_price": float(params["price"]) if taken else 0.0,
            "label": label,
            "valid_until": params.get("valid_until"),
            "time_in_force": params.get("time_in_force", "good_til_cancelled"),
            "creation_timestamp": now_ms(),
            "last_update_timestamp": now_ms(),
        }
        self.orders.append(order)
        if line is not None:
            line.orders.append(order)
        trades = [self._trade(order, number)] if taken else []
        self.trades += trades
        if taken:
            name = params["instrument_name"]
            signed = amount if side == "buy" else -amount
            self.positions[name] = self.positions.get(name, 0.0) + signed
        if fate == "after":
            raise DroppedError
        return {"order": order, "trades": trades}

    def _trade(self, order, number):
        return trade(
            f"BTC-T{number}",
            label=order["label"],
            order_id=order["order_id"],
            direction=order["direction"],
            amount=order["amount"],
            price=order["price"],
        )

    async def _cancel(self, params, _line):
        for order in self.orders:
            if order["order_id"] == params["order_id"] and order["order_state"] == "open":
                order["order_state"] = "cancelled"
                return order
        raise RefusedRequestError(11044, "not_open_order")

    async def _cancel_by_label(self, params, _line):
        found = [o for o in self.booked(params["label"]) if o["order_state"] == "open"]
        for order in found:
            order["order_state"] = "cancelled"
        return len(found)

    def _cancel_open(self, line):
        for order in line.orders:
            if order["order_state"] == "open":
                order["order_state"] = "cancelled"

    async def _get_open_orders(self, _params, _line):
        return [order for order in self.orders if order["order_state"] == "open"]

    async def _get_order_state_by_label(self, params, _line):
        return self.booked(params["label"])

    async def _get_user_trades_by_order(self, params, _line):
        return [trade for trade in self.trades if trade["order_id"] == params["order_id"]]


def trade(trade_id, **changes):
    """Return one of our trades."""
    entry = {
        "trade_id": trade_id,
        "trade_seq": 1,
        "order_id": "BTC-1",
        "instrument_name": PERPETUAL,
        "direction": "buy",
        "amount": 10.0,
        "price": 100_000.0,
        "index_price": 100_000.0,
        "mark_price": 100_000.0,
        "fee": 5e-8,
        "fee_currency": "BTC",
        "liquidity": "T",
        "state": "filled",
        "order_type": "limit",
        "timestamp": now_ms(),
        "label": "",
        "tick_direction": 0,
        "self_trade": False,
        "matching_id": None,
    }
    return entry | changes


def order(**changes):
    """Return one of our orders."""
    entry = {
        "order_id": "BTC-1",
        "instrument_name": PERPETUAL,
        "direction": "buy",
        "order_type": "limit",
        "order_state": "filled",
        "price": 100_000.0,
        "amount": 10.0,
        "filled_amount": 10.0,
        "average_price": 100_000.0,
        "time_in_force": "good_til_cancelled",
        "label": "db-1",
        "creation_timestamp": now_ms(),
        "last_update_timestamp": now_ms(),
        "commission": 0.0,
    }
    return entry | changes


def position(name=PERPETUAL, size=-50.0, **changes):
    """Return a position."""
    entry = {
        "instrument_name": name,
        "kind": "future",
        "size": size,
        "direction": "buy" if size > 0 else "sell" if size < 0 else "zero",
        "average_price": 100_500.0,
        "mark_price": 100_450.0,
        "index_price": 100_400.0,
        "delta": size / 100_000.0,
    }
    return entry | changes
