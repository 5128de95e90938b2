"""Figures for Prometheus, and whether the bot is well: an outlet that answers over HTTP.

    GET /metrics   every figure, as text or OpenMetrics (docs/metrics.md)
    GET /healthz   200 while the loop decides and feeds are fresh, else 503 with what is not
    GET /readyz    200 while orders may be sent

Owns what is served and on which address. It answers GET and HEAD alone, keeps no log of requests,
and knows no word that changes anything. It answers to no foreign name (see `hosts`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder

from bot.domain.units import NS_PER_S
from bot.journal import Reader
from bot.journal.database import FILE
from bot.journal.rows import to_json
from bot.journal.tail import News
from bot.monitor.health import health
from bot.monitor.hosts import LOCAL, names_us
from bot.monitor.metrics.counted import Counted
from bot.monitor.metrics.day import Day
from bot.monitor.metrics.page import Page
from bot.monitor.metrics.standing import tell_sight
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Sight

Gammas = Mapping[str, tuple[float | None, float | None]]
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Server": "deltaband",
}
_CLOSING_S: Final = 1.0


class Metrics:
    """The outlet of one instance. `address` is where it listens, once it does."""

    name = "metrics"

    def __init__(
        self,
        listen: tuple[str, int],
        folder: Path,
        reader: Callable[[], Reader | None],
        say: Say,
        *,
        gammas: Gammas,
        names: Container[str] | None = (LOCAL,),
        unreached: Mapping[str, int] | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Serve on `listen` what the journal in `folder` says; `gammas` are the owner's bands.

        `names` are those that we may be called by beside addresses; None: any. `unreached` says
        since when (wall) who takes nothing of what the monitor tells.
        """
        self.address: tuple[str, int] | None = None
        self._listen, self._folder, self._say = listen, folder, say
        self._gammas, self._names, self._wall_ns = gammas, names, wall_ns
        self._unreached = {} if unreached is None else unreached
        self._sight = Sight(0, why="expected a look at the journal, found none yet")
        self._counted, self._day = Counted(), Day(reader)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def hear(self, news: Sequence[News]) -> None:
        """Count what is new."""
        self._counted.hear(news)
        self._day.hear(news)

    def see(self, sight: Sight) -> None:
        """Take how things stand."""
        self._sight = sight
        self._day.see(sight)

    async def run(self) -> None:
        """Serve until cancelled; OSError where the address cannot be had."""
        app = web.Application(client_max_size=1_024, middlewares=[self._named])
        for path, answer in (
            ("/metrics", self._metrics),
            ("/healthz", self._healthz),
            ("/readyz", self._readyz),
        ):
            app.router.add_get(path, answer)
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=_CLOSING_S
        )
        await runner.setup()
        try:
            await self._listening(runner)
            host, port, *_ = runner.addresses[0]
            self.address = (host, port)
            self._say("metrics.listening", host=host, port=port)
            await asyncio.Event().wait()
        finally:
            self.address = None
            await runner.cleanup()

    async def close(self) -> None:
        """Nothing waits here: who wants figures asks for them."""

    def collect(self) -> Iterable[Metric]:
        """Return every figure as it is now; what is not known is left out."""
        now_ns, sight = self._wall_ns(), self._sight
        page = Page(self._folder.name)
        tell_sight(page, sight, now_ns)
        for who, since_ns in list(self._unreached.items()):
            page.tell("unreached_seconds", max(0.0, (now_ns - since_ns) / NS_PER_S), who)
        if page.has("halted"):  # the bot is there, and what it shows is of now
            for coin, (lower, upper) in self._gammas.items():
                page.tell("gamma_lower_coin_per_pct", lower, coin)
                page.tell("gamma_upper_coin_per_pct", upper, coin)
            self._day.tell(page, (sight.status or {}).get("underlyings", {}))
        self._counted.tell(page)
        self._disk(page)
        return page.families()

    def _disk(self, page: Page) -> None:
        with suppress(OSError):
            room = os.statvfs(self._folder)
            page.tell("disk_free_bytes", room.f_bavail * room.f_frsize)
            files = (self._folder / FILE, self._folder / f"{FILE}-wal")
            sizes = [file.stat().st_size for file in files if file.exists()]
            page.tell("journal_bytes", sum(sizes) if sizes else None)

    async def _listening(self, runner: web.AppRunner) -> None:
        host, port = self._listen
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as fault:
            found = os.strerror(fault.errno) if fault.errno else str(fault)
            expected = f"expected {host}:{port} (metrics.listen), each monitor's own, to be free"
            raise OSError(f"{expected}, found: {found}") from fault

    @web.middleware
    async def _named(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a browser that another site sent here."""
        names = self._names
        if names is not None and not names_us(request.headers.get("Host"), names):
            text = "expected a name of this machine\n"
            return web.Response(status=421, text=text, headers=_HEADERS)
        return await handler(request)

    async def _metrics(self, request: web.Request) -> web.Response:
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except Exception:  # noqa: BLE001  whatever a header does to the library that reads it
            encode, content_type = choose_encoder("")
        body = encode(self._registry)
        return web.Response(body=body, headers={**_HEADERS, "Content-Type": content_type})

    async def _healthz(self, _: web.Request) -> web.Response:
        found = health(self._sight, self._wall_ns())
        return self._answer(found.healthy, asdict(found))

    async def _readyz(self, _: web.Request) -> web.Response:
        found = health(self._sight, self._wall_ns())
        said = {"ready": found.ready, "state": found.state, "coins": found.coins}
        return self._answer(found.ready, said)

    def _answer(self, well: bool, said: Mapping[str, object]) -> web.Response:  # noqa: FBT001
        body = to_json({"bot": self._folder.name, **said})
        status = 200 if well else 503
        return web.Response(
            text=body, status=status, content_type="application/json", headers=_HEADERS
        )
