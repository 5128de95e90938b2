"""A core on the paper venue, driven event by event without a journal, and what was seen on the way.

The exchange is asked from the outside: what it holds, what rests in its book and what it knows
about a label is the truth that the bot's own view is compared with.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from bot import wiring
from bot.book.measure import measure
from bot.domain.commands import Cancel, Command, Note, Place
from bot.domain.events import Event, Filled, Operator, OrderUpdate, Settled
from bot.domain.orders import TERMINAL
from bot.domain.records import Decision, HedgeDone, OrderTransition, StateChange
from bot.domain.units import NS_PER_S, utc_ns
from bot.journal import Digest
from config.schema import Settings

START_NS = utc_ns(2026, 1, 5, 6, 30)
WAKE_NS = NS_PER_S // 2
PERPETUAL = "BTC-PERPETUAL"


def seconds(count: float) -> int:
    """Return nanoseconds."""
    return round(count * NS_PER_S)


def book(
    *positions: tuple[str, float],
    numeraire: str = "usd",
    band: float = 1.0,
    regime: str = "normal",
    collateral: float = 20.0,
    limits: dict[str, float] | None = None,
    **underlying: object,
) -> Settings:
    """Return settings of a BTC book that is hedged with the perpetual, gamma left alone."""
    rows = [{"instrument": name, "quantity": quantity} for name, quantity in positions]
    btc = {
        "numeraire": numeraire,
        "collateral_delta": "exclude",
        "delta": {"target": 0.0, "lower": -band, "upper": band},
        "gamma": {"action": "off", "lower": -1000.0},
    }
    return Settings.model_validate(
        {
            "underlying": {"BTC": btc | underlying},
            "limits": limits or {},
            "sim": {"regime": regime},
            "paper": {"collateral": {"BTC": collateral}, "position": rows},
        }
    )


@dataclass(slots=True)
class Drive:
    """One run in progress; `sent` and `records` grow with it, `watch` sees every step."""

    paper: wiring.Paper
    watch: tuple[Callable[["Drive", Event, tuple[Command, ...]], None], ...] = ()
    now_ns: int = 0
    wake_ns: int = 0
    sent: list[tuple[int, Place]] = field(default_factory=list)
    cancels: list[tuple[int, Cancel]] = field(default_factory=list)
    records: list[tuple[int, object]] = field(default_factory=list)
    fills: list[tuple[float, Filled]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    digest: Digest = field(default_factory=Digest)

    @property
    def core(self):
        """Return the core."""
        return self.paper.core

    @property
    def exchange(self):
        """Return the simulated exchange, which knows the truth."""
        return self.paper.venue.exchange

    def until(self, ts_ns: int) -> "Drive":
        """Run up to a moment (included)."""
        venue, core = self.paper.venue, self.core
        while (event := venue.next_event(ts_ns)) is not None:
            self._take(event)
            self._give(event, core.handle(event))
        self.now_ns = max(self.now_ns, ts_ns)
        return self

    def operator(self, verb: str, coin: str = "", for_s: float | None = None) -> None:
        """Say an operator's word now."""
        name = f"c{len(self.records)}"
        event = Operator(self.now_ns, name, verb, coin, "owner", "a test asked", for_s)
        self._give(event, self.core.handle(event))

    def delta(self, coin: str = "BTC") -> float:
        """Return the delta that the bot measures now, coins."""
        return measure(self.core.floor.book, coin, self.now_ns).delta

    def state(self, coin: str = "BTC"):
        """Return the state that applies to a coin."""
        return self.core.floor.machine.at(coin)

    def of(self, kind: type, since_ns: int = 0) -> list:
        """Return the records of a kind that were written at or after a moment."""
        return [r for ts, r in self.records if isinstance(r, kind) and ts >= since_ns]

    def hedges(self, since_ns: int = 0) -> list[HedgeDone]:
        """Return the finished hedges."""
        return self.of(HedgeDone, since_ns)

    def decisions(self, kind: str, since_ns: int = 0) -> list[Decision]:
        """Return the decisions of a kind."""
        return [d for d in self.of(Decision, since_ns) if d.kind == kind]

    def steps(self, label: str) -> list[tuple[str, str]]:
        """Return an order's transitions as (before, after)."""
        return [(r.before, r.after) for r in self.of(OrderTransition) if r.label == label]

    def changes(self, coin: str) -> list[StateChange]:
        """Return the changes of a coin's state, or ("") of the instance's."""
        return [r for r in self.of(StateChange) if r.coin == coin]

    def states(self, coin: str):
        """Return every state that a coin entered."""
        return [r.after for r in self.changes(coin)]

    def _take(self, event: Event) -> None:
        self.now_ns = max(self.now_ns, event.ts_ns)
        if isinstance(event, Filled):
            coin = event.fill.instrument.partition("-")[0]
            self.fills.append((self.exchange.index[coin], event))
            self.digest.fill(event.fill)
        elif isinstance(event, Settled):
            self.settled.append(event)

    def _give(self, event: Event, commands: tuple[Command, ...]) -> None:
        for command in commands:
            if isinstance(command, Note):
                self.records.append((event.ts_ns, command.record))
                self.digest.record(command.record)
            elif isinstance(command, Place):
                self.sent.append((event.ts_ns, command))
                self.digest.intent(command.intent)
            elif isinstance(command, Cancel):
                self.cancels.append((event.ts_ns, command))
        for eye in self.watch:
            eye(self, event, commands)
        for command in commands:
            if not isinstance(command, Note):
                self.paper.venue.send(command, self.now_ns)
        if self.core.waiting and self.wake_ns <= self.now_ns:  # one at a time, as the stepper does
            self.wake_ns = self.now_ns + WAKE_NS
            self.paper.venue.wake_at(self.wake_ns)


