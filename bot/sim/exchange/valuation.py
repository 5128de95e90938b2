"""What the account is worth and what margin it needs, computed only when somebody asks.

Options are valued at the venue's mark (see `board`). An option without a mark keeps its last one,
or its intrinsic value on the index if it never had one. The margin balance leaves option value
out, because the margin of a short option already contains its mark. Working orders count as if
they could all fill: margin for the worse side of each instrument, premium as if paid or received
at their limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.book.margin import Margin, required
from bot.domain.instruments import Instrument
from bot.domain.orders import Intent
from bot.domain.positions import Balance
from bot.sim.exchange.account import Account, Holding
from bot.sim.exchange.board import Board
from bot.sim.exchange.orders import Orders
from bot.sim.exchange.settlement import Averages, payoff


@dataclass(slots=True)
class _Sides:
    """A net quantity and what may still be added on each side, signed."""

    instrument: Instrument
    held: float = 0.0
    buys: float = 0.0
    sells: float = 0.0


@dataclass(slots=True)
class Valuation:
    """Marks, equity and margin of one account."""

    board: Board
    account: Account
    orders: Orders
    averages: Averages
    _last: dict[str, float] = field(default_factory=dict)

    def marks(self, instruments: Iterable[Instrument]) -> dict[str, float]:
        """Return a finite mark for each instrument, in its price unit."""
        marks: dict[str, float] = {}
        options: dict[str, list[Instrument]] = {}
        for instrument in instruments:
            if instrument.is_option:
                options.setdefault(instrument.coin, []).append(instrument)
            else:
                self._note(marks, instrument, self.board.future_mark(instrument))
        for group in options.values():
            for option, mark in zip(group, self.board.option_marks(group), strict=True):
                self._note(marks, option, float(mark))
        return marks

    def equity(self) -> dict[str, float]:
        """Return the equity of each currency (coin, or USD for linear instruments)."""
        held = [holding for holding in self.account.holdings.values() if holding.size]
        marks = self.marks(holding.instrument for holding in held)
        equity = dict(self.account.cash)
        for holding in held:
            instrument = holding.instrument
            mark = marks[instrument.name]
            value = holding.size * mark if instrument.is_option else holding.unrealised(mark)
            equity[instrument.currency] = equity.get(instrument.currency, 0.0) + value
        return equity

    def changed(self, added: Mapping[Instrument, Decimal], *, keep: bool) -> Valuation:
        """Return the valuation with positions added at their marks, or in place of our own."""
        scratch = Account(dict(self.account.cash))
        if keep:
            for name, held in self.account.holdings.items():
                scratch.holdings[name] = replace(held)
        for instrument, quantity in added.items():
            scratch.open(instrument, quantity, self.marks([instrument])[instrument.name])
        return Valuation(self.board, scratch, self.orders, self.averages, dict(self._last))

    def balances(self) -> tuple[Balance, ...]:
        """Return cash, equity and margin of each currency, in the order in which they appeared."""
        open_profit, cash, equity = self.open_profit(), self.account.cash, self.equity()
        deltas = self.deltas()
        funds = {name: cash.get(name, 0.0) + open_profit.get(name, 0.0) for name in equity}
        return tuple(
            Balance(
                name,
                cash.get(name, 0.0),
                worth,
                *self._margin(name, None),
                open_profit=open_profit.get(name, 0.0),
                margin_balance=funds[name],
                model="segregated_sm",
                option_value=worth - funds[name],
                delta_total=deltas.get(name, 0.0),
            )
            for name, worth in equity.items()
        )

    def deltas(self) -> dict[str, float | None]:
        """Return the net delta (coin) of all that settles in each currency; None where unknown."""
        totals: dict[str, float | None] = {}
        options: dict[tuple[str, str], list[Holding]] = {}
        for held in self.account.holdings.values():
            one = held.instrument
            if held.size and one.is_option:
                options.setdefault((one.currency, one.coin), []).append(held)
            elif held.size:
                coins = one.coins(held.size, self.board.future_mark(one))
                _count(totals, one.currency, coins * self.board.still_open(one))
        for (currency, coin), group in options.items():
            average = self.averages.so_far(coin)
            each = self.board.option_deltas([held.instrument for held in group], average)
            _count(totals, currency, float(each @ [held.size for held in group]))
        return totals

    def open_profit(self) -> dict[str, float]:
        """Return the futures' profit that is not cash yet, by currency."""
        futures = [
            h for h in self.account.holdings.values() if h.size and not h.instrument.is_option
        ]
        marks = self.marks(holding.instrument for holding in futures)
        profit: dict[str, float] = {}
        for holding in futures:
            name = holding.instrument.currency
            earned = holding.unrealised(marks[holding.instrument.name])
            profit[name] = profit.get(name, 0.0) + earned
        return profit

    def affordable(self, intent: Intent, instrument: Instrument) -> bool:
        """Tell whether the account can carry one more order, or is better off with it."""
        after = self._available(instrument.currency, (intent, instrument))
        return after >= 0.0 or after >= self._available(instrument.currency, None)

    def _available(self, name: str, extra: tuple[Intent, Instrument] | None) -> float:
        """Return the margin balance less initial margin and open premium in one currency."""
        balance = self.account.cash.get(name, 0.0)
        held = [h for h in self.account.holdings.values() if h.size and not h.instrument.is_option]
        futures = [h for h in held if h.instrument.currency == name]
        marks = self.marks(h.instrument for h in futures)
        balance += sum(h.unrealised(marks[h.instrument.name]) for h in futures)
        for instrument, quantity, limit in self._open(name, extra):
            if instrument.is_option:
                balance -= quantity * float(limit)
        return balance - self._margin(name, extra).initial

    def forget(self, name: str) -> None:
        """Leave out an instrument that is no more."""
        self._last.pop(name, None)

    def _margin(self, name: str, extra: tuple[Intent, Instrument] | None) -> Margin:
        """Return the margin of one currency: initial with working orders, maintenance without.

        `extra` counts as filled, so that an order that closes a position is seen to free margin.
        """
        sides: dict[str, _Sides] = {}
        for holding in self.account.holdings.values():
            if holding.size and holding.instrument.currency == name:
                sides[holding.instrument.name] = _Sides(holding.instrument, holding.size)
        if extra is not None:
            intent, instrument = extra
            side = sides.setdefault(instrument.name, _Sides(instrument))
            side.held += float(intent.quantity)
        for instrument, quantity, _limit in self._open(name, None):
            side = sides.setdefault(instrument.name, _Sides(instrument))
            side.buys += max(quantity, 0.0)
            side.sells += min(quantity, 0.0)
        marks = self.marks(side.instrument for side in sides.values())
        initial = maintenance = 0.0
        for side in sides.values():
            mark = marks[side.instrument.name]
            index = self.board.index[side.instrument.coin]
            worse = (side.held + side.buys, side.held + side.sells)
            initial += max(required(side.instrument, q, mark, index).initial for q in worse)
            maintenance += required(side.instrument, side.held, mark, index).maintenance
        return Margin(initial, maintenance)

    def _open(
        self, name: str, extra: tuple[Intent, Instrument] | None
    ) -> list[tuple[Instrument, float, Decimal]]:
        """Return (instrument, signed open quantity, limit) of what may still fill in a currency."""
        found = [
            (
                order.instrument,
                float(order.remaining) * (1 if order.buying else -1),
                order.intent.price,
            )
            for order in self.orders.working()
        ]
        if extra is not None:
            intent, instrument = extra
            found.append((instrument, float(intent.quantity), intent.price))
        return [item for item in found if item[0].currency == name]

    def _note(self, marks: dict[str, float], instrument: Instrument, mark: float) -> None:
        """Take a mark, or what stands in for one that is missing."""
        if not math.isfinite(mark):
            fallback = payoff(instrument, self.board.index[instrument.coin])
            mark = self._last.get(instrument.name, fallback)
        self._last[instrument.name] = marks[instrument.name] = mark


def _count(totals: dict[str, float | None], currency: str, delta: float) -> None:
    """Add a delta to a currency's; one that is not known makes the sum unknown."""
    known = totals.get(currency, 0.0)
    totals[currency] = known + delta if known is not None and math.isfinite(delta) else None
