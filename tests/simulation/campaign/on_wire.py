"""The invariants of what the bot sends, held against what it could know when it sent that."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.commands import Place
from bot.domain.events import Event, LaneChanged, PositionsReport
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S, seconds_between
from bot.venues.port import Request
from tests.simulation.campaign.monitors import Monitor, Scene, sane


class OneAtATime(Monitor):
    """I8: no order leaves for an instrument while the end of another there is not proven."""

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:
        """Look at what is open."""
        if not isinstance(request, Place):
            return
        others = scene.wire.open_on(request.intent.instrument)
        if others:
            self.blame(now_ns, f"{request.intent.label} beside {others}")


@dataclass(slots=True)
class GoodData(Monitor):
    """I6: no hedge is sent without a fresh, sane quote of its own instrument in the bot's hands.

    Dated futures are published less often.
    """

    limit_s: float = 2.5
    dated_s: float = 10.5
    good: dict[str, Quote] = field(default_factory=dict)

    def heard(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """Keep the newest sane quote; one that is not sane takes its place away."""
        if isinstance(event, Quote):
            if sane(event):
                self.good[event.instrument] = event
            else:
                self.good.pop(event.instrument, None)

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:
        """Judge an order by what was heard of its instrument."""
        if not isinstance(request, Place) or request.intent.purpose == "gamma":
            return
        name = request.intent.instrument
        quote = self.good.get(name)
        if quote is None:
            self.blame(now_ns, f"{request.intent.label} without a sane quote of {name}")
            return
        age_s = seconds_between(min(quote.ts_ns, quote.ts_venue_ns), now_ns)
        instrument = scene.tap.exchange.instrument(name)
        dated = instrument is not None and instrument.expiry_ns is not None
        if age_s > (self.dated_s if dated else self.limit_s):
            self.blame(now_ns, f"{request.intent.label} on a quote {age_s:.2f} s old")


@dataclass(slots=True)
class Collared(Monitor):
    """I10: no price is worse than the collar allows of some mark that was heard of late."""

    collar_bps: float = 100.0
    late_s: float = 3.0
    marks: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)

    def heard(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """Keep the marks."""
        if isinstance(event, Quote) and sane(event):
            kept = self.marks.setdefault(event.instrument, deque())
            kept.append((event.ts_ns, event.mark))
            while seconds_between(kept[0][0], event.ts_ns) > self.late_s:
                kept.popleft()

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Compare the limit with the furthest of them."""
        if not isinstance(request, Place) or request.intent.purpose == "gamma":
            return
        intent, kept = request.intent, self.marks.get(request.intent.instrument)
        if not kept:
            return
        side = 1.0 if intent.is_buy else -1.0
        furthest = max(side * mark * (1.0 + side * self.collar_bps * 1e-4) for _, mark in kept)
        if side * float(intent.price) > furthest + 1e-6:
            self.blame(now_ns, f"{intent.label} at {intent.price}, furthest {side * furthest:.2f}")


@dataclass(slots=True)
class Unhurried(Monitor):
    """I27: not more orders leave in a while than four fifths of the rate limit; nor for ever."""

    queues: dict[int, deque[int]] = field(default_factory=dict)
    most: tuple[tuple[int, int], ...] = ((10, 40 + 16), (60, 80), (600, 300))

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Count."""
        if not isinstance(request, Place):
            return
        for span_s, most in self.most:
            queue = self.queues.setdefault(span_s, deque())
            queue.append(now_ns)
            while queue[0] <= now_ns - span_s * NS_PER_S:
                queue.popleft()
            if len(queue) > most:
                self.blame(now_ns, f"{len(queue)} orders in {span_s} s")
                queue.clear()


@dataclass(slots=True)
class NoLane(Monitor):
    """I7: while the venue has said that no order can leave, none is sent."""

    barred: bool = False

    def died(self, scene: Scene) -> None:  # noqa: ARG002
        """Begin anew: a life is told anew."""
        self.barred = False

    def heard(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """Remember the newest word."""
        if isinstance(event, LaneChanged):
            self.barred = bool(event.barred)

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Nothing may leave."""
        if self.barred and isinstance(request, Place):
            self.blame(now_ns, f"{request.intent.label} left by a lane that is barred")