def start(
    settings: Settings,
    *watch: Callable[[Drive, Event, tuple[Command, ...]], None],
    seed: int = 1,
    start_ns: int | None = None,
    faults=(),
    market=None,
    sticky=None,
) -> Drive:
    """Return a run before its first event."""
    whole = market or wiring.market(settings, seed, start_ns)
    paper = wiring.paper(settings, whole, seed=seed, sticky=sticky)
    paper.venue._faults.pending[:] = sorted(faults, key=lambda fault: fault.after_ns) or list(
        paper.venue._faults.pending
    )
    return Drive(paper, watch, now_ns=whole.start_ns)


def mark_of(drive: Drive, instrument: str):
    """Return the newest quote of a future that the bot has taken."""
    coin = instrument.partition("-")[0]
    return drive.core.floor.book.coins[coin].market.quotes[instrument]


def agree(drive: Drive) -> dict[str, tuple[Decimal, Decimal]]:
    """Return where the bot's positions differ from the exchange's: (ours, theirs) by name."""
    theirs = {n: h.quantity for n, h in drive.exchange.holdings.items() if h.quantity}
    ours = drive.core.floor.book.holdings.held()
    return {
        name: (ours.get(name, Decimal(0)), theirs.get(name, Decimal(0)))
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name, Decimal(0)) != theirs.get(name, Decimal(0))
    }


def venue_orders(drive: Drive) -> Counter:
    """Return how many venue orders there are for each label that was sent."""
    found: Counter = Counter()
    for _, place in drive.sent:
        label = place.intent.label
        reports = [
            event
            for event in drive.exchange.query(label, drive.now_ns)
            if isinstance(event, OrderUpdate)
        ]
        found[label] = len(reports)
    return found


def ended(drive: Drive, label: str) -> bool:
    """Tell whether the exchange knows an order of a label and has ended it."""
    reports = [
        event.report.state
        for event in drive.exchange.query(label, drive.now_ns)
        if isinstance(event, OrderUpdate)
    ]
    return bool(reports) and all(state in TERMINAL for state in reports)
