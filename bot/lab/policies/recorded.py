"""Recorded books to hedge: options that live once each, and weeks of a book like the demo's.

Looks are at the chain's snapshots and, where the perpetual was recorded between them, there too:
an option's volatility, its forward over the perpetual and the index over the perpetual are then
interpolated in time, and the option is priced again (Black-76 on its own forward). Marks are
priced from mark volatilities at the snapshots as well, because the exchange does not refresh price
and volatility together. Everything is of a USD book: a coin-settled option is worth S V/F dollars
and its delta is Black-76's (`bot.book.numeraire`); premiums are changed into dollars at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY
from bot.lab.lives import NS_PER_DAY, NS_PER_YEAR, Rows
from bot.lab.policies.books import DAY, SHOCKS
from bot.lab.recorded_study import SOLD_DAYS, SOLD_DELTA, sales
from bot.sim.recorded import LONGEST_GAP_NS, CoinRecord, Snapshot
from greeks import black76

AVERAGED_NS: Final = 1_800 * NS_PER_S
"""Options are held until the exchange begins to average the price that they settle on."""

WEEK_NS: Final = 7 * SECONDS_PER_DAY * NS_PER_S
STRADDLES: Final = 2
WINGS: Final = (0.92, 1.08, 25.0)
"""Strikes of the long pair over the index, and days to expiry, as in the demo book."""

STRANGLE: Final = (0.9635, 1.028, 2.0)
STRANGLE_COIN: Final = -0.6


FLY: Final = (0.96, 1.04)
"""Strikes of the wings of the book whose gamma changes its sign, over the index."""


class Holding(NamedTuple):
    """So many coins of an option from one look to another; places in `Looks.ts_ns`."""

    book: int
    option: int
    quantity: float
    begin: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """When a hedger looks, and what he sees of the price; arrays over looks."""

    ts_ns: IntArray
    perpetual: FloatArray  # USD
    index: FloatArray  # USD
    vol: FloatArray  # of options near the money with 20 to 35 days, 1.00 = 100 %

    def place(self, ts_ns: int) -> int:
        """Return the first look at or after a time."""
        return int(np.searchsorted(self.ts_ns, ts_ns))


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """Books beside each other: arrays (looks, books), zero where a book does not live.

    `change` is what a book's options earn until the next look (USD), `delta` is in coin, `gamma` in
    coin per USD at each of `SHOCKS` (shocks, looks, books).
    """

    looks: Looks
    begin: IntArray  # over books: the first look
    end: IntArray  # and the last one
    coins: float  # gross coins of options of one book
    change: FloatArray
    delta: FloatArray
    gamma: FloatArray


Maker = Callable[[CoinRecord, Rows, Looks, Sequence[Snapshot]], Iterator[Holding]]


def looks(record: CoinRecord, rows: Rows) -> Looks:
    """Return the looks of a record: its snapshots with a perpetual, and its perpetual between."""
    track = record.perpetual
    seen = np.array([shot.ts_ns for shot in record.snapshots], dtype=np.int64)
    known = np.isin(seen, track.ts_ns) & np.isfinite([shot.index for shot in record.snapshots])
    seen, shots = seen[known], [s for s, k in zip(record.snapshots, known, strict=True) if k]
    inside = (track.ts_ns >= seen[0]) & (track.ts_ns <= seen[-1])
    ts_ns, perpetual = track.ts_ns[inside], track.price[inside]
    at = perpetual[np.searchsorted(ts_ns, seen)]
    ratio = np.interp(ts_ns, seen, np.array([shot.index for shot in shots]) / at)
    days, delta = rows.days, np.abs(rows.delta)
    near = (days >= SOLD_DAYS[0]) & (days <= SOLD_DAYS[1])
    near &= (delta >= SOLD_DELTA[0]) & (delta <= SOLD_DELTA[1])
    near |= not near.any()  # a short recording has no such options
    times, place = np.unique(rows.ts_ns[near], return_inverse=True)
    vol = np.array([np.median(rows.vol[near][place == one]) for one in range(len(times))])
    return Looks(ts_ns, perpetual, perpetual * ratio, np.interp(ts_ns, times, vol))


def full_lives(record: CoinRecord, rows: Rows, seen: Looks) -> list[Holding]:
    """Return one book for each option that `recorded_study` sells: one coin short until expiry."""
    held: list[Holding] = []
    for option, first, _ in sales(record, rows):
        begin = seen.place(int(rows.ts_ns[first]))
        end = _last(seen, rows, option, int(record.expiry_ns[option]))
        if begin < end:
            held.append(Holding(len(held), option, -1.0, begin, end))
    return held


def demo_weeks(record: CoinRecord, rows: Rows, seen: Looks) -> list[Holding]:
    """Return one book a week, from one Friday's expiry to the next, like the demo's.

    Short two straddles of the week (the strike nearest to the index and the one above) and 0.6 of a
    strangle of two days, which is sold again when it has expired; long a pair of wings of a month.
    """
    return _weeks(record, rows, seen, _demo)


def flies(record: CoinRecord, rows: Rows, seen: Looks) -> list[Holding]:
    """Return one book a week whose gamma changes its sign: a short straddle, long its wings."""
    return _weeks(record, rows, seen, _fly)


def _weeks(record: CoinRecord, rows: Rows, seen: Looks, make: Maker) -> list[Holding]:
    """Return one book a week; weeks that the recording does not cover are left out."""
    fridays = [int(at) for at in np.unique(record.expiry_ns) if _is_friday(int(at))]
    shots = {shot.ts_ns: shot for shot in record.snapshots}
    held: list[Holding] = []
    count = 0
    for start, end in pairwise(fridays):
        times = [at for at in seen.ts_ns.tolist() if start <= at <= end]
        gaps = np.diff([start, *times, end])
        if end - start != WEEK_NS or gaps.max() > LONGEST_GAP_NS:
            continue
        week = list(make(record, rows, seen, [shots[at] for at in times if at in shots]))
        if all(one.begin < one.end for one in week):
            held += [one._replace(book=count) for one in week]
            count += 1
    return held


def books(record: CoinRecord, rows: Rows, seen: Looks, held: Sequence[Holding]) -> Books:
    """Return the figures of books at every look."""
    count = 1 + max((one.book for one in held), default=-1)
    change, delta = np.zeros((2, len(seen.ts_ns), count))
    gamma = np.zeros((len(SHOCKS), *delta.shape))
    begin, end = np.full(count, len(seen.ts_ns)), np.zeros(count, dtype=np.int64)
    coins = np.zeros(count)
    for one in held:
        part = slice(one.begin, one.end)
        value, deltas, gammas = _option(record, rows, seen, one)
        change[part, one.book] += one.quantity * np.diff(value)
        delta[part, one.book] += one.quantity * deltas[:-1]
        gamma[:, part, one.book] += one.quantity * gammas[:, :-1]
        begin[one.book] = min(begin[one.book], one.begin)
        end[one.book] = max(end[one.book], one.end)
        coins[one.book] += abs(one.quantity) * (one.end - one.begin)
    lived = np.maximum(end - begin, 1)
    return Books(seen, begin, end, float(np.mean(coins / lived)), change, delta, gamma)


def _option(
    record: CoinRecord, rows: Rows, seen: Looks, one: Holding
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return an option's value in USD and delta at its looks, and its gammas (shocks, looks)."""
    first, last = rows.span(one.option)
    part = slice(one.begin, one.end + 1)
    ts_ns, perpetual, index = seen.ts_ns[part], seen.perpetual[part], seen.index[part]
    times = rows.ts_ns[first:last]
    then = seen.perpetual[np.minimum(np.searchsorted(seen.ts_ns, times), len(seen.ts_ns) - 1)]
    vol = np.interp(ts_ns, times, rows.vol[first:last])
    forward = perpetual * np.interp(ts_ns, times, rows.forward[first:last] / then)
    years = (record.expiry_ns[one.option] - ts_ns) / NS_PER_YEAR
    terms = (record.strike[one.option], years, vol)
    here = black76.first(record.is_call[one.option], forward, *terms)
    moved = forward * np.exp(SHOCKS[:, None] * seen.vol[part] * np.sqrt(DAY))
    gamma = black76.first(record.is_call[one.option], moved, *terms).gamma * moved / index
    return index * here.price / forward, here.delta, gamma


