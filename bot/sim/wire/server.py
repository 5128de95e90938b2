"""The exchange behind a port on loopback: REST at /api/v2, WebSocket at /ws/api/v2, perhaps TLS.

async with Server(Hub(Opening(seed=1))) as server:
    print(server.rest_url, server.ws_url)
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import orjson
from aiohttp import web

from bot.domain.units import NS_PER_S
from bot.sim.wire.call import Caller
from bot.sim.wire.dispatch import Answer, ConnectionDroppedError, answer
from bot.sim.wire.faults import Faults
from bot.sim.wire.hub import Hub
from bot.sim.wire.rpc import BAD_CREDENTIALS, PARSE_ERROR, RpcError, failure
from bot.sim.wire.session import PAGE, Session, abort, padded
from bot.sim.wire.tickets import Refused

HOST: Final = "127.0.0.1"
LARGEST_FRAME: Final = 1 << 20


class Server:
    """A hub on a port. Port 0 takes a free one; `port` says which."""

    def __init__(
        self,
        hub: Hub,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        deflate: bool = False,
    ) -> None:
        self.hub = hub
        self.port = port
        self.sessions: dict[int, Session] = {}
        self.dialled = 0
        self._tls = tls
        self._deflate = deflate
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def rest_url(self) -> str:
        """Return the address that REST paths are joined to."""
        return f"http{'s' if self._tls else ''}://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Return the address of the WebSocket."""
        return f"ws{'s' if self._tls else ''}://{HOST}:{self.port}/ws/api/v2"

    async def start(self) -> None:
        """Listen, and let the market move; OSError where the port is taken."""
        app = web.Application(client_max_size=LARGEST_FRAME)
        app.router.add_get("/ws/api/v2", self._websocket)
        app.router.add_get("/api/v2/{scope:public|private}/{method}", self._get)
        app.router.add_post("/api/v2/{scope:public|private}/{method}", self._post)
        app.router.add_post("/api/v2", self._post)
        app.router.add_get("/loop", _loop)
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self.port, ssl_context=self._tls)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ticking = asyncio.create_task(self.hub.run())

    async def stop(self) -> None:
        """End every connection and stop listening; harmless when repeated."""
        ticking, self._ticking = self._ticking, None
        if ticking is not None:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking
        for session in tuple(self.sessions.values()):
            session.drop()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def ended(self) -> None:
        """Return when the ticking has failed, raising why; never while all is well."""
        if self._ticking is not None:
            await asyncio.shield(self._ticking)

    # --- WebSocket --------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if self.hub.dial_faults.take("refuse_dials"):
            return web.Response(status=503, text="unavailable")
        ws = web.WebSocketResponse(
            autoping=False, compress=self._deflate, max_msg_size=LARGEST_FRAME
        )
        try:
            await ws.prepare(request)
        except ConnectionError:  # who has dialled is gone before we answer
            return _cut(request)
        self.dialled += 1
        faults = self.hub.dial_faults.copy()
        session = Session(self.hub, self.dialled, request.remote or HOST, ws, faults)
        self.sessions[session.number] = session
        try:
            await session.serve(request.transport)
        finally:
            del self.sessions[session.number]
        return ws

    # --- REST -------------------------------------------------------------------------------------

    async def _get(self, request: web.Request) -> web.StreamResponse:
        return await self._rest(request, dict(request.query), None, "")

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode(errors="replace")
        now_ns = self.hub.now_ns()
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _json(failure(None, RpcError(PARSE_ERROR), now_ns, now_ns), 400)
        named = message.get("method") if isinstance(message, dict) else None
        params = message.get("params") if isinstance(message, dict) else None
        name = named if isinstance(named, str) else None
        return await self._rest(request, params, message, body, name)

    async def _rest(
        self,
        request: web.Request,
        params: object,
        message: object,
        body: str,
        named: str | None = None,
    ) -> web.StreamResponse:
        """Answer one REST request, bent by the faults of REST."""
        faults = self.hub.rest_faults
        broken = _broken(faults)
        if broken is not None:
            return broken
        match = request.match_info
        path = f"{match['scope']}/{match['method']}" if "scope" in match else named
        request_id = message.get("id") if isinstance(message, dict) else None
        question: dict[str, Any] = {"method": path, "params": params, "id": request_id}
        caller = Caller(request.remote or HOST, faults)
        try:
            self._identify(request, caller, body)
            reply = answer(self.hub, caller, question)
        except Refused as error:
            now_ns = self.hub.now_ns()
            reply = Answer(failure(request_id, error, now_ns, now_ns), failed=True)
        except ConnectionDroppedError:
            return _cut(request)
        if reply.delay_s:
            await self.hub.clock.until(self.hub.now_ns() + round(reply.delay_s * NS_PER_S))
        if reply.lost:
            # Never answered: the request stays open until its maker gives up.
            await asyncio.get_running_loop().create_future()
        return _bent(reply, faults)

    def _identify(self, request: web.Request, caller: Caller, body: str) -> None:
        """Take the Authorization header of a request, where it has one."""
        header = request.headers.get("Authorization")
        if header is None:
            return
        signed = f"{request.method}\n{request.raw_path}\n{body}\n"
        try:
            caller.token = self.hub.auth.header(header, signed, self.hub.now_ns())
        except Refused as error:
            raise RpcError(
                BAD_CREDENTIALS if error.code < 0 else (error.code, error.word)
            ) from None


async def _loop(_request: web.Request) -> web.StreamResponse:
    """Redirect to itself, for ever."""
    raise web.HTTPFound("/loop")


def _cut(request: web.Request) -> web.StreamResponse:
    """End the connection without an answer."""
    abort(request.transport)
    return web.Response()


def _broken(faults: Faults) -> web.StreamResponse | None:
    """Return what a broken front end answers before any request is read; None where it works."""
    if faults.take("http_429"):
        return web.Response(status=429, text="Too Many Requests", headers={"Retry-After": "1"})
    if faults.take("http_503"):
        return web.Response(status=503, text="Service Unavailable")
    if faults.take("redirects"):
        raise web.HTTPFound("/loop")
    if faults.take("html"):
        return web.Response(body=PAGE, content_type="text/html")
    return None


def _bent(reply: Answer, faults: Faults) -> web.StreamResponse:
    """Return the answer, bent by the faults of bodies."""
    body = orjson.dumps(reply.body)
    if faults.take("truncated"):
        body = body[: len(body) // 2]
    elif faults.oversize_bytes:
        body = padded(body, faults.oversize_bytes)
        faults.oversize_bytes = 0
    response = web.Response(
        body=body, status=400 if reply.failed else 200, content_type="application/json"
    )
    if reply.ends:
        response.force_close()
    return response


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
