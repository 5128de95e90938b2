"""Books in one line: `book().short_call(65_000).perpetual(18_895)`, measured where they stand.

A book holds one coin on one market: an index, a volatility, a forward. Options may be given their
own volatility and forward; whatever is not said is flat and fresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

import numpy as np

from bot.book.book import Book, UnderlyingRules
from bot.book.exposure import Exposure, Shocks
from bot.book.kinds import DeltaRule
from bot.book.measure import measure
from bot.book.numeraire import Numeraire
from bot.book.quality import Freshness
from bot.book.scope import Scope
from bot.book.shocks import shocks
from bot.domain.deribit import date_code, option, parse
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import Instrument, Settlement
from bot.domain.positions import Balance, Position
from bot.domain.quotes import Chain, Listing, Quote
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, utc_ns

NOW = utc_ns(2026, 1, 5, 8)
DAY_NS = int(SECONDS_PER_DAY) * NS_PER_S
PERPETUAL = "BTC-PERPETUAL"
CASE_A = {"strike": 65_000.0, "days": 30.0, "vol": 0.6}
"""F = S = 60,000, K = 65,000, 30 days, volatility 60 %: the worked example of the mathematics."""


def quote(name: str = PERPETUAL, **changes: float) -> Quote:
    """Return a fresh and tight quote around 60,000, except for what is changed."""
    figures: dict[str, float] = {
        "bid": 59_999.5,
        "ask": 60_000.5,
        "bid_size": 1e6,
        "ask_size": 1e6,
        "mark": 60_000.0,
        "index": 60_000.0,
        "funding_8h": 0.0,
    }
    ts_ns, venue_ns = (int(changes.pop(key, NOW)) for key in ("ts_ns", "ts_venue_ns"))
    return Quote(name, name[:3], ts_ns, venue_ns, **(figures | changes))


@dataclass
class OptionRow:
    """One option as its venue shows it; `None` is the market's own value."""

    instrument: Instrument
    vol: float | None = None
    forward: float | None = None
    bid: float = 0.0100
    ask: float = 0.0110
    bid_size: float = 10.0
    ask_size: float = 10.0


def chain(
    rows: Iterable[OptionRow],
    *,
    index: float = 60_000.0,
    vol: float = 0.6,
    ts_ns: int = NOW,
    venue_ns: int | None = None,
) -> Chain:
    """Return a batch of option quotes."""
    rows = list(rows)

    def column(values: Iterable[float]) -> np.ndarray:
        return np.array(list(values), dtype=np.float64)

    listing = Listing(
        "BTC",
        tuple(r.instrument.name for r in rows),
        np.array([r.instrument.is_call for r in rows], dtype=np.bool_),
        column(r.instrument.strike for r in rows),
        np.array([r.instrument.expiry_ns for r in rows], dtype=np.int64),
    )
    return Chain(
        listing=listing,
        ts_ns=ts_ns,
        ts_venue_ns=ts_ns if venue_ns is None else venue_ns,
        index=index,
        forward=column(index if r.forward is None else r.forward for r in rows),
        vol=column(vol if r.vol is None else r.vol for r in rows),
        mark=column(0.5 * (r.bid + r.ask) for r in rows),
        bid=column(r.bid for r in rows),
        ask=column(r.ask for r in rows),
        bid_size=column(r.bid_size for r in rows),
        ask_size=column(r.ask_size for r in rows),
    )


