"""What the exchange knows: which orders reached it, what became of them, the account's delta."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from bot.domain.events import Event, Filled, OrderUpdate, PositionsReport
from bot.domain.instruments import Instrument
from bot.domain.orders import TERMINAL, Intent, OrderState
from bot.domain.positions import Position
from bot.domain.quotes import Chain
from bot.domain.units import SECONDS_PER_YEAR, seconds_between
from bot.sim.exchange import Exchange
from greeks import black76, settlement

SETTLING_S = 1_800.0
NEWS_S = 90.0
NOTHING: Mapping[str, Decimal] = {}


@dataclass(frozen=True, slots=True)
class Arrival:
    """An order that reached the exchange, what it was answered, and the delta that it met (coin).

    `delta` is that of the whole account, without what rests, and without what others traded in it
    and no report had told yet: nobody can hedge what nobody knows.
    """

    ts_ns: int
    intent: Intent
    state: OrderState
    code: str
    delta_before: float
    delta_after: float


@dataclass(slots=True)
class Tap:
    """The exchange as the network sees it, with everything that was asked of it written down."""

    exchange: Exchange
    arrivals: list[Arrival] = field(default_factory=list)
    booked: Counter[str] = field(default_factory=Counter)
    news: list[tuple[int, str, Decimal]] = field(default_factory=list)
    late_cancels: int = 0
    partly: int = 0

    def __getattr__(self, name: str) -> Any:
        """Return what the exchange has under a name."""
        return getattr(self.exchange, name)

    def place(self, intent: Intent, now_ns: int) -> list[Event]:
        """Let an order through, and write down what became of it."""
        instrument = self.exchange.instrument(intent.instrument)
        coin = "" if instrument is None else instrument.coin
        before = delta(self.exchange, coin, now_ns, without=self.untold)
        events = self.exchange.place(intent, now_ns)
        report = next(e.report for e in reversed(events) if isinstance(e, OrderUpdate))
        if report.state is not OrderState.REJECTED:
            self.booked[intent.label] += 1
        self.partly += _cut_short(events)
        after = delta(self.exchange, coin, now_ns, without=self.untold)
        self.arrivals.append(Arrival(now_ns, intent, report.state, report.code, before, after))
        return events

    def cancel(self, label: str, now_ns: int) -> list[Event]:
        """Let a cancellation through; count those that came after the end, or after a part."""
        works = self.ended(label) is None
        events = self.exchange.cancel(label, now_ns)
        self.partly += works and _cut_short(events)
        self.late_cancels += any(
            isinstance(e, OrderUpdate) and e.report.state is OrderState.FILLED for e in events
        )
        return events

    def traded(self, position: Position, now_ns: int) -> None:
        """Let somebody else trade in the account."""
        self.exchange.adopt(position)
        self.news.append((now_ns, position.instrument, position.quantity.value))

    def told(self, report: PositionsReport) -> None:
        """See a report reach the bot: what it shows as it is now is news no more.

        Nor is what should have been told long ago, whatever the reports were like.
        """
        shown = {p.instrument: p.quantity.value for p in report.positions}
        held = {name: h.quantity for name, h in self.exchange.holdings.items()}
        none = Decimal(0)
        self.news = [
            (at_ns, name, size)
            for at_ns, name, size in self.news
            if shown.get(name, none) != held.get(name, none)
            and seconds_between(at_ns, report.ts_ns) < NEWS_S
        ]

    @property
    def untold(self) -> Mapping[str, Decimal]:
        """Return what others traded by instrument, and no report has told the bot yet."""
        sizes: dict[str, Decimal] = {}
        for _, name, size in self.news:
            sizes[name] = sizes.get(name, Decimal(0)) + size
        return sizes

    def live(self, instrument: str) -> list[str]:
        """Return the labels of the orders that rest on an instrument."""
        return [o.intent.label for o in self.exchange.working if o.instrument.name == instrument]

    def fills(self, label: str) -> list[tuple[str, Decimal]]:
        """Return (instrument, signed quantity) of everything that filled under a label."""
        told = self.exchange.query(label, 0)
        fills = [event.fill for event in told if isinstance(event, Filled)]
        return [(fill.instrument, fill.quantity.value) for fill in fills]

    def ended(self, label: str) -> OrderState | None:
        """Return the terminal state of a label's order; None while it works or is not known."""
        states = [
            e.report.state for e in self.exchange.query(label, 0) if isinstance(e, OrderUpdate)
        ]
        return states[-1] if states and states[-1] in TERMINAL else None


