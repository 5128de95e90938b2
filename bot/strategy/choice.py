"""Which instrument hedges delta, and what a coin of hedging costs there now.

The owner lists kinds in order of preference; the first listed instrument with a trustworthy quote
is taken (of futures the one that expires first), so that a stale perpetual falls back to a future
when the owner allows futures. A future in its last day is passed over: its hedge would be gone with
the next settlement, and have to be bought again.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.book.book import Book
from bot.book.quality import quote_doubt
from bot.domain.instruments import FeeTier, Instrument
from bot.domain.quotes import Quote
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY

MIN_LEFT_NS = int(SECONDS_PER_DAY) * NS_PER_S


@dataclass(frozen=True, slots=True)
class Hedge:
    """A hedge instrument with its quote and the cost of crossing, USD per coin."""

    instrument: Instrument
    quote: Quote
    cost_usd_per_coin: float


def choose_hedge(
    book: Book, coin: str, now_ns: int, tier: FeeTier, barred: frozenset[str] = frozenset()
) -> tuple[Hedge | None, tuple[Because, ...]]:
    """Return the hedge to use now, or None with the reasons why there is none.

    `barred` names instruments that have an order whose fate is unknown.
    """
    mine = book.coins[coin]
    doubts: list[Because] = []
    for instrument in book.hedge_instruments(coin):
        if instrument.expiry_ns is not None and instrument.expiry_ns - now_ns <= MIN_LEFT_NS:
            continue
        if instrument.name in barred:
            doubts.append(Because(Reason.UNKNOWN_ORDER, instrument.name))
            continue
        quote = mine.market.quotes.get(instrument.name)
        doubt = quote_doubt(quote, now_ns, mine.rules.freshness.of(instrument), instrument.name)
        if doubt is None and quote is not None:
            half = 0.5 * (quote.ask - quote.bid)
            fee = instrument.fees.per_coin(quote.mark, quote.mark, maker=False, tier=tier)
            return Hedge(instrument, quote, half + fee), tuple(doubts)
        if doubt is not None:
            doubts.append(doubt)
    if not doubts:
        doubts.append(Because(Reason.NO_HEDGE_INSTRUMENT, coin))
    return None, tuple(doubts)
