"""Eyes on every step of a run: each keeps what it saw break its rule, in words.

They look at what is sent and at what the exchange knows, never at what the bot says of itself.
"""

from dataclasses import dataclass, field

from bot.domain.commands import Command, Place
from bot.domain.events import Event, OrderDenied, OrderUpdate
from bot.domain.orders import TERMINAL, OrderState, TimeInForce
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S
from tests.simulation.drive import Drive, mark_of


@dataclass(slots=True)
class Limits:
    """Every order: notional within the caps in force, price within the hard collar of the mark."""

    order_usd: float | None = None
    hard_collar_bps: float = 100.0
    broken: list[str] = field(default_factory=list)
    orders: int = 0
    largest_usd: float = 0.0

    def __call__(self, drive: Drive, _: Event, commands: tuple[Command, ...]) -> None:
        """Judge what is about to be sent."""
        for place in commands:
            if isinstance(place, Place):
                self.orders += 1
                self._judge(drive, place)

    def _judge(self, drive: Drive, place: Place) -> None:
        intent = place.intent
        instrument = drive.exchange.instrument(intent.instrument)
        coin, price = instrument.coin, float(intent.price)
        index = drive.core.floor.book.coins[coin].market.index
        if instrument.is_option:
            return
        mark = mark_of(drive, instrument.name).mark
        caps = drive.core.delta[coin].in_force.caps
        coins = instrument.coins(float(intent.quantity), mark)
        allowed = caps.order_coin * index if self.order_usd is None else self.order_usd
        notional = abs(coins) * index
        self.largest_usd = max(self.largest_usd, notional)
        if notional > allowed * (1.0 + 1e-9):
            self.broken.append(f"{intent.label}: {notional:.0f} USD, allowed {allowed:.0f}")
        away_bps = (price / mark - 1.0) * 1e4 * (1.0 if intent.is_buy else -1.0)
        if away_bps > self.hard_collar_bps + 1.0:
            self.broken.append(f"{intent.label}: {away_bps:.1f} bps from the mark")
        held = drive.exchange.holdings.get(instrument.name)
        size = 0.0 if held is None else held.size
        after = instrument.coins(size + float(intent.quantity), mark)
        if abs(after) > caps.position_coin * (1.0 + 1e-6) and abs(after) > abs(after - coins):
            self.broken.append(f"{intent.label}: position of {after:.3f} {coin}")


@dataclass(slots=True)
class OneAtATime:
    """No second order on an instrument before the first one's end is known at the exchange.

    An order of which the exchange knows nothing has ended when it was rejected or its label denied.
    """

    open: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def __call__(self, drive: Drive, event: Event, commands: tuple[Command, ...]) -> None:
        """Judge what is about to be sent, against what the exchange knows now."""
        if isinstance(event, OrderDenied):
            self.denied.add(event.label)
        if isinstance(event, OrderUpdate) and event.report.state is OrderState.REJECTED:
            self.denied.add(event.report.label)
        for place in commands:
            if not isinstance(place, Place):
                continue
            name, label = place.intent.instrument, place.intent.label
            before = self.open.get(name)
            if before is not None and not self._over(drive, before):
                self.broken.append(f"{label} while {before} stands")
            self.open[name] = label
        resting = [order.instrument.name for order in drive.exchange.working]
        if len(resting) != len(set(resting)):
            self.broken.append(f"two orders rest on one instrument: {resting}")

    def _over(self, drive: Drive, label: str) -> bool:
        states = [
            event.report.state
            for event in drive.exchange.query(label, drive.now_ns)
            if isinstance(event, OrderUpdate)
        ]
        return all(state in TERMINAL for state in states) if states else label in self.denied


@dataclass(slots=True)
class Band:
    """When delta was outside the owner's band, by coin: (from, until) in ns of market time."""

    since: dict[str, int] = field(default_factory=dict)
    spells: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)

    def __call__(self, drive: Drive, event: Event, _: tuple[Command, ...]) -> None:
        """Measure the coin of each future's quote."""
        if not isinstance(event, Quote) or event.coin not in drive.core.rules:
            return
        coin, owner = event.coin, drive.core.rules[event.coin].delta.owner
        delta = drive.delta(coin)
        self.peak[coin] = max(self.peak.get(coin, 0.0), abs(delta - owner.target))
        if owner.holds(delta):
            begun = self.since.pop(coin, None)
            if begun is not None:
                self.spells.setdefault(coin, []).append((begun, event.ts_ns))
        else:
            self.since.setdefault(coin, event.ts_ns)

    def outside_at(self, coin: str, ts_ns: int) -> float:
        """Return how many more seconds delta stays outside, seen from a moment; 0 when inside."""
        for begun, over in self.spells.get(coin, []):
            if begun <= ts_ns < over:
                return (over - ts_ns) / NS_PER_S
        return float("inf") if self.since.get(coin, ts_ns + 1) <= ts_ns else 0.0


def only_immediate_or_resting(drive: Drive) -> bool:
    """Tell whether every order is a limit order: immediate-or-cancel, or good till cancelled."""
    kinds = {TimeInForce.IOC, TimeInForce.GTC}
    return all(p.intent.time_in_force in kinds and p.intent.price > 0 for _, p in drive.sent)
