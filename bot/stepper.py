"""One event's way through: observers, core, journal, venue; what the engine's loops call.

    show it to observers → core.handle → journal → send → tell observers

What a decision leaves behind (records, intents) is on disk before its orders leave, and is told
only after that: nobody who listens stands before an order. While another process holds the journal
no order leaves: the core hears that it has not, and tries again. Nothing here waits or knows a
loop, so that a run in modelled time (the engine's, a simulation's) takes the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from bot.core import Core
from bot.domain.commands import Command, Note, Place
from bot.domain.errors import JournalBusyError
from bot.domain.events import (
    Event,
    Filled,
    Operator,
    OrderUpdate,
    PositionsReport,
    Settled,
)
from bot.domain.orders import OrderReport
from bot.domain.positions import Balance, Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import CommandOutcome, Doubt, Told
from bot.domain.states import State
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.journal import Journal
from bot.journal.halt import said
from bot.journal.second_key import REVIEW, Check, no_key
from bot.pace import Pace
from bot.venues.port import Venue

WAKE_NS = 500 * NS_PER_MS
SAVE_NS = 300 * NS_PER_S
BARRED = frozenset({"resume", "flatten"})


class Observer(Protocol):
    """Somebody who watches and never takes part."""

    def see(self, event: Event) -> None:
        """Take an event that is about to reach the core."""
        ...

    def note(self, record: Told) -> None:
        """Take what the core says about itself, and each order that it sends."""
        ...


def _nobody(_: State) -> None:
    """Hear nothing."""


class Stepper:
    """One core on one venue, journalled, event by event.

    `now_ns` is the newest time heard of; `sending` whether the last step sent something.
    `second_key` tells why a command is not proven by the second key. `pace`, where there is one,
    counts what events took; `beats` hears each time that the bot says that it decides.
    """

    def __init__(
        self,
        core: Core,
        venue: Venue,
        journal: Journal,
        now_ns: int,
        *,
        observers: Iterable[Observer] = (),
        views: Callable[[int], Iterable[tuple[str, object]]],
        account: Callable[[], tuple[Sequence[Position], Sequence[Balance]]],
        halt_file: Path | None = None,
    ) -> None:
        """Take the parts.

        `views` feed the readers; `account` is what a later run would go on with. As long as
        `halt_file` exists the bot is halted, and a `resume` is answered with the file that must go.
        """
        self.core = core
        self.venue = venue
        self.journal = journal
        self.now_ns = now_ns
        self.observers = tuple(observers)
        self.views = views
        self.account = account
        self.halt_file = halt_file
        self.second_key: Check = no_key
        self.pace: Pace | None = None
        self.beats: Callable[[State], None] = _nobody
        self.sending = False
        self._wake_ns = self._saved_ns = 0
        self._told_busy = False
        self._untold: list[Told] = []

    def step(self, event: Event) -> None:
        """Take one event, and do what the core answers."""
        pace = self.pace
        if pace is None:
            self._take(event)
            return
        begun = pace.clock()
        self._take(event)
        pace.took(event, pace.clock() - begun)

    def _take(self, event: Event) -> None:
        self.tell()  # what was said before this event is heard before it
        self.now_ns = max(self.now_ns, event.ts_ns)
        for observer in self.observers:
            observer.see(event)
        if isinstance(event, Filled):
            self.journal.fill(event.fill)
        holdings = self.core.floor.book.holdings
        before = holdings.version
        commands = self.core.handle(event)
        told = isinstance(event, PositionsReport) and (
            holdings.version != before or self.now_ns - self._saved_ns >= SAVE_NS
        )
        if told or isinstance(event, Filled | Settled):
            self.save_account()  # what orders build on is on disk with the first of them
        if commands:
            self.carry_out(commands)
        if self.core.waiting and self._wake_ns <= self.now_ns:  # one at a time: each asks anew
            self._wake_ns = self.now_ns + WAKE_NS
            self.venue.wake_at(self._wake_ns)

    def carry_out(self, commands: Iterable[Command]) -> None:
        """Journal everything, then send: an order leaves only after its intent is on disk."""
        sending = False
        for command in commands:
            if isinstance(command, Note):
                self.journal.record(command.record)
            elif isinstance(command, Place):
                self.journal.intent(command.intent)
                sending = True
        held_back = "" if not sending else self._busy_journal()
        unsent: list[OrderReport] = []
        for command in commands:
            if isinstance(command, Note):
                self._untold.append(command.record)
                continue
            if isinstance(command, Place):
                self._untold.append(command.intent)
            if held_back and isinstance(command, Place):
                code = str(Reason.JOURNAL_BUSY)
                unsent.append(OrderReport.unsent(command.intent, self.now_ns, code, held_back))
            else:
                self.venue.send(command, self.now_ns)
                self.sending = True
        for report in unsent:
            self.step(OrderUpdate(self.now_ns, report))

    def listen(self, *, halt_asked: bool = False) -> None:
        """Obey the commands that wait in the journal, the HALT file and (by signal) a halt."""
        file = self.halt_file
        barred = file is not None and file.exists()
        for command in self.journal.take_commands():
            if barred and command.verb in BARRED:
                self._refuse(command.id, f"refused: the file {file} must be removed first")
            elif command.verb == REVIEW and (why := self.second_key(command)):
                self._refuse(command.id, why)
            else:
                self.step(command.event(self.now_ns))
        trades = self.core.state is not State.HALTED or self.core.flattening
        if (halt_asked or barred) and trades:
            who, why = ("HALT file", said(file)) if file is not None and barred else ("SIGUSR1", "")
            name = f"halt-{self.now_ns}"
            event = Operator(self.now_ns, name, "halt", "", who, why or "asked")
            self.journal.heard(event)
            self.step(event)

    def beat(self) -> None:
        """Say that the bot lives, write what waits, and tell whether the journal can be written."""
        self.journal.tick(self.now_ns, self.core.state)
        self.beats(self.core.state)
        if self.journal.busy is not self._told_busy:
            self._told_busy = self.journal.busy
            because = Because(Reason.JOURNAL_BUSY, str(self.journal.path))
            record = Doubt(self.now_ns, "", because, active=self._told_busy)
            self.carry_out([Note(record)])
        self.tell()

    def tell(self) -> None:
        """Tell the observers what was recorded: after the orders have left, they can wait."""
        untold, self._untold = self._untold, []
        for record in untold:
            for observer in self.observers:
                observer.note(record)

    def show(self) -> None:
        """Show readers how things stand."""
        for name, body in self.views(self.now_ns):
            self.journal.view(name, self.now_ns, body)

    def save_account(self) -> None:
        """Write down what a later run would go on with."""
        self._saved_ns = self.now_ns
        self.journal.account(self.now_ns, *self.account())

    def close(self) -> None:
        """Decide nothing any more and cancel what works; its end is still to be waited for."""
        self.core.closing = True
        standing = (one.standing(self.now_ns) for one in self.core.breaches.values())
        self.carry_out(Note(breach) for breaches in standing for breach in breaches)
        self.carry_out(self.core.cancel_all(self.now_ns))

    def abandon(self, error: BaseException) -> None:
        """Cancel what works without the journal's help, and note on the error what was done."""
        cancelled = 0
        for command in self.core.cancel_all(self.now_ns):
            if isinstance(command, Note | Place):
                continue
            try:
                self.venue.send(command, self.now_ns)
                cancelled += 1
            except Exception as fault:  # noqa: BLE001  the other orders are cancelled all the same
                error.add_note(f"a working order could not be cancelled: {fault}")
        error.add_note(
            f"the run was abandoned: cancellation of {cancelled} working orders was sent"
        )

    def _busy_journal(self) -> str:
        """Put what is recorded on disk; return what stands in the way where that will pass."""
        try:
            self.journal.commit()
        except JournalBusyError as error:
            return str(error)
        return ""

    def _refuse(self, command_id: str, outcome: str) -> None:
        record = CommandOutcome(self.now_ns, command_id, accepted=False, outcome=outcome)
        self.carry_out([Note(record)])
