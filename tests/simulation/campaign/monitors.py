"""The invariants, each judged where it can be seen: at the exchange, at the wire, in the file.

A monitor keeps in words what it saw break its rule; `code` is the invariant's. None of them asks
the bot what it thinks.
"""

from __future__ import annotations

import math
import sqlite3
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.domain.commands import Place
from bot.domain.events import Event
from bot.domain.orders import TERMINAL, OrderState
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S, seconds_between
from bot.venues.port import Request
from tests.simulation.campaign import truth
from tests.simulation.campaign.truth import Arrival, Tap

MARK = "db-"


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

    def held(self) -> Mapping[str, Decimal]:
        """Return what the bot takes for its holdings."""
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

    def said(self, verb: str, now_ns: int) -> None:
        """See an operator's word being put in."""

    def quiet(self, scene: Scene) -> None:
        """Look at the end, after a minute without faults."""

    def blame(self, now_ns: int, words: str) -> None:
        """Keep what was seen."""
        self.broken.append(f"{self.code} at {now_ns}: {words}")


class OnDisk(Monitor):
    """I1: what the exchange sees was committed before; I3: what it has, the file knows."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Look for the label in the file, which shows only what is committed."""
        if arrival.intent.label not in _labels(scene.file):
            self.blame(arrival.ts_ns, f"{arrival.intent.label} arrived and is not in the journal")

    def quiet(self, scene: Scene) -> None:
        """Look for orphans."""
        strange = set(scene.tap.booked) - _labels(scene.file)
        if strange:
            self.blame(scene.now_ns, f"orders that the journal does not know: {sorted(strange)}")


class AtMostOnce(Monitor):
    """I2: one label, one order, whatever happens."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Count."""
        if scene.tap.booked[arrival.intent.label] > 1:
            self.blame(arrival.ts_ns, f"{arrival.intent.label} is booked twice")


class Evidence(Monitor):
    """I4 and I5: every order is over in the journal, and as it is at the exchange."""

    def quiet(self, scene: Scene) -> None:
        """Compare the ends."""
        with closing(_reader(scene.file)) as base:
            ends = dict(
                base.execute(
                    "SELECT label, after FROM transitions WHERE seq IN"
                    " (SELECT max(seq) FROM transitions GROUP BY label)"
                ).fetchall()
            )
        for label in _labels(scene.file):
            said, real = ends.get(label, "nothing"), scene.tap.ended(label)
            if said not in TERMINAL:
                if real is None and scene.tap.booked[label]:
                    self.blame(scene.now_ns, f"{label} still works at the exchange")
                else:
                    self.blame(scene.now_ns, f"{label} is {said} in the journal, {real} there")
            elif said in {OrderState.REJECTED, OrderState.NOT_BOOKED}:
                if scene.tap.booked[label]:
                    self.blame(scene.now_ns, f"{label} is {said} in the journal, {real} there")
            elif said != real:
                self.blame(scene.now_ns, f"{label} is {said} in the journal, {real} there")


