"""A connection that is kept: dial, authenticate, set up, live until it is lost, and again.

Each life of the connection is an epoch. What is set up (subscriptions, snapshots) is set up anew in
each; what one epoch knew about streams is void in the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.flaws import Flaw, shown

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 30.0
SOUND_S: Final = 10.0
RENEW_AT: Final = 0.8
LEAST_TOKEN_S: Final = 1.0


class Session:
    """Keeps one connection; `on_ready` sets an epoch up, `on_lost` hears of its end."""

    def __init__(
        self,
        exchange: HardenedDeribit,
        *,
        authenticated: bool,
        on_ready: Callable[[int], Awaitable[None]],
        on_lost: Callable[[int], None],
    ) -> None:
        self.exchange = exchange
        self.epoch = 0
        self.ready = asyncio.Event()
        self.attempts = 0
        self.failure: BaseException | None = None
        self._authenticated = authenticated
        self._on_ready, self._on_lost = on_ready, on_lost
        self._tried = asyncio.Event()

    async def opened(self, timeout_s: float) -> None:
        """Wait until the first epoch is set up; raise what prevented the first attempt."""
        async with asyncio.timeout(timeout_s):
            await self._tried.wait()
        if not self.ready.is_set() and self.failure is not None:
            raise self.failure

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            started_ns = self.exchange.clock()
            try:
                await self._live()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  whatever ended it, the next one follows
                self.failure = error
                self.exchange.flaws.note(
                    self.exchange.clock(),
                    Flaw.CONNECTION_LOST,
                    f"epoch {self.epoch}",
                    f"expected a connection, found {shown(error)}",
                )
            self._tried.set()
            lived_s = (self.exchange.clock() - started_ns) / 1e9
            pause_s = FIRST_PAUSE_S if lived_s > SOUND_S else min(2.0 * pause_s, LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def reconnect(self, why: Exception) -> None:
        """Give up this connection and dial again."""
        client = (self.exchange.clients or {}).get(self.exchange.urls["api"]["ws"])
        if client is not None:
            await self.exchange.drop(client, why)

    async def _live(self) -> None:
        exchange = self.exchange
        self.attempts += 1
        client = await exchange.connect()
        lost = exchange.lost(client)
        self.epoch += 1
        renewal: asyncio.Task[None] | None = None
        try:
            if self._authenticated:
                reply = await exchange.authenticate()
                renewal = asyncio.create_task(self._renew(reply))
            await self._on_ready(self.epoch)
            if not lost.done():
                self.ready.set()
                self._tried.set()
            await lost
        finally:
            self.ready.clear()
            if renewal is not None:
                renewal.cancel()
            self._on_lost(self.epoch)
            await exchange.drop(client, ConnectionError("expected nothing more, found the end"))

    async def _renew(self, reply: object) -> None:
        """Authenticate again before the token expires; a refusal ends the connection."""
        while True:
            expires_s = reply.get("expires_in") if isinstance(reply, dict) else None
            if not isinstance(expires_s, int | float) or isinstance(expires_s, bool):
                return
            await asyncio.sleep(max(LEAST_TOKEN_S, RENEW_AT * float(expires_s)))
            try:
                reply = await self.exchange.prove()
            except Exception as error:  # noqa: BLE001  without a token this connection is no use
                await self.reconnect(error)
                return
