"""Profit and loss explained, for every currency that the account settles in, and who is told.

Where what no line explains adds up, since 08:00 UTC, to more than its limit, people are told;
nothing is stopped by it. The limit is a part of what the lines came to (their gross), what steps
leave by chance, and a trifle of the account, whichever is most: a deposit or a withdrawal passes it
at once, and is said to be one of its causes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from bot.book.book import Book
from bot.book.explained import USD, AccountPnl
from bot.domain.commands import Command, Note
from bot.domain.positions import Balance, Fill
from bot.domain.reasons import Because, Reason
from bot.domain.records import GROSS_LINES, Attribution, Doubt
from bot.domain.units import day_start

PART_OF_GROSS: Final = 0.05
DEVIATIONS: Final = 3.0
FAR: Final = 4.0
"""A step further out than so many usual ones counts as that."""
TRIFLE: Final = 1e-4
"""Part of the account's equity that nobody is woken for."""


def gross(step: Attribution) -> float:
    """Return the sum of the sizes of a step's lines, beside which the unexplained is small."""
    return math.fsum(abs(getattr(step, name)) for name in GROSS_LINES)


@dataclass(slots=True)
class Unexplained:
    """What no line explained since the day began; `raised` while people were told."""

    coin: str
    day_ns: int = -1
    total: float = 0.0
    gross: float = 0.0
    squares: float = 0.0
    steps: int = 0
    raised: bool = False

    def see(self, step: Attribution) -> Doubt | None:
        """Add a step; return what people are to be told, if anything changed."""
        day_ns = day_start(step.start_ns)
        if day_ns != self.day_ns:
            self.day_ns, self.total, self.gross = day_ns, 0.0, 0.0
            self.squares, self.steps = 0.0, 0
        limit = self._limit(step)
        self.total += step.unexplained
        beyond = abs(self.total) > limit
        self._learn(step)
        if beyond is self.raised:
            return None
        self.raised = beyond
        numbers = {"unexplained_usd": self.total, "limit_usd": limit, "gross_usd": self.gross}
        because = Because(Reason.PNL_UNEXPLAINED, self.coin, numbers)
        return Doubt(step.ts_ns, self.coin, because, active=beyond)

    def _learn(self, step: Attribution) -> None:
        """Count a step to what chance leaves; one that is far out must not excuse itself."""
        usual = math.sqrt(self.squares / self.steps) if self.steps else 0.0
        most = max(FAR * usual, TRIFLE * abs(step.equity_before) / 10.0)
        self.squares += min(abs(step.unexplained), most) ** 2
        self.steps += 1

    def _limit(self, step: Attribution) -> float:
        self.gross += gross(step)
        chance = DEVIATIONS * math.sqrt(self.squares)
        return max(PART_OF_GROSS * self.gross, chance, TRIFLE * abs(step.equity_before))


@dataclass(slots=True)
class Profit:
    """The trading account, currency by currency."""

    book: Book
    pnl: dict[str, AccountPnl] = field(init=False)
    watched: dict[str, Unexplained] = field(default_factory=dict)
    _heard: dict[str, Balance] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Follow every coin of the book, and USD for what is linear."""
        self.pnl = {coin: AccountPnl(coin, self.book) for coin in (*self.book.coins, USD)}

    def fill(self, fill: Fill, now_ns: int) -> None:
        """Take one of our fills that was not told before."""
        for coin, one in list(self.pnl.items()):
            with self._survived(coin):
                one.fill(fill, now_ns)

    def settle(self, name: str, price_usd: float, now_ns: int) -> None:
        """Take a settlement, before the book forgets the instrument."""
        for coin, one in list(self.pnl.items()):
            with self._survived(coin):
                one.settle(name, price_usd, now_ns)

    def report(self, balances: Iterable[Balance], now_ns: int) -> list[Command]:
        """Take the venue's balances; return the steps that end with them."""
        notes: list[Command] = []
        for balance in balances:
            step = None
            # A report may repeat what another currency was told earlier: that is of its own time.
            news = self._heard.get(balance.coin) != balance
            self._heard[balance.coin] = balance
            with self._survived(balance.coin):
                one = self.pnl.get(balance.coin)
                step = None if one is None else one.report(balance, now_ns, news=news)
            if step is not None:
                notes.append(Note(step))
                watched = self.watched.setdefault(step.coin, Unexplained(step.coin))
                told = watched.see(step)
                notes += [] if told is None else [Note(told)]
        for coin, fault in self._failed.items():
            because = Because(Reason.PNL_UNEXPLAINED, f"{coin}: {fault}")
            notes.append(Note(Doubt(now_ns, coin, because, active=True)))
        self._failed.clear()
        return notes

    @contextmanager
    def _survived(self, coin: str) -> Iterator[None]:
        """Begin a currency anew where its explanation fails: that must not stop a hedge."""
        try:
            yield
        except Exception as fault:  # noqa: BLE001  whatever it is, a hedge matters more
            self.pnl[coin] = AccountPnl(coin, self.book)
            self._failed[coin] = f"{type(fault).__name__}: {fault}"
