"""The way up from BOOT to RUNNING, and the comparison of what we hold with the venue's word.

    BOOT ── instruments listed ──▶ RECONCILING ── positions agreed ──▶ READY
    READY ── prices complete ──▶ RUNNING

A run begins with a list that is sure (`beginning`). After that reports are compared instrument by
instrument; one with an order in flight or a fill just told waits for the next report. A difference
puts its underlying back to RECONCILING and is asked for again; what a second report confirms, or
the third that differs, is adopted as the owner's trade. Reports less than half a second apart are
one look, however often it is told. A report that the account's other figures contradict is not
believed (`witness`). An owner who goes on trading is followed at that pace without holding hedging
back; `hold` may leave alone for a while what is adopted, except for the book that a run begins
with. An underlying whose prices stay incomplete for `patience_s` starts in REDUCE_DELTA_ONLY rather
than not at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bot.book.exposure import Exposure
from bot.desk.beginning import APART_S, PATIENT_S, Beginning, stays
from bot.desk.evidence import Disagreement, Values, beyond, testify, unknown_orders
from bot.desk.floor import Floor
from bot.desk.hold import Hold
from bot.desk.rules import DeskRules
from bot.desk.witness import Findings, weigh
from bot.domain.commands import Cancel, Command, Note, Query, QueryPositions
from bot.domain.events import InstrumentsListed, PositionsReport
from bot.domain.instruments import coin_of
from bot.domain.orders import TERMINAL
from bot.domain.positions import Fill, Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt, StateChange
from bot.domain.states import SENDING, STICKY, State
from bot.domain.units import NS_PER_S, Quantity, seconds_between
from bot.risk.machine import INSTANCE
from bot.strategy.choice import choose_hedge

REPORT_S = 30.0
LAG_S = 5.0
SETTLE_S = 2.0
REPEAT_S = 1.0
MOVING_S = 60.0
PATIENT_REPORTS = 3

Differences = Mapping[str, Values]


@dataclass(slots=True)
class Reconciler:
    """What was last asked and answered about positions.

    `moving` tells until when an instrument is taken for one that its owner keeps trading, `beyond`
    which differ by more than the unknown order on them could explain, or did when it was given up.
    """

    floor: Floor
    rules: Mapping[str, DeskRules]
    adopted: bool = False
    asked_ns: int = 0
    fills: deque[tuple[int, str, Decimal]] = field(default_factory=deque)
    doubted: dict[str, Disagreement] = field(default_factory=dict)
    moving: dict[str, int] = field(default_factory=dict)
    waiting_since: dict[str, int] = field(default_factory=dict)
    beyond: frozenset[str] = frozenset()
    beginning: Beginning = field(default_factory=Beginning)
    hold: Hold = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing on hold."""
        self.hold = Hold(self.floor.book, self.floor.orders, self.rules)

    def listed(self, event: InstrumentsListed) -> list[Command]:
        """Leave BOOT: the venue's instruments are known, its positions can be understood."""
        coin, now_ns = event.coin, event.ts_ns
        if coin not in self.rules:
            return []
        commands = self.hold.listed(coin, frozenset(i.name for i in event.instruments), now_ns)
        for place in (INSTANCE, coin):
            if self.floor.machine.states[place] is State.BOOT:
                commands += map(Note, self.floor.machine.climb(place, State.RECONCILING, now_ns))
        if self.adopted:
            return commands + self._ready(now_ns)
        return commands + self.begin(now_ns)

    def begin(self, now_ns: int) -> list[Command]:
        """Ask for positions and for every order whose fate is open."""
        self.asked_ns = now_ns
        open_orders = [Query(o.intent.label, o.intent.instrument) for o in self.floor.orders]
        return [QueryPositions(), *open_orders]

    def doubts(self, instrument: str) -> bool:
        """Tell whether a position is not what the venue last said, or was never told."""
        return not self.adopted or instrument in self.doubted

    def unexplained(self, now_ns: int) -> list[Command]:
        """Hold coins of which an order was given up although positions were not as before it."""
        names = self.floor.orders.take_unexplained()
        if not names:
            return []
        self.beyond |= names
        return [*self._hold(names, now_ns), QueryPositions()]

    def saw_fill(self, fill: Fill, now_ns: int) -> None:
        """Remember a fill's arrival: reports that are made for a while may not contain it."""
        self.fills.append((now_ns, fill.instrument, fill.quantity.value))

    def report(self, event: PositionsReport) -> list[Command]:
        """Compare a report with what we hold; adopt it at the start, and where it is said twice."""
        book, now_ns = self.floor.book, event.ts_ns
        self.floor.see_balances(event.balances, now_ns)
        busy = self._in_flight(now_ns)
        differences = self._differences(event, busy)
        weighed = weigh(book, self.rules, event, differences, now_ns)
        if not self.adopted:
            return self._begin_with(event, weighed, busy)
        unbelieved = {*weighed.against, *(c for c in weighed.open if not self._waited(c, now_ns))}
        if self._explain(differences):
            differences = self._differences(event, busy)
        lagging = {n for n, (ours, theirs) in differences.items() if self._lags(n, ours - theirs)}
        self.floor.skipped = frozenset(busy | lagging)
        open_now = {n: d for n, d in differences.items() if n not in lagging}
        commands = self._judge(event, open_now, unbelieved)
        coins = [coin for coin in self.rules if coin not in unbelieved]
        unknown = unknown_orders(
            self.floor.orders, coins, book.holdings.differences(event.positions)
        )
        self.beyond = beyond(unknown) - self._just_filled(now_ns)
        commands += self._hold(self.beyond, now_ns)
        commands += testify(self.floor.orders, unknown, now_ns) + self.unexplained(now_ns)
        return commands + self._ready(now_ns)

    def tick(self, now_ns: int) -> list[Command]:
        """Ask for positions on a timer, sooner while something is open, doubted or moving."""
        while self.fills and seconds_between(self.fills[0][0], now_ns) > LAG_S:
            self.fills.popleft()
        if self.moving:
            self.moving = {n: until_ns for n, until_ns in self.moving.items() if until_ns > now_ns}
        waiting = State.RECONCILING in self.floor.machine.states.values()
        open_now = self.floor.skipped - self.floor.orders.patient
        soon = self.doubted or open_now or self.moving or waiting
        often_s = APART_S if not self.adopted else REPEAT_S if soon else REPORT_S
        if (
            seconds_between(self.asked_ns, now_ns) < often_s
            or self.floor.machine.at(INSTANCE) is State.BOOT
        ):
            return []
        self.asked_ns = now_ns
        return [QueryPositions()]

    def climb(self, coin: str, exposure: Exposure, now_ns: int) -> list[Command]:
        """Move a coin that is READY to RUNNING as soon as its prices are complete."""
        machine = self.floor.machine
        if machine.states[coin] is not State.READY:
            # An instance that was resumed comes back as soon as one of its coins may send.
            if machine.states[INSTANCE] is State.READY and machine.states[coin] in SENDING:
                return [Note(c) for c in machine.climb(INSTANCE, State.RUNNING, now_ns)]
            return []
        hedge, missing = choose_hedge(self.floor.book, coin, now_ns, self.floor.tier)
        complete = hedge is not None and exposure.trusted and not exposure.doubts
        since = self.waiting_since.setdefault(coin, now_ns)
        patient = seconds_between(since, now_ns) < self.rules[coin].patience_s
        if not complete and patient:
            return []
        to = State.RUNNING if complete else State.REDUCE_DELTA_ONLY
        reasons = () if complete else (*exposure.doubts, *missing)
        self.waiting_since.pop(coin, None)
        changes = machine.climb(coin, to, now_ns, reasons)
        if machine.states[INSTANCE] is State.READY:
            changes += machine.climb(INSTANCE, State.RUNNING, now_ns)
        return [Note(change) for change in changes]

    def cancel_all(self, now_ns: int, coin: str = "") -> list[Command]:
        """Cancel every order that may still fill."""
        commands: list[Command] = []
        for order in self.floor.orders:
            if order.state not in TERMINAL and coin in ("", order.coin):
                order.cancel_asked_ns = now_ns
                commands.append(Cancel(order.intent.label, order.intent.instrument))
        return commands

    def _in_flight(self, now_ns: int) -> set[str]:
        """Return the instruments whose position may be older or newer in a report than with us."""
        return self._just_filled(now_ns) | {
            o.intent.instrument for o in self.floor.orders if o.state not in TERMINAL
        }

    def _just_filled(self, now_ns: int) -> set[str]:
        return {name for at_ns, name, _ in self.fills if seconds_between(at_ns, now_ns) < SETTLE_S}

    def _begin_with(
        self, event: PositionsReport, weighed: Findings, busy: set[str]
    ) -> list[Command]:
        """Take a report as what the run begins with, and go on if that is sure."""
        book, now_ns = self.floor.book, event.ts_ns
        if weighed.against:
            lacking = weighed.against - weighed.empty
            return [
                *stays(self.floor, Reason.EMPTY_REPORT, weighed.empty, now_ns),
                *stays(self.floor, Reason.LACKING_REPORT, lacking, now_ns),
            ]
        names = book.holdings.places(event.positions)
        self._adopt(event, names | {o.intent.instrument for o in self.floor.orders})
        commands = self.hold.begun(now_ns)
        sure, said = self.beginning.sure(self.floor, self.rules, event.balances, now_ns)
        # What an earlier run left open may still fill: its end comes first, then a new report.
        self.adopted = sure and not busy
        return commands + said + (self._ready(now_ns) if self.adopted else [])

    def _waited(self, coin: str, now_ns: int) -> bool:
        """Tell whether a coin has had something that differs and is open for long."""
        seen = [d.looked_ns for name, d in self.doubted.items() if coin_of(name) == coin]
        return bool(seen) and seconds_between(min(seen), now_ns) >= PATIENT_S

    def _differences(self, event: PositionsReport, busy: set[str]) -> dict[str, Values]:
        found = self.floor.book.holdings.differences(event.positions)
        return {name: values for name, values in found.items() if name not in busy}

    def _lags(self, instrument: str, missing: Decimal) -> bool:
        """Tell whether a report only misses our newest fills: that is no other trade."""
        total = Decimal(0)
        for _, name, quantity in reversed(self.fills):
            if name == instrument:
                total += quantity
                if total == missing:
                    return True
        return False

    def _judge(
        self, event: PositionsReport, differences: Differences, unbelieved: set[str]
    ) -> list[Command]:
        """Forget what agrees again, adopt what is confirmed or keeps differing, doubt the rest.

        What differs on a coin that is not believed stays doubted, and is no look at it.
        """
        now_ns = event.ts_ns
        before = self.doubted
        silent = {n: d for n, d in before.items() if n in self.floor.skipped}
        agreed = {n: d.values for n, d in before.items() if n not in {*silent, *differences}}
        newest = {
            name: before.get(name) or Disagreement(d, 0, now_ns) for name, d in differences.items()
        }
        credible = {
            name: before[name].then(d, now_ns) if name in before else Disagreement(d, 1, now_ns)
            for name, d in differences.items()
            if coin_of(name) not in unbelieved
        }
        newest |= credible
        confirmed = {name for name, found in credible.items() if found.confirms(before.get(name))}
        moving = {n for n, d in credible.items() if d.times >= PATIENT_REPORTS} - confirmed
        until_ns = now_ns + round(MOVING_S * NS_PER_S)
        self.moving |= dict.fromkeys(moving, until_ns)
        settled = confirmed | moving
        parked: list[Command] = []
        if settled:
            was = self._adopt(event, settled)
            parked = self.hold.adopted(was, settled, now_ns)
        self.doubted = silent | {n: d for n, d in newest.items() if n not in settled}
        over = agreed | {name: newest[name].values for name in sorted(settled)}
        open_now = {n: d.values for n, d in newest.items() if n not in settled}
        return [
            *parked,
            *self._doubts(over, now_ns, active=False),
            *self._doubts(open_now, now_ns, active=True),
            *self._hold(open_now, now_ns),
        ]

    def _hold(self, names: Iterable[str], now_ns: int) -> list[Command]:
        """Put coins back to RECONCILING, unless their owner is known to go on trading."""
        machine = self.floor.machine
        notes: list[StateChange] = []
        for coin in sorted({coin_of(n) for n in names if n not in self.moving} & set(self.rules)):
            if machine.states[coin] not in STICKY:
                jump = Because(Reason.POSITION_JUMP, coin)
                notes += machine.climb(coin, State.RECONCILING, now_ns, (jump,))
        return [Note(change) for change in notes]

    def _ready(self, now_ns: int) -> list[Command]:
        """Let go on what is reconciled: the instance, and every coin with nothing left open."""
        waiting = {n for n in self.floor.skipped if not self._in_order(n)} | self._just_filled(
            now_ns
        )
        waiting |= self.beyond | {name for name in self.doubted if name not in self.moving}
        held = {coin_of(name) for name in waiting}
        held |= {coin for coin in self.rules if self.floor.orders.busy(coin, now_ns)}
        machine = self.floor.machine
        ready = [p for p in (INSTANCE, *self.rules) if p not in held]
        ready = [p for p in ready if machine.states[p] is State.RECONCILING]
        return [Note(c) for place in ready for c in machine.climb(place, State.READY, now_ns)]

    def _in_order(self, instrument: str) -> bool:
        return self.floor.orders.unresolved(instrument) is not None

    def _explain(self, differences: Differences) -> bool:
        """Close orders whose reported but untold fills are just what the venue's positions show."""
        missing: dict[str, Decimal] = {}
        for coin in self.rules:
            for order in self.floor.orders.missing_fills(coin):
                name = order.intent.instrument
                missing[name] = missing.get(name, Decimal(0)) + order.may_fill
        shown = {name: theirs - ours for name, (ours, theirs) in differences.items()}
        met = {name for name in missing.keys() & shown.keys() if missing[name] == shown[name]}
        self._credit(met)
        return bool(met)

    def _credit(self, instruments: set[str]) -> None:
        """Count as ours what ended orders filled without telling it; the positions contain it."""
        orders = self.floor.orders
        for order in list(orders):
            intent = order.intent
            if order.state in TERMINAL and intent.instrument in instruments:
                untold = Quantity(order.may_fill, intent.quantity.unit)
                self.floor.book.holdings.credit(intent.label, untold, intent.instrument)
                del orders.orders[intent.label]

    def _adopt(self, event: PositionsReport, instruments: set[str]) -> Mapping[str, Position]:
        """Take a report as the truth, with what ended orders filled; return the owner's before."""
        self._credit(instruments)
        book, before = self.floor.book, self.hold.owners(instruments)
        book.holdings.adopt(event.positions, book.instruments, instruments)
        return before

    def _doubts(self, differences: Differences, now_ns: int, *, active: bool) -> list[Command]:
        notes: list[Command] = []
        for name, (ours, theirs) in differences.items():
            figures = {"ours": float(ours), "venue": float(theirs)}
            because = Because(Reason.POSITION_JUMP, name, figures)
            notes.append(Note(Doubt(now_ns, coin_of(name), because, active)))
        return notes
