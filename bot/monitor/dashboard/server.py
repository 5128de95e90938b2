"""What browsers are answered: the page, and one stream of events. There is no way to steer here.

GET alone is answered, and the POST that brings the word, which is never a part of an address.
Every answer forbids scripts, styles and frames of anybody else. A stream that is not read is
dropped; there are only so many.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from socket import socket
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from bot.monitor.dashboard.access import COOKIE, Access
from bot.monitor.dashboard.assets import Asset, load
from bot.monitor.dashboard.hub import Hub

STREAMS: Final = 32
PATIENCE_S: Final = 10.0
BUFFER: Final = 256 * 1024
FORM: Final = 8 * 1024
DAYS_S: Final = 30 * 86_400
GUARDS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "Server": "deltaband",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
OPEN: Final = frozenset({"login.html", "css/base.css", "icon.svg"})


class Server:
    """One hub behind HTTP."""

    def __init__(self, hub: Hub, access: Access, *, streams: int = STREAMS) -> None:
        """Serve `hub` to whom `access` lets in; at most so many `streams` at a time."""
        self._hub, self._access, self._most = hub, access, streams
        self._assets: dict[str, Asset] = {}
        self._streams = 0
        self._runner: web.AppRunner | None = None

    def app(self) -> web.Application:
        """Return the application."""
        self._assets = load()
        app = web.Application(client_max_size=FORM)
        app.router.add_route("*", "/{path:.*}", self._guarded)
        app.on_shutdown.append(self._shut)
        return app

    async def start(self, listening: socket) -> None:
        """Answer on a socket that listens already."""
        self._runner = web.AppRunner(
            self.app(), access_log=None, shutdown_timeout=1.0, handler_cancellation=True
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def close(self) -> None:
        """End every stream and let go of the journals."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self._hub.close()

    async def _shut(self, _: web.Application) -> None:
        self._most = 0

    async def _guarded(self, request: web.Request) -> web.StreamResponse:
        """Give every answer its guards."""
        answer = await self._judged(request)
        if not answer.prepared:
            answer.headers.update(GUARDS)
        return answer

    async def _judged(self, request: web.Request) -> web.StreamResponse:
        """Refuse other names, other methods and other sites."""
        if not self._access.named(request.headers.get("Host")):
            return _word(421, "expected a name of this machine; see dashboard.hosts")
        asked = not self._access.open
        word = asked and request.method == "POST" and request.path == "/"
        if request.method != "GET" and not word:
            refused = _word(405, "expected GET: nothing can be changed here")
            refused.headers["Allow"] = "GET"
            return refused
        cross = request.headers.get("Sec-Fetch-Site", "none") == "cross-site"
        if cross and (word or request.headers.get("Sec-Fetch-Mode") != "navigate"):
            return _word(403, "expected a request of the page itself")
        return await (self._word_given(request) if word else self._answer(request))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.lstrip("/")
        if path not in OPEN and not self._access.knows(request.cookies.get(COOKIE)):
            if path == "":
                return self._file(request, "login.html")
            return _word(401, "expected the word of this dashboard")
        if path == "stream":
            return await self._stream(request)
        return self._file(request, path or "index.html")

    async def _word_given(self, request: web.Request) -> web.StreamResponse:
        """Judge the word of a form; what a browser keeps is a cookie."""
        if request.content_type != "application/x-www-form-urlencoded":
            return _word(415, "expected a form")
        try:
            word = str((await request.post()).get("token", ""))
        except web.HTTPRequestEntityTooLarge:
            return _word(413, f"expected a form of at most {FORM} bytes")
        except (LookupError, ValueError):  # an encoding that is none, bytes that are not in it
            return _word(400, "expected a form in UTF-8")
        right = self._access.try_word(request.remote or "", word)
        if right is None:
            slow = _word(429, "expected fewer wrong words: wait a minute")
            slow.headers["Retry-After"] = "60"
            return slow
        query, mark = urlencode(list(request.query.items())), "" if right else "#wrong"
        where = f"/?{query}".rstrip("?") + mark
        to = web.Response(status=303, headers={"Location": where})
        to.headers["Cache-Control"] = "no-store"
        if right:
            to.set_cookie(
                COOKIE, self._access.cookie(), max_age=DAYS_S, httponly=True, samesite="Strict",
                secure=request.secure,
            )  # fmt: skip
        return to

    def _file(self, request: web.Request, path: str) -> web.StreamResponse:
        asset = self._assets.get(path)
        if asset is None:
            return _word(404, "expected a file of the page")
        headers = {"ETag": asset.mark, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == asset.mark:
            return web.Response(status=304, headers=headers)
        body = asset.body
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", asset.packed
        return web.Response(body=body, headers=headers | {"Content-Type": asset.kind})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Tell a page what it lacks, again and again, until it leaves or does not read any more."""
        listed = self._hub.listed()
        wanted = request.query.get("instance") or (listed[0]["name"] if listed else "")
        if wanted and not self._hub.knows(wanted):
            return _word(404, "expected the name of an instance that has a journal")
        if self._streams >= self._most:
            return _word(503, f"expected fewer than {self._most} open pages")
        answer = web.StreamResponse(
            headers=GUARDS
            | {
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        self._streams += 1
        try:
            await answer.prepare(request)
            await answer.write(b"retry: 1000\n\n")
            telling = self._hub.listen(wanted) if wanted else self._hub.wait()
            async with aclosing(telling) as messages:
                async for message in messages:
                    if not self._most:
                        break
                    async with asyncio.timeout(PATIENCE_S):
                        await answer.write(b"data: %s\n\n" % message)
        except (TimeoutError, ConnectionError):
            with suppress(Exception):
                if request.transport is not None:
                    request.transport.abort()  # what waits for it is dropped with it
        finally:
            self._streams -= 1
        return answer


def _word(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers={"Cache-Control": "no-store"})
