"""The loop: the only place where the core meets a venue, a journal, a clock and an operator.

    pull the next event → show it to observers → core.handle → journal → send → tell observers

What a decision leaves behind (records, intents) is on disk before its orders leave, and is told
only after that: nobody who listens stands before an order. While another process holds the journal
no order leaves: the core hears that it has not, and tries again. Whatever else goes wrong (a
journal that cannot be written, a fault of this program) ends the run with that error after
cancelling what works; a note on the error says so. As long as the HALT file exists the bot is
halted, and a `resume` is answered with the file that must go. Event time is paced against the wall
clock at `speed` (1 = real time, 60 = a minute a second) or not at all; decisions do not depend on
it. On a live venue event time is the wall clock, and a Tick comes at least twice a second, so that
silence is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
    Tick,
)
from bot.domain.orders import OrderReport
from bot.domain.positions import Balance, Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import CommandOutcome, Doubt, Record
from bot.domain.states import State
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.journal import Journal
from bot.venues.port import LiveVenue, Venue

POLL_S = 0.05
VIEW_S = 1.0
DRAIN_S = 3.0
WAKE_NS = 500 * NS_PER_MS
UNPACED_CHECK = 64
SAVE_NS = 300 * NS_PER_S


class Observer(Protocol):
    """Somebody who watches and never takes part."""

    def see(self, event: Event) -> None:
        """Take an event that is about to reach the core."""
        ...

    def note(self, record: Record) -> None:
        """Take what the core says about itself."""
        ...


@dataclass(slots=True)
class Control:
    """What people ask of a running engine: to stop, or (by signal or file) to halt."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    halt_asked: bool = False
    halt_file: Path | None = None

    def request_stop(self) -> None:
        """Ask for a clean end; asking again is the same request."""
        self.stop.set()

    def request_halt(self) -> None:
        """Ask for a halt, as SIGUSR1 does."""
        self.halt_asked = True


