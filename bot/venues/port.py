"""What an engine asks of a venue: the next event, a place for commands, and a clock for waking.

A venue never calls back. The engine pulls events in time order and sends what the core answers:

    while (event := venue.next_event(until_ns)) is not None:
        for command in core.handle(event):
            venue.send(command, event.ts_ns)
        venue.wake_at(core's next deadline)

A `Venue` never waits: an engine that paces itself asks `next_time` and sleeps on its own clock. On
a `LiveVenue` the wall clock is event time: events are there when they have arrived, and the engine
waits for them.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from bot.domain.commands import Cancel, Place, Query, QueryPositions, WantGamma
from bot.domain.events import Event

# Every command but Note, which is for the journal.
Request: TypeAlias = Place | Cancel | Query | QueryPositions | WantGamma


class Venue(Protocol):
    """A source of events and a sink of requests, in event time."""

    def next_time(self) -> int | None:
        """Return when something happens next (not before); None when nothing ever will."""
        ...

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return the next event at or before `until_ns` (None: ever), or None if there is none.

        Events come in the order of their `ts_ns`. Time passes for the venue by this call alone.
        """
        ...

    def send(self, request: Request, now_ns: int) -> None:
        """Send a request at `now_ns`; what comes of it comes as events, or never comes."""
        ...

    def wake_at(self, ts_ns: int) -> None:
        """Ask for a Tick at `ts_ns`, because a deadline may pass where the market is silent."""
        ...


@runtime_checkable
class LiveVenue(Venue, Protocol):
    """A venue in the present: `next_event` returns what has arrived, and Ticks that are due."""

    def now_ns(self) -> int:
        """Return the time of its clock, which its events are stamped with."""
        ...

    async def start(self) -> None:
        """Connect. Raises VenueError where that is impossible, not where it takes a while."""
        ...

    async def wait(self, timeout_s: float) -> None:
        """Return as soon as `next_event` has something to return, at the latest after a while."""
        ...

    async def close(self) -> None:
        """Send what still waits to be sent, and let go of the connection."""
        ...
