"""What can go wrong on the way, fault by fault: each waits for its time and takes what fits it.

A fault sees every request and every event that passes between bot and exchange, and returns what
becomes of it: nothing, the same, several, each with a delay. It counts what it did (`hits`): a
campaign in which a fault never struck proves nothing about it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.domain.commands import Cancel, Place, Query
from bot.domain.events import (
    Event,
    Filled,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
)
from bot.domain.orders import OrderReport, OrderState
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_S, Quantity
from bot.venues.port import Request

HOUR_NS = 3_600 * NS_PER_S
Later: TypeAlias = tuple[int, Event]
LaterRequest: TypeAlias = tuple[int, Request]


@dataclass(slots=True)
class Fault:
    """A fault that strikes `per_hour` times an hour on average, until it is switched off."""

    code: str
    per_hour: float
    chance: random.Random
    hits: int = 0
    due_ns: int = 0
    off: bool = False

    def begin(self, now_ns: int) -> None:
        """Choose when it strikes first."""
        self.due_ns = now_ns + self._gap()

    def due(self, now_ns: int) -> bool:
        """Tell whether its time has come."""
        return not self.off and now_ns >= self.due_ns

    def lasts(self, now_ns: int) -> bool:  # noqa: ARG002
        """Tell whether it may still do something before it is due again."""
        return False

    def strike(self, now_ns: int) -> None:
        """Count a hit and choose when it strikes next."""
        self.hits += 1
        self.due_ns = now_ns + self._gap()

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:  # noqa: ARG002
        """Return what becomes of a request."""
        return [(0, asked)]

    def event(self, event: Event, now_ns: int) -> list[Later]:  # noqa: ARG002
        """Return what becomes of an event."""
        return [(0, event)]

    def idle(self, now_ns: int) -> Iterable[Event]:  # noqa: ARG002
        """Return what it makes up by itself."""
        return ()

    def _gap(self) -> int:
        return round(self.chance.expovariate(self.per_hour) * HOUR_NS)


def label_of(event: Event) -> str | None:
    """Return the label that a report is about; None for what is no report about an order."""
    match event:
        case OrderUpdate(report=report):
            return report.label
        case Filled(fill=fill):
            return fill.label
        case OrderDenied(label=label):
            return label
        case _:
            return None


class LostRequest(Fault):
    """An order, a cancellation or a query never arrives."""

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:
        """Lose it."""
        if isinstance(asked, Place | Cancel | Query) and self.due(now_ns):
            self.strike(now_ns)
            return []
        return [(0, asked)]


@dataclass(slots=True)
class LostReply(Fault):
    """An order is booked and nobody hears of it, until its label is asked about."""

    muted: set[str] = field(default_factory=set)

    def lasts(self, now_ns: int) -> bool:  # noqa: ARG002
        """Tell whether somebody is silent."""
        return bool(self.muted)

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:
        """Choose an order to be silent about."""
        if isinstance(asked, Place) and self.due(now_ns):
            self.strike(now_ns)
            self.muted.add(asked.intent.label)
        if isinstance(asked, Query):
            self.muted.discard(asked.label)
        return [(0, asked)]

    def event(self, event: Event, now_ns: int) -> list[Later]:  # noqa: ARG002
        """Swallow what is said about it."""
        return [] if not self.off and label_of(event) in self.muted else [(0, event)]


@dataclass(slots=True)
class Unseen(Fault):
    """An order is booked, but for some seconds every query is answered: there is no such order."""

    hidden: dict[str, int] = field(default_factory=dict)
    longest_s: float = 5.0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether something is hidden; what is not any more is forgotten."""
        self.hidden = {label: until for label, until in self.hidden.items() if until > now_ns}
        return bool(self.hidden)

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:
        """Choose an order that is not visible yet."""
        if isinstance(asked, Place) and self.due(now_ns):
            self.strike(now_ns)
            until = now_ns + round(self.chance.uniform(0.5, self.longest_s) * NS_PER_S)
            self.hidden[asked.intent.label] = until
        return [(0, asked)]

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Deny it instead of reporting it."""
        label = label_of(event)
        until = self.hidden.get(label or "", 0)
        if self.off or label is None or now_ns >= until:
            return [(0, event)]
        return [(0, OrderDenied(event.ts_ns, label))] if isinstance(event, OrderUpdate) else []


@dataclass(slots=True)
class Blind(Fault):
    """For a while every query of an order is answered with: there is none."""

    until_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on."""
        return now_ns < self.until_ns

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Deny whatever is asked about, as long as it lasts; streams are not heard either."""
        label = label_of(event)
        if label is not None and self.due(now_ns):
            self.strike(now_ns)
            self.until_ns = now_ns + round(self.chance.uniform(1.0, 3.0) * NS_PER_S)
        if self.off or label is None or now_ns >= self.until_ns:
            return [(0, event)]
        return [(0, OrderDenied(event.ts_ns, label))] if isinstance(event, OrderUpdate) else []


class Dropped(Fault):
    """One report about an order (a fill or an update) is lost; the rest goes on."""

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Lose it."""
        if label_of(event) is not None and self.due(now_ns):
            self.strike(now_ns)
            return []
        return [(0, event)]


