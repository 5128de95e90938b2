"""What befalls the account and the machine, apart from the network: people, disks, restarts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from bot.domain.deribit import parse
from bot.domain.events import Event, InstrumentsListed, LaneChanged
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S
from tests.simulation.campaign.faults import Fault, Later
from tests.simulation.campaign.life import Life
from tests.simulation.campaign.truth import Tap
from tests.simulation.campaign.venue import FaultyVenue


class Place(Protocol):
    """Where a mishap happens."""

    @property
    def tap(self) -> Tap:
        """Return the exchange."""
        ...

    @property
    def venue(self) -> FaultyVenue:
        """Return the network."""
        ...

    @property
    def life(self) -> Life | None:
        """Return the bot, if it is there."""
        ...

    @property
    def now_ns(self) -> int:
        """Return the time."""
        ...


class Mishap(Fault):
    """A fault that comes by itself: `befall` is called when its time has come."""

    def befall(self, where: Place) -> None:
        """Let it happen."""

    def release(self, now_ns: int) -> None:
        """End what lasts, when it is time or nothing shall happen any more."""


@dataclass(slots=True)
class ByHand(Mishap):
    """A person trades in the account: options or the hedge itself, in one leg or two."""

    legs: int = 1

    def befall(self, where: Place) -> None:
        """Book it, at the mark."""
        names = ["BTC-PERPETUAL", "BTC-12JAN26-92000-C", "BTC-30JAN26-90000-P"]
        for name in self.chance.sample(names, self.legs):
            instrument = parse(name)
            lots = self.chance.choice((-3, -1, 1, 3))
            size = Decimal(lots * 5_000) if instrument.unit.value == "usd" else Decimal(lots) / 2
            if where.tap.exchange.instrument(name) is not None:
                where.tap.traded(Position(name, instrument.quantity(size)), where.now_ns)


class Liquidated(Mishap):
    """The exchange closes a part of the hedge by itself."""

    def befall(self, where: Place) -> None:
        """Halve the perpetual."""
        held = where.tap.exchange.holdings.get("BTC-PERPETUAL")
        if held is None:
            return
        half = -int(held.quantity / 20) * 10
        if half:
            quantity = parse("BTC-PERPETUAL").quantity(Decimal(half))
            where.tap.traded(Position("BTC-PERPETUAL", quantity), where.now_ns)


@dataclass(slots=True)
class Barred(Mishap):
    """The order lane is not ready for a while, and the bot is told so."""

    until_ns: int = 0

    def befall(self, where: Place) -> None:
        """Bar it, and lift that later."""
        if where.life is None:
            return
        self.until_ns = where.now_ns + round(self.chance.uniform(1.0, 20.0) * NS_PER_S)
        where.venue.tell(LaneChanged(where.now_ns, "not signed in"), 0)
        where.venue.tell(LaneChanged(where.now_ns, ""), self.until_ns - where.now_ns)


class DiskFull(Mishap):
    """The next commit finds no room: the run ends, and another begins when there is some."""

    def befall(self, where: Place) -> None:
        """Fill the disk."""
        if where.life is not None:
            where.life.journal.full = True


@dataclass(slots=True)
class Locked(Mishap):
    """Another process holds the journal's file for some seconds of the market's time."""

    guest: sqlite3.Connection | None = None
    until_ns: int = 0

    def befall(self, where: Place) -> None:
        """Take the lock; `release` gives it back."""
        if self.guest is None and where.life is not None:
            self.guest = sqlite3.connect(where.life.journal.path, isolation_level=None)
            self.guest.execute("BEGIN IMMEDIATE")
            self.until_ns = where.now_ns + round(self.chance.uniform(0.2, 12.0) * NS_PER_S)

    def release(self, now_ns: int) -> None:
        """Let go when it is time."""
        if self.guest is not None and (self.off or now_ns >= self.until_ns):
            self.guest.close()
            self.guest = None


@dataclass(slots=True)
class Delisted(Fault):
    """A list of instruments comes without some, and the next one with them again."""

    held: InstrumentsListed | None = field(default=None)

    def event(self, event: Event, now_ns: int) -> list[Later]:
        """Leave a tenth out, the first of which may be the hedge."""
        if not isinstance(event, InstrumentsListed):
            return [(0, event)]
        if not self.due(now_ns):
            return [(0, event)]
        self.strike(now_ns)
        kept = tuple(i for i in event.instruments if self.chance.random() > 0.1)
        back_ns = round(self.chance.uniform(1.0, 60.0) * NS_PER_S)
        return [(0, replace(event, instruments=kept)), (back_ns, event)]
