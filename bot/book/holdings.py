"""What we own: the venue's report folded with our own fills, exactly once each.

The venue's position is the truth. Between its reports we add our fills, keyed by trade and order,
so that a fill that is told twice counts once. When a report and the fold disagree with nothing of
ours in flight, the holdings say so: an unexplained jump is for the core to judge, never silently
adopted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.instruments import Instrument
from bot.domain.positions import HEDGE_TAG, OWNER_TAG, Balance, Fill, Position
from bot.domain.units import Quantity


@dataclass(slots=True)
class Holdings:
    """Positions of one account by instrument and tag, cash by coin, and the trades seen so far."""

    owned: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)
    seen_trades: set[tuple[str, str]] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    version: int = 0

    def total(self, instrument: str) -> Decimal:
        """Return the net quantity of an instrument over all tags."""
        return sum(
            (p.quantity.value for (name, _), p in self.positions.items() if name == instrument),
            start=Decimal(0),
        )

    def held(self) -> dict[str, Decimal]:
        """Return net quantities by instrument, without those that are flat."""
        totals: dict[str, Decimal] = {}
        for (name, _), position in self.positions.items():
            totals[name] = totals.get(name, Decimal(0)) + position.quantity.value
        return {name: value for name, value in totals.items() if value}

    def knows(self, fill: Fill) -> bool:
        """Tell whether a trade has been told before."""
        return (fill.trade_id, fill.label) in self.seen_trades

    def fold(self, fill: Fill) -> bool:
        """Add a fill of ours; return False when this trade is contained already."""
        if self.knows(fill):
            return False
        self.seen_trades.add((fill.trade_id, fill.label))
        if fill.label in self.closed:
            return False
        key = (fill.instrument, HEDGE_TAG)
        before = self.positions.get(key)
        quantity = fill.quantity if before is None else before.quantity + fill.quantity
        self._set(key, Position(fill.instrument, quantity, HEDGE_TAG))
        return True

    def differences(self, reported: Iterable[Position]) -> dict[str, tuple[Decimal, Decimal]]:
        """Return instruments whose net quantity differs from a report: (ours, the venue's)."""
        ours, theirs = self.held(), net(reported)
        return {
            name: (ours.get(name, Decimal(0)), theirs.get(name, Decimal(0)))
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name, Decimal(0)) != theirs.get(name, Decimal(0))
        }

    def adopt(
        self,
        reported: Iterable[Position],
        instruments: Mapping[str, Instrument],
        only: Collection[str] | None = None,
    ) -> None:
        """Take the venue's report as the truth: what our hedges do not explain is the owner's.

        With `only`, instruments that are not in it stay as they are.
        """
        rows = [p for p in reported if only is None or p.instrument in only]
        units = {p.instrument: p.quantity.unit for p in rows}
        words = {p.instrument: (p.tag, p.account) for p in rows} | dict(self.owned)
        hedges = {n: p.quantity.value for (n, t), p in self.positions.items() if t == HEDGE_TAG}
        theirs = net(rows)
        for key in [key for key in self.positions if only is None or key[0] in only]:
            del self.positions[key]
        for name in sorted(theirs):
            known = instruments.get(name)
            unit = units.get(name) if known is None else known.unit
            if unit is None:
                continue
            hedge = hedges.get(name, Decimal(0))
            tag, account = words.get(name, (OWNER_TAG, "main"))
            if tag == HEDGE_TAG:
                tag = OWNER_TAG  # whose it is, is for our own fills to say
            rest = Quantity(theirs[name] - hedge, unit)
            self._set((name, tag), Position(name, rest, tag, account))
            self._set((name, HEDGE_TAG), Position(name, Quantity(hedge, unit), HEDGE_TAG))
        self.version += 1

    def restore_hedges(self, hedges: Iterable[Position], fills: Iterable[Fill]) -> None:
        """Tell, before the first report, which positions and trades of an earlier run are ours."""
        for position in hedges:
            self._set((position.instrument, HEDGE_TAG), position)
        self.seen_trades.update((fill.trade_id, fill.label) for fill in fills)

    def credit(self, label: str, quantity: Quantity, instrument: str) -> None:
        """Add to our hedges what an order filled by the venue's word, as its positions show it.

        Its trades may still be told, late: they add nothing any more.
        """
        self.closed.add(label)
        key = (instrument, HEDGE_TAG)
        before = self.positions.get(key)
        total = quantity if before is None else before.quantity + quantity
        self._set(key, Position(instrument, total, HEDGE_TAG))

    def drop(self, instrument: str) -> None:
        """Forget an instrument that has settled."""
        for key in [key for key in self.positions if key[0] == instrument]:
            del self.positions[key]
        self.version += 1

    def _set(self, key: tuple[str, str], position: Position) -> None:
        if position.quantity:
            self.positions[key] = position
        else:
            self.positions.pop(key, None)
        self.version += 1


def net(positions: Iterable[Position]) -> dict[str, Decimal]:
    """Return net quantities by instrument, without those that are flat."""
    totals: dict[str, Decimal] = {}
    for position in positions:
        totals[position.instrument] = (
            totals.get(position.instrument, Decimal(0)) + position.quantity.value
        )
    return {name: value for name, value in totals.items() if value}