@dataclass
class BookBuilder:
    """A book under construction; `built` folds it, `measure` says what it means."""

    numeraire: str = "usd"
    collateral: str | float = "exclude"
    index: float = 60_000.0
    vol: float = 0.6
    now_ns: int = NOW
    scope: Scope = field(default_factory=Scope)
    owned: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: list[OptionRow] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    listed: list[Instrument] = field(default_factory=list)
    orders: list[tuple[str, float]] = field(default_factory=list)
    greeks: DeltaRule = field(default_factory=DeltaRule)
    aged_s: float = 3_600.0

    def option(
        self,
        quantity: float | str,
        strike: float,
        *,
        call: bool = True,
        days: float = 30.0,
        vol: float | None = None,
        forward: float | None = None,
        linear: bool = False,
    ) -> Self:
        """Add an option of `days` to expiry: a signed quantity in coins, 0 to list it only."""
        contract = contract_of(
            strike, call=call, expiry_ns=self.now_ns + round(days * DAY_NS), linear=linear
        )
        if all(r.instrument.name != contract.name for r in self.rows):
            self.rows.append(OptionRow(contract, vol, forward))
        return self._hold(contract, quantity)

    def short_call(self, strike: float = 65_000.0, quantity: float = 1.0, **more: float) -> Self:
        """Add a sold call."""
        return self.option(-quantity, strike, **more)  # type: ignore[arg-type]

    def long_call(self, strike: float = 65_000.0, quantity: float = 1.0, **more: float) -> Self:
        """Add a bought call."""
        return self.option(quantity, strike, **more)  # type: ignore[arg-type]

    def short_put(self, strike: float = 55_000.0, quantity: float = 1.0, **more: float) -> Self:
        """Add a sold put."""
        return self.option(-quantity, strike, call=False, **more)  # type: ignore[arg-type]

    def long_put(self, strike: float = 55_000.0, quantity: float = 1.0, **more: float) -> Self:
        """Add a bought put."""
        return self.option(quantity, strike, call=False, **more)  # type: ignore[arg-type]

    def future(
        self, name: str, quantity: float | str, price: float | None = None, tag: str = "book"
    ) -> Self:
        """Add a perpetual or future at a price (the index unless told), in its own unit."""
        level = self.index if price is None else price
        self.quotes.append(
            quote(
                name,
                bid=level - 0.5,
                ask=level + 0.5,
                mark=level,
                index=self.index,
                ts_ns=self.now_ns,
                ts_venue_ns=self.now_ns,
            )
        )
        return self._hold(parse(name), quantity, tag)

    def perpetual(self, dollars: float | str = 0, price: float | None = None) -> Self:
        """Add the inverse perpetual, in USD (0 to quote it only)."""
        return self.future(PERPETUAL, dollars, price)

    def coins(self, cash: float, equity: float | None = None, open_profit: float = 0.0) -> Self:
        """Give the account coins."""
        worth = cash if equity is None else equity
        self.balances.append(Balance("BTC", cash, worth, 0.0, 0.0, open_profit))
        return self

    def dollars(self, equity: float) -> Self:
        """Give the account dollars."""
        self.balances.append(Balance("USD", equity, equity, 0.0, 0.0))
        return self

    def position(self, name: str, quantity: str, **more: str) -> Self:
        """Add a position under a name that nothing lists."""
        unit = parse("BTC-PERPETUAL").quantity(quantity).unit
        amount = parse(PERPETUAL).quantity(quantity)
        assert amount.unit is unit
        self.positions.append(Position(name, amount, **more))
        return self

    def pending(self, name: str, quantity: float) -> Self:
        """Add an order that may still fill."""
        self.orders.append((name, quantity))
        return self

    def rules(self) -> UnderlyingRules:
        """Return how this book is measured."""
        kinds = ("perpetual", "future")
        numeraire = Numeraire(self.numeraire)
        return UnderlyingRules(
            "BTC",
            numeraire,
            self.collateral,
            kinds,
            self.scope,
            freshness=Freshness(aged_s=self.aged_s),
            greeks=self.greeks,
        )

    def chain(self, **changes: float) -> Chain:
        """Return this book's options as a batch."""
        stands = {"index": self.index, "vol": self.vol, "ts_ns": self.now_ns}
        return chain(self.rows, **(stands | changes))  # type: ignore[arg-type]

    def built(self) -> Book:
        """Return the book, told everything through events."""
        made = Book([self.rules()], self.owned)
        futures = [parse(q.instrument) for q in self.quotes]
        listed = (*futures, *(r.instrument for r in self.rows), *self.listed)
        made.apply(InstrumentsListed(self.now_ns, "BTC", listed))
        if self.rows:
            made.apply(self.chain())
        for each in self.quotes or [self._silent()]:
            made.apply(each)
        made.adopt(self.positions, self.balances)
        return made

    def measure(self) -> Exposure:
        """Return what the book means."""
        return measure(self.built(), "BTC", self.now_ns, self.orders)

    def shocks(self) -> Shocks:
        """Return what shocked indices do to the book."""
        return shocks(self.built(), "BTC", self.now_ns)

    def _silent(self) -> Quote:
        return quote(index=self.index, mark=self.index, ts_ns=self.now_ns, ts_venue_ns=self.now_ns)

    def _hold(self, contract: Instrument, quantity: float | str, tag: str = "book") -> Self:
        amount = contract.quantity(Decimal(str(quantity)))
        if amount:
            self.positions.append(Position(contract.name, amount, tag))
        return self


def contract_of(
    strike: float, *, call: bool = True, expiry_ns: int = NOW + 30 * DAY_NS, linear: bool = False
) -> Instrument:
    """Return an option with the venue's terms that expires at any time."""
    coin = "BTC_USDC" if linear else "BTC"
    name = f"{coin}-{date_code(expiry_ns)}-{strike:.0f}-{'C' if call else 'P'}"
    kind = Settlement.LINEAR if linear else Settlement.INVERSE
    return option(name, "BTC", expiry_ns, strike, is_call=call, settlement=kind)


def book(
    numeraire: str = "usd",
    collateral: str | float = "exclude",
    greeks: DeltaRule | None = None,
    **more: float,
) -> BookBuilder:
    """Return an empty book at 60,000 with a flat volatility of 60 %."""
    rule = DeltaRule() if greeks is None else greeks
    return BookBuilder(numeraire, collateral, greeks=rule, **more)  # type: ignore[arg-type]
