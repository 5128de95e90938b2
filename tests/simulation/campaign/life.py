"""One life of the bot, from opening its journal to its end, which may come amid anything.

A life is made as a run is: journal, core with what is remembered, stepper. It dies by `Killed`,
raised at an effect (a row that is noted, a commit before and after, a request before and after it
left): no handler runs, what was not committed is gone with the connection, and the next life begins
with the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli.recall import past_of, remember
from bot.core import Core
from bot.domain.commands import Note
from bot.domain.errors import DeltabandError, JournalError
from bot.domain.events import Event
from bot.domain.states import State
from bot.journal import Durability, Journal, RunStart
from bot.sim.ports import Market
from bot.stepper import Stepper
from bot.venues.port import Request
from bot.wiring.desks import desk_rules, new_core
from config.schema import Settings
from tests.simulation.campaign.venue import FaultyVenue

BEAT_NS = 1_000_000_000


class Killed(BaseException):
    """The process is no more."""


@dataclass(slots=True)
class Fate:
    """Counts effects and says at which of them the process dies (0: at none).

    `last` is the kind of the newest; one that `lurks` waits for an order to be in flight.
    """

    at: int = 0
    effects: int = 0
    last: str = ""
    lurks: bool = False

    def effect(self, kind: str) -> None:
        """Pass an effect, or die here."""
        self.effects += 1
        self.last = kind
        if self.at and self.effects >= self.at:
            raise Killed

    def pounce(self, within: int) -> None:
        """Die at one of so many effects that come next, if it lurks."""
        if self.lurks:
            self.lurks, self.at = False, self.effects + within


class FatedJournal(Journal):
    """A journal that asks fate before and after it writes."""

    fate: Fate
    full = False

    def commit(self) -> None:
        """Write what waits, if there is room, and may die before or after."""
        waits = bool(self._batch.rows)
        if waits and self.full:
            raise JournalError(f"cannot write {self.path}: expected room, found the disk full")
        if waits:
            self.fate.effect("before a commit")
        super().commit()
        if waits:
            self.fate.effect("after a commit")

    def _add(self, sql: str, values: tuple[Any, ...]) -> None:
        super()._add(sql, values)
        self.fate.effect("a row is noted")

    def kill(self) -> None:
        """End as a process ends: nothing is written any more, and the lock is gone."""
        self._db.close()
        self._lock.release()


class _Outbox:
    """The bot's side of the network: a request leaves, and the process may die before or after."""

    def __init__(
        self, venue: FaultyVenue, fate: Fate, sent: Callable[[Request, int], None]
    ) -> None:
        self.venue, self.fate, self.sent = venue, fate, sent

    def send(self, request: Request, now_ns: int) -> None:
        self.fate.effect("before a request leaves")
        self.sent(request, now_ns)
        self.venue.send(request, now_ns)
        self.fate.effect("after a request left")

    def next_time(self) -> int | None:
        return self.venue.next_time()

    def next_event(self, until_ns: int | None = None) -> Event | None:
        return self.venue.next_event(until_ns)

    def wake_at(self, ts_ns: int) -> None:
        self.venue.wake_at(ts_ns)


class Life:
    """A running bot. `step` may raise Killed; `end` closes it as a process ends."""

    def __init__(
        self,
        settings: Settings,
        market: Market,
        venue: FaultyVenue,
        folder: Path,
        fate: Fate,
        sent: Callable[[Request, int], None],
    ) -> None:
        """Begin: `settings` are scaled already. Raises Killed where fate has it so."""
        self.fate = fate
        self.journal = FatedJournal.open(
            folder,
            settings.instance,
            durability=Durability.BATCH,
            min_free_bytes=0,
            wall_ns=lambda: venue.now_ns,
        )
        self.journal.fate = fate
        self._beat_ns = 0
        try:
            self._begin(settings, market, venue, sent)
        except BaseException:
            self.journal.kill()
            raise

    def _begin(
        self,
        settings: Settings,
        market: Market,
        venue: FaultyVenue,
        sent: Callable[[Request, int], None],
    ) -> None:
        """Make a run as the command line does."""
        journal, now_ns = self.journal, venue.now_ns
        last = journal.last_run()
        begun = last is not None and (journal.last_account() or journal.open_intents())
        past = past_of(journal, settings) if begun else None
        rules = tuple(desk_rules(settings, coin, market.cadence) for coin in settings.underlying)
        epoch = 1 if last is None else last.id + 1
        self.core: Core = new_core(settings, rules, epoch, journal.last_states())
        recalled = remember(self.core, journal, past, now_ns)
        self.fate.effect("before a run begins")
        journal.begin_run(
            RunStart("paper", "synthetic", 1, "campaign", now_ns, {}, fresh=past is None)
        )
        self.fate.effect("after a run began")
        for command in recalled:
            if isinstance(command, Note):
                journal.record(command.record)
        holdings = self.core.floor.book.holdings
        self.steps = Stepper(
            self.core,
            _Outbox(venue, self.fate, sent),
            journal,
            now_ns,
            views=lambda _: (),
            account=lambda: (tuple(holdings.positions.values()), tuple(holdings.balances.values())),
        )

    @property
    def state(self) -> State:
        """Return the state of the instance."""
        return self.core.state

    def step(self, event: Event, *, listen: bool) -> None:
        """Take an event, hear operators if it is time, and once a second write what waits.

        A run that ends by itself raises why, with what works cancelled; it may be killed over that.
        """
        try:
            if listen:
                self.steps.listen()
            self.steps.step(event)
            if event.ts_ns - self._beat_ns >= BEAT_NS:
                self._beat_ns = event.ts_ns
                self.journal.commit()
            self.steps.tell()
        except DeltabandError as fault:
            self.steps.abandon(fault)
            raise

    def close(self) -> None:
        """Ask for a clean end, once; what works is cancelled."""
        if not self.core.closing:
            self.steps.close()

    def end(self) -> None:
        """Let the process vanish."""
        self.journal.kill()
