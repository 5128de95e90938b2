"""What an engine asks of a venue: the next event, a place for commands, and a clock for waking.

A venue never calls back. The engine pulls events in time order and sends what the core answers:

    while (event := venue.next_event(until_ns)) is not None:
        for command in core.handle(event):
            venue.send(command, event.ts_ns)
        venue.wake_at(core's next deadline)

Nothing of that waits: an engine that paces itself asks `next_time` and sleeps on its own clock. A
`LiveVenue` happens by itself, in wall-clock time; an engine waits for it instead of pacing it.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from bot.domain.commands import AskMargin, Cancel, Place, Query, QueryPositions, WantGamma
from bot.domain.events import Event

# Every command but Note, which is for the journal.
Request: TypeAlias = Place | Cancel | Query | QueryPositions | AskMargin | WantGamma


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
    """A venue whose time is the wall clock: events arrive by themselves.

    `next_time` of an open live venue is never None; with nothing ready it is the next Tick that was
    asked for, or a moment at which it is worth asking again. `next_event` returns what has arrived
    and what the clock has made due, and never waits.
    """

    def now_ns(self) -> int:
        """Return the time of its clock, which its events are stamped with."""
        ...

    async def start(self) -> None:
        """Connect and learn the instruments; raise DeltabandError when the venue cannot be used."""
        ...

    async def wait(self, timeout_s: float) -> None:
        """Return as soon as `next_event` has something to return, at the latest after a while."""
        ...

    async def close(self) -> None:
        """Close every connection and end every task; what had arrived can still be taken."""
        ...
