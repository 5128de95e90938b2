"""What an account's other figures say of its list of positions: whether it can be the whole of it.

A list that is empty or lacks a part may be told again and again: that is the same source, and no
evidence of a trade. Margin, the worth of all options and the venue's own delta come from elsewhere.
Where one of them fits what we hold and not what the list shows, the list is not believed. Where the
list's options are not worth what the account says, or have no price yet, it is left open.

Only the trading account has figures here, and only what settles in the coin itself shares them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.book.book import Book
from bot.book.legs import price_of, settlement_averages
from bot.book.measure import measure
from bot.book.numeraire import future_delta
from bot.book.quality import usable_rows
from bot.book.venue_delta import own_deltas
from bot.desk.agreement import tolerance
from bot.desk.rules import DeskRules
from bot.domain.events import PositionsReport
from bot.domain.instruments import coin_of
from bot.domain.positions import Balance
from bot.domain.units import SECONDS_PER_YEAR
from greeks import black76

NEARER = 4.0
LEAST_WORTH, LEAST_DELTA = 0.02, 0.005
FAR_SHARE = 0.01
ROUNDED_COIN, DUST_COIN = 5e-5, 1e-4
DUST_MARGIN = 1e-6  # of what no band would notice

_Change = Mapping[str, tuple[Decimal, Decimal]]
_Sizes = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Findings:
    """The coins whose list is contradicted, of these the `empty` ones, and what is left `open`."""

    against: frozenset[str]
    empty: frozenset[str]
    open: frozenset[str]


def weigh(
    book: Book, coins: Collection[str], event: PositionsReport, change: _Change, now_ns: int
) -> Findings:
    """Weigh a list that differs from what we hold.

    `change` maps the instruments that differ to (ours, the venue's), signed in their own unit.
    """
    empty = _without_margin(event) & set(coins)
    against, unknown = set(empty), set[str]()
    told = {balance.coin: balance for balance in event.balances}
    shown = {name: theirs - ours for name, (ours, theirs) in change.items()}
    for coin in {coin_of(name) for name in change} & told.keys() & set(coins):
        held = _settling(book, coin, book.holdings.held())
        more = _settling(book, coin, shown)
        value, total = told[coin].option_value, told[coin].delta_total
        bias = book.coins[coin].gap  # what is known to lie between our delta and the venue's
        if value is not None and (options := _options(book, more)):
            mine = _options(book, held)
            worth = _worths(book, coin, mine.keys() | options.keys(), now_ns)
            theirs = {n: mine.get(n, 0.0) + options.get(n, 0.0) for n in mine.keys() | options}
            if not _adds_up(theirs, worth, value):
                unknown.add(coin)
            if _speaks_for_us(mine, options, worth, value, LEAST_WORTH):
                against.add(coin)
        unit = _deltas(book, coin, held.keys() | more.keys(), now_ns)
        if total is not None and _speaks_for_us(held, more, unit, total - bias, LEAST_DELTA):
            against.add(coin)
    return Findings(frozenset(against), frozenset(empty), frozenset(unknown - against))


def unsettled(
    book: Book, rules: Mapping[str, DeskRules], balances: Iterable[Balance], now_ns: int
) -> frozenset[str]:
    """Return the coins of which what is held now does not add up to what the account says.

    That is how a first list is judged: there is nothing yet that it could differ from. Its options
    must have the worth, and all of it the delta. Where one has no price its coin is among them.
    """
    told = {balance.coin: balance for balance in balances if balance.coin in rules}
    found = set[str]()
    for coin, balance in told.items():
        held = _settling(book, coin, book.holdings.held())
        mine = _options(book, held)
        worth = _worths(book, coin, mine.keys(), now_ns)
        if not (
            _adds_up(mine, worth, balance.option_value)
            and _has_delta(book, rules[coin], held, balance.delta_total, now_ns)
        ):
            found.add(coin)
    return frozenset(found)


def _has_delta(book: Book, rules: DeskRules, held: _Sizes, told: float | None, now_ns: int) -> bool:
    """Tell whether what is held has the delta that the account says, as nearly as that matters."""
    if told is None:
        return True
    unit = _deltas(book, rules.coin, held.keys(), now_ns)
    if not held.keys() <= unit.keys():
        return False
    gap = abs(told - math.fsum(size * unit[name] for name, size in held.items()))
    return gap <= DUST_COIN or gap <= tolerance(rules, measure(book, rules.coin, now_ns))


def _adds_up(held: _Sizes, worth: _Sizes, told: float | None) -> bool:
    """Tell whether options are worth what the account says, as nearly as anybody knows it."""
    if told is None:
        return True
    if not held.keys() <= worth.keys():
        return False
    each = [size * worth[name] for name, size in held.items()]
    rounded = DUST_COIN + ROUNDED_COIN * math.fsum(map(abs, held.values()))
    return abs(told - math.fsum(each)) <= rounded + FAR_SHARE * math.fsum(map(abs, each))


def _without_margin(event: PositionsReport) -> set[str]:
    """Return the coins of which a report shows nothing, and whose account says otherwise.

    Without positions there is no maintenance margin. Where margin is shared by all coins it says so
    of each, and only a report without any position is contradicted.
    """
    told = {coin_of(p.instrument) for p in event.positions if p.quantity.value}
    holding = {
        b.coin
        for b in event.balances
        if b.maintenance_margin > DUST_MARGIN and not (told and b.model.startswith("cross"))
    }
    return holding - told


def _speaks_for_us(held: _Sizes, more: _Sizes, unit: _Sizes, told: float, least: float) -> bool:
    """Tell whether a figure that the venue told fits `held`, and by far not `held` and `more`.

    `unit` is what one of each counts; where one is not known, or the change is within what prices
    may be apart (`least` of what all of it counts), nothing is said.
    """
    if not (held.keys() | more.keys()) <= unit.keys():
        return False
    have = math.fsum(size * unit[name] for name, size in held.items())
    shift = math.fsum(size * unit[name] for name, size in more.items())
    gross = math.fsum(abs(size * unit[name]) for name, size in held.items())
    if not math.isfinite(have + shift + told) or abs(shift) <= least * gross:
        return False
    return abs(told - have - shift) > NEARER * abs(told - have)


def _worths(book: Book, coin: str, names: Collection[str], now_ns: int) -> dict[str, float]:
    """Return what options with a price are worth, coins per contract of one.

    What the book counts is worth what it counts it for, also while its settlement is averaged;
    everything else is priced from the newest batch.
    """
    mine, index = book.packed(coin), book.coins[coin].market.index
    if not index > 0.0:
        return {}
    columns = mine.columns
    others = set(names).difference(columns.names)
    found = {n: pair[0] for n, pair in _listed(book, coin, others, index, now_ns).items()}
    if columns.names:
        first = columns.price_at(index, now_ns, settlement_averages(mine, now_ns))
        found |= zip(columns.names, (first[0] / columns.payout).tolist(), strict=True)
    return {name: worth for name, worth in found.items() if math.isfinite(worth)}


def _listed(
    book: Book, coin: str, names: Collection[str], index: float, now_ns: int
) -> dict[str, tuple[float, float]]:
    """Return worth and net delta (coin) of one of each option that the newest batch prices.

    While its settlement is averaged the delta is NaN: it is of what is left, which is not known.
    """
    chain = book.coins[coin].market.chain
    if chain is None:
        return {}
    good = usable_rows(chain)
    rows = {name: chain.listing.row[name] for name in names if name in chain.listing.row}
    found: dict[str, tuple[float, float]] = {}
    for name, row in rows.items():
        option, forward = book.instruments[name], chain.forward[row] * index / chain.index
        if good[row]:
            years = max(option.calendar_years(now_ns), 0.0)
            first = black76.first(option.is_call, forward, option.strike, years, chain.vol[row])
            worth = float(first.price) / float(forward)
            averaged = years * SECONDS_PER_YEAR < option.averaging_s
            found[name] = worth, math.nan if averaged else float(first.delta) - worth
    return found


def _deltas(book: Book, coin: str, names: Collection[str], now_ns: int) -> dict[str, float]:
    """Return the net delta (coin) of one of each of some instruments, where it is known.

    What the book counts has what it counts it for; what is parked, or not held yet, is valued here.
    """
    mine = book.packed(coin)
    sizes = dict(zip(mine.columns.names, mine.columns.quantity.tolist(), strict=True))
    sizes |= {instrument.name: size for instrument, size in mine.futures.items()}
    own, index = own_deltas(book, coin, now_ns), mine.market.index
    found = {name: own[name].net / size for name, size in sizes.items() if name in own and size}
    others = [name for name in names if name not in found]
    if index > 0.0:
        listed = _listed(book, coin, others, index, now_ns)
        found |= {name: delta for name, (_, delta) in listed.items() if math.isfinite(delta)}
        for one in (book.instruments[name] for name in others):
            if not one.is_option:
                found[one.name] = future_delta(one, 1.0, price_of(mine, one, index), index)
    return found


def _settling(book: Book, coin: str, sizes: Mapping[str, Decimal]) -> dict[str, float]:
    """Return what is known, in the trading account, and settles in the coin."""
    known = {name: book.instruments.get(name) for name in sizes}
    return {name: float(sizes[name]) for name, one in known.items() if one and one.currency == coin}


def _options(book: Book, sizes: _Sizes) -> dict[str, float]:
    return {name: size for name, size in sizes.items() if book.instruments[name].is_option}
