"""A venue whose feed of one coin goes bad for a while: what the bot hears is spoiled on the way.

The exchange itself stays sound, so that an order on bad data would be filled and seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bot.domain.events import Event
from bot.domain.quotes import Chain, Quote
from bot.venues.paper import PaperVenue

NAN = float("nan")


@dataclass(slots=True)
class Spoiled:
    """A venue (see `bot.venues.port`) that hands out `spoil(event)` between two moments.

    `spoil` returns the event to hear instead, or None where nothing is heard. It is asked for
    quotes and chains of `coin` alone.
    """

    venue: PaperVenue
    spoil: Callable[[Any], Event | None]
    from_ns: int
    until_ns: int
    coin: str = "BTC"
    count: int = field(default=0)

    @property
    def exchange(self):
        """Return the exchange behind the feed."""
        return self.venue.exchange

    def next_time(self) -> int | None:
        """Return when something happens next."""
        return self.venue.next_time()

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return the next event, spoiled where it is due."""
        while (event := self.venue.next_event(until_ns)) is not None:
            if not self._due(event):
                return event
            self.count += 1
            heard = self.spoil(event)
            if heard is not None:
                return heard
        return None

    def send(self, request, now_ns: int) -> None:
        """Pass a request on."""
        self.venue.send(request, now_ns)

    def wake_at(self, ts_ns: int) -> None:
        """Pass a wish for time on."""
        self.venue.wake_at(ts_ns)

    def _due(self, event: Event) -> bool:
        return (
            isinstance(event, Quote | Chain)
            and event.coin == self.coin
            and self.from_ns <= event.ts_ns < self.until_ns
        )


def quotes(**figures: Any) -> Callable[[Any], Event | None]:
    """Return a spoiler that sets figures of every quote and leaves chains alone."""

    def spoil(event):
        return replace(event, **figures) if isinstance(event, Quote) else event

    return spoil


def crossed(event: Quote | Chain) -> Event:
    """Turn a quote's sides round."""
    return replace(event, bid=event.ask, ask=event.bid) if isinstance(event, Quote) else event


def silent(event: Quote | Chain) -> Event | None:
    """Lose every quote."""
    return None if isinstance(event, Quote) else event


def frozen(age_s: float) -> Callable[[Quote | Chain], Event | None]:
    """Return a spoiler whose stream lives on with data that the venue made long ago."""

    def spoil(event):
        return replace(event, ts_venue_ns=event.ts_venue_ns - round(age_s * 1e9))

    return spoil


def chains(**figures: float) -> Callable[[Any], Event | None]:
    """Return a spoiler that fills columns of every chain with one value."""

    def spoil(event):
        if not isinstance(event, Chain):
            return event
        spoilt: dict[str, Any] = {
            name: value if name == "index" else np.full_like(event.forward, value)
            for name, value in figures.items()
        }
        return replace(event, **spoilt)

    return spoil
