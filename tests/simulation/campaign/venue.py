"""The network of a campaign: everything that passes between bot and exchange passes its faults."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.events import (
    Event,
    Filled,
    InstrumentsListed,
    LaneChanged,
    MarginAnswer,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
    Settled,
)
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_S
from bot.venues.paper import PaperVenue
from bot.venues.port import Request
from tests.simulation.campaign.faults import Fault

_ARRIVING = (
    *(Quote, Chain, PositionsReport, OrderUpdate, OrderDenied),
    *(Filled, MarginAnswer, Settled, InstrumentsListed, LaneChanged),
)


class FaultyVenue:
    """A venue (see `bot.venues.port`) before a paper venue; `faults` see what passes in turn.

    `deaf` is true while no bot is connected: what arrives then is heard by nobody, and what was on
    its way back with the connection is lost. Requests that had left still arrive.
    """

    def __init__(self, inner: PaperVenue, faults: Sequence[Fault]) -> None:
        self.inner = inner
        self.faults = faults
        self.now_ns = inner.next_time() or 0
        self._late: list[tuple[int, int, Event | None, Request | None]] = []
        self._ready: deque[Event] = deque()
        self._sequence = 0
        self._speakers = [fault for fault in faults if type(fault).idle is not Fault.idle]
        for fault in faults:
            fault.begin(self.now_ns)

    def next_time(self) -> int | None:
        """Return when something happens next; None when nothing ever will."""
        if self._ready:
            return self.now_ns
        inner = self.inner.next_time()
        if not self._late:
            return inner
        return self._late[0][0] if inner is None else min(inner, self._late[0][0])

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return the next event at or before `until_ns`, as the faults let it through."""
        while not self._ready:
            when = self.next_time()
            if when is None or (until_ns is not None and when > until_ns):
                return None
            if self._late and self._late[0][0] <= when:
                at_ns, _, event, request = heapq.heappop(self._late)
                self.now_ns = max(self.now_ns, at_ns)
                if request is not None:
                    self.inner.send(request, at_ns)
                elif event is not None:
                    self._ready.append(_stamped(event, at_ns))
                continue
            bound = until_ns
            if self._late:
                bound = self._late[0][0] if bound is None else min(bound, self._late[0][0])
            event = self.inner.next_event(bound)
            if event is not None:
                self.now_ns = max(self.now_ns, event.ts_ns)
                self._pass(event)
        return self._ready.popleft()

    def send(self, request: Request, now_ns: int) -> None:
        """Send a request, as the faults let it through."""
        passing = [(0, request)]
        for fault in self._awake(now_ns):
            passing = [
                (late_ns + more_ns, after)
                for late_ns, asked in passing
                for more_ns, after in fault.request(asked, now_ns)
            ]
        for late_ns, asked in passing:
            if late_ns:
                self._later(now_ns + late_ns, None, asked)
            else:
                self.inner.send(asked, now_ns)
        self._make_up(now_ns)

    def wake_at(self, ts_ns: int) -> None:
        """Ask for a Tick; that is the bot's own clock, which no network disturbs."""
        self.inner.wake_at(ts_ns)

    def connect(self, now_ns: int, newest: Sequence[str] = ()) -> None:
        """Tell a bot that has just come what every connection begins with.

        What has traded under the `newest` labels is told once more, soon.
        """
        exchange = self.inner.exchange
        for coin in exchange.market.coins:
            listed = exchange.market.instruments(coin, now_ns)
            self._pass(InstrumentsListed(now_ns, coin, listed))
        self._pass(exchange.positions(now_ns))
        for label in newest:
            for event in exchange.query(label, now_ns):
                if isinstance(event, Filled):
                    self._later(now_ns + round(2.5 * NS_PER_S), event, None)

    def tell(self, event: Event, later_ns: int) -> None:
        """Let a bot that is connected hear of something after a while."""
        self._later(self.now_ns + later_ns, event, None)

    def hang_up(self) -> None:
        """Forget what was on its way to a bot that is gone."""
        self._ready.clear()
        self._late = [item for item in self._late if item[3] is not None]
        heapq.heapify(self._late)

    def calm(self) -> None:
        """Let no fault strike any more, and end those that last."""
        for fault in self.faults:
            fault.off = True

    def _pass(self, event: Event) -> None:
        passing = [(0, event)]
        for fault in self._awake(event.ts_ns):
            passing = [
                (late_ns + more_ns, after)
                for late_ns, told in passing
                for more_ns, after in fault.event(told, event.ts_ns)
            ]
        for late_ns, told in passing:
            if late_ns:
                self._later(event.ts_ns + late_ns, told, None)
            else:
                self._ready.append(told)
        self._make_up(event.ts_ns)

    def _awake(self, now_ns: int) -> list[Fault]:
        """Return the faults that may do something now: most are not due most of the time."""
        return [
            fault
            for fault in self.faults
            if not fault.off and (now_ns >= fault.due_ns or fault.lasts(now_ns))
        ]

    def _make_up(self, now_ns: int) -> None:
        for fault in self._speakers:
            for made in fault.idle(now_ns):
                self._later(now_ns, made, None)

    def _later(self, at_ns: int, event: Event | None, request: Request | None) -> None:
        self._sequence += 1
        heapq.heappush(self._late, (at_ns, self._sequence, event, request))


def _stamped(event: Event, ts_ns: int) -> Event:
    """Return an event with the time at which it is heard."""
    return replace(event, ts_ns=ts_ns) if isinstance(event, _ARRIVING) else event
