"""The loop: the only place where the core meets a venue, a journal, a clock and an operator.

It pulls the next event, lets a `Stepper` take it through, and hears operators between events. An
error that a step does not know how to live with (a journal that cannot be written, a fault of this
program) ends the run with that error after cancelling what works; a note on the error says so.
Event time is paced against the wall clock at `speed` (1 = real time, 60 = a minute a second) or not
at all; decisions do not depend on it. On a live venue event time is the wall clock, and a Tick
comes at least twice a second, so that silence is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bot.core import Core
from bot.domain.events import Event, HostSeen, Tick
from bot.domain.positions import Balance, Position
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.journal import Journal
from bot.journal.second_key import Check, no_key
from bot.pace import LOOP_VIEW, Pace
from bot.pace.view import loop_view
from bot.risk.host import STOP_S, matters
from bot.stepper import WAKE_NS, Observer, Stepper
from bot.venues.port import LiveVenue, Venue

POLL_S = 0.05
VIEW_S = 1.0
DRAIN_S = 3.0
UNPACED_CHECK = 64
HOST_S = 1.0


class Supervisor(Protocol):
    """Who starts this process again when it hangs; what it is told never waits and never fails."""

    def beat(self, state: State) -> None:
        """Hear that the loop decides, and in which state; called between events, often."""
        ...

    def stopping(self) -> None:
        """Hear that the run is about to end because it was asked to."""
        ...


class Nobody:
    """No supervisor."""

    def beat(self, state: State) -> None:
        """Hear nothing."""

    def stopping(self) -> None:
        """Hear nothing."""


@dataclass(slots=True)
class Control:
    """What people ask of a running engine: to stop, or (by signal or file) to halt.

    `second_key` says why a command is not proven by the second key; `clock` by how many seconds the
    venue's clock is ahead of ours, and how wrong that may be. `supervisor` hears that it decides;
    `about` is what the driver tells of itself beside the loop's pace.
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    halt_asked: bool = False
    halt_file: Path | None = None
    second_key: Check = no_key
    clock: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0)
    supervisor: Supervisor = field(default_factory=Nobody)
    about: Callable[[], Mapping[str, object]] = dict

    def request_stop(self) -> None:
        """Ask for a clean end; asking again is the same request."""
        self.stop.set()

    def request_halt(self) -> None:
        """Ask for a halt, as SIGUSR1 does."""
        self.halt_asked = True


