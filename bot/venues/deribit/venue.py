"""The venue put together: a public and a private connection, and one inbox.

    no key             public streams alone: quotes, chains, depth
    a key              positions and balances as well; still no order can be placed
    a key, orders=True the order lane exists
    keys `also`        other accounts of the same book, which are only read

Public data and our own have a connection each, so that a burst of prices never stands before an
order's reply. Time is the wall clock that is handed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

from bot.domain.commands import AskMargin, Cancel, Place, Query, QueryPositions, WantGamma
from bot.domain.errors import DeltabandError, KeyRightsError
from bot.domain.events import Event, GammaWanted
from bot.domain.units import NS_PER_S
from bot.venues.deribit.books import Depth
from bot.venues.deribit.client import HardenedDeribit
from bot.venues.deribit.flaws import Flaws, shown
from bot.venues.deribit.grants import ONE_SYSTEM, UNKNOWN_KEY
from bot.venues.deribit.inbox import Inbox, Surroundings
from bot.venues.deribit.orders import OrderLane, OrderLaneError
from bot.venues.deribit.private import PrivateSide
from bot.venues.deribit.public import PublicSide
from bot.venues.deribit.reports import Line, Portfolio
from bot.venues.deribit.requests import RefusedError
from bot.venues.deribit.session import REFUSED, Session
from bot.venues.deribit.tasks import Tasks
from bot.venues.deribit.terms import ApiKey, DeribitSettings, Health, VenueUnreachableError
from bot.venues.deribit.union import Union
from bot.venues.port import Request
from bot.venues.solver import Solver


class DeribitVenue:
    """A live venue (see `port`). `start` it inside the loop that it is to live in.

    `lane` is None unless orders were asked for: then `send(Place)` raises OrderLaneError.
    """

    def __init__(
        self,
        settings: DeribitSettings,
        clock: Callable[[], int],
        key: ApiKey | None = None,
        *,
        also: Mapping[str, ApiKey] = MappingProxyType({}),
        orders: bool = False,
    ) -> None:
        if orders and key is None:
            raise OrderLaneError("expected a key for an order lane, found none")
        self.settings, self._clock = settings, clock
        self.flaws = Flaws()
        self._inbox = Inbox(clock)
        self._tasks = Tasks(clock, self.flaws)
        self._closed = False
        self.solver = Solver()
        around = Surroundings(self._inbox.put, clock, self.flaws)
        self.public = PublicSide(
            settings, self._exchange(None), around, held=self.held, settles=self._settles
        )
        union = Union(settings.account, also, around)
        self.private: PrivateSide | None = None
        self.others: dict[str, PrivateSide] = {}
        if key is not None:
            self.private = self._side(settings.account, key, union, orders=orders)
            self.others = {
                name: self._side(name, other, union, orders=False) for name, other in also.items()
            }

    def _side(self, account: str, key: ApiKey, union: Union, *, orders: bool) -> PrivateSide:
        return PrivateSide(
            self.settings,
            self._exchange(key),
            self.public,
            union.around(account),
            self._tasks,
            lost=partial(union.lose, account),
            name="" if account == self.settings.account else account,
            orders=orders,
        )

    def _exchange(self, key: ApiKey | None) -> HardenedDeribit:
        # ccxt copies `test` over `api` in its sandbox mode: both must lead to the same place.
        urls = {"rest": self.settings.rest_url, "ws": self.settings.ws_url}
        config: dict[str, object] = {**self.settings.options, "urls": {"api": urls, "test": urls}}
        if key is not None:
            config |= {"apiKey": key.client_id, "secret": key.secret}
        return HardenedDeribit(
            config, clock=self._clock, flaws=self.flaws, testnet=self.settings.testnet
        )

    # --- the port ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the instruments, connect, and tell listings, then positions.

        Raises VenueUnreachableError with what prevented it, KeyRightsError where the key may do
        too much or too little, WrongEnvironmentError where another system than the one that is
        meant answers; nothing is left open then.
        """
        whose = ""
        try:
            await self.public.load()
            for session in self._sessions():
                self._tasks.keep(session.run())
            for session in self._sessions():
                whose = f" for account {session.name}" if session.name else ""
                await session.opened(self.settings.start_s)
            self._must_differ()
        except Exception as error:
            await self.close()
            if isinstance(error, REFUSED):
                raise
            found = str(error) if isinstance(error, DeltabandError) else shown(error)
            message = f"expected the venue to answer{whose}, found: {found}"
            if isinstance(error, RefusedError) and error.code in UNKNOWN_KEY:
                message += f" ({ONE_SYSTEM} {self.settings.rest_url})"
                raise KeyRightsError(message) from error
            raise VenueUnreachableError(message) from error
        self.public.keep(self._tasks)

    def _must_differ(self) -> None:
        """Raise KeyRightsError where two keys open the same account: it would count twice."""
        seen: dict[object, str] = {}
        for name, side in ((self.settings.account, self.private), *self.others.items()):
            told = None if side is None else side.account.identity
            other = name if told is None else seen.setdefault(told, name)
            if other != name:
                found = f"the key of {name} to open the same account as that of {other}"
                raise KeyRightsError(f"expected keys of different accounts, found {found}")

    async def wait(self, timeout_s: float) -> None:
        """Return as soon as `next_event` would return something, at the latest after a time."""
        await self._inbox.wait(timeout_s)

    async def close(self) -> None:
        """Close every connection and end every task; what had arrived can still be taken."""
        self._closed = self.flaws.sealed = True  # replies may still be on their way to nobody
        if self.lane is not None:
            self.lane.disarm()
        await self._tasks.close()
        await self.solver.close()
        for session in self._sessions():
            with suppress(Exception):
                await session.exchange.close()

    def now_ns(self) -> int:
        """Return the time of the clock that was handed in."""
        return self._clock()

    def next_time(self) -> int | None:
        """Return when to ask again; None when the venue is closed and everything was taken."""
        return None if self._closed and not self._inbox else self._inbox.next_time()

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return the next event that has arrived or is due, stamped by the wall clock.

        Raises TaskEndedError where a task that must run has ended: what comes is not all there is.
        """
        self._tasks.must_live()
        return self._inbox.pop(until_ns)

    def send(self, request: Request, now_ns: int) -> None:
        """Send a request.

        Raises OrderLaneError where this venue was made without what the request needs.
        """
        match request:
            case WantGamma():
                self._tasks.start(self._solve(request, now_ns))
            case Place(intent=intent):
                self._lane(request).place(intent)
            case Cancel(label=label, instrument=instrument):
                self._lane(request).cancel(label, instrument)
            case Query(label=label, instrument=instrument):
                self._lane(request).query(label, instrument)
            case QueryPositions():
                if self.private is None:
                    raise OrderLaneError("expected a key to ask for positions, found none")
                for side in self._accounts():
                    self._tasks.start(side.reconcile())
            case AskMargin():
                if self.private is None:
                    raise OrderLaneError("expected a key to ask about margin, found none")
                self._tasks.start(self.private.whatif.ask(request))

    def wake_at(self, ts_ns: int) -> None:
        """Ask for a Tick at a time of the wall clock."""
        self._inbox.wake_at(ts_ns)

    # --- what the venue knows beside events -------------------------------------------------------

    @property
    def lane(self) -> OrderLane | None:
        """Return the order lane, None where no order can be placed."""
        return None if self.private is None else self.private.lane

    def account_id(self) -> str:
        """Return what tells the trading account from every other, over keys and systems.

        Without a word of the venue it is the key's own; raises OrderLaneError without a key.
        """
        if self.private is None:
            raise OrderLaneError("expected a key to know an account by, found none")
        told = self.private.account.identity
        if told is None:
            told = hashlib.sha256(self.private.exchange.apiKey.encode()).hexdigest()[:16]
        return f"{urlsplit(self.settings.rest_url).netloc}-{told}"

    def depth(self, instrument: str, levels: int = 20) -> Depth | None:
        """Return the whole book of an instrument of `feed.depth`, None while there is none."""
        return self.public.feed.depth(instrument, levels)

    def portfolios(self) -> Mapping[str, Portfolio]:
        """Return the venue's margin and Greek figures by currency; empty without a key."""
        return {} if self.private is None else self.private.account.portfolios

    def lines(self) -> Mapping[str, Line]:
        """Return the trading account's positions with the venue's delta of each; empty without."""
        return {} if self.private is None else self.private.account.lines

    def held(self) -> set[str]:
        """Return what is held in any of the accounts, which is to be streamed."""
        return {name for side in self._accounts() for name in side.account.lines}

    def health(self) -> Health:
        """Return how the connection is doing."""
        now_ns, private = self._clock(), self.private
        side = self.public if private is None else private
        venue_clock = side.exchange.requests.venue_clock
        return Health(
            public_epoch=self.public.session.epoch,
            account_epoch=0 if private is None else private.session.epoch,
            connected=all(session.ready.is_set() for session in self._sessions()),
            lost_ns={
                name: session.lost_ns
                for name, session in self._named_sessions()
                if session.lost_ns is not None
            },
            stale={c.name: c.age_s(now_ns) for c in self.public.feed.channels.stale()},
            clock_ahead_s=venue_clock.ahead_ns / NS_PER_S,
            clock_error_s=venue_clock.error_ns / NS_PER_S,
            waiting=len(self._inbox),
            conflated=self._inbox.conflated,
            unknown_orders=0 if self.lane is None else self.lane.unknown,
            flaws=dict(self.flaws.counts),
        )

    # --- parts ------------------------------------------------------------------------------------

    async def _solve(self, asked: WantGamma, now_ns: int) -> None:
        """Have a program solved beside the loop, and tell what it came to."""
        solution = await self.solver.solve(asked.program)
        at_ns = max(now_ns + asked.delay_ns, self._clock())
        self._inbox.later(at_ns, GammaWanted(at_ns, asked.coin, solution, asked.program.ts_ns))

    def _lane(self, request: Request) -> OrderLane:
        if self.lane is None:
            raise OrderLaneError(f"expected no order without an order lane, found {request}")
        return self.lane

    def _settles(self, name: str) -> bool:
        """Tell whose settlement is told: what was held; without an account, everything."""
        return self.private is None or any(name in s.account.seen for s in self._accounts())

    def _accounts(self) -> list[PrivateSide]:
        return [] if self.private is None else [self.private, *self.others.values()]

    def _named_sessions(self) -> Iterable[tuple[str, Session]]:
        """Return each connection with what it is called."""
        accounts = [] if self.private is None else [("account", self.private)]
        accounts += [(f"account {name}", side) for name, side in self.others.items()]
        return [("public", self.public.session), *((n, side.session) for n, side in accounts)]

    def _sessions(self) -> list[Session]:
        return [session for _, session in self._named_sessions()]
