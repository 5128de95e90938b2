"""What a person trades by hand is left alone for a while: what is parked, and until when.

    change of the owner's position, adopted from a report   → parked for the setting's `hold_s`
    the same while a `hold` stands                           → until it ends, if that is later
    again in the same instrument                             → merged; closed again, nothing is left
    its time over, settled, expired or delisted              → hedged like everything else
    what an order of ours may have done that was denied      → never parked: it may be our hedge

Without a new word nothing is parked for longer than an hour after its first leg, however often its
owner trades on. What an earlier run had parked is parked again; what its owner undid while nobody
looked is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.book.book import Book
from bot.book.parked import Part
from bot.desk.rules import DeskRules
from bot.domain.commands import Command, Note
from bot.domain.instruments import coin_of
from bot.domain.positions import HEDGE_TAG, Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import Parked, Standing, Word
from bot.domain.units import NS_PER_S, Quantity
from bot.execution.orders import OrderTable

MOST_S = 3_600.0


@dataclass(slots=True)
class Hold:
    """What is parked in a book, by whose rules, and the holds that stand (`until` by coin)."""

    book: Book
    orders: OrderTable
    rules: Mapping[str, DeskRules]
    until: dict[str, int] = field(default_factory=dict)

    def owners(self, instruments: Iterable[str]) -> dict[str, Position]:
        """Return what of these instruments is the owner's and in scope, net, without flat ones.

        Of the trading account: what is traded in an account that is only read is hedged at once.
        """
        found: dict[str, Position] = {}
        wanted, also = frozenset(instruments), self.book.holdings.also
        for one in self.book.holdings.positions.values():
            name, before = one.instrument, found.get(one.instrument)
            rules = self.rules.get(coin_of(name))
            covered = rules is None or rules.measure.scope.covers(one)
            if one.account in also:
                continue
            if name in wanted and one.tag != HEDGE_TAG and covered:
                total = one.quantity if before is None else before.quantity + one.quantity
                found[name] = replace(before or one, quantity=total)
        return found

    def adopted(
        self, before: Mapping[str, Position], instruments: Iterable[str], now_ns: int
    ) -> list[Command]:
        """Park what an adopted report has changed of the owner's positions; `before` is as above.

        What expires or is gone cannot be part of a trade that is still being put on.
        """
        after = self.owners(instruments)
        commands: list[Command] = []
        for name in sorted(instruments):
            old, new = before.get(name), after.get(name)
            like = new or old
            change = _value(new) - _value(old)
            if like is None or not change:
                continue
            part = self.book.parked.parts.get(name)
            until_ns = self._until(coin_of(name), part, now_ns)
            if self._over(name, now_ns) or (part is None and until_ns <= now_ns):
                commands += self._drop(name, now_ns)
                continue
            if self._may_be_ours(name, change):
                if part is not None:
                    kept = part.then(part.position.quantity.value, _value(new), part.until_ns)
                    commands.append(self._put(kept, now_ns))
                continue
            nothing = replace(like, quantity=Quantity(Decimal(0), like.quantity.unit))
            part = part or Part(nothing, _value(old), now_ns, until_ns)
            total = part.position.quantity.value + change
            commands.append(self._put(part.then(total, _value(new), until_ns), now_ns))
        return commands

    def begun(self, now_ns: int) -> list[Command]:
        """Compare what was parked earlier with the book that a run begins with.

        What its owner has undone since is not parked any more; what was added is the book itself.
        """
        names = tuple(part.position.instrument for part in self.book.parked)
        owned = self.owners(names)
        commands: list[Command] = []
        for part in self.book.parked:
            name, quantity = part.position.instrument, part.position.quantity.value
            held = _value(owned.get(name))
            if held != part.held:
                left = quantity + held - part.held
                low, high = min(quantity, Decimal(0)), max(quantity, Decimal(0))
                left = min(max(left, low), high)
                commands.append(self._put(part.then(left, held, part.until_ns), now_ns))
        return commands

    def tick(self, now_ns: int) -> list[Command]:
        """Let go of what is over: parked parts, and holds that stood."""
        if not (self.until or self.book.parked.parts):
            return []
        commands: list[Command] = []
        for coin in [coin for coin, until_ns in self.until.items() if until_ns <= now_ns]:
            del self.until[coin]
            because = Because(Reason.CLEARED, coin)
            over = Standing(now_ns, coin, Word.HOLD, None, active=False, because=because)
            commands.append(Note(over))
        for part in self.book.parked:
            name = part.position.instrument
            if part.until_ns <= now_ns or self._over(name, now_ns):
                commands += self._drop(name, now_ns)
        return commands

    def say(self, coin: str, until_ns: int, now_ns: int, because: Because) -> list[Command]:
        """Hold a coin until a time: the end of what is parked now and of what is adopted meanwhile.

        A time that is not ahead ends the hold and releases everything of the coin.
        """
        stands = until_ns > now_ns
        self.until.pop(coin, None)
        if stands:
            self.until[coin] = until_ns
        told = until_ns if stands else None
        word = Standing(now_ns, coin, Word.HOLD, told, active=stands, because=because)
        commands: list[Command] = [Note(word)]
        for part in self.book.parked:
            if part.coin != coin:
                continue
            if stands:
                left = part.then(part.position.quantity.value, part.held, until_ns)
                commands.append(self._put(left, now_ns))
            else:
                commands += self._drop(part.position.instrument, now_ns)
        return commands

    def settled(self, instrument: str, now_ns: int) -> list[Command]:
        """Forget what is parked of an instrument that is gone."""
        return self._drop(instrument, now_ns)

    def listed(self, coin: str, names: frozenset[str], now_ns: int) -> list[Command]:
        """Forget what is parked of a coin's instruments that have left the list."""
        gone = [
            name
            for name in [part.position.instrument for part in self.book.parked if part.coin == coin]
            if name in self.book.instruments and name not in names
        ]
        return [command for name in gone for command in self._drop(name, now_ns)]

    def _until(self, coin: str, part: Part | None, now_ns: int) -> int:
        """Return until when what is adopted now is parked; not ahead means not at all."""
        rules = self.rules.get(coin)
        until_ns = now_ns + round((0.0 if rules is None else rules.hold_s) * NS_PER_S)
        if part is not None:
            until_ns = min(max(until_ns, part.until_ns), part.since_ns + round(MOST_S * NS_PER_S))
            until_ns = max(until_ns, part.until_ns)
        return max(until_ns, self.until.get(coin, 0))

    def _may_be_ours(self, name: str, change: Decimal) -> bool:
        """Tell whether an order that the venue denied explains a change; it does so only once."""
        denied = self.orders.denied.get(name, Decimal(0))
        if change * denied <= 0 or abs(change) > abs(denied):
            return False
        self.orders.denied[name] = denied - change
        return True

    def _over(self, name: str, now_ns: int) -> bool:
        known = self.book.instruments.get(name)
        return known is not None and known.expiry_ns is not None and known.expiry_ns <= now_ns

    def _put(self, part: Part, now_ns: int) -> Command:
        self.book.parked.put(part)
        return _told(part, now_ns)

    def _drop(self, name: str, now_ns: int) -> list[Command]:
        part = self.book.parked.take(name)
        if part is None:
            return []
        return [_told(part.then(Decimal(0), part.held, now_ns), now_ns)]


def _told(part: Part, now_ns: int) -> Command:
    return Note(Parked(now_ns, part.coin, part.position, part.held, part.since_ns, part.until_ns))


def _value(position: Position | None) -> Decimal:
    return Decimal(0) if position is None else position.quantity.value
