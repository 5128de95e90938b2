"""One exchange, alive: it moves the market in time and tells everybody who listens.

Everything runs on one event loop and every request is carried out at one instant. `catch_up` brings
the market to the clock's time; it is called before each request and by the loop in `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Final

import numpy as np

from bot.domain.events import Event, InstrumentsListed, OrderUpdate, Settled
from bot.domain.instruments import Instrument
from bot.domain.positions import Position
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.sim.exchange import StartingAccount
from bot.sim.wire.account import AccountView
from bot.sim.wire.auth import KEYS, Auth
from bot.sim.wire.clock import Clock, WallClock
from bot.sim.wire.faults import Faults
from bot.sim.wire.feeds import Change, Feeds
from bot.sim.wire.figures import FigureDesk
from bot.sim.wire.instruments import Json, instrument, untraded
from bot.sim.wire.kept import KeptExchange
from bot.sim.wire.limits import Limits
from bot.sim.wire.paced import PacedMarket
from bot.sim.wire.quotes import Quotes
from bot.sim.wire.standing import execution_said, ticket_said
from bot.sim.wire.state import Saved, StateError, StateFile
from bot.sim.wire.tickets import Terms, Ticket

BATCH_NS: Final = 100 * NS_PER_MS
LONGEST_LAG_NS: Final = 600 * NS_PER_S  # a machine that slept longer wakes at once
WAKING_NS: Final = 10 * NS_PER_S  # before the present: each price has been published since
PURSE: Final = {"BTC": 100.0, "ETH": 1_000.0}


@dataclass(frozen=True, slots=True)
class Opening:
    """What an exchange begins with. Positions are signed, in the instrument's own unit.

    `account` is the number by which it tells its account from those of others.
    """

    seed: int = 0
    regime: str = "normal"
    compress: int = 1
    balances: dict[str, float] = field(default_factory=lambda: dict(PURSE))
    positions: tuple[Position, ...] = ()
    account: int = 1

    def said(self) -> Json:
        """Return this as plain JSON."""
        held = [[p.instrument, str(p.quantity.value)] for p in self.positions]
        return asdict(replace(self, positions=())) | {"positions": held}


class Hub:
    """The exchange, its clock and its listeners.

    With a state file it goes on where the file ends, at the present time, and writes there what
    becomes of the account before anybody hears of it. Connections, tokens and credits begin anew;
    orders that still rest belong to no connection any more.
    """

    def __init__(
        self, opening: Opening, clock: Clock | None = None, state: StateFile | None = None
    ) -> None:
        """Open, or go on; StateError where the file was opened with other terms."""
        self.clock = clock or WallClock()
        start_ns = self.clock.now_ns() // NS_PER_S * NS_PER_S
        saved = None if state is None else state.saved
        if saved is not None:
            start_ns = _same(opening, saved)
            opening = replace(opening, positions=())  # they are in the account
        market = PacedMarket(opening.seed, opening.regime, start_ns, compress=opening.compress)
        account = StartingAccount(opening.balances, opening.positions)
        chance = np.random.Generator(np.random.PCG64(opening.seed))
        self.exchange = KeptExchange(market, account, chance)
        desk = FigureDesk(self.exchange)
        self.quotes = Quotes(self.exchange, desk)
        self.limits = Limits()
        self.account = AccountView(self.exchange, desk, self.quotes, self.limits.shown())
        self.auth = Auth.of(KEYS)
        self.number = opening.account
        self.closed: dict[str, Json] = {}
        self.feeds = Feeds(self.exchange, self.quotes, self.account, self.closed)
        self.rest_faults = Faults()
        self.dial_faults = Faults()
        self.cancel_on_disconnect = False  # of every new connection
        self.moves = 0
        self._last_ns = start_ns
        self._next_ns: int | None = start_ns
        self._state, self._kept = state, 0
        self._facts: list[tuple[str, Json]] = []  # still to be written, once
        if saved is None:
            self._facts.append(("opening", {"start_ns": start_ns, "terms": opening.said()}))
        self._dirty: set[str] = set()
        self._flush_ns = 0
        self._listing: list[Json] = []
        if saved is not None:
            self._resume(saved)
        self.catch_up()

    def now_ns(self) -> int:
        """Return the time, which never goes back."""
        self._last_ns = max(self._last_ns, self.clock.now_ns())
        return self._last_ns

    def catch_up(self) -> int:
        """Bring the market to the present and return the time."""
        now_ns = self.now_ns()
        while self._next_ns is not None and self._next_ns <= now_ns:
            late = now_ns - self._next_ns > LONGEST_LAG_NS
            woken_ns = (now_ns - WAKING_NS) // NS_PER_S * NS_PER_S
            self._move(woken_ns if late else self._next_ns)
        if self._dirty and now_ns >= self._flush_ns:
            names, self._dirty = frozenset(self._dirty), set()
            self.feeds.moved(names)
        return now_ns

    async def run(self) -> None:
        """Move the market as time passes, until cancelled."""
        while True:
            now_ns = self.catch_up()
            due = [at for at in (self._next_ns, self._flush_ns if self._dirty else None) if at]
            await self.clock.until(min(due, default=now_ns + NS_PER_S))

    def instruments(self) -> list[Json]:
        """Return the instrument list, untraded entries included."""
        return self._listing

    def names(self) -> dict[str, Instrument | None]:
        """Return every listed name; None for what is listed without a market."""
        known: dict[str, Instrument | None] = dict.fromkeys(self.closed)
        known.update((one.name, one) for one in self.exchange.listed())
        return known

    # --- orders -----------------------------------------------------------------------------------

    def submit(self, terms: Terms, now_ns: int, connection: int) -> Ticket:
        """Book an order and tell everybody; raises Refused."""
        return self._told(lambda: self.exchange.submit(terms, now_ns, connection))

    def edit(self, ticket: Ticket, amount: Decimal, price: Decimal | None, now_ns: int) -> Ticket:
        """Change an order and tell everybody; raises Refused."""

        def act() -> Ticket:
            self.exchange.edit(ticket, amount, price, now_ns)
            return ticket

        return self._told(act)

    def cancel(self, tickets: Iterable[Ticket], now_ns: int) -> list[Ticket]:
        """Cancel open orders and tell everybody; raises Refused at the first that cannot be."""
        ended = []
        for ticket in tickets:
            self.exchange.cancel_ticket(ticket, now_ns)
            self._keep([ticket])
            self._publish([Change(ticket.instrument, [ticket])])
            ended.append(ticket)
        return ended

    def _told(self, act: Callable[[], Ticket]) -> Ticket:
        """Do something to an order, then tell what came of it."""
        before = len(self.exchange.executions)
        ticket = act()
        new = self.exchange.executions[before:]
        self._keep([ticket])
        self._publish([Change(ticket.instrument, [ticket], new)])
        if new:
            names = frozenset({ticket.instrument.name})
            self.feeds.moved(names, fast_only=True)
            if not self._dirty:
                self._flush_ns = (self._last_ns // BATCH_NS + 1) * BATCH_NS
            self._dirty |= names
        return ticket

    # --- the state file ---------------------------------------------------------------------------

    def _keep(self, tickets: Iterable[Ticket]) -> None:
        """Write what has changed, before it is told."""
        if self._state is None:
            return
        new = self.exchange.executions[self._kept :]
        self._state.save(
            [*self._facts, ("exchange", self.exchange.said())],
            [(one.id, ticket_said(one)) for one in tickets],
            [(one.number, execution_said(one)) for one in new],
        )
        self._kept += len(new)
        self._facts.clear()

    def _resume(self, saved: Saved) -> None:
        """Stand where the file ends."""
        said, tickets, trades = saved.facts["exchange"], saved.tickets, saved.trades
        events = self.exchange.resume(said, tickets.items(), trades.items())
        self._kept = len(self.exchange.executions)
        self._last_ns = self.exchange.board.moved_ns
        self._next_ns = self.exchange.market.next_time(self._last_ns)
        self._relist(events)

    # --- the market -------------------------------------------------------------------------------

    def _move(self, at_ns: int) -> None:
        before = len(self.exchange.executions)
        events = self.exchange.advance(at_ns)
        self.moves += 1
        self._next_ns = self.exchange.market.next_time(at_ns)
        self._dirty.clear()
        self._relist(events)
        changes = self._changes(events, before)
        self._keep(
            [one for c in changes for one in (*c.tickets, *(e.ticket for e in c.executions))]
        )
        self.feeds.moved()
        self.feeds.ticked()
        self._publish(changes)

    def _changes(self, events: list[Event], before: int) -> list[Change]:
        """Return what a move did to the account, by instrument."""
        changes: dict[str, Change] = {}

        def change(name: str) -> Change | None:
            one = self.exchange.instrument(name)
            return None if one is None else changes.setdefault(name, Change(one))

        for execution in self.exchange.executions[before:]:
            if (found := change(execution.fill.instrument)) is not None:
                found.executions.append(execution)
        for event in events:
            if isinstance(event, OrderUpdate):
                ticket = self.exchange.tickets[event.report.venue_id]
                if (found := change(ticket.instrument.name)) is not None:
                    found.tickets.append(ticket)
            elif isinstance(event, Settled) and (found := change(event.instrument)) is not None:
                found.settled = True
        return list(changes.values())

    def _publish(self, changes: list[Change]) -> None:
        self.feeds.happened(changes)

    def _relist(self, events: list[Event]) -> None:
        """Take over a new instrument list and say what came and went."""
        if not any(isinstance(event, InstrumentsListed) for event in events):
            return
        now = {one.name: one for one in self.exchange.listed()}
        old = {entry["instrument_name"] for entry in self._listing} - self.closed.keys()
        unlisted = untraded(self.exchange.listed())
        self.closed.clear()
        self.closed.update((entry["instrument_name"], entry) for entry in unlisted)
        self._listing = [*(instrument(one) for one in now.values()), *unlisted]
        for name in old - now.keys():
            if (one := self.exchange.instrument(name)) is not None:
                self.feeds.listed(one, "settled")
        for name in now.keys() - old if old else ():
            self.feeds.listed(now[name], "created")


def _same(opening: Opening, saved: Saved) -> int:
    """Return when a saved exchange was first opened; StateError where it was by other terms.

    Without positions it is content with those that the file began with.
    """
    was, now = saved.facts["opening"], opening.said()
    for name, value in was["terms"].items():
        if now[name] != value and (name != "positions" or opening.positions):
            raise StateError(f"expected {name} {value} as in the state file, found {now[name]}")
    return int(was["start_ns"])
