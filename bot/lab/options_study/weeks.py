"""Weeks of short gamma: books like the demo's, from one Tuesday to the next.

Short two straddles of 7 to 10 days (the strike nearest to the index and the one above) and 0.6 of a
strangle of two days, which is sold again when it has expired; long a pair of wings of a month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bot.book.shocks import PNL_MOVES
from bot.domain.quotes import FloatArray
from bot.lab.lives import NS_PER_DAY
from bot.lab.options_study.market import Market
from bot.lab.policies.recorded import STRANGLE, STRANGLE_COIN, WEEK_NS, WINGS, Listed
from bot.sim.recorded import LONGEST_GAP_NS

STRADDLE_DAYS: Final = 8.5
BEGINS_NS: Final = (5 * 24 + 8) * 3_600 * 10**9
"""Tuesday 08:00 after a Thursday 00:00, which 1 January 1970 was."""

EXPIRING_DAYS: Final = 1.0


class Holding(NamedTuple):
    """So many coins of an option from a look to another (which no longer counts)."""

    name: str
    quantity: float
    begin: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """A book's looks from `begin` to `end`, what it holds, and its figures at each of them.

    Arrays over the week's looks: `delta` coin, `gamma` coin per 1 % without what expires within 24
    hours and `expiring` with it alone, `vega` USD per point, `gains` (moves, looks) USD, `gross`
    coins of options.
    """

    begin: int
    end: int
    held: tuple[Holding, ...]
    delta: FloatArray
    gamma: FloatArray
    expiring: FloatArray
    vega: FloatArray
    gains: FloatArray
    gross: FloatArray

    def base(self, look: int) -> dict[str, float]:
        """Return what the book itself holds at a look, signed coins by option."""
        found: dict[str, float] = {}
        for one in self.held:
            if one.begin <= look < one.end:
                found[one.name] = found.get(one.name, 0.0) + one.quantity
        return found


def weeks(market: Market, scale: float) -> list[Week]:
    """Return every week that was recorded whole; `scale` straddles of each strike are sold."""
    ts_ns = market.looks.ts_ns
    found: list[Week] = []
    if not len(ts_ns):
        return found
    first = int((ts_ns[0] - BEGINS_NS) // WEEK_NS)
    last = int((ts_ns[-1] - BEGINS_NS) // WEEK_NS)
    for number in range(first, last + 1):
        start = number * WEEK_NS + BEGINS_NS
        begin, after = np.searchsorted(ts_ns, [start, start + WEEK_NS + 1]).tolist()
        gaps = np.diff([start, *ts_ns[begin:after].tolist(), start + WEEK_NS])
        if gaps.max() <= LONGEST_GAP_NS:
            found.append(_week(market, begin, after - 1, scale))
    return found


def _week(market: Market, begin: int, end: int, scale: float) -> Week:
    held = tuple(_book(market, begin, end, scale))
    count = end - begin + 1
    delta, gamma, expiring, vega, gross = np.zeros((5, count))
    gains = np.zeros((len(PNL_MOVES), count))
    for one in held:
        track, there = market.track(one.name), slice(one.begin, one.end)
        here = slice(one.begin - begin, one.end - begin)
        later = track.days[there] > EXPIRING_DAYS
        delta[here] += one.quantity * track.delta[there]
        gamma[here] += one.quantity * track.gamma[there] * later
        expiring[here] += one.quantity * track.gamma[there] * ~later
        vega[here] += one.quantity * track.vega[there]
        gains[:, here] += one.quantity * track.gains[:, there]
        gross[here] += abs(one.quantity)
    return Week(begin, end, held, delta, gamma, expiring, vega, gains, gross)


def _book(market: Market, begin: int, end: int, scale: float) -> Iterator[Holding]:
    """Yield what one week's book holds."""
    record = market.record
    now = market.shots[begin]
    listed = Listed(record, now)
    ahead = listed.expiry(now.ts_ns + STRADDLE_DAYS * NS_PER_DAY)

    def until(option: int) -> int:
        return min(market.track(record.names[option]).last, end + 1)

    for strike in listed.around(ahead, now.index)[:2]:
        for call in (True, False):
            option = listed.nearest(ahead, strike, call=call)
            yield Holding(record.names[option], -scale, begin, until(option))
    low, high, days = WINGS
    far = listed.expiry(now.ts_ns + days * NS_PER_DAY)
    for share, call in ((low, False), (high, True)):
        option = listed.nearest(far, share * now.index, call=call)
        yield Holding(record.names[option], scale, begin, until(option))
    due = 0
    for look in range(begin, end):
        shot = market.shots[look]
        if shot.ts_ns < due:
            continue
        listed = Listed(record, shot)
        due = listed.expiry(shot.ts_ns + STRANGLE[2] * NS_PER_DAY)
        for share, call in zip(STRANGLE[:2], (False, True), strict=True):
            option = listed.nearest(due, share * shot.index, call=call)
            yield Holding(record.names[option], scale * STRANGLE_COIN, look, until(option))