@dataclass(slots=True)
class GoodData(Monitor):
    """I6: no hedge is sent without a fresh, sane quote of its own instrument in the bot's hands."""

    limit_s: float = 2.5
    good: dict[str, Quote] = field(default_factory=dict)

    def heard(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """Keep the newest sane quote; one that is not sane takes its place away."""
        if isinstance(event, Quote):
            if _sane(event):
                self.good[event.instrument] = event
            else:
                self.good.pop(event.instrument, None)

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Judge an order by what was heard of its instrument."""
        if not isinstance(request, Place) or request.intent.purpose == "gamma":
            return
        name = request.intent.instrument
        quote = self.good.get(name)
        if quote is None:
            self.blame(now_ns, f"{request.intent.label} without a sane quote of {name}")
            return
        age_s = seconds_between(min(quote.ts_ns, quote.ts_venue_ns), now_ns)
        if age_s > self.limit_s:
            self.blame(now_ns, f"{request.intent.label} on a quote {age_s:.2f} s old")


@dataclass(slots=True)
class Obeys(Monitor):
    """I7, I20, I22, I23: after a pause or halt no order until it is lifted, across restarts."""

    since_ns: int | None = None
    grace_ns: int = 250_000_000

    def said(self, verb: str, now_ns: int) -> None:
        """Remember what is in force."""
        if verb in {"pause", "halt"} and self.since_ns is None:
            self.since_ns = now_ns
        elif verb == "resume":
            self.since_ns = None

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Nothing may leave."""
        if self.since_ns is None or not isinstance(request, Place):
            return
        if now_ns > self.since_ns + self.grace_ns:
            self.blame(now_ns, f"{request.intent.label} left after a stop")


class OneAtATime(Monitor):
    """I8: no order reaches an instrument on which another of ours still works."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Look at what rests."""
        mine = arrival.intent.label
        others = [label for label in scene.tap.live(arrival.intent.instrument) if label != mine]
        if others:
            self.blame(arrival.ts_ns, f"{mine} beside {others}")


@dataclass(slots=True)
class Capped(Monitor):
    """I9: no order above the owner's cap in USD (infinite: none was set)."""

    order_usd: float = math.inf

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Weigh it at the index."""
        intent = arrival.intent
        instrument = scene.tap.exchange.instrument(intent.instrument)
        if instrument is None or instrument.is_option:
            return
        index = scene.tap.exchange.index[instrument.coin]
        worth = abs(instrument.coins(float(intent.quantity.value), float(intent.price))) * index
        if worth > self.order_usd * 1.02:
            self.blame(arrival.ts_ns, f"{intent.label}: {worth:.0f} USD, cap {self.order_usd:.0f}")


GRID = {"10002", "10020", "10021", "10023", "10043", "13019", "-32602"}


class OnGrid(Monitor):
    """I10: the exchange never refuses an order for its size, price or name."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:  # noqa: ARG002
        """Look at the refusal."""
        if arrival.code in GRID:
            self.blame(arrival.ts_ns, f"{arrival.intent.label} was refused with {arrival.code}")


@dataclass(slots=True)
class TowardsTarget(Monitor):
    """I11 and I12: a hedge of delta brings the account nearer to its target and never past it.

    `moved_pct` is what the index may do between the decision and the fill, `least_coin` what a lot
    and the difference of two delta models are worth.
    """

    moved_pct: float = 0.6
    least_coin: float = 0.02

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Compare the distances before and after its fills."""
        intent = arrival.intent
        instrument = scene.tap.exchange.instrument(intent.instrument)
        if intent.purpose != "delta" or instrument is None:
            return
        if instrument.coin not in scene.owner or instrument.coin in scene.off_scale:
            return
        lower, target, upper = scene.owner[instrument.coin]
        before, after = arrival.delta_before - target, arrival.delta_after - target
        if not math.isfinite(before + after) or before == after:
            return
        slack = self.least_coin * (upper - lower)
        slack += self.moved_pct * truth.gamma(scene.tap.exchange, instrument.coin, arrival.ts_ns)
        if abs(after) > abs(before) + slack:
            self.blame(arrival.ts_ns, f"{intent.label}: {before:+.4f} became {after:+.4f}")
        elif before * after < 0.0 and abs(after) > max(upper - target, target - lower) + slack:
            self.blame(arrival.ts_ns, f"{intent.label}: past the band, {before:+.4f} {after:+.4f}")


@dataclass(slots=True)
class Unhurried(Monitor):
    """I14 and I27: not more orders in a while than the rate limit's four fifths, nor in an hour."""

    window: deque[int] = field(default_factory=deque)
    hour: deque[int] = field(default_factory=deque)
    per_10s: int = 40 + 16
    per_hour: int = 1_500

    def arrived(self, arrival: Arrival, scene: Scene) -> None:  # noqa: ARG002
        """Count."""
        for queue, span_s, most in (
            (self.window, 10, self.per_10s),
            (self.hour, 3_600, self.per_hour),
        ):
            queue.append(arrival.ts_ns)
            while queue[0] <= arrival.ts_ns - span_s * NS_PER_S:
                queue.popleft()
            if len(queue) > most:
                self.blame(arrival.ts_ns, f"{len(queue)} orders in {span_s} s")
                queue.clear()


class Agrees(Monitor):
    """I16 and I21: at the end the bot holds what the exchange holds, to the last lot."""

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


def _sane(quote: Quote) -> bool:
    figures = (quote.bid, quote.ask, quote.mark, quote.index, quote.bid_size, quote.ask_size)
    if not all(math.isfinite(x) and 0.0 < x < 1e12 for x in figures):
        return False
    near = abs(quote.mark / quote.index - 1.0) < 0.2
    return near and quote.bid < quote.ask


def _reader(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)


def _labels(file: Path) -> set[str]:
    with closing(_reader(file)) as base:
        return {label for (label,) in base.execute("SELECT label FROM intents")}
