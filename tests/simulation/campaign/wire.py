"""What has passed between bot and network, order by order: what was sent, and what came back.

The bot cannot know more than this of its orders, nor may it claim less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.commands import Cancel, Place, Query
from bot.domain.events import Event, Filled, OrderDenied, OrderUpdate
from bot.domain.orders import TERMINAL, Intent, OrderState
from bot.domain.units import NS_PER_S
from bot.venues.port import Request

AFTER_VALID_NS = 2 * NS_PER_S
DENIED_TIMES, DENIED_NS = 3, 5 * NS_PER_S


@dataclass(slots=True)
class Told:
    """One label: when it was sent, when first anything was heard of it, and what.

    `ends` are the terminal states that were heard, and when first; `denials` the answers "there is
    none" that count: each to a query of its own, after the order's validity. `deaths` are those of
    the bot while the order was open.
    """

    intent: Intent | None = None
    sent_ns: int = 0
    first_ns: int | None = None
    ends: dict[OrderState, int] = field(default_factory=dict)
    fills: dict[str, Decimal] = field(default_factory=dict)
    full_ns: int = 0
    filled: Decimal = Decimal(0)
    filled_ns: int = 0
    traded_ns: int = 0
    asked: int = 0
    denials: list[int] = field(default_factory=list)
    cancels: list[int] = field(default_factory=list)
    deaths: int = 0

    def fill(self, total: Decimal, now_ns: int) -> None:
        """Take how much was filled in all, as far as anybody has said."""
        if abs(total) > abs(self.filled):
            self.filled, self.filled_ns = total, now_ns

    @property
    def denied_ns(self) -> int | None:
        """Return when it was denied often enough to be believed."""
        for at_ns in self.denials[DENIED_TIMES - 1 :]:
            if at_ns - self.denials[0] >= DENIED_NS:
                return at_ns
        return None

    @property
    def ended_ns(self) -> int | None:
        """Return when its end was proven to the bot; None while it may still work."""
        proofs = [*self.ends.values(), *([self.full_ns] if self.full_ns else [])]
        if self.denied_ns is not None:
            proofs.append(self.denied_ns)
        return min(proofs, default=None)

    def proves(self, state: OrderState, by_ns: int) -> bool:
        """Tell whether what was heard by then proves that the order ended in a state."""
        if self.ends.get(state, by_ns + 1) <= by_ns:
            return True
        if state is OrderState.FILLED:
            return bool(self.full_ns) and self.full_ns <= by_ns
        denied = self.denied_ns is not None and self.denied_ns <= by_ns
        if state is OrderState.CANCELLED:
            return denied and bool(self.fills)
        return state is OrderState.NOT_BOOKED and denied


class Wire:
    """All labels that were ever sent or asked about."""

    def __init__(self) -> None:
        """Begin with none."""
        self.orders: dict[str, Told] = {}

    def sent(self, request: Request, now_ns: int) -> None:
        """Take what leaves."""
        match request:
            case Place(intent=intent):
                told = self._of(intent.label)
                told.intent, told.sent_ns = intent, told.sent_ns or now_ns
            case Cancel(label=label):
                self._of(label).cancels.append(now_ns)
            case Query(label=label):
                self._of(label).asked += 1
            case _:
                pass

    def heard(self, event: Event) -> None:
        """Take what arrives."""
        now_ns = event.ts_ns
        match event:
            case OrderUpdate(report=report):
                told = self._of(report.label)
                told.first_ns = told.first_ns or now_ns
                told.fill(report.filled.value, now_ns)
                if report.state in TERMINAL:
                    told.ends.setdefault(report.state, now_ns)
            case Filled(fill=fill):
                told = self._of(fill.label)
                told.first_ns = told.first_ns or now_ns
                told.denials.clear()
                if fill.trade_id not in told.fills:
                    told.traded_ns = now_ns
                told.fills[fill.trade_id] = fill.quantity.value
                told.fill(sum(told.fills.values(), Decimal(0)), now_ns)
                whole = None if told.intent is None else told.intent.quantity.value
                if sum(told.fills.values()) == whole and not told.full_ns:
                    told.full_ns = now_ns
            case OrderDenied(label=label):
                told = self._of(label)
                late = told.intent is None or (now_ns > told.intent.valid_until_ns + AFTER_VALID_NS)
                if late and told.asked:
                    told.asked = 0
                    told.denials.append(now_ns)
                    told.first_ns = told.first_ns or told.denied_ns
            case _:
                pass

    def died(self) -> None:
        """Count a death of the bot for every order that is open."""
        for told in self.orders.values():
            told.deaths += told.ended_ns is None

    def open_on(self, instrument: str) -> list[str]:
        """Return the labels on an instrument whose end has not been proven."""
        return [
            label
            for label, told in self.orders.items()
            if told.intent is not None
            and told.intent.instrument == instrument
            and told.ended_ns is None
        ]

    def unanswered(self, coin: str, since_ns: int) -> list[str]:
        """Return what was sent since then on a coin's instruments and nothing was heard of."""
        return [
            label
            for label, told in self.orders.items()
            if told.intent is not None
            and told.first_ns is None
            and told.sent_ns >= since_ns
            and told.intent.instrument.startswith((f"{coin}-", f"{coin}_"))
        ]

    def filled_on(self, instrument: str) -> tuple[Decimal, int]:
        """Return how much was said to be filled on an instrument, and when that last changed."""
        total, newest_ns = Decimal(0), 0
        for told in self.orders.values():
            if told.intent is not None and told.intent.instrument == instrument:
                total += told.filled
                newest_ns = max(newest_ns, told.filled_ns)
        return total, newest_ns

    def _of(self, label: str) -> Told:
        return self.orders.setdefault(label, Told())