def _cut_short(events: Sequence[Event]) -> bool:
    """Tell whether an order ended as cancelled after a part of it had been filled."""
    reports = [e.report for e in events if isinstance(e, OrderUpdate)]
    return any(r.state is OrderState.CANCELLED and r.filled.value for r in reports)


def _held(
    exchange: Exchange, coin: str, without: Mapping[str, Decimal]
) -> list[tuple[Instrument, float]]:
    """Return what the account holds of a coin but for `without`."""
    sizes = {name: holding.quantity for name, holding in exchange.holdings.items()}
    for name, size in without.items():
        sizes[name] = sizes.get(name, Decimal(0)) - size
    named = [(exchange.instrument(name), float(size)) for name, size in sizes.items() if size]
    return [(one, size) for one, size in named if one is not None and one.coin == coin]


def futures(exchange: Exchange, coin: str, without: Mapping[str, Decimal] = NOTHING) -> float:
    """Return what the account holds of a coin's futures but for `without`, coin at the index."""
    return sum(
        one.coins(size, exchange.index[coin])
        for one, size in _held(exchange, coin, without)
        if not one.is_option
    )


def delta(
    exchange: Exchange,
    coin: str,
    now_ns: int,
    *,
    lasting: bool = False,
    without: Mapping[str, Decimal] = NOTHING,
) -> float:
    """Return the account's delta in a dollar book, coin; NaN where a price is missing.

    Futures count at their mark, options at the exchange's own volatility of its newest batch;
    `lasting` leaves out what settles within half an hour, `without` is not counted.
    """
    board = exchange._board
    chain: Chain | None = board.chains.get(coin)
    total = 0.0
    for instrument, size in _held(exchange, coin, without):
        if not instrument.is_option:
            move = board.future(instrument.name)
            total += np.nan if move is None else instrument.coins(size, move.quote.mark)
            continue
        row = None if chain is None else chain.listing.row.get(instrument.name)
        if chain is None or row is None or instrument.expiry_ns is None:
            return float("nan")
        left_s = max(seconds_between(now_ns, instrument.expiry_ns), 0.0)
        if lasting and left_s <= SETTLING_S:
            continue
        forward = chain.forward[row] * board.index[coin] / chain.index
        years = years_of(left_s)
        found = black76.first(instrument.is_call, forward, instrument.strike, years, chain.vol[row])
        total += size * float(found.delta)
    return float(total)


def years_of(left_s: float) -> float:
    """Return the years that the exchange's volatilities count by.

    They are those of the calendar until the average begins that an option settles on.
    """
    if left_s < SETTLING_S:
        return float(settlement.variance_years(left_s))
    return left_s / SECONDS_PER_YEAR


def delta_range(exchange: Exchange, coin: str, now_ns: int) -> tuple[float, float]:
    """Return between what the account's delta lies, coin: what settles fades, how far depends."""
    low = high = delta(exchange, coin, now_ns, lasting=True)
    for holding in exchange.holdings.values():
        instrument, size = holding.instrument, float(holding.quantity)
        if instrument.coin != coin or not instrument.is_option or instrument.expiry_ns is None:
            continue
        left_s = seconds_between(now_ns, instrument.expiry_ns)
        if left_s <= SETTLING_S:
            most = size * max(left_s, 0.0) / SETTLING_S * (1.0 if instrument.is_call else -1.0)
            low, high = low + min(most, 0.0), high + max(most, 0.0)
    return low, high


def gamma(exchange: Exchange, coin: str, now_ns: int) -> float:
    """Return how far delta moves when the index moves by one per cent, at most (coin)."""
    board = exchange._board
    chain = board.chains.get(coin)
    total = 0.0
    for holding in exchange.holdings.values():
        instrument, size = holding.instrument, float(holding.quantity)
        if instrument.coin != coin or not size or not instrument.is_option or chain is None:
            continue
        row = chain.listing.row.get(instrument.name)
        if row is None or instrument.expiry_ns is None:
            continue
        left_s = max(seconds_between(now_ns, instrument.expiry_ns), 60.0)
        forward = chain.forward[row]
        found = black76.first(
            instrument.is_call,
            forward,
            instrument.strike,
            years_of(left_s),
            chain.vol[row],
        )
        total += abs(size) * float(found.gamma) * forward / 100.0
    return float(total)
