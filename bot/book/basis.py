"""Basis by expiry: what dated futures add up to at each of their expiries, and what it may cost.

A future that hedges a coin is long the coin and long the basis of its expiry, which nothing else in
the book pays back before then. The basis is told a year, simple: F = S (1 + b T). One point of it
(1 %, that is 100 basis points a year) moves F by S T/100, so the same position is worth more of it
the longer it runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.book.book import Book
from bot.book.legs import fill_delta
from bot.domain.deribit import date_code
from bot.domain.units import years_between


@dataclass(frozen=True, slots=True)
class ExpiryBasis:
    """The dated futures of one expiry: signed delta (coin), USD for a basis up by 1 % a year."""

    expiry_ns: int
    coins: float
    usd_per_pct: float

    @property
    def code(self) -> str:
        """Return the expiry as the venue writes it, e.g. `27MAR26`."""
        return date_code(self.expiry_ns)


def futures_by_expiry(
    book: Book, coin: str, now_ns: int, pending: Iterable[tuple[str, float]] = ()
) -> dict[int, tuple[float, float]]:
    """Return the least and the most delta (coin) of the dated futures of each expiry.

    `pending` lists (instrument, signed remaining quantity) of every order that may still fill.
    """
    mine = book.packed(coin)
    index = mine.market.index
    found: dict[int, tuple[float, float]] = {}
    for held, quantity in mine.futures.items():
        expiry_ns = held.expiry_ns
        if expiry_ns is not None and expiry_ns > now_ns:
            delta = fill_delta(mine, held, quantity, index, now_ns)
            low, high = found.get(expiry_ns, (0.0, 0.0))
            found[expiry_ns] = low + delta, high + delta
    for name, quantity in pending:
        instrument = book.instruments.get(name)
        if instrument is None or instrument.is_option or instrument.expiry_ns is None:
            continue
        change = fill_delta(mine, instrument, quantity, index, now_ns)
        low, high = found.get(instrument.expiry_ns, (0.0, 0.0))
        found[instrument.expiry_ns] = low + min(change, 0.0), high + max(change, 0.0)
    return found


def basis_by_expiry(book: Book, coin: str, now_ns: int) -> tuple[ExpiryBasis, ...]:
    """Return what is held at each expiry of dated futures, the soonest first."""
    index = book.coins[coin].market.index
    return tuple(
        ExpiryBasis(expiry_ns, coins, usd_per_pct(coins, index, expiry_ns, now_ns))
        for expiry_ns, (coins, _) in sorted(futures_by_expiry(book, coin, now_ns).items())
    )


def usd_per_pct(coins: float, index: float, expiry_ns: int, now_ns: int) -> float:
    """Return what a basis up by 1 % a year is worth (USD) to a delta of dated futures (coin)."""
    return 0.01 * coins * index * max(years_between(now_ns, expiry_ns), 0.0)


def figures(exposures: tuple[ExpiryBasis, ...]) -> dict[str, float]:
    """Return flat names for journals and JSON, e.g. `basis_27MAR26_coin`."""
    rows = {f"basis_{one.code}_coin": one.coins for one in exposures}
    return rows | {f"basis_{one.code}_1pct_usd": one.usd_per_pct for one in exposures}
