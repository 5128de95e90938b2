"""A connection that is kept: dial, authenticate, set up, live until it is lost, and again.

Each life of the connection is an epoch. What is set up (subscriptions, snapshots) is set up anew in
each; what one epoch knew about streams is void in the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from bot.domain.errors import DeltabandError, KeyRightsError, WrongEnvironmentError
from bot.domain.units import NS_PER_S
from bot.venues.deribit.backoff import Backoff
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.flaws import Flaw, shown
from bot.venues.deribit.requests import RefusedError

REFUSED: Final = (KeyRightsError, WrongEnvironmentError)
SOUND_NS: Final = 5 * NS_PER_S
RENEW_AT: Final = 0.8
LEAST_TOKEN_S: Final = 1.0


def refusal(error: BaseException | None) -> Flaw | None:
    """Return the name of what we refuse a connection for, None for any other end."""
    match error:
        case KeyRightsError():
            return Flaw.KEY_RIGHTS
        case WrongEnvironmentError():
            return Flaw.WRONG_ENVIRONMENT
        case _:
            return None


class Session:
    """Keeps one connection; `on_ready` sets an epoch up, `on_lost` hears of its end.

    Where the client means one of the venue's systems, the venue is asked which one it is before a
    key is shown to it. `judge` is then shown each reply to an authentication before anything else
    is done, and raises where the connection must not be used.

    `name` is what a message calls the connection, `lost_ns` since when one that was ready is not.
    `redial_s` is the pause before the next dial (see `backoff`). Every `pulse_s` the venue is asked
    for a sign of life: a connection that answers pings and nothing else is given up within twice
    that time.
    """

    def __init__(
        self,
        exchange: HardenedDeribit,
        *,
        authenticated: bool,
        judge: Callable[[object], None] | None = None,
        on_ready: Callable[[int], Awaitable[None]],
        on_lost: Callable[[int], None],
        redial_s: float = 0.2,
        pulse_s: float = 5.0,
        name: str = "",
    ) -> None:
        self.exchange, self.name = exchange, name
        self.epoch = 0
        self.ready = asyncio.Event()
        self.failure: BaseException | None = None
        self.lost_ns: int | None = None
        self._authenticated, self._judge = authenticated, judge
        self._on_ready, self._on_lost = on_ready, on_lost
        self._backoff, self._pulse_s = Backoff(redial_s), pulse_s
        self._was_ready = False
        self._tried = asyncio.Event()

    async def opened(self, timeout_s: float) -> None:
        """Wait until the first epoch is set up; raise what prevented the first attempt."""
        async with asyncio.timeout(timeout_s):
            await self._tried.wait()
        if not self.ready.is_set() and self.failure is not None:
            raise self.failure

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        while True:
            started_ns = self.exchange.clock()
            try:
                await self._live()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  whatever ended it, the next one follows
                self.failure = error
                self._note(error)
            self._tried.set()
            sound = self._was_ready and self.exchange.clock() - started_ns > SOUND_NS
            refused = refusal(self.failure) is not None
            pause_s = self._backoff.after(ready=self._was_ready, sound=sound, refused=refused)
            await asyncio.sleep(pause_s)

    async def reconnect(self, why: Exception) -> None:
        """Give up this connection and dial again."""
        client = (self.exchange.clients or {}).get(self.exchange.urls["api"]["ws"])
        if client is not None:
            await self.exchange.drop(client, why)

    def _note(self, error: Exception) -> None:
        """Write down why an epoch ended; what we refused has a name of its own."""
        flaw = refusal(error)
        sentence = f"expected a connection, found {shown(error)}" if flaw is None else str(error)
        subject = f"{self.name} epoch {self.epoch}".lstrip()
        now_ns = self.exchange.clock()
        self.exchange.flaws.note(now_ns, flaw or Flaw.CONNECTION_LOST, subject, sentence)

    async def _live(self) -> None:
        exchange = self.exchange
        self._was_ready = False
        exchange.environment.forget()
        client = await exchange.connect()
        lost = exchange.lost(client)
        self.epoch += 1
        setting_up = asyncio.create_task(self._set_up())
        renewal: asyncio.Task[None] | None = None
        pulse: asyncio.Task[None] | None = None
        try:
            await asyncio.wait({setting_up, lost}, return_when=asyncio.FIRST_COMPLETED)
            if setting_up.done() and setting_up.exception() is None:
                renewal = setting_up.result()
            if not lost.done():
                setting_up.result()  # raises what prevented it
                self._was_ready, self.failure, self.lost_ns = True, None, None
                self.ready.set()
                self._tried.set()
                pulse = asyncio.create_task(self._pulse())
            await lost
        finally:
            if self.ready.is_set():
                self.lost_ns = exchange.clock()
            self.ready.clear()
            for task in (setting_up, renewal, pulse):
                if task is not None:
                    task.cancel()
            await asyncio.gather(setting_up, return_exceptions=True)
            self._on_lost(self.epoch)
            await exchange.drop(client, ConnectionError("expected nothing more, found the end"))

    async def _set_up(self) -> asyncio.Task[None] | None:
        """Authenticate where that is asked for, then set the epoch up; return the renewal."""
        renewal: asyncio.Task[None] | None = None
        await self._known()
        if self._authenticated:
            reply = await self.exchange.authenticate()
            self._judged(reply)
            renewal = asyncio.create_task(self._renew(reply))
        try:
            await self._on_ready(self.epoch)
        except BaseException:
            if renewal is not None:
                renewal.cancel()
            raise
        return renewal

    async def _known(self) -> None:
        """Have the venue say which of its systems it is, where one is meant."""
        if self.exchange.environment.meant is None:
            return
        with suppress(RefusedError):  # an answer, too
            await self.exchange.requests.call("public/test", {})
        self.exchange.environment.must_be_told()

    async def _pulse(self) -> None:
        """Ask for a sign of life now and then; silence ends the connection."""
        while True:
            await asyncio.sleep(self._pulse_s)
            try:
                await self.exchange.requests.call("public/test", {}, self._pulse_s)
            except RefusedError:
                continue  # an answer, too
            except DeltabandError as error:
                await self.reconnect(error)
                return

    async def _renew(self, reply: object) -> None:
        """Authenticate again before the token expires; a refusal ends the connection."""
        while True:
            expires_s = reply.get("expires_in") if isinstance(reply, dict) else None
            if not isinstance(expires_s, int | float) or isinstance(expires_s, bool):
                return
            await asyncio.sleep(max(LEAST_TOKEN_S, RENEW_AT * float(expires_s)))
            try:
                reply = await self.exchange.prove()
                self._judged(reply)
            except Exception as error:  # noqa: BLE001  without a token this connection is no use
                await self.reconnect(error)
                return

    def _judged(self, reply: object) -> None:
        if self._judge is not None:
            self._judge(reply)
