"""What options of a record were worth and at which prices they could be traded, look by look.

Offers are made by the desk's own `strategy.candidates` from each snapshot's quotes. Sizes that were
not recorded are taken to be enough for everybody. Values are priced from mark volatilities (see
`policies.recorded`) in a USD book: dollars, deltas of Black-76, gamma in coin per 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.book.book import Book, UnderlyingRules
from bot.book.numeraire import Numeraire
from bot.book.shocks import PNL_MOVES
from bot.domain import deribit
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import FeeTier
from bot.domain.quotes import Chain, FloatArray, Listing
from bot.lab.lives import NS_PER_DAY, NS_PER_YEAR, Rows
from bot.lab.policies import recorded
from bot.lab.policies.recorded import Looks
from bot.sim.recorded import CoinRecord
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import Candidate, candidates
from bot.strategy.gamma import GammaPolicy
from greeks import black76

ENOUGH: Final = 1e6
"""Coins that are taken to stand behind a price where no size was recorded."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tenors that options may be bought in, days to expiry."""

    least: float
    most: float

    def __str__(self) -> str:
        """Return the bucket's name."""
        return f"{self.least:g} to {self.most:g} days"

    def holds(self, days: float) -> bool:
        """Tell whether an option lies inside."""
        return self.least <= days <= self.most


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One bought coin of an option at every look; meaningless after the look `last`.

    `value` USD, `delta` coin, `gamma` coin per 1 %, `vega` USD per point, `gains` the gain of a
    delta-hedged coin at each of `PNL_MOVES` (moves, looks), `days` to expiry.
    """

    value: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    gains: FloatArray
    days: FloatArray
    last: int


class Market:
    """A record's looks, with the offers and the values of its options at each."""

    def __init__(self, record: CoinRecord) -> None:
        """Take those snapshots of a record that have a perpetual."""
        self.record: Final = record
        self.rows: Final = Rows.of(record)
        every = recorded.looks(record, self.rows)
        shots = {shot.ts_ns: shot for shot in record.snapshots}
        at = [i for i, ts_ns in enumerate(every.ts_ns.tolist()) if ts_ns in shots]
        self.looks: Final = Looks(
            every.ts_ns[at], every.perpetual[at], every.index[at], every.vol[at]
        )
        self.shots: Final = [shots[ts_ns] for ts_ns in self.looks.ts_ns.tolist()]
        self.place: Final = {name: i for i, name in enumerate(record.names)}
        self.lot: Final = float(deribit.COINS[record.coin].option_lot)
        self._tracks: dict[str, Track] = {}
        self._quoted: dict[int, dict[str, Candidate]] = {}
        self._offers: dict[tuple[int, Bucket], tuple[Candidate, ...]] = {}
        self._book: Final = Book(
            [UnderlyingRules(record.coin, Numeraire.USD, "exclude", (f"{record.coin}-PERPETUAL",))]
        )
        options = tuple(deribit.parse(name) for name in record.names)
        self._book.apply(InstrumentsListed(0, record.coin, options))

    def track(self, name: str) -> Track:
        """Return what an option was at every look."""
        if name not in self._tracks:
            self._tracks[name] = self._priced(self.place[name])
        return self._tracks[name]

    def quoted(self, look: int) -> dict[str, Candidate]:
        """Return every option with two sides at a look, by name."""
        if look not in self._quoted:
            found = candidates(self._seen(look), self.record.coin, self._now(look), FeeTier())
            self._quoted[look] = {one.name: one for one in found}
        return self._quoted[look]

    def offers(self, look: int, bucket: Bucket) -> tuple[Candidate, ...]:
        """Return the options of a bucket that the desk would look at."""
        key = look, bucket
        if key not in self._offers:
            self._offers[key] = candidates(
                self._seen(look), self.record.coin, self._now(look), FeeTier(), policy_of(bucket)
            )
        return self._offers[key]

    def strike(self, name: str) -> float:
        """Return an option's strike over its own forward's scale, USD."""
        return float(self.record.strike[self.place[name]])

    def forward(self, look: int, name: str) -> float:
        """Return an option's own forward at a look, USD."""
        shot = self.shots[look]
        return float(shot.forward[shot.option == self.place[name]][0])

    def _now(self, look: int) -> int:
        return int(self.looks.ts_ns[look])

    def _seen(self, look: int) -> Book:
        """Return the book, which holds nothing, with a look's chain as its newest."""
        record, shot = self.record, self.shots[look]
        listing = Listing(
            record.coin,
            tuple(record.names[i] for i in shot.option.tolist()),
            record.is_call[shot.option],
            record.strike[shot.option],
            record.expiry_ns[shot.option],
        )
        chain = Chain(
            listing, shot.ts_ns, shot.ts_ns, shot.index, shot.forward, shot.vol, shot.mark,
            shot.bid, shot.ask, _size(shot.bid_size, shot.bid), _size(shot.ask_size, shot.ask),
        )  # fmt: skip
        market = self._book.coins[record.coin].market
        market.chain, market.index = chain, shot.index
        return self._book

    def _priced(self, option: int) -> Track:
        record, rows, seen = self.record, self.rows, self.looks
        first, final = rows.span(option)
        times, ts_ns = rows.ts_ns[first:final], seen.ts_ns
        then = seen.perpetual[np.minimum(np.searchsorted(ts_ns, times), len(ts_ns) - 1)]
        forward = seen.perpetual * np.interp(ts_ns, times, rows.forward[first:final] / then)
        vol = np.interp(ts_ns, times, rows.vol[first:final])
        ends = min(int(record.expiry_ns[option]) - recorded.AVERAGED_NS, int(times[-1]))
        last = int(np.searchsorted(ts_ns, ends, side="right")) - 1
        left = (record.expiry_ns[option] - ts_ns) / NS_PER_YEAR
        terms = (record.strike[option], np.maximum(left, 1e-9), vol)
        here = black76.first(record.is_call[option], forward, *terms)
        usd = seen.index / forward
        gains = []
        for move in PNL_MOVES:
            moved = black76.first(record.is_call[option], forward * (1.0 + move), *terms).price
            gains.append(usd * (moved - here.price - here.delta * forward * move))
        return Track(
            value=usd * here.price,
            delta=here.delta,
            gamma=here.gamma * forward / 100.0,
            vega=usd * here.vega / 100.0,
            gains=np.array(gains),
            days=(record.expiry_ns[option] - ts_ns) / NS_PER_DAY,
            last=last,
        )


def policy_of(bucket: Bucket) -> GammaPolicy:
    """Return the desk's default habits for one bucket, with no limit on anything."""
    return GammaPolicy(
        GammaBand(), GammaBand(), action="auto", min_days=bucket.least, max_days=bucket.most
    )


def _size(size: FloatArray | None, price: FloatArray) -> FloatArray:
    """Return the size behind each price: as recorded, else enough."""
    shown = np.full_like(price, np.nan) if size is None else size
    return np.where(np.isfinite(shown), shown, ENOUGH)
