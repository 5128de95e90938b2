# ruff: noqa: ANN401  what crosses into ccxt has no types
"""The hardened client: ccxt's own `pro.deribit` with a remedy for each defect that we reproduced.

    defect of the stock client                          remedy here
    1 a dropped GET is repeated: two orders             the session never retries (`open`)
    2 fills without a waiting call are lost             the cache exists first; `listener` sees all
    3 an error frame or bad text ends the receive loop  nothing escapes `handle_message`; errors go
                                                        to their caller by id
    4 private calls race the authentication             one shared `authenticate` per connection
    5 books survive reconnects, gaps and snapshots      dropped, checked by change id, asked again
    6 the throttler charges for idle time               switched off; see `credits`
    7 wrong derived values                              see `derived`
    8 `watch_ticker` returns the oldest of a backlog    the newest
    9 two programs of one key sign the same in a ms     a random nonce; see `derived`

Every call of ccxt keeps working. `connect` and `requests` are the way of our own: JSON-RPC on the
same socket. Importing this module imports ccxt (most of a second); do it only when used.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import ccxt  # type: ignore[import-untyped]
from ccxt.async_support.base.ws.cache import (  # type: ignore[import-untyped]
    ArrayCacheBySymbolById,
)

from bot.domain.errors import WrongEnvironmentError
from bot.venues.deribit.books import Continuity, as_levels
from bot.venues.deribit.derived import TrueValues
from bot.venues.deribit.environment import Environment
from bot.venues.deribit.flaws import Flaw, Flaws, shown
from bot.venues.deribit.requests import NotSentError, Requests
from bot.venues.deribit.tasks import Tasks
from bot.venues.deribit.transport import harden

KEEP_ALIVE_MS: Final = 5_000
DIAL_MS: Final = 5_000
GOODBYE_S: Final = 0.5
LOST: Final = "connection lost"


class Listener(Protocol):
    """Who takes the notifications of a connection before ccxt does."""

    def hear(self, channel: str, data: object, received_ns: int) -> bool:
        """Take a notification; return False to leave it to ccxt's own handlers."""
        ...


