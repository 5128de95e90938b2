"""What we own: the venue's report folded with our own fills, exactly once each.

The venue's position is the truth. Between its reports we add our fills, keyed by trade and order,
so that a fill that is told twice counts once. When a report and the fold disagree with nothing of
ours in flight, the holdings say so: an unexplained jump is for the core to judge, never silently
adopted.

A book may span accounts: our orders, and so our hedges, are in the trading account alone; in the
others everything is the owner's. What is held of one instrument in two of them is two positions. A
place names both: the instrument where it is in the trading account, `instrument@account` elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeAlias

from bot.book.trades import Trades
from bot.domain.instruments import Instrument
from bot.domain.positions import (
    HEDGE_TAG,
    OWNER_TAG,
    TRADING_ACCOUNT,
    Balance,
    Fill,
    Position,
)
from bot.domain.units import Quantity

Key: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class Holdings:
    """Positions by instrument, tag and account, cash by coin, and the trades told so far.

    `account` is what the trading account is called, `also` are the accounts that are only read.
    `owned` are the (tag, account) that the owner gave to instruments of the trading account.
    """

    owned: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    account: str = TRADING_ACCOUNT
    also: frozenset[str] = frozenset()
    positions: dict[Key, Position] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)
    trades: Trades = field(default_factory=Trades)
    closed: set[str] = field(default_factory=set)
    version: int = 0

    def total(self, instrument: str) -> Decimal:
        """Return the net quantity of an instrument in the trading account, over all tags."""
        return self.held().get(instrument, Decimal(0))

    def held(self) -> dict[str, Decimal]:
        """Return net quantities by place, without those that are flat."""
        return self._net(self.positions.values())

    def places(self, reported: Iterable[Position]) -> set[str]:
        """Return every place that is held here or named in a report."""
        return {*self.held(), *map(self.place, reported)}

    def place(self, position: Position) -> str:
        """Return where a position is: its instrument, with its account where that is only read."""
        if position.account not in self.also:
            return position.instrument
        return f"{position.instrument}@{position.account}"

    def knows(self, fill: Fill) -> bool:
        """Tell whether a trade has been told before."""
        return self.trades.knows(fill)

    def fold(self, fill: Fill) -> bool:
        """Add a fill of ours; return False when this trade is contained already."""
        if self.knows(fill):
            return False
        self.trades.add(fill)
        if fill.label in self.closed:
            return False
        self._hedge(fill.instrument, fill.quantity)
        return True

    def differences(self, reported: Iterable[Position]) -> dict[str, tuple[Decimal, Decimal]]:
        """Return places whose net quantity differs from a report: (ours, the venue's)."""
        ours, theirs = self.held(), self._net(reported)
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

        With `only`, places that are not in it stay as they are.
        """
        rows: dict[str, Position] = {}
        theirs: dict[str, Decimal] = {}
        for position in reported:
            place = self.place(position)
            if only is None or place in only:
                rows[place] = position
                theirs[place] = theirs.get(place, Decimal(0)) + position.quantity.value
        hedges = {p.instrument: p for p in self.positions.values() if p.tag == HEDGE_TAG}
        for key, held in list(self.positions.items()):
            if only is None or self.place(held) in only:
                del self.positions[key]
        for place in sorted(place for place in rows if theirs[place]):
            found = rows[place]
            known = instruments.get(found.instrument)
            unit = found.quantity.unit if known is None else known.unit
            hedge = hedges.get(place)  # in a place that is only read there is none
            rest = theirs[place] - (Decimal(0) if hedge is None else hedge.quantity.value)
            self._set(self._named(place, replace(found, quantity=Quantity(rest, unit))))
            if hedge is not None:
                self._set(hedge)
        self.version += 1

    def _named(self, place: str, position: Position) -> Position:
        """Return the owner's position under the tag and account that its owner knows it by."""
        # Whose it is, is for our own fills to say.
        tag = OWNER_TAG if position.tag == HEDGE_TAG else position.tag
        if place != position.instrument:
            return replace(position, tag=tag)
        # A venue that knows one account only does not know what it is called.
        account = self.account if position.account == TRADING_ACCOUNT else position.account
        tag, account = self.owned.get(place, (tag, account))
        return replace(position, tag=tag, account=account)

    def restore_hedges(self, hedges: Iterable[Position], fills: Iterable[Fill]) -> None:
        """Tell, before the first report, which positions and trades of an earlier run are ours."""
        for position in hedges:
            self._hedge(position.instrument, position.quantity)
        self.trades.add(*fills)

    def credit(self, label: str, quantity: Quantity, instrument: str) -> None:
        """Add to our hedges what an order filled by the venue's word, as its positions show it.

        Its trades may still be told, late: they add nothing any more.
        """
        self.closed.add(label)
        self._hedge(instrument, quantity)

    def drop(self, instrument: str) -> None:
        """Forget an instrument that has settled."""
        for key in [key for key in self.positions if key[0] == instrument]:
            del self.positions[key]
        self.version += 1

    def _hedge(self, instrument: str, quantity: Quantity) -> None:
        """Add to our hedges, which are in the trading account."""
        before = self.positions.get((instrument, HEDGE_TAG, self.account))
        total = quantity if before is None else before.quantity + quantity
        self._set(Position(instrument, total, HEDGE_TAG, self.account))

    def _set(self, position: Position) -> None:
        key = (position.instrument, position.tag, position.account)
        if position.quantity:
            self.positions[key] = position
        else:
            self.positions.pop(key, None)
        self.version += 1

    def _net(self, positions: Iterable[Position]) -> dict[str, Decimal]:
        """Return net quantities by place, without those that are flat."""
        totals: dict[str, Decimal] = {}
        for position in positions:
            place = self.place(position)
            totals[place] = totals.get(place, Decimal(0)) + position.quantity.value
        return {place: value for place, value in totals.items() if value}


def net(positions: Iterable[Position]) -> dict[str, Decimal]:
    """Return net quantities by instrument, without those that are flat."""
    totals: dict[str, Decimal] = {}
    for position in positions:
        totals[position.instrument] = (
            totals.get(position.instrument, Decimal(0)) + position.quantity.value
        )
    return {name: value for name, value in totals.items() if value}
