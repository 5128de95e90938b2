"""The invariants, each judged where it can be seen: at the exchange, at the wire, in the file.

A monitor keeps in words what it saw break its rule; `code` is the invariant's. None of them asks
the bot what it thinks.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.domain.commands import Place
from bot.domain.events import Event
from bot.domain.quotes import Quote
from bot.venues.port import Request
from tests.simulation.campaign import truth
from tests.simulation.campaign.truth import Arrival, Tap
from tests.simulation.campaign.wire import Wire


class Scene(Protocol):
    """What monitors may look at.

    `owner` are the owner's bands (lower, target, upper), `off_scale` the coins whose delta rolls
    off into a settlement just now.
    """

    @property
    def tap(self) -> Tap:
        """Return the exchange."""
        ...

    @property
    def file(self) -> Path:
        """Return the journal's file."""
        ...

    @property
    def owner(self) -> dict[str, tuple[float, float, float]]:
        """Return the owner's bands by coin."""
        ...

    @property
    def now_ns(self) -> int:
        """Return the time."""
        ...

    @property
    def off_scale(self) -> frozenset[str]:
        """Return the coins that are settling."""
        ...

    @property
    def wire(self) -> Wire:
        """Return what was sent and heard."""
        ...

    @property
    def there(self) -> bool:
        """Tell whether the bot lives."""
        ...

    @property
    def calm_left_s(self) -> float:
        """Return how long the quiet at the end will still last; 0 before and after it."""
        ...

    @property
    def words(self) -> Counter[str]:
        """Return how often each word was said."""
        ...

    @property
    def position_coin(self) -> float:
        """Return the owner's cap of the futures position, coin; infinite where none is set."""
        ...

    def futures(self, coin: str) -> float:
        """Return what the account holds of a coin's futures, coin at the index."""
        ...

    def delta(self, coin: str) -> float:
        """Return the account's delta by the exchange's own prices, coin."""
        ...

    def held(self) -> Mapping[str, Decimal]:
        """Return what the bot takes for its holdings."""
        ...

    def hedges(self) -> Mapping[str, Decimal]:
        """Return what of them the bot takes for its own."""
        ...


@dataclass(slots=True)
class Monitor:
    """One invariant; every hook may add to `broken`."""

    code: str
    broken: list[str] = field(default_factory=list)

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:
        """See a request leave the bot."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """See an order reach the exchange."""

    def heard(self, event: Event, scene: Scene) -> None:
        """See an event reach the bot."""

    def said(self, verb: str, now_ns: int, scene: Scene) -> None:
        """See an operator's word being put in."""

    def died(self, scene: Scene) -> None:
        """See the bot die."""

    def look(self, scene: Scene) -> None:
        """Look around, once a second."""

    def quiet(self, scene: Scene) -> None:
        """Look at the end, after a minute without faults."""

    def blame(self, now_ns: int, words: str, code: str = "") -> None:
        """Keep what was seen, under the invariant that it breaks."""
        self.broken.append(f"{code or self.code} at {now_ns}: {words}")


class AtMostOnce(Monitor):
    """I2: one label, one order, whatever happens."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Count."""
        if scene.tap.booked[arrival.intent.label] > 1:
            self.blame(arrival.ts_ns, f"{arrival.intent.label} is booked twice")


@dataclass(slots=True)
class Obeys(Monitor):
    """After a pause (I7) or halt (I22) no order until it is lifted; across restarts it is I20."""

    since_ns: int | None = None
    grace_ns: int = 250_000_000
    halted: bool = False
    restarted: bool = False

    def said(self, verb: str, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Remember what is in force."""
        if verb == "resume":
            self.since_ns, self.halted, self.restarted = None, False, False
            return
        self.halted |= verb == "halt"
        if self.since_ns is None:
            self.since_ns = now_ns

    def died(self, scene: Scene) -> None:  # noqa: ARG002
        """Keep what is in force."""
        self.restarted = self.since_ns is not None

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Nothing may leave."""
        if self.since_ns is None or not isinstance(request, Place):
            return
        if now_ns > self.since_ns + self.grace_ns:
            code = "I20" if self.restarted else "I22" if self.halted else "I7"
            self.blame(now_ns, f"{request.intent.label} left after a stop", code)


@dataclass(slots=True)
class Capped(Monitor):
    """I9: no order above the owner's cap (USD), no futures position beyond the owner's (coin).

    Infinite where none was set. A dollar contract is worth what it says; the index may have moved
    since a position was weighed, and what others traded counts as soon as a report has told it.
    """

    order_usd: float = math.inf

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Weigh the order, and the position if it adds to that."""
        intent, exchange = arrival.intent, scene.tap.exchange
        instrument = exchange.instrument(intent.instrument)
        if instrument is None or instrument.is_option:
            return
        index = exchange.index[instrument.coin]
        size = float(intent.quantity.value)
        worth = abs(size) if instrument.is_inverse else abs(size) * index
        if worth > self.order_usd * (1.0 if instrument.is_inverse else 1.02):
            self.blame(arrival.ts_ns, f"{intent.label}: {worth:.0f} USD, cap {self.order_usd:.0f}")
        held = truth.futures(exchange, instrument.coin, scene.tap.untold)
        if size * held > 0.0 and abs(held) > scene.position_coin * 1.01:
            self.blame(arrival.ts_ns, f"{intent.label}: a position of {held:+.4f} coin")


GRID = {"10002", "10020", "10021", "10023", "10043", "13019", "-32602"}


class OnGrid(Monitor):
    """I10: the exchange never refuses an order for its size, price or name."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:  # noqa: ARG002
        """Look at the refusal."""
        if arrival.code in GRID:
            self.blame(arrival.ts_ns, f"{arrival.intent.label} was refused with {arrival.code}")


class Agrees(Monitor):
    """I16: at the end the bot holds what the exchange holds, to the last lot."""

    def quiet(self, scene: Scene) -> None:
        """Compare every position."""
        theirs = {
            name: holding.quantity
            for name, holding in scene.tap.exchange.holdings.items()
            if holding.quantity
        }
        ours = {name: size for name, size in scene.held().items() if size}
        apart = {n: (ours.get(n), theirs.get(n)) for n in ours.keys() | theirs.keys()}
        wrong = {n: both for n, both in sorted(apart.items()) if both[0] != both[1]}
        if wrong:
            self.blame(scene.now_ns, f"positions apart (ours, theirs): {wrong}")


def sane(quote: Quote) -> bool:
    """Tell whether a quote could be traded on, its age apart."""
    figures = (quote.bid, quote.ask, quote.mark, quote.index, quote.bid_size, quote.ask_size)
    if not all(math.isfinite(x) and 0.0 < x < 1e12 for x in figures):
        return False
    near = abs(quote.mark / quote.index - 1.0) < 0.2
    return near and quote.bid < quote.ask


def reader(file: Path) -> sqlite3.Connection:
    """Return a connection that only reads a journal."""
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)


def labels(file: Path) -> set[str]:
    """Return the labels that a journal knows."""
    with closing(reader(file)) as base:
        return {label for (label,) in base.execute("SELECT label FROM intents")}
