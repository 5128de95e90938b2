"""The door: which quotes may be believed, and why not.

A quote passes when its numbers are finite and positive, its sides are in order with somebody behind
each, and both its receive time and the venue's own time are fresh. Anything else is a reason, never
an exception: bad data is confined to the underlying that it belongs to. Option rows are judged one
by one, so that one absurd row does not blind a book.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.instruments import Instrument, Kind
from bot.domain.quotes import BoolArray, Chain, Quote
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between

# No coin is ever quoted below 2 %: such a figure is a default or a division gone wrong, and it
# would make every option a forward or nothing.
MIN_VOL = 0.02
MAX_VOL = 5.0
MAX_FORWARD_RATIO = 2.0
# A perpetual is bound to its index by funding; a fifth apart, one of the two is of something else.
MAX_PERPETUAL_BASIS = 0.2
# No order book holds that many contracts or coins at its best price.
MAX_SIZE = 1e15
INF: Final = math.inf
FUTURE: Final = Kind.FUTURE


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old data may be, in seconds of market time (venue cadence decides what is sensible).

    Dated futures have an age of their own: they trade less and are published less often. A
    volatility older than `chain_s` is a doubt; older than `aged_s` it is none any more.
    """

    quote_s: float = 2.0
    chain_s: float = 30.0
    aged_s: float = 3_600.0
    future_s: float = 15.0

    def of(self, instrument: Instrument) -> float:
        """Return how old a quote of this future, perpetual or spot pair may be."""
        return self.future_s if instrument.kind is FUTURE else self.quote_s


def quote_doubt(quote: Quote | None, now_ns: int, max_age_s: float, subject: str) -> Because | None:
    """Return why a future's quote cannot be traded on, or None when it can."""
    if quote is None:
        return Because(Reason.NO_QUOTE, subject)
    # Asked of every future on every tick, and nearly always in order: looked at once as a whole.
    mark = quote.mark
    in_order = mark / MAX_FORWARD_RATIO < quote.bid < quote.ask < mark * MAX_FORWARD_RATIO < INF
    in_order = in_order and 0.0 < quote.index < INF
    in_order = in_order and 0.0 < quote.bid_size < MAX_SIZE and 0.0 < quote.ask_size < MAX_SIZE
    doubt = None if in_order else number_doubt(quote)
    if doubt is not None:
        return doubt
    age_s = seconds_between(min(quote.ts_ns, quote.ts_venue_ns), now_ns)
    if age_s > max_age_s:
        return Because(Reason.STALE_QUOTE, subject, {"age_s": age_s, "limit_s": max_age_s})
    if in_order:
        return None
    figures = {"bid": quote.bid, "ask": quote.ask}
    sizes = {"bid_size": quote.bid_size, "ask_size": quote.ask_size}
    if not all(figure > 0.0 for figure in (figures | sizes).values()):
        # A price with nobody behind it is no side.
        return Because(Reason.ONE_SIDED_QUOTE, subject, figures | sizes)
    return Because(Reason.CROSSED_QUOTE, subject, figures)


def number_doubt(quote: Quote) -> Because | None:
    """Return why a quote's reference prices are impossible, or None; sides may still be missing."""
    for name, value in (("index", quote.index), ("mark", quote.mark)):
        if not (math.isfinite(value) and value > 0.0):
            return Because(Reason.BAD_NUMBER, quote.instrument, {name: value})
    for name, value in (("bid", quote.bid), ("ask", quote.ask)):
        # Zero, like NaN, is how venues spell a missing side; see `quote_doubt`.
        far = value > 0.0 and not _alike(value, quote.mark)
        if math.isinf(value) or value < 0.0 or far:
            figures = {name: value, "mark": quote.mark}
            return Because(Reason.BAD_NUMBER, quote.instrument, figures)
    for name, value in (("bid_size", quote.bid_size), ("ask_size", quote.ask_size)):
        if value >= MAX_SIZE or value < 0.0:
            return Because(Reason.BAD_NUMBER, quote.instrument, {name: value})
    return None


def basis_doubt(quote: Quote, kind: Kind) -> Because | None:
    """Return why mark and index of a quote cannot be of one coin, or None."""
    ratio = quote.mark / quote.index
    if kind is Kind.PERPETUAL:
        near = abs(ratio - 1.0) <= MAX_PERPETUAL_BASIS
    else:
        near = _alike(quote.mark, quote.index)
    if near:
        return None
    figures = {"mark": quote.mark, "index": quote.index}
    return Because(Reason.BAD_NUMBER, quote.instrument, figures)


def _alike(one: float, other: float) -> bool:
    """Tell whether two prices are within a factor that no basis and no spread reaches."""
    return other / MAX_FORWARD_RATIO < one < other * MAX_FORWARD_RATIO


def usable_rows(chain: Chain) -> BoolArray:
    """Return which option rows have a believable volatility and forward."""
    with np.errstate(invalid="ignore"):
        good: BoolArray = (chain.vol >= MIN_VOL) & (chain.vol < MAX_VOL) & usable_forwards(chain)
    return good


def usable_forwards(chain: Chain) -> BoolArray:
    """Return which option rows have a believable forward, whatever their volatility."""
    index = chain.index
    with np.errstate(invalid="ignore"):
        good: BoolArray = (chain.forward > index / MAX_FORWARD_RATIO) & (
            chain.forward < index * MAX_FORWARD_RATIO
        )
    return good


def tradable_rows(chain: Chain) -> BoolArray:
    """Return which option rows have two sides in order, with size behind both."""
    with np.errstate(invalid="ignore"):
        good: BoolArray = (
            (chain.bid > 0.0)
            & (chain.ask > chain.bid)
            & (chain.bid_size > 0.0)
            & (chain.ask_size > 0.0)
            & np.isfinite(chain.ask)
        )
    return good
