"""Profit and loss explained: what an account's equity changed by, line by line, minute by minute.

One account of one currency (a coin, or USD for what is linear), in USD:

    E1 S1 - E0 S0 = delta + gamma + theta + vega + vanna + volga + charm   (greeks.attribution)
                  + basis          forwards and futures against the index
                  + funding + fees + slippage
                  + translation    what is no option, times the coin's own move
                  + unexplained    what is left, whatever it is

E is the equity that the venue reports, S the index (1 for USD). A step begins with what is held
then, its Greeks and its prices; every fill begins a leg of its own with those of its moment, and
the difference between them and its price is slippage. In a coin book options count net of their
premium and all of the equity is translated; in a usd book options are worth dollars and the rest of
the equity is translated. What an owner trades by hand or moves in and out has no fill: its edge or
its amount is unexplained in that step, and its position counts from the next one on.

A step ends with the first report of balances after the minute has turned, when prices are fresh and
no fill is younger than two seconds: reports and fills come over different ways. Steps follow on
each other without a gap; one that cannot be priced for ten minutes is closed with what is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

import numpy as np

from bot.book.account_step import Future, Options, Step, delivered
from bot.book.book import Book
from bot.book.lines import GREEK_LINES, Ending, Price, future_lines, option_lines, settled
from bot.book.marks import Marker, Marks
from bot.book.numeraire import Numeraire
from bot.domain.instruments import Instrument, Kind
from bot.domain.positions import HEDGE_TAG, Balance, Fill
from bot.domain.records import Attribution
from bot.domain.units import NS_PER_S, seconds_between

USD: Final = "USD"
STEP_NS: Final = 60 * NS_PER_S
QUIET_NS: Final = 2 * NS_PER_S
FRESH_NS: Final = 5 * NS_PER_S
LONGEST_NS: Final = 600 * NS_PER_S
FUNDING_S: Final = 28_800.0
Parts: TypeAlias = dict[Instrument, dict[bool, float]]
Held: TypeAlias = tuple[Parts, Parts]

LEG_LINES: Final = (*GREEK_LINES, "basis", "funding")


class AccountPnl:
    """Explains one currency of the trading account of a book."""

    def __init__(self, currency: str, book: Book) -> None:
        self.currency = currency
        self._book = book
        self._markers: dict[str, Marker] = {}
        self._step: Step | None = None
        self._since_ns: int | None = None

    def fill(self, fill: Fill, now_ns: int) -> None:
        """Take one of our fills, before or after the holdings have."""
        step, instrument = self._step, self._book.instruments.get(fill.instrument)
        if step is None or instrument is None or instrument.currency != self.currency:
            return
        if fill.ts_ns <= step.ts_ns and fill.label in self._book.holdings.closed:
            return  # told late: what the step began with has its position, its edge and its fee
        index = self._index_of(instrument.coin)
        rate = index if self.currency == USD else 1.0 / index
        step.fees -= fill.fee if fill.fee_unit == self.currency else fill.fee * rate
        step.last_fill_ns = now_ns
        quantity, price = float(fill.quantity), float(fill.price)
        if instrument.is_option:
            self._fill_option(step, instrument, quantity, price, now_ns)
        else:
            self._fill_future(step, instrument, quantity, price, now_ns)

    def settle(self, name: str, price_usd: float, now_ns: int) -> None:
        """Take the settlement of an instrument, before the book forgets it."""
        instrument = self._book.instruments.get(name)
        if self._step is not None and instrument is not None:
            self._step.ended[name] = (instrument, Ending(now_ns, price_usd))

    def report(self, balance: Balance, now_ns: int, *, news: bool = True) -> Attribution | None:
        """Take the venue's balance; return the step that ends with it, if one does.

        Where it is no `news` it may be older than the prices, and ends only what has lasted long.
        """
        step, index = self._step, self._index()
        if not (math.isfinite(balance.equity) and math.isfinite(index)):
            return None
        if step is None:
            self._since_ns = now_ns if self._since_ns is None else self._since_ns
            if now_ns - self._since_ns >= LONGEST_NS or self._ready(now_ns):
                self._step = self._begin(balance, now_ns)
            return None
        if not self._due(step, now_ns, news=news):
            return None
        told = self._told(step, balance, now_ns)
        self._step = self._begin(balance, now_ns)
        return told

    # when

    def _due(self, step: Step, now_ns: int, *, news: bool) -> bool:
        if now_ns // STEP_NS == step.ts_ns // STEP_NS:
            return False
        if now_ns - step.ts_ns >= LONGEST_NS:
            return True
        return news and now_ns - step.last_fill_ns >= QUIET_NS and self._ready(now_ns)

    def _ready(self, now_ns: int) -> bool:
        """Tell whether everything that is held can be priced at this moment."""
        for coin, (options, futures) in self._held().items():
            mine = self._book.coins[coin]
            if now_ns - mine.market.index_ns > FRESH_NS:
                return False
            # Past its expiry only its settlement tells what it is worth, some seconds later.
            if any(0 < (one.expiry_ns or 0) <= now_ns for one in (*options, *futures)):
                return False
            if options:
                marker = self._marker(coin)
                marker.mark(mine, options, now_ns)
                if not marker.fresh(mine, now_ns):
                    return False
            quotes = mine.market.quotes
            if any(instrument.name not in quotes for instrument in futures):
                return False
        return True

    # what is held

    def _held(self) -> dict[str, Held]:
        """Return by underlying the options and futures of this account: quantity by whose."""
        holdings = self._book.holdings
        found: dict[str, Held] = {}
        for position in holdings.positions.values():
            instrument = self._book.instruments.get(position.instrument)
            elsewhere = position.account in holdings.also
            if elsewhere or instrument is None or instrument.currency != self.currency:
                continue
            if instrument.coin not in self._book.coins:
                continue
            pair = found.setdefault(instrument.coin, ({}, {}))
            parts = pair[0 if instrument.is_option else 1].setdefault(instrument, {})
            ours = position.tag == HEDGE_TAG
            parts[ours] = parts.get(ours, 0.0) + float(position.quantity)
        return found

    def _begin(self, balance: Balance, now_ns: int) -> Step:
        index = self._index()
        step = Step(now_ns, index, balance.equity, balance.equity)
        for coin, (options, futures) in self._held().items():
            if options:
                batch = self._options(coin, options, now_ns)
                step.options.append(batch)
                if not self._in_coin():
                    step.translated -= float(np.nansum(batch.quantity * batch.start.coins))
            for instrument, parts in futures.items():
                price = self._price(instrument, now_ns)
                if price is not None:
                    step.futures += [
                        Future(instrument, quantity, ours, price, self._rate(instrument))
                        for ours, quantity in parts.items()
                    ]
        return step

    def _options(
        self, coin: str, held: Mapping[Instrument, Mapping[bool, float]], now_ns: int
    ) -> Options:
        marks = self._marker(coin).mark(self._book.coins[coin], held, now_ns)
        rows = [(option, q, ours) for option, parts in held.items() for ours, q in parts.items()]
        return Options(
            coin,
            marks.of([option.name for option, _, _ in rows]),
            tuple(option for option, _, _ in rows),
            np.array([quantity for _, quantity, _ in rows]),
            np.array([ours for _, _, ours in rows], dtype=np.bool_),
        )

    # what joins

    def _fill_option(
        self, step: Step, option: Instrument, quantity: float, price: float, now_ns: int
    ) -> None:
        marks = Marker().mark(self._book.coins[option.coin], (option,), now_ns)
        if not math.isfinite(float(marks.greeks.price[0])):
            return  # its part of the step stays unexplained
        worth = float((marks.coins if option.is_inverse else marks.greeks.price)[0])
        step.slippage += quantity * (worth - price)
        batch = (np.array([quantity]), np.array([True]))
        step.options.append(Options(option.coin, marks, (option,), *batch))
        if option.is_inverse and not self._in_coin():
            step.spent += quantity * worth
            step.spent_usd += quantity * worth * marks.index

    def _fill_future(
        self, step: Step, future: Instrument, quantity: float, price: float, now_ns: int
    ) -> None:
        mark = self._price(future, now_ns)
        if mark is None:
            mark = Price(now_ns, self._index_of(future.coin), price)
        if future.is_inverse:
            step.slippage += quantity * (1.0 / price - 1.0 / mark.price)
        else:
            step.slippage += quantity * (mark.price - price)
        step.futures.append(Future(future, quantity, True, mark, self._rate(future)))  # noqa: FBT003

    # what it came to

    def _told(self, step: Step, balance: Balance, now_ns: int) -> Attribution:
        index, lines, ours = self._index(), dict.fromkeys(LEG_LINES, 0.0), 0.0
        ends, unpriced = self._ends(step, now_ns), 0
        for batch in step.options:
            end = settled(ends[batch.coin].of(batch.start.names), batch.start, step.ended)
            found = option_lines(batch.start, end, in_coin=self._in_coin())
            # An option that has expired has no price, and a forward that moves it no more.
            missing = ~np.isfinite(sum(found.values(), end.greeks.price))
            unpriced += int(missing.sum())
            for name, line in found.items():
                part = np.where(missing, 0.0, line * batch.quantity)
                lines[name] += float(part.sum())
                ours += float(part[batch.ours].sum())
        for future in step.futures:
            earned = self._future_lines(step, future, now_ns)
            unpriced += earned is None
            for name, each in (earned or {}).items():
                lines[name] += each * future.quantity
                ours += each * future.quantity if future.ours else 0.0
        fees, slippage = (step.fees - delivered(step)) * index, step.slippage * index
        translation = step.translated * (index - step.index)
        translation -= step.spent * index - step.spent_usd
        before, after = step.equity * step.index, balance.equity * index
        total = after - before
        explained = math.fsum((*lines.values(), fees, slippage, translation))
        return Attribution(
            ts_ns=now_ns,
            start_ns=step.ts_ns,
            coin=self.currency,
            **lines,
            fees=fees,
            slippage=slippage,
            translation=translation,
            unexplained=total - explained,
            total=total,
            hedges=ours + step.fees * index + slippage,
            equity_before=before,
            equity=after,
            index=index,
            unpriced=unpriced,
        )

    def _ends(self, step: Step, now_ns: int) -> dict[str, Marks]:
        """Return what every option of a step is worth now, by underlying."""
        wanted: dict[str, dict[Instrument, None]] = {}
        for batch in step.options:
            wanted.setdefault(batch.coin, {}).update(dict.fromkeys(batch.instruments))
        return {
            coin: self._marker(coin).mark(self._book.coins[coin], options, now_ns)
            for coin, options in wanted.items()
        }

    def _future_lines(self, step: Step, future: Future, now_ns: int) -> dict[str, float] | None:
        one, ending = future.instrument, step.ended.get(future.instrument.name)
        if ending is None:
            end = self._price(one, now_ns)
        else:
            end = Price(ending[1].ts_ns, self._index_of(one.coin), ending[1].price)
        if end is None:
            return None
        lines = future_lines(one, future.start, end)
        if one.kind is Kind.PERPETUAL:
            rate = 0.5 * (future.funding_8h + self._rate(one))
            share = rate * seconds_between(future.start.ts_ns, end.ts_ns) / FUNDING_S
            lines["funding"] = -share * (end.index / end.price if one.is_inverse else end.price)
        return lines

    # where it is looked up

    def _in_coin(self) -> bool:
        mine = self._book.coins.get(self.currency)
        return mine is not None and mine.rules.numeraire is Numeraire.COIN

    def _index(self) -> float:
        return 1.0 if self.currency == USD else self._index_of(self.currency)

    def _index_of(self, coin: str) -> float:
        return self._book.coins[coin].market.index

    def _marker(self, coin: str) -> Marker:
        return self._markers.setdefault(coin, Marker())

    def _price(self, future: Instrument, now_ns: int) -> Price | None:
        market = self._book.coins[future.coin].market
        quote = market.quotes.get(future.name)
        return None if quote is None else Price(now_ns, market.index, quote.mark)

    def _rate(self, future: Instrument) -> float:
        quote = self._book.coins[future.coin].market.quotes.get(future.name)
        return 0.0 if quote is None or not math.isfinite(quote.funding_8h) else quote.funding_8h
