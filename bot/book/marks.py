"""What an account's options are worth at one moment, with every Greek, row by row.

The rows are those of an account, whatever a scope leaves out and a person has parked. They take
volatility and forward from the newest chain, as the book's own columns do (see `columns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bot.book.book import CoinBook
from bot.book.columns import DISCOUNT, FORWARD, PHI, STRIKE, VOL, YEARS, OptionColumns
from bot.book.legs import averages
from bot.domain.instruments import Instrument
from bot.domain.quotes import BoolArray, FloatArray, IntArray
from greeks import black76

Greeks = black76.Greeks
LEAST_WEIGHT: Final = 1e-4
"""Of an average that is as good as complete nothing moves any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Options of one coin at one moment, in the order of `names`; NaN where nobody told of one.

    Greeks are per coin of quantity, raw, on `moves`: an option's forward, or inside its settlement
    window the average as it stands, of which a part is known and moves no more; those of second
    order in time and volatility are left out there. A coin-settled option is worth
    `greeks.price / payout` coins.
    """

    ts_ns: int
    index: float
    names: tuple[str, ...]
    greeks: Greeks
    moves: FloatArray
    payout: FloatArray
    vol: FloatArray
    inside: BoolArray
    inverse: BoolArray
    expiry_ns: IntArray

    def of(self, names: Sequence[str]) -> Marks:
        """Return the marks of some of the options, in that order."""
        place = {name: row for row, name in enumerate(self.names)}
        rows = np.array([place[name] for name in names], dtype=np.intp)
        return Marks(
            ts_ns=self.ts_ns,
            index=self.index,
            names=tuple(names),
            greeks=Greeks(*(greek[rows] for greek in self.greeks)),
            moves=self.moves[rows],
            payout=self.payout[rows],
            vol=self.vol[rows],
            inside=self.inside[rows],
            inverse=self.inverse[rows],
            expiry_ns=self.expiry_ns[rows],
        )

    @property
    def coins(self) -> FloatArray:
        """Return what a coin of each coin-settled option is worth, in coin; 0 for linear ones."""
        return np.where(self.inverse, self.greeks.price / self.payout, 0.0)


@dataclass(slots=True)
class Marker:
    """Marks the options of one coin; keeps what was learnt of each while it is asked for."""

    columns: OptionColumns = field(default_factory=lambda: OptionColumns.build({}, None))

    def mark(self, mine: CoinBook, options: Iterable[Instrument], now_ns: int) -> Marks:
        """Return what options are worth now."""
        wanted = {option.name: option for option in options}
        if tuple(wanted) != self.columns.names:
            held = dict.fromkeys(wanted.values(), 0.0)
            self.columns = OptionColumns.build(held, self.columns)
        columns, market = self.columns, mine.market
        if market.chain is not None:
            columns.see(market.chain)
        known = averages(columns, market, now_ns)
        first = columns.price_at(market.index, now_ns, known)
        put = columns.inputs
        with np.errstate(invalid="ignore"):
            whole = black76.greeks(
                put[PHI] > 0.0, put[FORWARD], put[STRIKE], put[YEARS], put[VOL], put[DISCOUNT]
            )
        inside, moves = np.zeros(len(wanted), dtype=np.bool_), put[FORWARD].copy()
        if columns.fading is not None:
            inside = np.isin(columns.expiry_ns, list(known))
            whole = _averaged(whole, first, inside, columns.fading.weight)
            moves = np.where(inside, columns.payout, moves)
        return Marks(
            ts_ns=now_ns,
            index=market.index,
            names=columns.names,
            greeks=whole,
            moves=moves,
            payout=np.array(columns.payout),
            vol=put[VOL].copy(),
            inside=inside,
            inverse=columns.inverse.copy(),
            expiry_ns=columns.expiry_ns.copy(),
        )

    def fresh(self, mine: CoinBook, now_ns: int) -> bool:
        """Tell whether every option was told of lately enough to be traded on."""
        if not self.columns.names:
            return True
        oldest_s = (now_ns - int(self.columns.seen_ns.min())) * 1e-9
        return oldest_s <= mine.rules.freshness.chain_s


def _averaged(whole: Greeks, first: FloatArray, inside: BoolArray, weight: FloatArray) -> Greeks:
    """Return the Greeks with those of options inside their window in place of the plain ones.

    `first` are slopes on the index, of which the average takes `weight`.
    """
    taken = np.where(inside, np.maximum(weight, LEAST_WEIGHT), 1.0)
    on_average = {
        "price": first[0],
        "delta": first[1] / taken,
        "gamma": first[2] / taken**2,
        "vega": first[3],
        "theta": first[4],
        **dict.fromkeys(("vanna", "volga", "charm"), np.zeros_like(weight)),
    }
    return whole._replace(
        **{
            name: np.where(inside, value, getattr(whole, name))
            for name, value in on_average.items()
        }
    )