class Engine:
    """One core on one venue, journalled, in the time of a loop."""

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
        """Take the parts (see `Stepper`). `speed` None runs as fast as the machine can."""
        self.venue = venue
        self.control = control
        self.speed = speed
        begin_ns = (venue.now_ns() if isinstance(venue, LiveVenue) else venue.next_time()) or 0
        self.steps = Stepper(
            core,
            venue,
            journal,
            begin_ns,
            observers=observers,
            views=views,
            account=account,
            halt_file=control.halt_file,
        )
        self.steps.second_key = control.second_key
        self.steps.beats = control.supervisor.beat
        self.pace = self.steps.pace = Pace(time.perf_counter_ns)
        self._wall_start = time.monotonic()
        self._event_start = begin_ns
        self._polled = self._viewed = self._gap_s = 0.0
        self._count = 0
        self._host = HostSeen(0, 0.0)

    @property
    def now_ns(self) -> int:
        """Return the newest time that the run has heard of."""
        return self.steps.now_ns

    async def run(self, until_ns: int | None) -> None:
        """Run until the market ends, event time reaches `until_ns`, or somebody asks to stop.

        Raises what went wrong, JournalError among it, after cancelling what works.
        """
        try:
            with self.pace.watching_rubbish():
                await self._run(until_ns)
        except BaseException as error:
            self.steps.abandon(error)
            raise

    async def _run(self, until_ns: int | None) -> None:
        self._listen()  # a HALT file is obeyed, and readers have views, before the first event
        if isinstance(self.venue, LiveVenue):
            await self._live(self.venue, until_ns)
        else:
            await self._loop(until_ns)
        await self._end()

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
            self.steps.step(event)
            self.steps.tell()

    async def _live(self, venue: LiveVenue, until_ns: int | None) -> None:
        """Take events as they arrive; between them hear operators and notice silence."""
        while not self.control.stop.is_set():
            self._listen()  # also amid a burst, and first of all after the process stood still
            now_ns = venue.now_ns()
            if until_ns is not None and now_ns >= until_ns:
                break
            event = venue.next_event(until_ns)
            if event is None and now_ns - self.now_ns >= WAKE_NS:
                event = Tick(now_ns)
            if event is None:
                await venue.wait(POLL_S)
                continue
            self._watch_host(event, venue.now_ns())
            self.steps.step(event)
            if self.steps.sending:  # it leaves now, before anything is told or looked after
                self.steps.sending = False
                await asyncio.sleep(0)
            self.steps.tell()
            self._count += 1
            if self._count % UNPACED_CHECK == 0:
                await self._breathe()

    def _watch_host(self, event: Event, now_ns: int) -> None:
        """Tell the core how late an event is decided on and how far the clocks are apart.

        What had arrived before this engine began is late through no fault of its own.
        """
        at_ns = event.ts_ns
        lag_s = (now_ns - max(at_ns, self._event_start)) / NS_PER_S
        self.pace.late(lag_s)
        told, gap_s = self._host, (at_ns - self._host.ts_ns) / NS_PER_S
        worse = lag_s > STOP_S >= told.lag_s
        if not worse and gap_s < HOST_S:
            return
        seen = HostSeen(at_ns, lag_s, *self.control.clock())
        if matters(seen) or matters(told):
            self.steps.step(seen)
        self._host = seen

    async def _pace(self, when_ns: int) -> None:
        """Wait until it is time, listening to operators meanwhile, and when late as well."""
        await self._breathe()
        speed = self.speed or 1.0
        due = self._wall_start + (when_ns - self._event_start) / NS_PER_S / speed
        while not self.control.stop.is_set():
            self._listen()
            left = due - time.monotonic()
            if left <= 0.0:
                self.pace.late(-left)
                return
            try:
                await asyncio.wait_for(self.control.stop.wait(), min(left, POLL_S))
            except TimeoutError:
                continue

    async def _breathe(self) -> None:
        """Give signals and operators their turn now and then."""
        if time.monotonic() - self._polled >= POLL_S:
            self._listen()
            await asyncio.sleep(0)

    def _listen(self) -> None:
        now = time.monotonic()
        if now - self._polled < POLL_S:
            return
        if self._polled:
            self._gap_s = max(self._gap_s, now - self._polled)
        self._polled = now
        asked, self.control.halt_asked = self.control.halt_asked, False
        self.steps.listen(halt_asked=asked)
        if now - self._viewed >= VIEW_S:
            self._viewed = now
            self._show()
        self.steps.beat()

    async def _end(self) -> None:
        """Cancel what works and wait (in event time) until the venue has confirmed it."""
        self.control.supervisor.stopping()
        steps = self.steps
        steps.close()
        deadline = steps.now_ns + round(DRAIN_S * NS_PER_S)
        while steps.core.waiting:
            event = self.venue.next_event(deadline)
            if event is not None:
                steps.step(event)
            elif isinstance(self.venue, LiveVenue) and self.venue.now_ns() < deadline:
                await self.venue.wait(POLL_S)
            else:
                break
            steps.beat()
        steps.tell()
        steps.save_account()
        self._show()

    def _show(self) -> None:
        """Show readers how things stand, and at what pace."""
        steps = self.steps
        steps.show()
        about = {"longest_gap_s": self._gap_s, **self.control.about()}
        self._gap_s = 0.0
        view = loop_view(self.pace, steps.core, steps.journal, self.now_ns, about)
        steps.journal.view(LOOP_VIEW, self.now_ns, view)
