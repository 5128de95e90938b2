"""Our delta beside the venue's, line by line and in total, in the venue's own convention.

A venue tells the delta of each position and one total per currency. Its total is net: a
coin-settled option counts N(d1) less its premium, a future its coins (docs/mathematics.md). Its
lines may be either net or N(d1); the nearer one is meant, because a real disagreement is nowhere
near either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bot.book.book import Book
from bot.book.columns import FORWARD
from bot.book.legs import future_legs, settlement_averages
from bot.book.numeraire import Numeraire, option_figures


@dataclass(frozen=True, slots=True)
class OwnDelta:
    """One position's delta in coin: plain (N(d1) times coins) and net of its premium."""

    plain: float
    net: float

    def nearest(self, venue: float) -> float:
        """Return the one of both that a venue's figure must mean."""
        return min((self.net, self.plain), key=lambda own: abs(own - venue))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Net delta of what was compared (coin): ours and the venue's.

    `worst` is the position that differs the most, "" where no line was told.
    """

    ours: float
    venue: float
    worst: str = ""

    @property
    def gap(self) -> float:
        """Return how far the venue's delta lies above ours, coin."""
        return self.venue - self.ours


def own_deltas(book: Book, coin: str, now_ns: int) -> dict[str, OwnDelta]:
    """Return the delta of every position of a coin's book that can be valued now."""
    mine = book.packed(coin)
    index, columns = mine.market.index, mine.columns
    if not index > 0.0:
        return {}
    found: dict[str, OwnDelta] = {}
    if columns.names:
        first = columns.price_at(index, now_ns, settlement_averages(mine, now_ns))
        forward, inverse = columns.inputs[FORWARD], columns.inverse
        net = option_figures(Numeraire.COIN, first, forward, index, inverse, columns.fading).delta
        for i, name in enumerate(columns.names):
            size = float(columns.quantity[i])
            plain = size * float(first[1, i])
            found[name] = OwnDelta(plain, size * float(net[i]) if inverse[i] else plain)
    for leg in future_legs(mine, index, now_ns):
        found[leg.instrument.name] = OwnDelta(leg.delta, leg.delta)
    return {name: own for name, own in found.items() if math.isfinite(own.plain)}


def compare(
    book: Book, coin: str, now_ns: int, lines: Mapping[str, float], total: float | None
) -> Comparison | None:
    """Return both sides of a coin's delta; None where nothing can be compared.

    The total decides where it is of just what we count: everything that settles in the coin is in
    our book and valued. Otherwise the lines that both sides have are added up.
    """
    ours = own_deltas(book, coin, now_ns)
    both = {name: (own, lines[name]) for name, own in ours.items() if name in lines}
    off = {name: venue - own.nearest(venue) for name, (own, venue) in both.items()}
    worst = max(off, key=lambda name: abs(off[name]), default="")
    settling = {n for n, i in book.instruments.items() if i.coin == coin and i.is_inverse}
    strange = {name for name in lines if name.partition("-")[0] == coin} - ours.keys()
    if total is not None and not strange and both.keys() == ours.keys():
        net = sum(own.net for name, own in ours.items() if name in settling)
        return Comparison(net, total, worst)
    if not both:
        return None
    meant = sum(own.nearest(venue) for own, venue in both.values())
    return Comparison(meant, meant + sum(off.values()), worst)