class Engine:
    """One core on one venue, journalled."""

    def __init__(
        self,
        core: Core,
        venue: Venue,
        journal: Journal,
        control: Control,
        *,
        speed: float | None,
        observers: Iterable[Observer] = (),
        views: Callable[[int], Iterable[tuple[str, object]]],
        account: Callable[[], tuple[Sequence[Position], Sequence[Balance]]],
    ) -> None:
        """Take the parts. `speed` None runs as fast as the machine can.

        `views` feed the readers; `account` is what a later run would go on with.
        """
        self.core = core
        self.venue = venue
        self.journal = journal
        self.control = control
        self.speed = speed
        self.observers = tuple(observers)
        self.views = views
        self.account = account
        self.now_ns = (venue.now_ns() if isinstance(venue, LiveVenue) else venue.next_time()) or 0
        self._wall_start = time.monotonic()
        self._event_start = self.now_ns
        self._polled = self._viewed = 0.0
        self._wake_ns = 0
        self._saved_ns = 0
        self._count = 0
        self._sending = self._told_busy = False
        self._untold: list[Record] = []

    async def run(self, until_ns: int | None) -> None:
        """Run until the market ends, event time reaches `until_ns`, or somebody asks to stop.

        Raises what went wrong, JournalError among it, after cancelling what works.
        """
        try:
            self._listen()  # a HALT file is obeyed, and readers have views, before the first event
            if isinstance(self.venue, LiveVenue):
                await self._live(self.venue, until_ns)
            else:
                await self._loop(until_ns)
            await self._end()
        except BaseException as error:
            self._abandon(error)
            raise

    def _abandon(self, error: BaseException) -> None:
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

    async def _loop(self, until_ns: int | None) -> None:
        while not self.control.stop.is_set():
            when = self.venue.next_time()
            if when is None or (until_ns is not None and when > until_ns):
                break
            if self.speed is not None:
                await self._pace(when)
                if self.control.stop.is_set():
                    break
            else:
                self._count += 1
                if self._count % UNPACED_CHECK == 0:
                    await self._breathe()
            event = self.venue.next_event(until_ns)
            if event is None:
                break
            self._step(event)
            self._tell()

    async def _live(self, venue: LiveVenue, until_ns: int | None) -> None:
        """Take events as they arrive; between them hear operators and notice silence."""
        while not self.control.stop.is_set():
            now_ns = venue.now_ns()
            if until_ns is not None and now_ns >= until_ns:
                break
            event = venue.next_event(until_ns)
            if event is None and now_ns - self.now_ns >= WAKE_NS:
                event = Tick(now_ns)
            if event is None:
                self._listen()
                await venue.wait(POLL_S)
                continue
            self._step(event)
            if self._sending:  # it leaves now, before anything is told or looked after
                self._sending = False
                await asyncio.sleep(0)
            self._tell()
            self._count += 1
            if self._count % UNPACED_CHECK == 0:
                await self._breathe()

    def _step(self, event: Event) -> None:
        self._tell()  # what was said before this event is heard before it
        self.now_ns = max(self.now_ns, event.ts_ns)
        for observer in self.observers:
            observer.see(event)
        if isinstance(event, Filled):
            self.journal.fill(event.fill)
        commands = self.core.handle(event)
        if isinstance(event, Filled | Settled) or (
            isinstance(event, PositionsReport) and self.now_ns - self._saved_ns >= SAVE_NS
        ):
            self._save_account()  # what orders build on is on disk with the first of them
        if commands:
            self._carry_out(commands)
        if self.core.waiting and self._wake_ns <= self.now_ns:  # one at a time: each asks anew
            self._wake_ns = self.now_ns + WAKE_NS
            self.venue.wake_at(self._wake_ns)

    def _carry_out(self, commands: Iterable[Command]) -> None:
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
            elif held_back and isinstance(command, Place):
                code = str(Reason.JOURNAL_BUSY)
                unsent.append(OrderReport.unsent(command.intent, self.now_ns, code, held_back))
            else:
                self.venue.send(command, self.now_ns)
                self._sending = True
        for report in unsent:
            self._step(OrderUpdate(self.now_ns, report))

    def _busy_journal(self) -> str:
        """Put what is recorded on disk; return what stands in the way where that will pass."""
        try:
            self.journal.commit()
        except JournalBusyError as error:
            return str(error)
        return ""

    def _tell_of_journal(self) -> None:
        """Say that nothing can be sent while another process holds the journal, and when it can."""
        if self.journal.busy is not self._told_busy:
            self._told_busy = self.journal.busy
            because = Because(Reason.JOURNAL_BUSY, str(self.journal.path))
            record = Doubt(self.now_ns, "", because, active=self._told_busy)
            self._carry_out([Note(record)])

    def _tell(self) -> None:
        """Tell the observers what was recorded: after the orders have left, they can wait."""
        untold, self._untold = self._untold, []
        for record in untold:
            for observer in self.observers:
                observer.note(record)

    async def _pace(self, when_ns: int) -> None:
        """Wait until it is time, listening to operators meanwhile."""
        speed = self.speed or 1.0
        due = self._wall_start + (when_ns - self._event_start) / NS_PER_S / speed
        while not self.control.stop.is_set():
            self._listen()
            left = due - time.monotonic()
            if left <= 0.0:
                return
            try:
                await asyncio.wait_for(self.control.stop.wait(), min(left, POLL_S))
            except TimeoutError:
                continue

    async def _breathe(self) -> None:
        """Unpaced: give signals and operators their turn now and then."""
        if time.monotonic() - self._polled >= POLL_S:
            self._listen()
            await asyncio.sleep(0)

    def _listen(self) -> None:
        now = time.monotonic()
        if now - self._polled < POLL_S:
            return
        self._polled = now
        file = self.control.halt_file
        barred = file is not None and file.exists()
        for command in self.journal.take_commands():
            if barred and command.verb == "resume":
                self._refuse(command.id, f"refused: the file {file} must be removed first")
            else:
                self._step(command.event(self.now_ns))
        if self.control.halt_asked or barred:
            self.control.halt_asked = False
            if self.core.state is not State.HALTED:
                who = "HALT file or SIGUSR1"
                event = Operator(self.now_ns, f"halt-{self.now_ns}", "halt", "", who, "asked")
                self.journal.heard(event)
                self._step(event)
        if now - self._viewed >= VIEW_S:
            self._viewed = now
            self._show()
        self.journal.tick(self.now_ns, self.core.state)
        self._tell_of_journal()
        self._tell()

    def _refuse(self, command_id: str, outcome: str) -> None:
        record = CommandOutcome(self.now_ns, command_id, accepted=False, outcome=outcome)
        self._carry_out([Note(record)])

    def _show(self) -> None:
        for name, body in self.views(self.now_ns):
            self.journal.view(name, self.now_ns, body)

    def _save_account(self) -> None:
        self._saved_ns = self.now_ns
        self.journal.account(self.now_ns, *self.account())

    async def _end(self) -> None:
        """Cancel what works and wait (in event time) until the venue has confirmed it."""
        self.core.closing = True
        self._carry_out(self.core.cancel_all(self.now_ns))
        deadline = self.now_ns + round(DRAIN_S * NS_PER_S)
        while self.core.waiting:
            event = self.venue.next_event(deadline)
            if event is not None:
                self._step(event)
            elif isinstance(self.venue, LiveVenue) and self.venue.now_ns() < deadline:
                await self.venue.wait(POLL_S)
            else:
                break
        self._tell()
        self._save_account()
        self._show()
