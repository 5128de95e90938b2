"""A market that arrives: what a venue streams, held so that the simulated exchange can trade on it.

Whoever owns the stream tells it what came (`take`); it moves when something new is there, never by
itself. What is the venue's own: best prices and sizes, the levels of books that are kept, marks,
index, funding, whole chains. What is modelled: where no book is kept, the levels behind the best
price hold the smaller best size each, a spread (at least one basis point) apart. Nobody else's
trades are seen, so a resting order fills only when the other side's price reaches it: fills as
maker come later and rarer than on the venue, never sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np

from bot.domain.events import InstrumentsListed
from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, Listing, Quote
from bot.domain.units import Unit
from bot.sim.ports import Cadence, FutureMove

Levels: TypeAlias = tuple[tuple[float, float], ...]
Books: TypeAlias = Callable[[str], tuple[Levels, Levels] | None]
CLOSEST: Final = 1e-4


class ArrivingMarket:
    """Implements `Market`. `books` returns bids and asks of a future where a book is kept."""

    def __init__(self, coins: tuple[str, ...], cadence: Cadence, books: Books) -> None:
        self._coins, self._cadence, self._books = coins, cadence, books
        self._known: dict[str, Instrument] = {}
        self._listed: dict[str, tuple[Instrument, ...]] = {}
        self._quotes: dict[str, Quote] = {}
        self._chains: dict[str, Chain] = {}
        self._moved: dict[str, None] = {}
        self._due: set[str] = set()
        self._news_ns: int | None = None
        self._start_ns = 0

    # --- what comes in ----------------------------------------------------------------------------

    def take(self, event: Quote | Chain | InstrumentsListed) -> None:
        """Take what has arrived; a newer value replaces one that the exchange has not seen yet."""
        if isinstance(event, Quote):
            self._quotes[event.instrument] = event
            self._moved[event.instrument] = None
        elif isinstance(event, Chain):
            self._chains[event.coin] = event
            self._due.add(event.coin)
        else:
            self._listed[event.coin] = event.instruments
            self._known.update((one.name, one) for one in event.instruments)
        self._news_ns = max(self._news_ns or 0, event.ts_ns)

    def instrument(self, name: str) -> Instrument | None:
        """Return what is listed, or was, under a name."""
        return self._known.get(name)

    def lacking(self, held: Iterable[str]) -> list[str]:
        """Return what has no price yet: coins without index or chain, and futures among `held`."""
        indexed = {quote.coin for quote in self._quotes.values()}
        lacking = [f"{coin} index" for coin in self._coins if coin not in indexed]
        lacking += [
            f"{coin} chain"
            for coin in self._coins
            if coin not in self._due and any(o.is_option for o in self._listed.get(coin, ()))
        ]
        futures = (self._known.get(name) for name in held)
        lacking += [
            one.name
            for one in futures
            if one is not None and not one.is_option and one.name not in self._quotes
        ]
        return lacking

    def open_at(self, now_ns: int) -> None:
        """Begin now: what has arrived so far is the first move."""
        self._start_ns = self._news_ns = now_ns

    # --- the market -------------------------------------------------------------------------------

    @property
    def start_ns(self) -> int:
        """Return the time of the opening."""
        return self._start_ns

    @property
    def coins(self) -> tuple[str, ...]:
        """Return the coins, in a fixed order."""
        return self._coins

    @property
    def cadence(self) -> Cadence:
        """Return how often this market speaks."""
        return self._cadence

    def next_time(self, now_ns: int) -> int | None:
        """Return when what has arrived is to be seen; None while nothing has."""
        return None if self._news_ns is None else max(self._news_ns, now_ns)

    def advance(self, now_ns: int) -> tuple[FutureMove, ...]:
        """Return every future that has a new quote."""
        moved, self._moved, self._news_ns = self._moved, {}, None
        return tuple(self._move(self._quotes[name], now_ns) for name in moved)

    def chain_due(self, coin: str, now_ns: int) -> bool:  # noqa: ARG002  the port's signature
        """Tell whether a new batch has arrived."""
        return coin in self._due

    def chain(self, coin: str, now_ns: int) -> Chain:
        """Return the newest batch, without a row where the coin has no options."""
        self._due.discard(coin)
        chain = self._chains.get(coin)
        return _empty(coin, now_ns) if chain is None else replace(chain, ts_ns=now_ns)

    def instruments(self, coin: str, now_ns: int) -> tuple[Instrument, ...]:  # noqa: ARG002
        """Return what is listed."""
        return self._listed.get(coin, ())

    # --- parts ------------------------------------------------------------------------------------

    def _move(self, quote: Quote, now_ns: int) -> FutureMove:
        instrument = self._known.get(quote.instrument)
        sizes = [size for size in (quote.bid_size, quote.ask_size) if size > 0.0]
        size = min(sizes, default=0.0)
        in_usd = 1.0 if instrument is None or instrument.unit is Unit.USD else quote.mark
        spread = quote.ask - quote.bid
        least = CLOSEST * quote.mark
        bids, asks = self._books(quote.instrument) or ((), ())
        return FutureMove(
            quote=replace(quote, ts_ns=now_ns, index=self._index(quote, instrument)),
            depth_usd=size * in_usd,
            level_gap_usd=max(least, spread),
            bought_usd=0.0,
            sold_usd=0.0,
            bids=bids,
            asks=asks,
        )

    def _index(self, quote: Quote, instrument: Instrument | None) -> float:
        """Return the coin's one index: that of its perpetual settled in coin, where it has one."""
        reference = self._quotes.get(f"{quote.coin}-PERPETUAL")
        linear = instrument is not None and not instrument.is_inverse
        return reference.index if linear and reference is not None else quote.index


def _empty(coin: str, now_ns: int) -> Chain:
    none = np.array([], dtype=np.float64)
    whole = np.array([], dtype=np.int64)
    listing = Listing(coin, (), np.array([], dtype=np.bool_), none, whole)
    return Chain(listing, now_ns, now_ns, float("nan"), none, none, none, none, none, none, none)