class LostFill(Fault):
    """A fill is lost though the stream is healthy."""

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Lose it."""
        if isinstance(event, Filled) and self.due(now_ns):
            self.strike(now_ns)
            return []
        return [(0, event)]


class Repeated(Fault):
    """A report comes twice, the second time at once or much later."""

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Say it again."""
        if label_of(event) is not None and self.due(now_ns):
            self.strike(now_ns)
            return [
                (0, event),
                (round(self.chance.choice((0.0, 0.1, 3.0, 30.0)) * NS_PER_S), event),
            ]
        return [(0, event)]


class Overtaken(Fault):
    """A report is late, so that later ones overtake it: fills before the answer, out of order."""

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Hold it back."""
        if label_of(event) is not None and self.due(now_ns):
            self.strike(now_ns)
            return [(round(self.chance.choice((0.05, 0.3, 1.0, 4.0)) * NS_PER_S), event)]
        return [(0, event)]


@dataclass(slots=True)
class Slow(Fault):
    """For some seconds every order takes seconds to arrive, some of them past their validity."""

    until_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on."""
        return now_ns < self.until_ns

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:
        """Hold it up; requests stay in order."""
        if isinstance(asked, Place) and self.due(now_ns):
            self.strike(now_ns)
            self.until_ns = now_ns + round(self.chance.uniform(2.0, 10.0) * NS_PER_S)
        if self.off or now_ns >= self.until_ns:
            return [(0, asked)]
        return [(round(self.chance.uniform(0.5, 4.0) * NS_PER_S), asked)]


@dataclass(slots=True)
class Refused(Fault):
    """The exchange refuses for a while: too many requests, maintenance, an unknown reason."""

    answer: tuple[str, str] = ("10028", "too_many_requests")
    longest_s: float = 10.0
    until_ns: int = 0
    waiting: list[OrderReport] = field(default_factory=list)

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on, or has something to say."""
        return now_ns < self.until_ns or bool(self.waiting)

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:
        """Refuse orders; what is asked about is not answered."""
        if isinstance(asked, Place) and self.due(now_ns):
            self.strike(now_ns)
            self.until_ns = now_ns + round(self.chance.uniform(1.0, self.longest_s) * NS_PER_S)
        if self.off or now_ns >= self.until_ns:
            return [(0, asked)]
        if isinstance(asked, Place):
            intent, (code, word) = asked.intent, self.answer
            none = Quantity(intent.quantity.value * 0, intent.quantity.unit)
            self.waiting.append(
                OrderReport(
                    intent.label,
                    intent.instrument,
                    "",
                    OrderState.REJECTED,
                    none,
                    now_ns,
                    code=code,
                    message=word,
                )
            )
        return []

    def idle(self, now_ns: int) -> Iterable[Event]:
        """Hand the refusals out."""
        told, self.waiting = self.waiting, []
        return [OrderUpdate(now_ns, report) for report in told]


@dataclass(slots=True)
class Partition(Fault):
    """Nothing passes in either direction for a while; prices neither."""

    until_ns: int = 0

    def lasts(self, now_ns: int) -> bool:
        """Tell whether it goes on."""
        return now_ns < self.until_ns

    def request(self, asked: Request, now_ns: int) -> list[LaterRequest]:
        """Lose it."""
        return [] if not self.off and now_ns < self.until_ns else [(0, asked)]

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Lose it."""
        if self.due(now_ns):
            self.strike(now_ns)
            self.until_ns = now_ns + round(self.chance.uniform(2.0, 45.0) * NS_PER_S)
        wire = isinstance(event, Quote | Chain | PositionsReport) or label_of(event) is not None
        return [] if wire and not self.off and now_ns < self.until_ns else [(0, event)]
