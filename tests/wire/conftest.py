"""The exchange behind a real port in this process, and real clients of it.

`serve` starts servers that end with the test; `server` is one in its plainest form, on the wall's
clock and without limits; `hand_server` is one whose time only passes when the test says so.
`client` makes an unmodified `ccxt.pro.deribit`, `Raw` is a WebSocket that hides nothing.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp
import ccxt.pro  # type: ignore[import-untyped]
import orjson
import pytest

from bot.domain.units import NS_PER_S, utc_ns
from bot.sim.wire.auth import TRADER, Key
from bot.sim.wire.clock import Clock, HandClock
from bot.sim.wire.hub import Hub, Opening
from bot.sim.wire.server import Server
from bot.sim.wire.state import StateFile

NOON_NS = utc_ns(2026, 3, 4, 12)
PATIENCE_S = 30.0

Serve: TypeAlias = Callable[..., Awaitable[Server]]


class Raw:
    """A WebSocket whose every frame can be looked at: replies by id, the rest in order."""

    def __init__(self, session: aiohttp.ClientSession, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Begin with an open socket."""
        self.ws = ws
        self.frames: list[dict[str, Any]] = []
        self._session = session
        self._id = 0

    async def call(self, method: str, /, **params: Any) -> Any:
        """Ask and return the result; an error comes back as `RpcFault`."""
        wanted = await self.send(method, **params)
        frame = await self.until(lambda frame: frame.get("id") == wanted)
        if "error" in frame:
            raise RpcFault(frame["error"])
        return frame["result"]

    async def send(self, method: str, /, **params: Any) -> int:
        """Ask and return the id, without waiting."""
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        await self.ws.send_bytes(orjson.dumps(request))
        return self._id

    async def login(self, key: Key = TRADER) -> dict[str, Any]:
        """Prove who we are by client credentials."""
        result: dict[str, Any] = await self.call(
            "public/auth",
            grant_type="client_credentials",
            client_id=key.client_id,
            client_secret=key.secret,
        )
        return result

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first frame that is wanted; the others stay in `frames`."""
        for place, frame in enumerate(self.frames):
            if wanted(frame):
                return self.frames.pop(place)
        while True:
            frame = await self.receive()
            if wanted(frame):
                return frame
            self.frames.append(frame)

    async def pinged(self, words: bytes = b"") -> bytes:
        """Ping and return what the pong says; frames that come before it stay in `frames`."""
        await self.ws.ping(words)
        while True:
            message = await asyncio.wait_for(self.ws.receive(), PATIENCE_S)
            if message.type is aiohttp.WSMsgType.PONG:
                return bytes(message.data)
            self.frames.append(orjson.loads(message.data))

    async def receive(self) -> dict[str, Any]:
        """Return the next frame, passing over pongs; ConnectionError where the socket ends."""
        message = await asyncio.wait_for(self.ws.receive(), PATIENCE_S)
        while message.type is aiohttp.WSMsgType.PONG:
            message = await asyncio.wait_for(self.ws.receive(), PATIENCE_S)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError(f"{message.type.name} {message.data}")
        frame: dict[str, Any] = orjson.loads(message.data)
        return frame

    async def data(self, channel: str) -> Any:
        """Return the data of the next message of a channel."""
        frame = await self.until(lambda f: f.get("params", {}).get("channel") == channel)
        return frame["params"]["data"]

    async def close(self) -> None:
        """Hang up."""
        await self.ws.close()
        await self._session.close()


class RpcFault(Exception):  # noqa: N818  an answer
    """An error that the server answered with."""

    def __init__(self, error: dict[str, Any]) -> None:
        """Take the error object."""
        super().__init__(f"{error['code']} {error['message']} {error.get('data')}")
        self.code: int = error["code"]
        self.data: dict[str, Any] = error.get("data") or {}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a starter of servers that end with the test."""
    servers: list[Server] = []

    async def start(
        opening: Opening | None = None,
        *,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        limited: bool = False,
        state: StateFile | None = None,
    ) -> Server:
        hub = Hub(opening or Opening(seed=7, regime="calm"), clock, state)
        hub.limits.enforced = limited
        server = Server(hub, tls=tls)
        servers.append(server)
        await server.start()
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def server(serve: Serve) -> Server:
    """Return an exchange on the wall's clock, without rate limits."""
    return await serve()


@pytest.fixture
def hand() -> HandClock:
    """Return a clock at noon of a quiet day."""
    return HandClock(NOON_NS)


@pytest.fixture
async def hand_server(serve: Serve, hand: HandClock) -> Server:
    """Return an exchange whose time is `hand`, without rate limits."""
    return await serve(clock=hand)


@pytest.fixture
async def dial() -> AsyncIterator[Callable[[Server], Awaitable[Raw]]]:
    """Return a dialler of raw WebSockets that are hung up with the test."""
    raws: list[Raw] = []

    async def connect(server: Server) -> Raw:
        session = aiohttp.ClientSession()
        try:
            ws = await session.ws_connect(server.ws_url, autoping=False)
        except aiohttp.ClientError:
            await session.close()
            raise
        raws.append(Raw(session, ws))
        return raws[-1]

    yield connect
    for raw in raws:
        await raw.close()


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., Any]]:
    """Return a maker of ccxt clients, unmodified if not said otherwise; closed with the test."""
    clients: list[Any] = []

    def make(
        server: Server, key: Key = TRADER, *, kind: Any = ccxt.pro.deribit, **config: Any
    ) -> Any:
        urls = {"rest": server.rest_url, "ws": server.ws_url}
        exchange = kind(
            {
                "apiKey": key.client_id,
                "secret": key.secret,
                "enableRateLimit": False,
                "urls": {"api": urls, "test": urls},
                **config,
            }
        )
        clients.append(exchange)
        return exchange

    yield make
    for exchange in clients:
        await exchange.close()


def seconds(count: float) -> int:
    """Return seconds in nanoseconds."""
    return round(count * NS_PER_S)