@dataclass(slots=True)
class Stops(Monitor):
    """I22: what rested when a halt was said is cancelled within seconds, where the bot lives."""

    halted_ns: int | None = None
    resting: tuple[str, ...] = ()
    within_s: float = 6.0

    def said(self, verb: str, now_ns: int, scene: Scene) -> None:
        """Remember what rests."""
        if verb != "halt":
            self.halted_ns = None
        elif scene.there:
            self.halted_ns = now_ns
            self.resting = tuple(o.intent.label for o in scene.tap.exchange.working)

    def died(self, scene: Scene) -> None:  # noqa: ARG002
        """Who is dead cancels nothing."""
        self.halted_ns = None

    def look(self, scene: Scene) -> None:
        """See whether each that still rests was cancelled at least once."""
        since_ns = self.halted_ns
        if since_ns is None or seconds_between(since_ns, scene.now_ns) < self.within_s:
            return
        self.halted_ns = None
        still = {o.intent.label for o in scene.tap.exchange.working} & set(self.resting)
        for label in sorted(still):
            told = scene.wire.orders.get(label)
            if told is None or not any(at_ns >= since_ns for at_ns in told.cancels):
                self.blame(scene.now_ns, f"{label} rests on after a halt")


@dataclass(slots=True)
class Startled(Monitor):
    """I21: a position that jumped without a trade of ours is looked at again before any order.

    `owned` is what is held beside our own fills. While something is in flight or was filled just
    now a report proves nothing about it, and what keeps jumping is no surprise. What such a report
    may have shown is `glimpsed` (when first): a later one that shows the same is a second look, be
    it at what the owner traded meanwhile or, after a lie, at what was there before. A list of
    nothing beside an account that has margin is no report: no life begins with it, and while it is
    the newest that was heard, what it has `denied` is no position to trade on.
    """

    settle_s: float = 7.0
    keeps_s: float = 90.0
    again_s: float = 0.4
    owned: dict[str, Decimal] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    jumped: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    agreed: dict[str, Decimal] = field(default_factory=dict)
    raw: dict[str, Decimal] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    glimpsed: dict[str, dict[Decimal, int]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)
    begun: bool = False

    def died(self, scene: Scene) -> None:  # noqa: ARG002
        """Begin anew: a life begins with a report of its own."""
        self.begun = False
        self.jumped.clear()
        self.glimpsed.clear()
        self.denied.clear()
        self.taken.clear()

    def heard(self, event: Event, scene: Scene) -> None:
        """Compare a report with the one before and what was filled since."""
        if not isinstance(event, PositionsReport):
            return
        now_ns = event.ts_ns
        if _absurd(event):
            if self.begun:
                self.denied |= {name for name in self.owned if self._denies(name, now_ns, scene)}
            return
        self.denied.clear()
        told = {p.instrument: p.quantity.value for p in event.positions}
        self.jumped = {
            name: at_ns
            for name, at_ns in self.jumped.items()
            if seconds_between(at_ns, now_ns) < self.again_s
        }
        for name in sorted(told.keys() | self.owned.keys()):
            twice = self.raw.get(name, Decimal(0)) == told.get(name, Decimal(0))
            self.raw[name] = told.get(name, Decimal(0))
            if _over(name, now_ns, scene):
                self.owned.pop(name, None)
                continue
            owned = told.get(name, Decimal(0)) - scene.wire.filled_on(name)[0]
            if self._settles(name, now_ns, scene):
                self.glimpsed.setdefault(name, {}).setdefault(owned, now_ns)
                if not self.begun:
                    self.unsure.add(name)
                continue
            self._judge(name, owned, now_ns, twice=twice)
        self.begun = True

    def _settles(self, name: str, now_ns: int, scene: Scene) -> bool:
        """Tell whether a report may be older or newer than what was heard of our orders."""
        filled_ns = scene.wire.filled_on(name)[1]
        settling = seconds_between(filled_ns, now_ns) < self.settle_s
        return settling or bool(scene.wire.open_on(name))

    def _keeps(self, name: str, now_ns: int) -> bool:
        """Tell whether it has jumped of late."""
        return seconds_between(self.before.get(name, -(2**62)), now_ns) < self.keeps_s

    def _denies(self, name: str, now_ns: int, scene: Scene) -> bool:
        """Tell whether a list of nothing leaves out what is known to be held."""
        held = self.owned[name] + scene.wire.filled_on(name)[0]
        vague = self._settles(name, now_ns, scene) or name in self.unsure
        return bool(held) and not (vague or self._keeps(name, now_ns) or _over(name, now_ns, scene))

    def _judge(self, name: str, owned: Decimal, now_ns: int, *, twice: bool) -> None:
        """Compare what is owned with what was owned; `twice`: the newest two reports agree."""
        was, self.owned[name] = self.owned.get(name, Decimal(0)), owned
        glimpsed_ns = self.glimpsed.get(name, {}).get(owned, now_ns)
        again = seconds_between(glimpsed_ns, now_ns) >= self.again_s
        if was != owned:
            self.since[name] = now_ns
        # The same lie told twice in one breath is no second look either.
        stands = seconds_between(self.since.get(name, now_ns), now_ns) >= self.again_s
        if again or (was == owned and stands):
            self.glimpsed.pop(name, None)
        if again:
            self.jumped.pop(name, None)
        if again or was == owned or not self.begun or name in self.unsure:
            if again and was != owned and self.begun:
                self.agreed[name], self.taken[name] = was, now_ns
            self.unsure.discard(name)
            return
        taken_ns = self.taken.pop(name, -(2**62))
        open_now = self.jumped.pop(name, None) is not None
        open_now = open_now or seconds_between(taken_ns, now_ns) < self.keeps_s
        if open_now and owned == self.agreed.get(name):
            return  # it is back where it was
        self.agreed[name] = was
        if not (self._keeps(name, now_ns) or twice):
            self.jumped[name] = now_ns
        self.before[name] = now_ns

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Nothing may leave on a first sight."""
        if isinstance(request, Place) and (self.jumped or self.denied):
            names = ", ".join(sorted(self.jumped.keys() | self.denied))
            self.blame(now_ns, f"{request.intent.label} on the first sight of a jump of {names}")


def _over(name: str, now_ns: int, scene: Scene) -> bool:
    """Tell whether an instrument has expired."""
    listed = scene.tap.exchange.instrument(name)
    return listed is not None and listed.expiry_ns is not None and listed.expiry_ns <= now_ns


def _absurd(event: PositionsReport) -> bool:
    """Tell whether a report without any position says itself that there are some."""
    empty = not any(p.quantity for p in event.positions)
    return empty and any(b.maintenance_margin > 0.0 for b in event.balances)


@dataclass(slots=True)
class OwnFills(Monitor):
    """I18: what the bot counts as its hedges is the sum of the exchange's fills of its orders.

    A report in which an instrument is missing may be believed, and then it is nobody's hedge. A
    trade that was told after its order's end is in no journal where the bot died before it was on
    disk; the positions have it.
    """

    missing: set[str] = field(default_factory=set)
    lately_s: float = 40.0
    commit_s: float = 1.5

    def died(self, scene: Scene) -> None:
        """See what was not told yet."""
        for told in scene.wire.orders.values():
            if told.intent is None:
                continue
            untold = sum(told.fills.values()) != told.filled
            late_s = self.lately_s if untold else self.commit_s
            if seconds_between(max(told.filled_ns, told.traded_ns), scene.now_ns) < late_s:
                self.missing.add(told.intent.instrument)

    def heard(self, event: Event, scene: Scene) -> None:
        """See what is missing."""
        if isinstance(event, PositionsReport):
            names = {p.instrument for p in event.positions if p.quantity}
            self.missing |= {name for name, size in scene.hedges().items() if size} - names

    def quiet(self, scene: Scene) -> None:
        """Add up."""
        theirs: dict[str, Decimal] = {}
        for label in scene.tap.booked:
            for name, size in scene.tap.fills(label):
                theirs[name] = theirs.get(name, Decimal(0)) + size
        ours = scene.hedges()
        for name in sorted(theirs.keys() | ours.keys()):
            one, other = ours.get(name, Decimal(0)), theirs.get(name, Decimal(0))
            if one != other and name not in self.missing:
                self.blame(scene.now_ns, f"hedges in {name}: {one} by the bot, {other} filled")