def _last(seen: Looks, rows: Rows, option: int, expiry_ns: int) -> int:
    """Return the last look before an expiry; without prices between, the option's last snapshot."""
    until = expiry_ns - AVERAGED_NS
    last = seen.place(until + 1) - 1
    final = int(rows.ts_ns[rows.span(option)[1] - 1])
    hourly = seen.ts_ns[last] - final < NS_PER_DAY / 2
    return last if hourly else seen.place(final)


def _demo(
    record: CoinRecord, rows: Rows, seen: Looks, snapshots: Sequence[Snapshot]
) -> Iterator[Holding]:
    """Yield the options of one week of the demo's book."""
    now = snapshots[0]
    listed = Listed(record, now)
    friday = listed.expiry(now.ts_ns + WEEK_NS)
    begin, last = seen.place(now.ts_ns), seen.place(snapshots[-1].ts_ns)
    for strike in listed.around(friday, now.index)[:STRADDLES]:
        for call in (True, False):
            option = listed.nearest(friday, strike, call=call)
            yield Holding(0, option, -1.0, begin, _last(seen, rows, option, friday))
    low, high, days = WINGS
    far = listed.expiry(now.ts_ns + days * NS_PER_DAY)
    for share, call in ((low, False), (high, True)):
        yield Holding(0, listed.nearest(far, share * now.index, call=call), 1.0, begin, last)
    due = 0
    for shot in snapshots:
        if shot.ts_ns < due or friday - shot.ts_ns < STRANGLE[2] * NS_PER_DAY / 2:
            continue
        listed = Listed(record, shot)
        due = listed.expiry(shot.ts_ns + STRANGLE[2] * NS_PER_DAY)
        for share, call in zip(STRANGLE[:2], (False, True), strict=True):
            option = listed.nearest(due, share * shot.index, call=call)
            ends = min(_last(seen, rows, option, due), last)
            yield Holding(0, option, STRANGLE_COIN, seen.place(shot.ts_ns), ends)


