"""Prices as the venue sends them: tickers of futures to quotes, whole option chains to batches.

A ticker that contradicts itself (crossed, no index, not open) is refused here; it never reaches the
core. A chain starts from the venue's own summary of all options and is overlaid with the tickers of
those that are streamed, which alone carry sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.instruments import Instrument
from bot.domain.quotes import Chain, FloatArray, Listing, Quote
from bot.domain.units import NS_PER_S
from bot.venues.deribit.fields import (
    Row,
    number_or_nan,
    positive,
    price_or_nan,
    table,
    text,
    time_ns,
)
from bot.venues.deribit.flaws import Flaw, FlawedError, Flaws, shown

# A streamed option's sizes count for as long as the core believes a chain.
OVERLAY_NS: Final = 30 * NS_PER_S
PERCENT: Final = 100.0


def read_quote(row: Row, instrument: Instrument, received_ns: int, ahead_ns: int = 0) -> Quote:
    """Return the quote of a future's or perpetual's ticker.

    `ahead_ns` is how far the venue's clock is ahead of ours; venue times are told in our time.
    Raises FlawedError when the ticker contradicts itself or the market is not open.
    """
    state = row.get("state")
    if state != "open":
        raise FlawedError(
            Flaw.NOT_OPEN, instrument.name, f"expected an open market, found {shown(state)}"
        )
    bid, ask = price_or_nan(row, "best_bid_price"), price_or_nan(row, "best_ask_price")
    if bid >= ask:
        raise FlawedError(
            Flaw.CROSSED, instrument.name, f"expected bid below ask, found {bid} and {ask}"
        )
    funding = number_or_nan(row, "funding_8h")
    return Quote(
        instrument=instrument.name,
        coin=instrument.coin,
        ts_ns=received_ns,
        ts_venue_ns=time_ns(row, "timestamp") - ahead_ns,
        bid=bid,
        ask=ask,
        bid_size=price_or_nan(row, "best_bid_amount"),
        ask_size=price_or_nan(row, "best_ask_amount"),
        mark=positive(row, "mark_price"),
        index=positive(row, "index_price"),
        funding_8h=0.0 if math.isnan(funding) else funding,
    )


@dataclass(frozen=True, slots=True)
class OptionPrice:
    """One option's row of a chain (see `quotes.Chain` for units); sizes NaN in a summary."""

    ts_venue_ns: int
    forward: float
    vol: float
    mark: float
    bid: float
    ask: float
    bid_size: float = math.nan
    ask_size: float = math.nan


def read_option_ticker(row: Row) -> OptionPrice:
    """Return an option's ticker as a row of its chain."""
    return _crossing_checked(
        OptionPrice(
            ts_venue_ns=time_ns(row, "timestamp"),
            forward=price_or_nan(row, "underlying_price"),
            vol=price_or_nan(row, "mark_iv") / PERCENT,
            mark=price_or_nan(row, "mark_price"),
            bid=price_or_nan(row, "best_bid_price"),
            ask=price_or_nan(row, "best_ask_price"),
            bid_size=price_or_nan(row, "best_bid_amount"),
            ask_size=price_or_nan(row, "best_ask_amount"),
        ),
        row,
    )


def read_option_summary(row: Row) -> OptionPrice:
    """Return one entry of a book summary as a row of its chain."""
    return _crossing_checked(
        OptionPrice(
            ts_venue_ns=time_ns(row, "creation_timestamp"),
            forward=price_or_nan(row, "underlying_price"),
            vol=price_or_nan(row, "mark_iv") / PERCENT,
            mark=price_or_nan(row, "mark_price"),
            bid=price_or_nan(row, "bid_price"),
            ask=price_or_nan(row, "ask_price"),
        ),
        row,
    )


def _crossing_checked(price: OptionPrice, row: Row) -> OptionPrice:
    if price.bid >= price.ask:
        raise FlawedError(
            Flaw.CROSSED,
            text(row, "instrument_name"),
            f"expected bid below ask, found {price.bid} and {price.ask}",
        )
    return price


def listing_of(coin: str, instruments: Iterable[Instrument]) -> Listing:
    """Return the options among a coin's instruments, sorted by name."""
    options = sorted((i for i in instruments if i.is_option), key=lambda i: i.name)
    return Listing(
        coin=coin,
        names=tuple(i.name for i in options),
        is_call=np.array([i.is_call for i in options], dtype=np.bool_),
        strike=np.array([i.strike for i in options], dtype=np.float64),
        expiry_ns=np.array([i.expiry_ns or 0 for i in options], dtype=np.int64),
    )


