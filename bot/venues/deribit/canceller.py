"""Cancels orders over a connection of its own, and places none: for who stops a bot from outside.

Unlike the lane it knows orders by what the venue lists, not by having sent them. What is asked for
is cancelled and looked for again until the venue lists none of it, because an order may have been
on its way when the first list was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.instruments import coin_of
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.credits import Credits
from bot.venues.deribit.fields import LONGEST_TEXT, Row, each, table
from bot.venues.deribit.flaws import Flaws, shown
from bot.venues.deribit.grants import UNKNOWN_KEY, must_fit
from bot.venues.deribit.requests import TOO_MANY, NoAnswerError, NotSentError, RefusedError
from bot.venues.deribit.session import REFUSED, Session
from bot.venues.deribit.tasks import Tasks
from bot.venues.deribit.terms import ApiKey, DeribitSettings, VenueUnreachableError

READ_S: Final = 5.0
LOOKS: Final = 8


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that rests at the venue; its label is empty where a person gave none."""

    venue_id: str
    label: str
    instrument: str

    @property
    def coin(self) -> str:
        """Return the underlying."""
        return coin_of(self.instrument)


@dataclass(frozen=True, slots=True)
class Swept:
    """What was found and cancelled, and what the venue still listed at the last look."""

    cancelled: tuple[OpenOrder, ...] = ()
    left: tuple[OpenOrder, ...] = ()


class Canceller:
    """One authenticated connection, kept until `close`; `ready` tells whether it can be used."""

    def __init__(
        self,
        settings: DeribitSettings,
        key: ApiKey,
        clock: Callable[[], int],
        *,
        changed: Callable[[str], None] = lambda _to: None,
    ) -> None:
        """Take where and who; `changed` hears of each connection: connected, connection_lost."""
        self._settings, self._changed = settings, changed
        urls = {"rest": settings.rest_url, "ws": settings.ws_url}
        config: dict[str, object] = {**settings.options, "urls": {"api": urls, "test": urls}}
        config |= {"apiKey": key.client_id, "secret": key.secret}
        self.flaws = Flaws()
        self._exchange = HardenedDeribit(
            config, clock=clock, flaws=self.flaws, testnet=settings.testnet
        )
        self._credits = Credits(clock)
        self._exchange.requests.budget = self._credits.others
        self._tasks = Tasks(clock, self.flaws)
        self.session = Session(
            self._exchange,
            authenticated=True,
            judge=partial(must_fit, orders=True),
            on_ready=self._ready,
            on_lost=self._lost,
            redial_s=settings.redial_s,
            pulse_s=settings.pulse_s,
            name="watchdog",
        )

    @property
    def ready(self) -> bool:
        """Tell whether there is a connection to cancel over."""
        return self.session.ready.is_set()

    async def open(self) -> None:
        """Connect, and stay connected; raises what prevented the first attempt.

        KeyRightsError, WrongEnvironmentError and a key that is not known end it; after
        VenueUnreachableError it goes on trying.
        """
        self._tasks.keep(self.session.run())
        try:
            await self.session.opened(self._settings.start_s)
        except REFUSED:
            raise
        except Exception as error:
            if isinstance(error, RefusedError) and error.code in UNKNOWN_KEY:
                raise
            found = str(error) if isinstance(error, DeltabandError) else shown(error)
            message = f"expected the venue to answer, found: {found}"
            raise VenueUnreachableError(message) from error

    def must_live(self) -> None:
        """Raise TaskEndedError where nobody dials again any more."""
        self._tasks.must_live()

    async def close(self) -> None:
        """Hang up."""
        self.flaws.sealed = True
        await self._tasks.close()
        await self._exchange.close()

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return what rests in the account; raises what a request raises."""
        listed = await self._exchange.requests.call("private/get_open_orders", {}, READ_S)
        return tuple(map(_read, each(listed, "open orders")))

    async def sweep(self, wanted: Callable[[OpenOrder], bool]) -> Swept:
        """Cancel every open order that is wanted, until none is listed or LOOKS were not enough.

        Raises what a request raises; what was cancelled until then is cancelled.
        """
        found: dict[str, OpenOrder] = {}
        left: tuple[OpenOrder, ...] = ()
        for _ in range(LOOKS):
            left = tuple(filter(wanted, await self.open_orders()))
            if not left:
                break
            found |= {order.venue_id: order for order in left}
            await asyncio.gather(*map(self._cancel, left))
        gone = found.keys() - {order.venue_id for order in left}
        return Swept(tuple(found[name] for name in found if name in gone), left)

    async def _cancel(self, order: OpenOrder) -> None:
        """Ask for one cancellation; the next look tells what came of it."""
        await self._credits.matching.spend()
        params = {"order_id": order.venue_id}
        try:
            await self._exchange.requests.call("private/cancel", params, READ_S, paid=True)
        except RefusedError as error:
            if error.code == TOO_MANY:
                self._credits.matching.empty()
        except (NoAnswerError, NotSentError):
            return

    def _lost(self, _epoch: int) -> None:
        if not self.flaws.sealed:
            self._changed("connection_lost")

    async def _ready(self, _epoch: int) -> None:
        """Learn the account's own limits, as far as it tells them."""
        reply = await self._exchange.requests.call(
            "private/get_account_summaries", {"extended": True}, READ_S
        )
        summaries = table(reply, "summaries").get("summaries")
        for row in each(summaries or [], "summaries"):
            self._credits.learn(row.get("limits"))
        self._changed("connected")


def _read(row: Row) -> OpenOrder:
    """Read what is needed to cancel; a label that no sane person gave must not prevent it."""
    words = (row.get(key) for key in ("order_id", "label", "instrument_name"))
    return OpenOrder(*("" if word is None else str(word)[:LONGEST_TEXT] for word in words))
