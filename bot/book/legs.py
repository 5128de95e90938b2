"""Single legs of a coin's book: futures, collateral, fills that may still come, payoff ranges.

A dated contract that settles on an average fades with it: while the window's share w is still to
come, a future moves by w of its notional, and past its expiry by nothing. What has no price at all
is bounded by its payoff and said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bot.book.book import Book, CoinBook
from bot.book.columns import OptionColumns
from bot.book.kinds import listed_shift
from bot.book.market import CoinMarket
from bot.book.numeraire import Numeraire, collateral_delta, future_delta, option_figures
from bot.book.quality import usable_rows
from bot.domain.instruments import Instrument
from bot.domain.units import seconds_between
from greeks import black76


@dataclass(frozen=True, slots=True)
class FutureLeg:
    """One future: delta (coin) and the part of it that its settlement window will take away."""

    instrument: Instrument
    delta: float
    fading: float
    left_s: float


def future_legs(mine: CoinBook, index: float, now_ns: int, move: float = 0.0) -> list[FutureLeg]:
    """Return the futures of a book at an index; quoted prices are moved with it by `move`."""
    return [
        _leg(instrument, quantity, price_of(mine, instrument, index, move), index, now_ns)
        for instrument, quantity in mine.futures.items()
    ]


def _leg(
    instrument: Instrument, quantity: float, price: float, index: float, now_ns: int
) -> FutureLeg:
    delta = future_delta(instrument, quantity, price, index)
    if instrument.expiry_ns is None:
        return FutureLeg(instrument, delta, 0.0, float("inf"))
    left_s = seconds_between(now_ns, instrument.expiry_ns)
    if left_s <= 0.0:
        return FutureLeg(instrument, 0.0, 0.0, left_s)
    if left_s >= instrument.averaging_s:
        return FutureLeg(instrument, delta, 0.0, left_s)
    delta *= left_s / instrument.averaging_s
    return FutureLeg(instrument, delta, delta, left_s)


def price_of(mine: CoinBook, instrument: Instrument, index: float, move: float = 0.0) -> float:
    """Return a future's last mark (USD per coin) moved by `move`; without a quote the index."""
    quote = mine.market.quotes.get(instrument.name)
    return index if quote is None else quote.mark * (1.0 + move)


def collateral(book: Book, mine: CoinBook, index: float, settled_coin: float) -> float:
    """Return the counted collateral's delta in coin.

    `settled_coin` is what an open settlement average has already decided in coin: it is on its way
    to the cash and counts as such where cash counts.
    """
    rules, balances = mine.rules, book.holdings.balances
    coins, dollars = balances.get(rules.coin), balances.get("USD")
    return collateral_delta(
        rules.numeraire,
        rules.collateral_delta,
        cash_coin=settled_coin + (0.0 if coins is None else coins.cash + coins.open_profit),
        equity_usd=0.0 if dollars is None else dollars.equity,
        index=index,
    )


def collateral_gamma(mine: CoinBook, delta_coin: float) -> float:
    """Return the gamma (coin per 1 %) of counted collateral: dollars seen from a coin book bend."""
    in_dollars = mine.rules.numeraire is Numeraire.COIN and mine.rules.collateral_delta == "include"
    return -delta_coin / 100.0 if in_dollars else 0.0


def payoff_bound(
    *, is_call: bool, inverse: bool, strike: float, ratio: float, index: float
) -> float:
    """Return the largest |delta| that an option can have per coin in either numeraire.

    A call's net delta never exceeds the delta, at most 1; a put's is at most K/F in size. `ratio`
    is F/S, taken as 1 where it is not known.
    """
    known = ratio if np.isfinite(ratio) else 1.0
    bound = 1.0 if is_call else max(1.0, strike / (known * index))
    return bound if inverse else bound * known


def fill_delta(
    mine: CoinBook, instrument: Instrument, quantity: float, index: float, now_ns: int
) -> float:
    """Return the delta that a fill would bring; an unpriced option's is bounded by its payoff."""
    if not instrument.is_option:
        return _leg(instrument, quantity, price_of(mine, instrument, index), index, now_ns).delta
    per_coin = option_delta(mine, instrument, index, now_ns)
    if np.isfinite(per_coin):
        return quantity * per_coin
    bound = payoff_bound(
        is_call=instrument.is_call,
        inverse=instrument.is_inverse,
        strike=instrument.strike,
        ratio=float("nan"),
        index=index,
    )
    return quantity * (bound if instrument.is_call else -bound)


def option_delta(mine: CoinBook, instrument: Instrument, index: float, now_ns: int) -> float:
    """Return the delta per coin of a listed option; NaN where the newest chain's is unusable."""
    chain = mine.market.chain
    row = None if chain is None else chain.listing.row.get(instrument.name)
    if chain is None or row is None or not usable_rows(chain)[row]:
        return float("nan")
    years = max(instrument.calendar_years(now_ns), 0.0)
    forward = chain.forward[row] * index / chain.index
    first = black76.first(instrument.is_call, forward, instrument.strike, years, chain.vol[row])
    figures = option_figures(
        mine.rules.numeraire,
        np.array([[float(part)] for part in first]),
        np.array([forward]),
        index,
        np.array([instrument.is_inverse]),
    )
    usd = index / forward if instrument.is_inverse else 1.0
    vega_usd = np.array([float(first.vega) * usd])
    rule, names, rows = mine.rules.greeks, (instrument.name,), np.array([row])
    shift = listed_shift(rule, mine.columns, mine.slopes, rows, names, vega_usd, index, now_ns)
    return float(figures.delta[0] + shift[0])


def settlement_averages(mine: CoinBook, now_ns: int) -> dict[int, float]:
    """Return the known part of the settlement average (USD) of each expiry inside its window."""
    known = averages(mine.columns, mine.market, now_ns)
    if not known and mine.market.windows:
        mine.market.close_windows(now_ns)
    return known


def averages(columns: OptionColumns, market: CoinMarket, now_ns: int) -> dict[int, float]:
    """Return the same for the options of any columns."""
    known = {}
    for expiry in columns.inside_window(now_ns):
        averaging_s = float(columns.averaging_s[columns.expiry_ns == expiry].max())
        known[int(expiry)] = market.open_window(int(expiry), averaging_s, now_ns).value()
    return known


def net_fading(legs: Iterable[FutureLeg]) -> tuple[float, float]:
    """Return the delta that open windows will take away (coin) and the seconds left of them."""
    fading = [leg for leg in legs if leg.fading]
    return sum(leg.fading for leg in fading), max((leg.left_s for leg in fading), default=0.0)
