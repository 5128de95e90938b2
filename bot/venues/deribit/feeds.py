"""Public market data of one connection: quotes, chains, indices, depth. Needs no key.

Futures and perpetuals come from their tickers (every 100 ms: best prices with sizes, mark, index,
funding in one consistent message); books are kept beside them for depth alone, so that a quote
never mixes two moments. Option chains are polled: one `get_book_summary_by_currency` every few
seconds tells mark volatility and own forward of a thousand options in one message, where as many
tickers would be ten thousand messages a second. Summaries carry no sizes, so the tickers of what is
held and of what lies nearest to the money are streamed and laid over the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.instruments import Instrument, Kind
from bot.venues.deribit.books import Depth, OrderBook
from bot.venues.deribit.channels import Channels
from bot.venues.deribit.directory import Directory
from bot.venues.deribit.fields import positive, rows, table, time_ns
from bot.venues.deribit.flaws import Flaw, FlawedError, shown
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.listing import Contract
from bot.venues.deribit.prices import ChainTable, listing_of, read_option_ticker, read_quote
from bot.venues.deribit.requests import (
    NoAnswerError,
    NotSentError,
    RefusedError,
    Requests,
)

INTERVAL: Final = "100ms"
INDEX: Final = "deribit_price_index."
LISTINGS: Final = "instrument.state.any.any"


@dataclass(frozen=True, slots=True)
class FeedRules:
    """What to listen to, and how old it may be (seconds).

    `futures` are names of perpetuals and futures to stream (empty: every one of the coins);
    `depth` those whose books are kept; `option_tickers` how many options a coin streams beside what
    is held.
    """

    coins: tuple[str, ...]
    futures: frozenset[str] = frozenset()
    depth: frozenset[str] = frozenset()
    option_tickers: int = 60
    quote_s: float = 2.0
    future_s: float = 15.0
    index_s: float = 5.0

    def limit_s(self, instrument: Instrument) -> float:
        """Return how old a ticker may be."""
        return self.future_s if instrument.kind is Kind.FUTURE else self.quote_s


@dataclass(slots=True)
class _Index:
    """The newest index of a coin, in our time."""

    made_ns: int = 0
    price: float = math.nan


@dataclass(slots=True)
class _Books:
    """Kept books by channel, and those that need a new snapshot."""

    kept: dict[str, OrderBook] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


class MarketFeed:
    """Turns notifications and summaries into events; owns no connection and no task.

    `held` returns the names whose options must be streamed; `relist` is called when the venue
    announces a change of its list.
    """

    def __init__(
        self,
        rules: FeedRules,
        directory: Directory,
        requests: Requests,
        *,
        held: Callable[[], Iterable[str]],
        relist: Callable[[], None],
        around: Surroundings,
    ) -> None:
        self.rules, self._directory, self._requests = rules, directory, requests
        self._held, self._relist = held, relist
        self._tell, self._clock, self._flaws = around.tell, around.clock, around.flaws
        self.channels = Channels(requests, around.clock, around.flaws)
        self._chains: dict[str, ChainTable] = {}
        self._index: dict[str, _Index] = {coin: _Index() for coin in rules.coins}
        self._index_names: dict[str, str] = {}
        self._books = _Books()

    # --- what to listen to ------------------------------------------------------------------------

    def relisted(self) -> None:
        """Take over the directory's list; the books of what is known no more are dropped."""
        kept, known = self._books.kept, self._directory.known
        self._books.kept = {name: book for name, book in kept.items() if book.instrument in known}
        for coin, instruments in self._directory.listed.items():
            listing = listing_of(coin, instruments)
            old = self._chains.get(coin)
            if old is None or old.listing.names != listing.names:
                self._chains[coin] = ChainTable(listing)
            self._index_names[self._index_name(instruments)] = coin

    def wanted(self) -> dict[str, float | None]:
        """Return every channel that this feed needs now, with its age limit."""
        wanted: dict[str, float | None] = {LISTINGS: None}
        wanted |= {f"{INDEX}{name}": self.rules.index_s for name in self._index_names}
        now_ns = self._clock()
        for coin, instruments in self._directory.listed.items():
            for instrument in instruments:
                if self._streams(instrument, now_ns):
                    name = instrument.name
                    wanted[f"ticker.{name}.{INTERVAL}"] = self.rules.limit_s(instrument)
                    if name in self.rules.depth:
                        wanted[f"book.{name}.{INTERVAL}"] = None
            options = self._chains[coin].near(
                self._index[coin].price, self.rules.option_tickers, self._held(), now_ns
            )
            wanted |= {f"ticker.{name}.{INTERVAL}": None for name in options}
        return wanted

    def _streams(self, instrument: Instrument, now_ns: int) -> bool:
        if instrument.is_option or (
            instrument.expiry_ns is not None and instrument.expiry_ns <= now_ns
        ):
            return False
        return not self.rules.futures or instrument.name in self.rules.futures

    def _index_name(self, instruments: tuple[Instrument, ...]) -> str:
        """Return the index of a coin: that of its inverse instruments where it has any."""
        contracts = [self._directory.known[i.name] for i in instruments]
        inverse = [c for c in contracts if c.instrument.is_inverse]
        chosen: Contract = (inverse or contracts)[0]
        return chosen.index_name

    def lose(self) -> None:
        """Void what depended on the connection: books."""
        self._books = _Books()

    # --- what comes in ----------------------------------------------------------------------------

    def hear(self, channel: str, data: object, received_ns: int) -> bool:
        """Take a notification; return whether it was one of ours."""
        kind = channel.partition(".")[0]
        take = {
            "ticker": self._ticker,
            "book": self._book,
            "deribit_price_index": self._price_index,
            "instrument": self._listing,
        }.get(kind)
        if take is None:
            return False
        try:
            take(channel, data, received_ns)
        except FlawedError as error:
            self._flaws.caught(received_ns, error)
        return True

    def _contract(self, channel: str) -> Contract:
        """Return what a channel is about; raises FlawedError where that is nothing we know."""
        _, _, rest = channel.partition(".")
        name = rest.partition(".")[0]
        contract = self._directory.known.get(name)
        if contract is None:
            sentence = f"expected a listed instrument, found {shown(name)}"
            raise FlawedError(Flaw.UNKNOWN_INSTRUMENT, channel, sentence)
        return contract

    def _ticker(self, channel: str, data: object, received_ns: int) -> None:
        contract, row = self._contract(channel), table(data, channel)
        name = contract.instrument.name
        if row.get("instrument_name") != name:
            sentence = f"expected {name}, found {shown(row.get('instrument_name'))}"
            raise FlawedError(Flaw.UNKNOWN_INSTRUMENT, channel, sentence)
        instrument, ahead_ns = contract.instrument, self._requests.venue_clock.ahead_ns
        if instrument.is_option:
            price = read_option_ticker(row)
            self._chains[instrument.coin].take_ticker(name, price)
            self.channels.heard(channel, received_ns, price.ts_venue_ns - ahead_ns)
            return
        quote = read_quote(row, instrument, received_ns, ahead_ns)
        self.channels.heard(channel, received_ns, quote.ts_venue_ns)
        if contract.index_name in self._index_names:
            self._see_index(instrument.coin, quote.index, quote.ts_venue_ns)
        self._tell(quote)

    def _price_index(self, channel: str, data: object, received_ns: int) -> None:
        coin = self._index_names.get(channel.removeprefix(INDEX))
        row = table(data, channel)
        price, made_ns = positive(row, "price"), time_ns(row, "timestamp")
        made_ns -= self._requests.venue_clock.ahead_ns
        self.channels.heard(channel, received_ns, made_ns)
        if coin is not None:
            self._see_index(coin, price, made_ns)

    def _see_index(self, coin: str, price: float, made_ns: int) -> None:
        held = self._index[coin]
        if made_ns >= held.made_ns:
            held.price, held.made_ns = price, made_ns

    def _listing(self, _channel: str, data: object, _received_ns: int) -> None:
        if isinstance(data, dict):
            self._relist()

    def _book(self, channel: str, data: object, received_ns: int) -> None:
        name = self._contract(channel).instrument.name
        book = self._books.kept.setdefault(channel, OrderBook(name))
        try:
            book.apply(table(data, channel), received_ns)
        except FlawedError:
            self._books.broken.add(channel)
            raise
        if book.whole:
            self._books.broken.discard(channel)

    async def mend(self) -> None:
        """Ask for new snapshots of the books that broke."""
        broken = sorted(self._books.broken)
        self._books.broken.clear()
        if broken:
            await self.channels.again(broken)

    def depth(self, instrument: str, levels: int = 20) -> Depth | None:
        """Return a kept book; None while there is no whole one."""
        book = self._books.kept.get(f"book.{instrument}.{INTERVAL}")
        ahead_ns = self._requests.venue_clock.ahead_ns
        return None if book is None else book.depth(levels, ahead_ns)

    # --- chains -----------------------------------------------------------------------------------

    async def poll_chains(self) -> None:
        """Fetch every coin's summary once and tell its chain; a failure is noted."""
        for coin, chain in self._chains.items():
            if not chain.listing.names:
                continue
            try:
                await self._poll(coin, chain)
            except FlawedError as error:
                self._flaws.caught(self._clock(), error)
            except (RefusedError, NotSentError, NoAnswerError) as error:
                sentence = f"expected the summary, found {shown(error)}"
                self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, f"{coin} chain", sentence)

    async def _poll(self, coin: str, chain: ChainTable) -> None:
        currencies = {self._directory.known[name].currency for name in chain.listing.names}
        entries: list[object] = []
        for currency in sorted(currencies):
            params: Mapping[str, object] = {"currency": currency, "kind": "option"}
            reply = await self._requests.call("public/get_book_summary_by_currency", params)
            entries += rows(reply, "summary")
        now_ns = self._clock()
        chain.take_summary(entries, self._flaws, now_ns)
        index = self._index[coin].price
        if not index > 0.0:
            raise FlawedError(Flaw.NO_INDEX, f"{coin} chain", "expected an index, found none yet")
        batch = chain.batch(index, now_ns, self._requests.venue_clock.ahead_ns)
        if batch is not None and self._chains.get(coin) is chain:
            self._tell(batch)