def _fly(
    record: CoinRecord, rows: Rows, seen: Looks, snapshots: Sequence[Snapshot]
) -> Iterator[Holding]:
    """Yield the options of one week's fly."""
    now = snapshots[0]
    listed = Listed(record, now)
    friday = listed.expiry(now.ts_ns + WEEK_NS)
    middle = listed.around(friday, now.index)[0] / now.index
    legs = ((middle, True, -1.0), (middle, False, -1.0), (FLY[0], False, 1.0), (FLY[1], True, 1.0))
    for share, call, quantity in legs:
        option = listed.nearest(friday, share * now.index, call=call)
        ends = _last(seen, rows, option, friday)
        yield Holding(0, option, quantity, seen.place(now.ts_ns), ends)


class Listed:
    """The options of one snapshot that can be priced, to choose from."""

    def __init__(self, record: CoinRecord, shot: Snapshot) -> None:
        good = np.isfinite(shot.forward * shot.vol * shot.mark) & (shot.vol > 0.0)
        self.options = shot.option[good]
        self.record = record
        self.expiry_ns = record.expiry_ns[self.options]
        self.strike = record.strike[self.options]
        self.is_call = record.is_call[self.options]

    def expiry(self, at_ns: float) -> int:
        """Return the listed expiry nearest to a time."""
        return int(self.expiry_ns[np.abs(self.expiry_ns - at_ns).argmin()])

    def around(self, expiry_ns: int, index: float) -> list[float]:
        """Return the strike nearest to the index and those above it, both kinds listed."""
        of = self.expiry_ns == expiry_ns
        both = np.intersect1d(self.strike[of & self.is_call], self.strike[of & ~self.is_call])
        nearest = int(np.abs(both - index).argmin()) if both.size else 0
        above: list[float] = both[nearest:].tolist()
        return above

    def nearest(self, expiry_ns: int, strike: float, *, call: bool) -> int:
        """Return the option of an expiry whose strike is nearest."""
        of = np.flatnonzero((self.expiry_ns == expiry_ns) & (self.is_call == call))
        return int(self.options[of[np.abs(self.strike[of] - strike).argmin()]])


def _is_friday(at_ns: int) -> bool:
    """Tell whether a time lies on a Friday: 1 January 1970 was a Thursday."""
    return at_ns // int(NS_PER_DAY) % 7 == 1


FULL_LIVES: Final = "options held to expiry"
KINDS: Final[dict[str, Callable[[CoinRecord, Rows, Looks], list[Holding]]]] = {
    FULL_LIVES: full_lives,
    "weeks of the demo's book": demo_weeks,
    "weeks of a fly": flies,
}
"""What books are made of, by name."""