class ChainTable:
    """What is known of a coin's options, row by row, until the next batch is made of it.

    Summaries of several currencies (inverse and linear options of one coin) may feed one table.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._summary: dict[str, OptionPrice] = {}
        self._tickers: dict[str, OptionPrice] = {}

    def take_summary(self, entries: Iterable[object], flaws: Flaws, now_ns: int) -> int:
        """Replace what is known by a summary; note rows that cannot be read, return the good ones.

        Rows of options that are not in the listing are passed over: combos, and news that the next
        reload of the instruments brings.
        """
        fresh: dict[str, OptionPrice] = {}
        for entry in entries:
            try:
                row = table(entry, "summary")
                name = text(row, "instrument_name")
                if name in self.listing.row:
                    fresh[name] = read_option_summary(row)
            except FlawedError as error:
                flaws.caught(now_ns, error)
        self._summary = fresh
        return len(fresh)

    def take_ticker(self, name: str, price: OptionPrice) -> None:
        """Overlay one row with its ticker; an older one than what is held is dropped."""
        held = self._tickers.get(name)
        if name in self.listing.row and (held is None or price.ts_venue_ns >= held.ts_venue_ns):
            self._tickers[name] = price

    def batch(self, index: float, now_ns: int, ahead_ns: int = 0) -> Chain | None:
        """Return the chain as it stands, None while no summary is there.

        The venue's time of a batch is that of its summary: a row's ticker may be newer, never the
        whole.
        """
        if not self._summary:
            return None
        made_ns = max(price.ts_venue_ns for price in self._summary.values())
        prices = dict(self._summary)
        for name, price in self._tickers.items():
            base = prices.get(name)
            if price.ts_venue_ns >= made_ns or base is None:
                prices[name] = price
            elif made_ns - price.ts_venue_ns <= OVERLAY_NS:
                prices[name] = _sized(base, price)
        columns = _columns(self.listing, prices)
        return Chain(
            listing=self.listing,
            ts_ns=now_ns,
            ts_venue_ns=made_ns - ahead_ns,
            index=index,
            **columns,
        )

    def near(self, index: float, count: int, held: Iterable[str], now_ns: int = 0) -> list[str]:
        """Return the options worth streaming: what is held, then the nearest to the money.

        Distance is |ln(strike/index)| scaled by the square root of the rank of the expiry, so that
        each expiry gets its share. What has expired by `now_ns` is not streamed any more.
        """
        listing = self.listing
        alive = listing.expiry_ns > now_ns
        chosen = [
            name
            for name in dict.fromkeys(held)
            if (row := listing.row.get(name)) is not None and alive[row]
        ]
        if not (math.isfinite(index) and index > 0.0) or not listing.names:
            return chosen
        _, rank = np.unique(listing.expiry_ns, return_inverse=True)
        distance = np.abs(np.log(listing.strike / index)) / np.sqrt(1.0 + rank)
        nearest = np.argsort(np.where(alive, distance, math.inf), kind="stable")[:count]
        chosen += [listing.names[int(i)] for i in nearest if alive[i]]
        return list(dict.fromkeys(chosen))


def _sized(base: OptionPrice, ticker: OptionPrice) -> OptionPrice:
    """Return a summary's row with the sizes of a somewhat older ticker at the same prices."""
    return OptionPrice(
        base.ts_venue_ns,
        base.forward,
        base.vol,
        base.mark,
        base.bid,
        base.ask,
        ticker.bid_size if base.bid == ticker.bid else math.nan,
        ticker.ask_size if base.ask == ticker.ask else math.nan,
    )


def _columns(listing: Listing, prices: Mapping[str, OptionPrice]) -> dict[str, FloatArray]:
    """Return the arrays of a chain; a row without a price is NaN."""
    table_ = np.full((7, len(listing.names)), np.nan)
    for name, i in listing.row.items():
        p = prices.get(name)
        if p is not None:
            table_[:, i] = (p.forward, p.vol, p.mark, p.bid, p.ask, p.bid_size, p.ask_size)
    names = ("forward", "vol", "mark", "bid", "ask", "bid_size", "ask_size")
    return dict(zip(names, table_, strict=True))
