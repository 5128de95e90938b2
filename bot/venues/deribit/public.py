"""The public half: one keyless connection, its feed, and the loops that keep it fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from bot.domain.errors import DeltabandError
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.credits import Credits
from bot.venues.deribit.delivery import Deliveries
from bot.venues.deribit.directory import Directory
from bot.venues.deribit.feeds import MarketFeed
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.session import Session
from bot.venues.deribit.tasks import Tasks
from bot.venues.deribit.terms import DeribitSettings

LOOK_S: Final = 0.25
SWARM_S: Final = 1.0
FIRST_CHOICE_S: Final = 1.0
APART_S: Final = 10.0  # two reloads at least: a list of thousands is dear to the venue, too


class PublicSide:
    """Market data. `held` names what must be streamed; `settles` whose settlement is told."""

    def __init__(
        self,
        settings: DeribitSettings,
        exchange: HardenedDeribit,
        around: Surroundings,
        *,
        held: Callable[[], Iterable[str]],
        settles: Callable[[str], bool],
    ) -> None:
        self._settings, self._around, self.exchange = settings, around, exchange
        self._relist = asyncio.Event()
        self._at_once = False
        self.directory = Directory(
            settings.feed.coins,
            lambda: exchange.public_get_get_instruments({}),
            around.clock,
            around.flaws,
        )
        self.feed = MarketFeed(
            settings.feed,
            self.directory,
            exchange.requests,
            held=held,
            relist=self._relist.set,
            around=around,
        )
        exchange.listener = self.feed
        exchange.requests.budget = Credits(around.clock).others
        self.session = Session(
            exchange,
            authenticated=False,
            on_ready=self._ready,
            on_lost=self._lost,
            redial_s=settings.redial_s,
            pulse_s=settings.pulse_s,
        )
        self._deliveries = Deliveries(exchange.requests, self.directory.contracts, settles, around)

    async def load(self) -> None:
        """Load the instruments and tell them. Raises what prevented it."""
        for event in await self.directory.load():
            self._around.tell(event)
        self.feed.relisted()

    def met(self, name: str) -> None:
        """Hear of an instrument that our account has to do with; look it up where it is new."""
        if self.directory.misses(name):
            self._at_once = True
            self._relist.set()

    def keep(self, tasks: Tasks) -> None:
        """Start the loops."""
        for loop in (self._poll, self._look, self._reload, self._choose):
            tasks.keep(loop())

    async def _ready(self, epoch: int) -> None:
        if epoch > 1:
            self._relist.set()  # what was announced while there was no connection, nobody heard
        self.feed.channels.wanted = self.feed.wanted()
        await self.feed.channels.restore()
        await self.feed.poll_chains()

    def _lost(self, _epoch: int) -> None:
        self.feed.lose()

    async def _poll(self) -> None:
        """Poll the chains."""
        while True:
            await asyncio.sleep(self._settings.chain_s)
            if self.session.ready.is_set():
                await self.feed.poll_chains()

    async def _look(self) -> None:
        """Watch over silence, broken books and expiries."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not self.session.ready.is_set():
                continue
            why = await self.feed.channels.watch()
            if why is not None:
                await self.session.reconnect(why)
                continue
            with suppress(DeltabandError):  # a lost connection mends every book by itself
                await self.feed.mend()
            await self._deliveries.look()

    async def _reload(self) -> None:
        """Reload daily, after lost connections, when the venue says so, for what is unlisted."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.reload_s):
                    await self._relist.wait()
                if not self._at_once:
                    await asyncio.sleep(SWARM_S)  # announcements come in swarms
            self._relist.clear()
            self._at_once = False
            events = await self.directory.reload()
            if events:
                self.feed.relisted()
                for event in events:
                    self._around.tell(event)
                await self._want()
            await asyncio.sleep(APART_S)

    async def _choose(self) -> None:
        """Choose anew which options are streamed, as the index and the holdings move."""
        # What is near the money is known only with the first index.
        await asyncio.sleep(min(FIRST_CHOICE_S, self._settings.choose_s))
        while True:
            await self._want()
            await asyncio.sleep(self._settings.choose_s)

    async def _want(self) -> None:
        if self.session.ready.is_set():
            with suppress(DeltabandError):  # the next epoch subscribes to what is wanted then
                await self.feed.channels.want(self.feed.wanted())
