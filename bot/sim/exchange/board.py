"""Where the market stands now: the last move of every future, the last batch of every option chain.

Option batches come every few seconds, the index every second. In between, an option is shown
where its market maker would have moved it: the batch's price plus what Black-76 at the batch's
own volatility says the index and the clock have changed since. Inside the settlement average only
the part that is still open moves. A price that the market does not show stays NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.sim.exchange.ladder import OptionView
from bot.sim.ports import FutureMove
from greeks import black76, settlement


class Drift(NamedTuple):
    """How far options have moved since their batch, and their vega, in their own price unit."""

    change: FloatArray
    vega: FloatArray


@dataclass(slots=True)
class Board:
    """What the exchange shows; `moved_ns` is the time of the market's last move.

    Not `carried`, a future stands where its last move left it, whatever the index did since.
    """

    moved_ns: int
    before_ns: int
    carried: bool = True
    moves: dict[str, FutureMove] = field(default_factory=dict)
    elapsed_ns: dict[str, int] = field(default_factory=dict)
    _since_ns: dict[str, int] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    index: dict[str, float] = field(default_factory=dict)

    def move(self, moves: Sequence[FutureMove], now_ns: int) -> None:
        """Take over the market's move."""
        self.before_ns = self.moved_ns
        self.moved_ns = now_ns
        for move in moves:
            quote = move.quote
            name = quote.instrument
            self.moves[name] = move
            self.elapsed_ns[name] = now_ns - self._since_ns.get(name, now_ns)
            self._since_ns[name] = now_ns
            self.index[quote.coin] = quote.index

    def forget(self, name: str) -> None:
        """Show an instrument no more."""
        for table in (self.moves, self.elapsed_ns, self._since_ns):
            table.pop(name, None)

    def future(self, name: str) -> FutureMove | None:
        """Return where a future stands now; None before its first move.

        One that moves less often than the index is carried along with it in between.
        """
        move = self.moves.get(name)
        if move is None or not self.carried or self._since_ns[name] == self.moved_ns:
            return move
        quote = move.quote
        ratio = self.index[quote.coin] / quote.index
        carried = replace(
            quote, bid=quote.bid * ratio, ask=quote.ask * ratio, mark=quote.mark * ratio
        )
        return replace(move, quote=carried)

    def future_mark(self, instrument: Instrument) -> float:
        """Return the mark of a future or perpetual, NaN before its first move."""
        move = self.future(instrument.name)
        return float("nan") if move is None else move.quote.mark

    def option_marks(self, options: Sequence[Instrument]) -> FloatArray:
        """Return the marks of options of one coin, NaN where there is none."""
        marks = np.full(len(options), np.nan)
        if (found := self._shown(options)) is not None:
            chain, shown, rows = found
            drift = self._drift(chain, [options[i] for i in shown], rows)
            marks[shown] = np.maximum(chain.mark[rows] + drift.change, 0.0)
        return marks

    def still_open(self, instrument: Instrument) -> float:
        """Return which share of what an instrument settles on is still to come: 1 is all."""
        if instrument.expiry_ns is None or not instrument.averaging_s:
            return 1.0
        left_s = (instrument.expiry_ns - self.moved_ns) / NS_PER_S
        return min(max(left_s / instrument.averaging_s, 0.0), 1.0)

    def option_deltas(self, options: Sequence[Instrument], average: float) -> FloatArray:
        """Return what one of each option of a coin counts in an account's delta, coin, NaN unknown.

        That is N(d1) less the mark where it is paid in coin; in the window on whose average it
        settles, the slope of what is left, `average` (USD) being what has been averaged so far.
        """
        deltas = np.full(len(options), np.nan)
        if (found := self._shown(options)) is not None:
            chain, shown, rows = found
            listing, some = chain.listing, [options[i] for i in shown]
            window_s = np.array([option.averaging_s for option in some])
            left_s = np.maximum((listing.expiry_ns[rows] - self.moved_ns) / NS_PER_S, 0.0)
            forward = chain.forward[rows] * (self.index.get(chain.coin, chain.index) / chain.index)
            is_call, strike, vol = listing.is_call[rows], listing.strike[rows], chain.vol[rows]
            years = left_s / SECONDS_PER_YEAR
            paid = np.where([option.is_inverse for option in some], self.option_marks(some), 0.0)
            whole = black76.first(is_call, forward, strike, years, vol).delta - paid
            rest = settlement.coin(is_call, forward, strike, left_s, vol, average, window_s)
            deltas[shown] = np.where(left_s < window_s, rest.net_delta, whole)
        return deltas

    def _shown(self, options: Sequence[Instrument]) -> tuple[Chain, list[int], np.ndarray] | None:
        """Return the chain of options of one coin, which of them it shows, and in which rows."""
        chain = self.chains.get(options[0].coin) if options else None
        if chain is None:
            return None
        row = chain.listing.row
        shown = [i for i, option in enumerate(options) if option.name in row]
        return (chain, shown, np.array([row[options[i].name] for i in shown])) if shown else None

    def option_view(self, option: Instrument) -> OptionView | None:
        """Return the quote of one option now; None where the market does not show it."""
        chain = self.chains.get(option.coin)
        row = None if chain is None else chain.listing.row.get(option.name)
        if chain is None or row is None:
            return None
        drift = self._drift(chain, [option], np.array([row]))
        change = float(drift.change[0])
        return OptionView(
            bid=float(chain.bid[row]) + change,
            ask=float(chain.ask[row]) + change,
            bid_size=float(chain.bid_size[row]),
            ask_size=float(chain.ask_size[row]),
            vol_point=float(drift.vega[0]),
        )

    def _drift(self, chain: Chain, options: Sequence[Instrument], rows: np.ndarray) -> Drift:
        """Return change and vega since the batch; where the model has no answer, no change."""
        listing = chain.listing
        ratio = self.index.get(chain.coin, chain.index) / chain.index
        forward = chain.forward[rows] * np.array([[1.0], [ratio]])
        left_s = (listing.expiry_ns[rows] - self.moved_ns) / NS_PER_S
        since_s = max(0.0, (self.moved_ns - chain.ts_venue_ns) / NS_PER_S)
        years = np.maximum(left_s + np.array([[since_s], [0.0]]), 0.0) / SECONDS_PER_YEAR
        model = black76.first(
            listing.is_call[rows], forward, listing.strike[rows], years, chain.vol[rows]
        )
        inverse = np.array([option.is_inverse for option in options])
        per = np.where(inverse, forward, 1.0)
        value = model.price / per
        average_s = np.array([max(option.averaging_s, 1.0) for option in options])
        still_open = np.clip(left_s / average_s, 0.0, 1.0)
        change = np.nan_to_num((value[1] - value[0]) * still_open, nan=0.0)
        return Drift(change, np.nan_to_num(model.vega[1] / per[1], nan=0.0))
