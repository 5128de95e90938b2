"""One exchange of several accounts: each key is put through to the server that knows it.

An exchange of our own has one account. Behind one address, a request goes to the server whose key
signs it (the first one where no key does), and a WebSocket stays with the server that it has
authenticated at. `cut` ends the connections of an account, `bar` keeps new ones out.
"""

import asyncio
import json
import re
from contextlib import suppress

import aiohttp
from aiohttp import web
from yarl import URL

from bot.sim.wire.server import HOST, Server

_SIGNED_BY = re.compile(r"id=([^,]+)")


class Switchboard:
    """The address; `servers` by the client id of each key."""

    def __init__(self, servers: dict[str, Server]) -> None:
        """Begin without a port; the first server takes what nobody has signed."""
        self.servers = servers
        self.barred: set[str] = set()
        self.port = 0
        self._lines: dict[web.WebSocketResponse, tuple[str, web.Request]] = {}
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def rest_url(self) -> str:
        """Return the address of requests."""
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Return the address of streams."""
        return f"ws://{HOST}:{self.port}/ws/api/v2"

    async def start(self) -> None:
        """Listen on a free port."""
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_get("/ws/api/v2", self._streams)
        app.router.add_get("/{path:.*}", self._request)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End everything."""
        for key in self.servers:
            self.cut(key)
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def cut(self, key: str) -> None:
        """End the streams of an account as a network does."""
        for client, request in self._lines.values():
            if client == key and request.transport is not None:
                request.transport.abort()

    def bar(self, key: str) -> None:
        """Let nobody in who proves to be this key, and put out who has."""
        self.barred.add(key)
        self.cut(key)

    @property
    def _http(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session

    def _server(self, key: str) -> Server:
        return self.servers.get(key) or next(iter(self.servers.values()))

    async def _request(self, request: web.Request) -> web.StreamResponse:
        signed = _SIGNED_BY.search(request.headers.get("Authorization", ""))
        key = signed[1] if signed else ""
        if key in self.barred:
            return web.Response(status=503)
        url = URL(f"{self._server(key).rest_url}{request.raw_path}", encoded=True)
        names = {"Authorization"} & set(request.headers)
        async with self._http.get(url, headers={n: request.headers[n] for n in names}) as reply:
            return web.Response(
                body=await reply.read(), status=reply.status, content_type=reply.content_type
            )

    async def _streams(self, request: web.Request) -> web.StreamResponse:
        client = web.WebSocketResponse()
        await client.prepare(request)
        key, server, pump = "", None, None
        try:
            async for message in client:
                asked = json.loads(message.data).get("params", {}).get("client_id", key)
                if server is None or asked != key:
                    key = asked
                    if key in self.barred:
                        break
                    if pump is not None:
                        pump.cancel()
                    server = await self._http.ws_connect(self._server(key).ws_url)
                    pump = asyncio.create_task(_pumped(server, client))
                    self._lines[client] = (key, request)
                await server.send_str(message.data)
        finally:
            self._lines.pop(client, None)
            if pump is not None:
                pump.cancel()
            if server is not None:
                await server.close()
        return client


async def _pumped(server: aiohttp.ClientWebSocketResponse, client: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        async for message in server:
            await client.send_str(message.data)
    await client.close()