class HardenedDeribit(TrueValues):
    """One connection to the venue: REST and one WebSocket."""

    def __init__(
        self,
        config: Mapping[str, object],
        *,
        clock: Callable[[], int],
        flaws: Flaws | None = None,
        listener: Listener | None = None,
        testnet: bool | None = None,
    ) -> None:
        """Take ccxt's configuration (keys, urls); rate limiting is ours and stays off.

        `testnet` is which system is meant; None takes either.
        """
        super().__init__({"enableRateLimit": False, **config})
        streaming = {"keepAlive": KEEP_ALIVE_MS, "connectionTimeout": DIAL_MS}
        self.options["ws"] = {**streaming, **self.options.get("ws", {})}
        self.clock = clock
        self.flaws = Flaws() if flaws is None else flaws
        self.listener = listener
        self.environment = Environment(testnet)
        self.requests = Requests(self._send, self.request_id, clock, self.flaws)
        self.milliseconds: Callable[[], int] = self.requests.venue_ms  # for signatures
        self.myTrades: Any = None
        self._watched: dict[int, tuple[Any, list[str], list[str]]] = {}
        self._authentication: tuple[Any, asyncio.Task[Any]] | None = None
        self._continuity: dict[str, Continuity] = {}
        self._background = Tasks(clock, self.flaws)
        if not str(self.urls["api"]["ws"]).startswith("wss"):
            self.timeout_on_exit = 0  # only a TLS transport needs time after its close

    # --- connection -------------------------------------------------------------------------------

    def open(self, lazy: bool = False) -> None:  # noqa: FBT001, FBT002  ccxt's signature
        """Open the HTTP session; a request whose connection broke is never repeated (1)."""
        super().open(lazy)
        if self.session is not None:
            harden(self.session)

    def client(self, url: str) -> Any:
        """Return the WebSocket client of a url, guarded against what it cannot read (3)."""
        client = super().client(url)
        if not hasattr(client, "guarded"):
            client.guarded = True
            client.handle_message = self._guard(client.handle_message)
        return client

    def _guard(self, handle: Callable[[Any], None]) -> Callable[[Any], None]:
        def handle_and_go_on(message: Any) -> None:
            try:
                handle(message)
            except Exception as error:  # noqa: BLE001  it would end the receive loop
                sentence = f"expected JSON, found {shown(error)}"
                self.flaws.note(self.clock(), Flaw.BAD_MESSAGE, "text", sentence)

        return handle_and_go_on

    async def connect(self) -> Any:
        """Return the connected client, dialling where there is none; raise what prevented it."""
        self.open()
        url = self.urls["api"]["ws"]
        client = self.client(url)
        if client.connected.done() and not client.closed():
            return client
        lost = self.lost(client)
        client.connect(self.session, self.ws_dial_delay(url))
        await asyncio.wait({client.connected, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not client.connected.done() or client.closed():
            await lost  # raises why
            raise NotSentError("expected a connection, found it closed at once")
        return client

    def lost(self, client: Any) -> asyncio.Future[Any]:
        """Return the future that ends, with the reason, when this connection does."""
        fresh = LOST not in client.futures
        future: asyncio.Future[Any] = client.future(LOST)
        if fresh:
            future.add_done_callback(self._forget)
        return future

    async def drop(self, client: Any, why: Exception) -> None:
        """End a connection for a reason of ours; those who wait are told."""
        client.error = client.error or why
        client.reject(why)
        if self.clients.get(client.url) is client:
            del self.clients[client.url]
        with suppress(TimeoutError):  # who is silent does not say goodbye either
            async with asyncio.timeout(GOODBYE_S):
                await client.aiohttp_close()

    async def _send(self, message: Mapping[str, object]) -> None:
        client = (self.clients or {}).get(self.urls["api"]["ws"])
        if client is None or client.closed():
            raise NotSentError("expected a connection, found none")
        await client.send(message)

    def _forget(self, lost: asyncio.Future[Any]) -> None:
        """Tell callers and drop what a lost connection had built up (5)."""
        why = "closed" if lost.cancelled() else lost.exception()
        self.requests.lose(why)
        self._drop_books()

    def on_error(self, client: Any, error: Any) -> None:
        """Drop the books with the connection (5)."""
        self._drop_books()
        super().on_error(client, error)

    def on_close(self, client: Any, error: Any) -> None:
        """Drop the books with the connection (5)."""
        self._drop_books()
        super().on_close(client, error)

    def handle_errors(self, *reply: Any) -> Any:
        """Judge a REST reply by the system that it says it comes from, then as ccxt does."""
        self.environment.hear(reply[6])  # the parsed body, where it is JSON
        return super().handle_errors(*reply)

    # --- messages ---------------------------------------------------------------------------------

    def handle_message(self, client: Any, message: Any) -> None:
        """Give a message to whom it belongs; whatever is wrong with it, nothing escapes (3)."""
        now_ns = self.clock()
        try:
            self._dispatch(client, message, now_ns)
        except ccxt.NotSupported:
            channel = message["params"]["channel"]
            self.flaws.note(now_ns, Flaw.UNKNOWN_CHANNEL, channel, "expected a known channel")
        except Exception as error:  # noqa: BLE001  an exception here would end the receive loop
            sentence = f"expected a message that can be handled, found {shown(error)}"
            self.flaws.note(now_ns, Flaw.BAD_MESSAGE, "message", sentence)

    def _dispatch(self, client: Any, message: Any, now_ns: int) -> None:
        if not isinstance(message, dict):
            sentence = f"expected a JSON object, found {shown(message)}"
            self.flaws.note(now_ns, Flaw.BAD_MESSAGE, "message", sentence)
            return
        params = message.get("params")
        if isinstance(params, dict) and isinstance(params.get("channel"), str):
            channel = params["channel"]
            if not self._heard(channel, params.get("data"), now_ns):
                super().handle_message(client, message)
            return
        if message.get("method") == "heartbeat":
            self._background.start(self.requests.answer(params))
            return
        try:
            self.environment.hear(message)
        except WrongEnvironmentError as error:
            client.reject(error)  # whoever keeps this connection gives it up; no reply counts
            return
        if self.requests.settle(message, now_ns):
            return
        watched = self._watched.pop(message["id"], None) if _has_id(message) else None
        if message.get("error") is None:
            super().handle_message(client, message)
        elif watched is not None:
            self._reject(watched, message["error"])
        else:
            # Nobody waits for it (any more): the connection is sound and stays.
            self.flaws.note(now_ns, Flaw.STRAY_ERROR, "error", shown(message["error"]))

    def _heard(self, channel: str, data: object, now_ns: int) -> bool:
        try:
            return self.listener is not None and self.listener.hear(channel, data, now_ns)
        except Exception as error:  # noqa: BLE001  an exception here would end the receive loop
            self.flaws.note(now_ns, Flaw.FAULT_OF_OURS, channel, shown(error))
            return True

    def _reject(self, watched: tuple[Any, list[str], list[str]], error: object) -> None:
        """Tell the call that an error frame belongs to; it may subscribe again (3)."""
        client, hashes, subscriptions = watched
        exception = self._exception(error)
        for subscription in subscriptions:
            client.subscriptions.pop(subscription, None)
        for name in hashes:
            if name in client.futures:
                client.reject(exception, name)

    def _exception(self, error: object) -> Exception:
        """Return ccxt's exception for an error object."""
        feedback = f"{self.id} {self.json(error)}"
        code = str(error.get("code")) if isinstance(error, dict) else ""
        try:
            self.throw_exactly_matched_exception(self.exceptions, code, feedback)
        except ccxt.BaseError as found:
            return found  # type: ignore[no-any-return]
        return ccxt.ExchangeError(feedback)  # type: ignore[no-any-return]

    def watch(
        self,
        url: str,
        message_hash: str,
        message: Any = None,
        subscribe_hash: Any = None,
        subscription: Any = None,
    ) -> Any:
        """Watch as ccxt does, and remember whose error a reply by id would be (3)."""
        self._remember(url, message, [message_hash], [subscribe_hash])
        return super().watch(url, message_hash, message, subscribe_hash, subscription)

    def watch_multiple(
        self,
        url: str,
        message_hashes: list[str],
        message: Any = None,
        subscribe_hashes: Any = None,
        subscription: Any = None,
    ) -> Any:
        """Watch as ccxt does, and remember whose error a reply by id would be (3)."""
        self._remember(url, message, message_hashes, list(subscribe_hashes or []))
        return super().watch_multiple(url, message_hashes, message, subscribe_hashes, subscription)

    def _remember(self, url: str, message: Any, hashes: list[str], subscribed: list[str]) -> None:
        client = self.client(url)
        new = [name for name in subscribed if name not in client.subscriptions]
        if new and isinstance(message, dict) and _has_id(message):
            self._watched[message["id"]] = (client, hashes, new)

    # --- authentication ---------------------------------------------------------------------------

    async def authenticate(self, params: Any = None) -> Any:
        """Authenticate this connection once; everybody who needs it awaits the same reply (4)."""
        client = await self.connect()
        shared = self._authentication
        if shared is None or shared[0] is not client or _failed(shared[1]):
            task = asyncio.get_running_loop().create_task(self.prove(params))
            shared = self._authentication = (client, task)
        return await asyncio.shield(shared[1])

    async def prove(self, params: Any = None) -> Any:
        """Send `public/auth` by signature on the connection and return the reply's result."""
        self.check_required_credentials()
        stamp = self.milliseconds()
        nonce = str(self.nonce())
        proof = self.encode(f"{stamp}\n{nonce}\n")
        signed = self.hmac(proof, self.encode(self.secret), hashlib.sha256)
        request = {
            "grant_type": "client_signature",
            "client_id": self.apiKey,
            "timestamp": stamp,
            "signature": signed,
            "nonce": nonce,
            "data": "",
        }
        return await self.requests.call("public/auth", {**request, **(params or {})})

    # --- streams ----------------------------------------------------------------------------------

    async def watch_ticker(self, symbol: str, params: Any = None) -> Any:
        """Return the newest ticker, not the first of a backlog (8)."""
        await super().watch_ticker(symbol, params or {})
        return self.tickers[self.symbol(symbol)]

    def handle_my_trades(self, client: Any, message: Any) -> None:
        """Keep fills also while nobody waits (2)."""
        if self.myTrades is None:
            self.myTrades = ArrayCacheBySymbolById(self.options.get("tradesLimit", 1_000))
        super().handle_my_trades(client, message)

    def handle_order_book(self, client: Any, message: Any) -> None:
        """Start anew at each snapshot; ask for a new one where a change is missing (5)."""
        channel, data = message["params"]["channel"], message["params"]["data"]
        symbol = self.safe_symbol(data.get("instrument_name"))
        if data.get("type") in (None, "snapshot"):
            self.orderbooks.pop(symbol, None)
        if data.get("type") is None:  # a grouped book comes whole, in pairs
            message = {**message, "params": {"channel": channel, "data": as_levels(data)}}
        elif not self._continuity.setdefault(symbol, Continuity()).follows(data):
            self.orderbooks.pop(symbol, None)
            self.flaws.note(self.clock(), Flaw.BOOK_GAP, channel, "expected the next change")
            self._background.start(self._resubscribe(channel))
            return
        super().handle_order_book(client, message)

    async def _resubscribe(self, channel: str) -> None:
        """Subscribe to a channel anew, which brings a snapshot."""
        for method in ("public/unsubscribe", "public/subscribe"):
            try:
                await self.requests.call(method, {"channels": [channel]})
            except Exception as error:  # noqa: BLE001  a lost connection ends every watch anyway
                self.flaws.note(self.clock(), Flaw.REQUEST_FAILED, method, shown(error))

    def _drop_books(self) -> None:
        self.orderbooks.clear()
        self._continuity.clear()


def _has_id(message: Mapping[str, object]) -> bool:
    return isinstance(message.get("id"), int)


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
