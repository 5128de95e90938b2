"""The private half: one authenticated connection, its account, and the order lane where allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from bot.domain.errors import WrongEnvironmentError
from bot.domain.labels import MARK, Whose
from bot.domain.orders import OrderReport
from bot.venues.deribit.account import AccountBook
from bot.venues.deribit.channels import Channels
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.credits import Credits
from bot.venues.deribit.flaws import Flaw, shown
from bot.venues.deribit.grants import must_fit
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.orders import NOT_CONNECTED, READ_S, OrderLane
from bot.venues.deribit.public import PublicSide
from bot.venues.deribit.requests import RefusedError
from bot.venues.deribit.session import Session, refusal
from bot.venues.deribit.tasks import Tasks
from bot.venues.deribit.terms import DeribitSettings
from bot.venues.deribit.whatif import WhatIf

RETRY_S: Final = 1.0


class PrivateSide:
    """One of our accounts on a connection of its own; `lane` is None unless orders were asked for.

    `name` is what messages call an account beside the one that is traded in; `lost` hears when the
    account can no longer be seen.
    """

    def __init__(
        self,
        settings: DeribitSettings,
        exchange: HardenedDeribit,
        public: PublicSide,
        around: Surroundings,
        tasks: Tasks,
        *,
        lost: Callable[[], None],
        name: str,
        orders: bool,
    ) -> None:
        self._settings, self.exchange = settings, exchange
        self._clock, self._flaws = around.clock, around.flaws
        contracts = public.directory.contracts
        self._tell_lost = lost
        self.credits = Credits(around.clock)
        exchange.requests.budget = self.credits.others
        self.session = Session(
            exchange,
            authenticated=True,
            judge=partial(must_fit, orders=orders, whose=name),
            on_ready=self._ready,
            on_lost=self._lost,
            redial_s=settings.redial_s,
            pulse_s=settings.pulse_s,
            name=name,
        )
        self.lane: OrderLane | None = None
        if orders:
            self.lane = OrderLane(
                exchange.requests,
                self.credits,
                contracts,
                around,
                tasks,
                lambda error: tasks.start(self.session.reconnect(error)),
                self._refusal,
            )
        self.account = AccountBook(
            positions=self._positions,
            summaries=self._summaries,
            contracts=contracts,
            whose=self._whose,
            see_order=self._see_order,
            learn_limits=self.credits.learn,
            met=public.met,
            around=around,
        )
        exchange.listener = self.account
        self.whatif = WhatIf(exchange.requests, self.credits, around)
        self._channels = Channels(exchange.requests, around.clock, around.flaws, "private")
        self._channels.wanted = dict.fromkeys(self.account.channels(settings.currencies))

    async def reconcile(self) -> None:
        """Fetch the complete account and report it; a failure is noted.

        An answer of the wrong system costs the connection; so does none where the account is only
        read, because nobody else would ask whether it can still be seen.
        """
        try:
            answered = await self.account.reconcile()
        except WrongEnvironmentError as error:
            await self.session.reconnect(error)
            return
        if not answered and self.session.name and self.session.ready.is_set():
            await self.session.reconnect(ConnectionError("expected the account, found no answer"))

    async def _positions(self) -> object:
        await self.credits.others.spend()
        return await self.exchange.private_get_get_positions({"currency": "any"})

    async def _summaries(self) -> object:
        await self.credits.others.spend()
        return await self.exchange.private_get_get_account_summaries({"extended": "true"})

    async def _ready(self, _epoch: int) -> None:
        """Set up streams first, then the complete answer on which they build, then orders."""
        await self._channels.restore()
        while True:
            if await self.account.reconcile():
                break
            await asyncio.sleep(RETRY_S)
        if self.lane is not None:
            await self._look_at_open_orders()
            await self.lane.arm()

    async def _look_at_open_orders(self) -> None:
        """Show the account what rests at the venue: another bot may have placed it before now."""
        try:
            rows = await self.exchange.requests.call("private/get_open_orders", {}, READ_S)
        except RefusedError as error:
            sentence = f"expected the open orders, found {shown(error)}"
            self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, "open orders", sentence)
        else:
            self.account.see_open_orders(rows)

    def _lost(self, _epoch: int) -> None:
        if self.lane is not None:
            self.lane.disarm()
        self.account.lose()
        self._tell_lost()

    def _refusal(self) -> tuple[str, str]:
        """Return code and sentence of why no order can leave: there is no armed connection."""
        flaw = refusal(self.session.failure)
        if flaw is None:
            return NOT_CONNECTED, "no authenticated connection"
        return str(flaw), str(self.session.failure)

    def _whose(self, label: str) -> Whose:
        """Tell orders of this instance from those of another bot like it, and from a person's."""
        if self.lane is None:
            return Whose.PERSON
        if self.lane.knows(label) or label in self._settings.left_open:
            return Whose.OURS
        return Whose.RIVAL if label.startswith(MARK) else Whose.PERSON

    def _see_order(self, report: OrderReport) -> None:
        if self.lane is not None:
            self.lane.see(report)
