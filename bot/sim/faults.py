"""A script of faults: what goes wrong on the way between us and the exchange, and when.

Each fault happens once. It waits for its time and takes the first thing that fits it:

- `LostRequest`: an order never arrives. The exchange does not know it.
- `LostAck`: an order arrives and is booked, but no reply and no stream event about it comes back
  until somebody queries its label.
- `DropReport`, `DuplicateReport`, `DelayReport`: one report about an order (a fill, an update or a
  denial) is lost, comes twice, or comes late; later reports overtake a late one.

Orders on a coin's hedge are those in futures and perpetuals. Positions and market data are never
touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.domain.events import Event, Filled, OrderDenied, OrderUpdate
from bot.domain.instruments import Instrument


@dataclass(frozen=True, slots=True)
class LostRequest:
    """Lose the first hedge order that is sent at or after a time."""

    after_ns: int
    coin: str


@dataclass(frozen=True, slots=True)
class LostAck:
    """Lose every word about the first hedge order that is sent at or after a time."""

    after_ns: int
    coin: str


@dataclass(frozen=True, slots=True)
class DropReport:
    """Lose the first order report at or after a time."""

    after_ns: int


@dataclass(frozen=True, slots=True)
class DuplicateReport:
    """Bring the first order report at or after a time twice, the second time `later_ns` later."""

    after_ns: int
    later_ns: int


@dataclass(frozen=True, slots=True)
class DelayReport:
    """Bring the first order report at or after a time `by_ns` late."""

    after_ns: int
    by_ns: int


Fault: TypeAlias = LostRequest | LostAck | DropReport | DuplicateReport | DelayReport


@dataclass(slots=True)
class FaultScript:
    """The faults still to come, in order, and the labels that nobody hears of."""

    pending: list[Fault]
    muted: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> FaultScript:
        """Return a script of these faults, earliest first."""
        return cls(sorted(faults, key=lambda fault: fault.after_ns))

    def on_order(self, label: str, instrument: Instrument | None, now_ns: int) -> bool:
        """Tell whether an order that is sent now arrives."""
        if instrument is None or instrument.is_option:
            return True
        for fault in self.pending:
            if not isinstance(fault, LostRequest | LostAck):
                continue
            if fault.coin == instrument.coin and now_ns >= fault.after_ns:
                self.pending.remove(fault)
                if isinstance(fault, LostAck):
                    self.muted.add(label)
                return isinstance(fault, LostAck)
        return True

    def on_query(self, label: str) -> None:
        """Let the exchange speak about a label again: somebody asked."""
        self.muted.discard(label)

    def on_report(self, event: Event, now_ns: int) -> tuple[int, ...]:
        """Return the extra delays of a report's arrivals: () lost, (0,) as usual, two: twice."""
        label = _label(event)
        if label is None:
            return (0,)
        if label in self.muted:
            return ()
        for fault in self.pending:
            if not isinstance(fault, LostRequest | LostAck) and now_ns >= fault.after_ns:
                self.pending.remove(fault)
                return _delays(fault)
        return (0,)


def _delays(fault: DropReport | DuplicateReport | DelayReport) -> tuple[int, ...]:
    """Return what a fault does to a report's arrivals."""
    match fault:
        case DropReport():
            return ()
        case DuplicateReport(later_ns=later_ns):
            return (0, later_ns)
        case DelayReport(by_ns=by_ns):
            return (by_ns,)


def _label(event: Event) -> str | None:
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
