"""The venue of paper trading: the simulated exchange behind a network with delays and faults.

It owns the order of things: market moves, requests on their way there and reports on their way
back, in event time. Market data arrives when it is made; the market's own step is coarser than
any feed's delay. Requests and reports each take a delay drawn from the seed and stay in order, as
on one connection each; only a fault makes one report overtake another. It holds no key and knows
no address.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from bot.domain.commands import AskMargin, Cancel, Place, Query, QueryPositions, WantGamma
from bot.domain.events import (
    Event,
    Filled,
    GammaWanted,
    InstrumentsListed,
    MarginAnswer,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
    Tick,
)
from bot.domain.units import NS_PER_MS
from bot.sim.exchange import Exchange
from bot.sim.faults import Fault, FaultScript
from bot.strategy.options.solve import solve
from bot.venues.port import Request


@dataclass(frozen=True, slots=True)
class Latency:
    """One-way delay of a request or a report, uniform between two bounds."""

    low_ns: int = 20 * NS_PER_MS
    high_ns: int = 60 * NS_PER_MS

    def draw(self, generator: np.random.Generator) -> int:
        """Return one delay."""
        return self.low_ns + int(generator.random() * (self.high_ns - self.low_ns))


# What waits for its time: requests on their way there, events on their way back.
Agenda: TypeAlias = Place | Cancel | Query | QueryPositions | AskMargin | Event
DEFAULT_LATENCY: Final = Latency()


class PaperVenue:
    """A venue (see `port`) made of a market, an exchange and a network, all in event time."""

    def __init__(
        self,
        exchange: Exchange,
        generator: np.random.Generator,
        latency: Latency = DEFAULT_LATENCY,
        faults: Sequence[Fault] = (),
    ) -> None:
        self.exchange = exchange
        self._generator = generator
        self._latency = latency
        self._faults = FaultScript.of(faults)
        self._heap: list[tuple[int, int, Agenda]] = []
        self._sequence = 0
        self._ready: deque[Event] = deque()
        self._wakes: set[int] = set()
        self._now_ns = exchange.market.start_ns
        self._next_move_ns: int | None = exchange.market.start_ns
        self._last_arrival_ns = 0
        self._last_report_ns = 0
        self._started = False

    def next_time(self) -> int | None:
        """Return when something happens next (not before); None when nothing ever will."""
        if self._ready:
            return self._now_ns
        if not self._heap:
            return self._next_move_ns
        scheduled = self._heap[0][0]
        if self._next_move_ns is None:
            return scheduled
        return min(scheduled, self._next_move_ns)

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return the next event at or before `until_ns` (None: ever), or None if there is none."""
        while not self._ready:
            when = self.next_time()
            if when is None or (until_ns is not None and when > until_ns):
                return None
            self._now_ns = when
            if when == self._next_move_ns:
                self._move(when)
            else:
                self._happen(heapq.heappop(self._heap)[2])
        return self._ready.popleft()

    def send(self, request: Request, now_ns: int) -> None:
        """Send a request at `now_ns`; a time before the venue's own counts as the venue's."""
        now_ns = max(now_ns, self._now_ns)
        if isinstance(request, WantGamma):
            at = now_ns + request.delay_ns
            self._schedule(
                at, GammaWanted(at, request.coin, solve(request.program), request.program.ts_ns)
            )
            return
        delay = self._latency.draw(self._generator)
        if isinstance(request, Place):
            intent = request.intent
            instrument = self.exchange.instrument(intent.instrument)
            if not self._faults.on_order(intent.label, instrument, now_ns):
                return
        self._last_arrival_ns = max(self._last_arrival_ns, now_ns + delay)
        self._schedule(self._last_arrival_ns, request)

    def wake_at(self, ts_ns: int) -> None:
        """Ask for a Tick at `ts_ns`; asking again for the same time changes nothing."""
        at = max(ts_ns, self._now_ns)
        if at not in self._wakes:
            self._wakes.add(at)
            self._schedule(at, Tick(at))

    def tell(self, event: Event) -> None:
        """Hand out an event that comes from elsewhere, as soon as possible."""
        self._schedule(max(event.ts_ns, self._now_ns), event)

    def stir(self) -> None:
        """Ask the market again when it moves: one that is told from outside has heard something."""
        self._next_move_ns = self.exchange.market.next_time(self._now_ns)

    def _move(self, now_ns: int) -> None:
        """Let the market move, and sort what that brought into public and private."""
        events = self.exchange.advance(now_ns)
        self._next_move_ns = self.exchange.market.next_time(now_ns)
        if not self._started:
            self._started = True
            listings = [event for event in events if isinstance(event, InstrumentsListed)]
            prices = [event for event in events if not isinstance(event, InstrumentsListed)]
            events = [*listings, self.exchange.positions(now_ns), *prices]
        for event in events:
            if isinstance(event, OrderUpdate | Filled):
                self._report(event)
            else:
                self._ready.append(event)

    def _happen(self, item: Agenda) -> None:
        """Carry out what was scheduled for now."""
        now_ns = self._now_ns
        match item:
            case Place(intent=intent):
                self._report(*self.exchange.place(intent, now_ns))
            case Cancel(label=label):
                self._report(*self.exchange.cancel(label, now_ns))
            case Query(label=label):
                self._faults.on_query(label)
                self._report(*self.exchange.query(label, now_ns))
            case QueryPositions():
                self._report(self.exchange.positions(now_ns))
            case AskMargin():
                self._report(self._what_if(item, now_ns))
            case Tick():
                self._wakes.discard(item.ts_ns)
                self._ready.append(item)
            case _:
                self._ready.append(item)

    def _what_if(self, asked: AskMargin, now_ns: int) -> MarginAnswer:
        """Answer what changes of positions would do to margin."""
        strange = [name for name, _ in asked.changes if self.exchange.instrument(name) is None]
        if strange:
            why = f"expected listed instruments, found {', '.join(strange)}"
            return MarginAnswer(now_ns, asked.question, asked.coin, None, why)
        changes = {name: quantity.value for name, quantity in asked.changes}
        found = {b.coin: b for b in self.exchange.what_if(changes, keep=True).balances()}
        after = found.get(asked.currency)
        why = "" if after is not None else f"expected cash in {asked.currency}, found none"
        return MarginAnswer(now_ns, asked.question, asked.coin, after, why)

    def _report(self, *events: Event) -> None:
        """Send reports back over the private connection, each stamped with its arrival."""
        for event in events:
            usual = self._now_ns + self._latency.draw(self._generator)
            self._last_report_ns = max(self._last_report_ns, usual)
            for late_ns in self._faults.on_report(event, self._now_ns):
                at = self._last_report_ns + late_ns
                self._schedule(at, _stamped(event, at))

    def _schedule(self, at_ns: int, item: Agenda) -> None:
        """Put something on the agenda, behind what is already there for that time."""
        self._sequence += 1
        heapq.heappush(self._heap, (at_ns, self._sequence, item))


def _stamped(event: Event, ts_ns: int) -> Event:
    """Return an event with the time at which we learn of it."""
    if isinstance(event, OrderUpdate | Filled | OrderDenied | PositionsReport | MarginAnswer):
        return replace(event, ts_ns=ts_ns)
    return event
