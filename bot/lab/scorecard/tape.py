"""One coin's path as it happens: events in, rows out, and never a calculation.

The tape folds market data exactly as the book does (`bot.book.market`, `bot.book.columns`) and
knows whose holdings are whose: what was there at the start is the owner's unless tagged as a hedge,
what we fill is ours. Where a market speaks less than once a second, a row is added for the first
second after our own fills and for the last second before the market's next word, so that steps of
one second exist where anything moves.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np

from bot.book.columns import VOL as VOL_ROW
from bot.book.columns import OptionColumns
from bot.book.market import CoinMarket
from bot.book.numeraire import collateral_delta
from bot.domain.fees import delivery_fee
from bot.domain.instruments import HISTORY_NS, Instrument, Kind
from bot.domain.positions import HEDGE_TAG, Balance, Fill, Position
from bot.domain.quotes import Chain, Quote
from bot.domain.units import NS_PER_S
from bot.lab.scorecard.promise import Promise
from bot.lab.scorecard.rows import CAPACITY, Expired, Rows, Side, Terms
from bot.sim.exchange.settlement import payoff

NEVER_NS = 2**62


class Tape:
    """The recorder of one coin. `spill` works off its rows and carries the last one on."""

    def __init__(self, promise: Promise, spill: Callable[[], None]) -> None:
        self.promise = promise
        self.market = CoinMarket(promise.coin)
        self.known: dict[str, Instrument] = {}
        self.owner: dict[str, Decimal] = {}
        self.ours: dict[str, Decimal] = {}
        self.balances: dict[str, Balance] = {}
        self.rows = Rows.empty(Terms.of((), ()))
        self._spill = spill
        self._columns = OptionColumns.build({}, None)
        self._options: tuple[Instrument, ...] = ()
        self._futures: tuple[Instrument, ...] = ()
        self._window_ns = NEVER_NS
        self._pending = Side.empty(0, 0, 2)
        self._ended: list[tuple[str, float]] = []
        self._ended_fees: list[tuple[Instrument, float, float]] = []
        self._started = self._open = self._moved = False
        self._second = -1
        self._at_ns = self._changed_ns = 0
        self._naive: Instrument | None = None

    # --- events -----------------------------------------------------------------------------------

    def listed(self, instruments: tuple[Instrument, ...], now_ns: int) -> list[str]:
        """Take a complete list; return what is forgotten: it expired long ago and is not held."""
        self.market.see_instruments(instruments)
        self.market.close_windows(now_ns - HISTORY_NS)
        self.known.update(self.market.instruments)
        old = [name for name, one in self.known.items() if one.is_history(now_ns)]
        for name in old:
            if not self.held(name):  # its column goes when columns are laid out anew
                self.owner.pop(name, None)
                self.ours.pop(name, None)
        laid_out = {one.name for one in (*self._options, *self._futures)}
        gone = [n for n in old if n not in self.market.instruments and n not in laid_out]
        for name in gone:
            del self.known[name]
            self.market.quotes.pop(name, None)
        return gone

    def quote(self, quote: Quote) -> None:
        """Take a future's quote."""
        self._turn(quote.ts_ns)
        self.market.see_quote(quote)

    def chain(self, chain: Chain) -> None:
        """Take an option batch."""
        self._turn(chain.ts_ns)
        if self.market.see_chain(chain):
            self._columns.see(chain)

    def start(self, positions: tuple[Position, ...], hedges: dict[str, Decimal]) -> None:
        """Take the first report; `hedges` says what an earlier run of ours left in it."""
        for position in positions:
            instrument = self.known.get(position.instrument)
            if instrument is None or not self.promise.measure.scope.covers(position):
                continue
            name, value = position.instrument, position.quantity.value
            hedge = value if position.tag == HEDGE_TAG else hedges.get(name, Decimal(0))
            self.owner[name] = self.owner.get(name, Decimal(0)) + value - hedge
            self.ours[name] = self.ours.get(name, Decimal(0)) + hedge
        self._started = True
        self._lay_out()

    def fill(self, ts_ns: int, fill: Fill, instrument: Instrument) -> None:
        """Add a fill of ours at the index of its moment."""
        self.known.setdefault(instrument.name, instrument)
        self._before_change(instrument, ts_ns)
        quantity, price = float(fill.quantity), float(fill.price)
        index, side = self.market.index, self._pending
        if instrument.is_option:
            side.cost_usd[0] += quantity * price * (index if instrument.is_inverse else 1.0)
        else:
            self._trade(side, instrument, quantity, price)
        side.fees_usd[0] += fill.fee if fill.fee_unit == "USD" else fill.fee * index
        self._add(fill.instrument, fill.quantity.value)

    def adopt(self, ts_ns: int, instrument: Instrument, quantity: Decimal) -> None:
        """Take over, at the mark and without a profit, what no fill explains."""
        self._before_change(instrument, ts_ns)
        quote = self.market.quotes.get(instrument.name)
        if not instrument.is_option and quote is not None:
            self._trade(self._pending, instrument, float(quantity), quote.mark)
        self._add(instrument.name, quantity)

    def settled(self, ts_ns: int, name: str, price_usd: float) -> None:
        """Pay out what expired: at the next row's index, since the coins arrive with it."""
        self._turn(ts_ns)
        instrument, tier = self.known.get(name), self.promise.tier
        if instrument is None:
            return
        owner = float(self.owner.pop(name, Decimal(0)))
        total = owner + float(self.ours.pop(name, Decimal(0)))
        value = payoff(instrument, price_usd)
        fees = [delivery_fee(instrument, q, value, price_usd, tier) for q in (total, owner)]
        self._ended_fees.append((instrument, fees[0], fees[1]))
        if instrument.is_option:
            self._ended.append((name, value))
        elif instrument in self._futures:
            place = self._futures.index(instrument)
            for quantity, row in ((total, 0), (owner, 1)):
                self._pending.traded[row, place] -= _worth(instrument, quantity, price_usd)
        self._changed(ts_ns)

    def finish(self) -> None:
        """Write the row that is under way, so that what is known now can be worked off."""
        if self._open:
            self._seal()

    # --- rows -------------------------------------------------------------------------------------

    def _turn(self, ts_ns: int) -> None:
        """Close the second before, when market data of a later one arrives."""
        second = ts_ns // NS_PER_S
        if second <= self._second:
            return
        if self._open:
            self._seal()
        self._catch_up(ts_ns - NS_PER_S)
        if self.rows.count and ts_ns - self._last_ns >= 2 * NS_PER_S:
            self._write(ts_ns - NS_PER_S)
        if ts_ns > self._window_ns:
            self._average(ts_ns)  # opens the window with the index that stood at its start
        self._second, self._at_ns, self._open = second, ts_ns, True

    def _catch_up(self, until_ns: int) -> None:
        """Write the first second after our last change, where the market is silent beyond it."""
        if self._moved and self.rows.count:
            seconds = -((self._last_ns - self._changed_ns) // NS_PER_S)
            at_ns = self._last_ns + seconds * NS_PER_S
            if at_ns < until_ns:
                self._write(at_ns)

    def _changed(self, ts_ns: int) -> None:
        self._moved, self._changed_ns = True, ts_ns

    @property
    def _last_ns(self) -> int:
        return int(self.rows.ts_ns[self.rows.count - 1])

    def _seal(self) -> None:
        self._open = False
        if self._started and self._futures and self.market.index > 0.0:
            self._write(self._at_ns)

    def _write(self, ts_ns: int) -> None:
        if self.rows.count == CAPACITY:
            self._spill()
        rows, market, i = self.rows, self.market, self.rows.count
        rows.ts_ns[i], rows.index[i] = ts_ns, market.index
        rows.average[i] = self._average(ts_ns)
        rows.collateral[i] = self._collateral()
        rows.vol[i] = self._columns.inputs[VOL_ROW]
        rows.ratio[i] = self._columns.ratio
        for j, future in enumerate(self._futures):
            quote = market.quotes.get(future.name)
            rows.mark[i, j] = self._mark(future.name)
            rows.funding_8h[i, j] = 0.0 if quote is None else quote.funding_8h
            if j == 0 and quote is not None:
                rows.bid[i], rows.ask[i] = quote.bid, quote.ask
        self._hold(i)
        rows.count += 1
        self._moved = False

    def _hold(self, i: int) -> None:
        """Write holdings and what flowed since the row before."""
        rows, index, pending = self.rows, self.market.index, self._pending
        if i == 0 or self._moved:
            rows.all.options[i] = [self._size(o.name) for o in self._options]
            rows.owner.options[i] = [float(self.owner.get(o.name, 0)) for o in self._options]
            rows.all.futures[i] = [self._size(f.name) for f in self._futures]
            rows.owner.futures[i] = [float(self.owner.get(f.name, 0)) for f in self._futures]
        else:
            for side in (rows.all, rows.owner):
                side.options[i], side.futures[i] = side.options[i - 1], side.futures[i - 1]
        if not self._moved:
            for side in (rows.all, rows.owner):
                side.traded[i] = side.cost_usd[i] = side.fees_usd[i] = 0.0
            return
        for row, side in enumerate((rows.all, rows.owner)):
            side.traded[i] = pending.traded[row]
            side.cost_usd[i], side.fees_usd[i] = pending.cost_usd[row], pending.fees_usd[row]
        for instrument, total, owner in self._ended_fees:
            rate = index if instrument.is_inverse else 1.0
            rows.all.fees_usd[i] += total * rate
            rows.owner.fees_usd[i] += owner * rate
        for name, value in self._ended:
            if name in rows.terms.names:
                rate = index if self.known[name].is_inverse else 1.0
                rows.expired.append(Expired(i, rows.terms.names.index(name), value * rate))
        self._ended.clear()
        self._ended_fees.clear()
        self._pending = Side.empty(0, len(self._futures), 2)

    def _average(self, ts_ns: int) -> float:
        if ts_ns < self._window_ns or not self.market.index > 0.0:
            return float("nan")
        columns, known = self._columns, float("nan")
        inside = columns.inside_window(ts_ns)
        if not inside.size:
            self._window_ns = self._next_window(ts_ns)
        for expiry in inside:
            averaging_s = float(columns.averaging_s[columns.expiry_ns == expiry].max())
            known = self.market.open_window(int(expiry), averaging_s, ts_ns).value()
        return known

    def _next_window(self, ts_ns: int) -> int:
        """Return when the next settlement window opens, or the one that is open did."""
        ends = [(o.expiry_ns or 0, o.averaging_s) for o in self._options]
        starts = [end - round(span * NS_PER_S) for end, span in ends if end > ts_ns]
        return min(starts, default=NEVER_NS)

    def _collateral(self) -> float:
        rules = self.promise.measure
        if rules.collateral_delta == "exclude":
            return 0.0
        coin, usd = self.balances.get(rules.coin), self.balances.get("USD")
        return collateral_delta(
            rules.numeraire,
            rules.collateral_delta,
            cash_coin=0.0 if coin is None else coin.cash + coin.open_profit,
            equity_usd=0.0 if usd is None else usd.equity,
            index=self.market.index,
        )

    # --- holdings ---------------------------------------------------------------------------------

    def _before_change(self, instrument: Instrument, ts_ns: int) -> None:
        self.finish()
        self._catch_up(ts_ns)
        if instrument not in self._options and instrument not in self._futures:
            self._lay_out(instrument)
        self._changed(ts_ns)

    def _add(self, name: str, quantity: Decimal) -> None:
        self.ours[name] = self.ours.get(name, Decimal(0)) + quantity

    def _size(self, name: str) -> float:
        return float(self.held(name))

    def held(self, name: str) -> Decimal:
        """Return what is held of an instrument now, the owner's and ours."""
        return self.owner.get(name, Decimal(0)) + self.ours.get(name, Decimal(0))

    def _mark(self, name: str) -> float:
        quote = self.market.quotes.get(name)
        return self.market.index if quote is None else quote.mark

    def _trade(self, side: Side, instrument: Instrument, quantity: float, price: float) -> None:
        side.traded[0, self._futures.index(instrument)] += _worth(instrument, quantity, price)

    def _lay_out(self, *new: Instrument) -> None:
        """Give every instrument that is or was held a column, the naive twin's the first."""
        held = [self.known[n] for n in sorted({*self.owner, *self.ours})] + list(new)
        first = self._naive_instrument()
        futures = [i for i in held if not i.is_option and i != first]
        self._options = tuple(i for i in held if i.is_option)
        self._futures = (*(() if first is None else (first,)), *futures)
        if self.rows.count:
            self._spill()
        before, self._pending = self._pending, Side.empty(0, len(self._futures), 2)
        for j, future in enumerate(self.rows.terms.futures):
            self._pending.traded[:, self._futures.index(future)] = before.traded[:, j]
        self._pending.cost_usd, self._pending.fees_usd = before.cost_usd, before.fees_usd
        self.rows = self.rows.moved_to(Terms.of(self._options, self._futures))
        if self.rows.count:
            for j, future in enumerate(self._futures):
                if not np.isfinite(self.rows.mark[0, j]):  # a column that begins with this row
                    self.rows.mark[0, j] = self._mark(future.name)
                    self.rows.funding_8h[0, j] = 0.0
        self._columns = OptionColumns.build(dict.fromkeys(self._options, 0.0), self._columns)
        if self.market.chain is not None:
            self._columns.see(self.market.chain)
        self._window_ns = self._next_window(self._at_ns)

    def _naive_instrument(self) -> Instrument | None:
        """Return what the naive twin trades all along: a perpetual, where there is one."""
        if self._naive is None:
            kinds = self.promise.measure.hedge_with
            listed = sorted(self.market.instruments.values(), key=lambda i: i.name)
            usable = [i for kind in kinds for i in listed if i.kind == kind]
            usable.sort(key=lambda i: i.kind is not Kind.PERPETUAL)
            self._naive = next(iter(usable), None)
        return self._naive


def _worth(instrument: Instrument, quantity: float, price: float) -> float:
    return -quantity / price if instrument.is_inverse else quantity * price
