"""What an account's other figures say of its list of positions: whether it can be the whole of it.

A list that is empty or lacks a part may be told again and again: that is the same source, and no
evidence of a trade. Margin, the worth of all options and the venue's own delta come from elsewhere.
Where one of them fits what we hold and not what the list shows, the list is not believed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from decimal import Decimal

from bot.book.book import Book
from bot.book.legs import settlement_averages
from bot.book.venue_delta import own_deltas
from bot.domain.events import PositionsReport
from bot.domain.instruments import coin_of
from bot.domain.positions import Balance

NEARER = 4.0
LEAST_SHARE = 0.02

_Change = Mapping[str, tuple[Decimal, Decimal]]


def unbelieved(
    book: Book, coins: Collection[str], event: PositionsReport, change: _Change, now_ns: int
) -> set[str]:
    """Return the coins of which a report's list is contradicted by its balances.

    `change` maps the instruments that differ to (ours, the venue's), signed in their own unit.
    """
    empty = _without_margin(event) & set(coins)
    differing = {coin_of(name) for name in change} & set(coins)
    return empty | {coin for coin in differing if _contradicted(book, coin, event, change, now_ns)}


def _without_margin(event: PositionsReport) -> set[str]:
    """Return the coins of which a report shows nothing, and whose account says otherwise.

    Without positions there is no maintenance margin. Where margin is shared by all coins it says so
    of each, and only a report without any position is contradicted.
    """
    told = {coin_of(p.instrument) for p in event.positions if p.quantity.value}
    holding = {
        b.coin
        for b in event.balances
        if b.maintenance_margin > 0.0 and not (told and b.model.startswith("cross"))
    }
    return holding - told


def _contradicted(
    book: Book, coin: str, event: PositionsReport, change: _Change, now_ns: int
) -> bool:
    """Tell whether the worth of a coin's options, or its delta, speaks for us and not for a list.

    Only what settles in the coin itself is weighed: nothing else shares its balance.
    """
    balance = next((b for b in event.balances if b.coin == coin), None)
    if balance is None:
        return False
    held = _settling(book, coin, book.holdings.held())
    more = _settling(book, coin, {name: theirs - ours for name, (ours, theirs) in change.items()})
    options = {name for name in held.keys() | more.keys() if book.instruments[name].is_option}
    worth = _worths(book, coin, now_ns)
    apart = [(_only(held, options), _only(more, options), worth, _option_value(balance))]
    if balance.delta_total is not None:
        apart.append((held, more, _deltas(book, coin, now_ns), balance.delta_total))
    return any(_speaks_for_us(*figures) for figures in apart)


def _speaks_for_us(
    held: Mapping[str, float], more: Mapping[str, float], unit: Mapping[str, float], told: float
) -> bool:
    """Tell whether a figure that the venue told fits `held`, and by far not `held` and `more`.

    `unit` is what one of each counts; where one is not known, or the change is within what prices
    may be apart, nothing is said.
    """
    if not (held.keys() | more.keys()) <= unit.keys():
        return False
    have = math.fsum(size * unit[name] for name, size in held.items())
    shift = math.fsum(size * unit[name] for name, size in more.items())
    gross = math.fsum(abs(size * unit[name]) for name, size in held.items())
    if not math.isfinite(have + shift + told) or abs(shift) <= LEAST_SHARE * gross:
        return False
    return abs(told - have - shift) > NEARER * abs(told - have)


def _worths(book: Book, coin: str, now_ns: int) -> dict[str, float]:
    """Return what each held option that pays in its coin is worth, coins per contract of one."""
    mine = book.packed(coin)
    if not mine.columns.names or not mine.market.index > 0.0:
        return {}
    columns = mine.columns
    first = columns.price_at(mine.market.index, now_ns, settlement_averages(mine, now_ns))
    worth = first[0] / columns.payout
    return dict(zip(columns.names, worth.tolist(), strict=True))


def _deltas(book: Book, coin: str, now_ns: int) -> dict[str, float]:
    """Return the net delta (coin) of one of each instrument that the book counts."""
    mine = book.packed(coin)
    sizes = dict(zip(mine.columns.names, mine.columns.quantity.tolist(), strict=True))
    sizes |= {instrument.name: size for instrument, size in mine.futures.items()}
    own = own_deltas(book, coin, now_ns)
    return {name: own[name].net / size for name, size in sizes.items() if name in own and size}


def _option_value(balance: Balance) -> float:
    """Return what the options of an account are worth, in its currency: what else is in equity."""
    return balance.equity - balance.cash - balance.open_profit


def _settling(book: Book, coin: str, sizes: Mapping[str, Decimal]) -> dict[str, float]:
    """Return sizes by instrument, over all accounts, of what is known and settles in the coin."""
    found: dict[str, float] = {}
    for place, size in sizes.items():
        name = place.partition("@")[0]
        known = book.instruments.get(name)
        if known is not None and known.currency == coin:
            found[name] = found.get(name, 0.0) + float(size)
    return found


def _only(sizes: Mapping[str, float], names: Collection[str]) -> dict[str, float]:
    return {name: size for name, size in sizes.items() if name in names}
