"""What each hedge instrument would cost and why one is used, and basis by expiry, row by row."""

from __future__ import annotations

import math

from bot.book.basis import basis_by_expiry
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want
from bot.domain.reasons import Because, Reason
from bot.domain.units import iso, years_between
from bot.strategy.choice import Offer, offers

Row = dict[str, object]


def instrument_rows(floor: Floor, rules: DeskRules, wanted: Want, now_ns: int) -> list[Row]:
    """Return every listed instrument of the owner's kinds, in the order of preference.

    Costs are USD per coin of `sized_for_coin`, the way to the target that the choice is made for; a
    positive carry is paid; None where the instrument cannot be used. `room_coin` is what a limit on
    its expiry leaves, None without one. `why` is the reason for the choice, or against it.
    """
    book, task = floor.book, wanted.task
    found = offers(book, rules.coin, now_ns, floor.tier, rules.hedge, task, floor.dealt)
    return [_row(offer, wanted) for offer in found]


def _row(offer: Offer, wanted: Want) -> Row:
    hedge, cost, name = wanted.hedge, offer.cost, offer.instrument.name
    used = hedge is not None and hedge.instrument.name == name
    items = ("half_spread", "fee", "impact", "exit", "carry", "margin", "all_in")
    return {
        "instrument": name,
        "used": used,
        "sized_for_coin": wanted.task.change,
        "room_coin": offer.room_coin if math.isfinite(offer.room_coin) else None,
        **{f"{item}_usd": None if cost is None else getattr(cost, item) for item in items},
        "why": str(hedge.because if used and hedge is not None else _why_not(offer)),
    }


def _why_not(offer: Offer) -> Because:
    name = offer.instrument.name
    if offer.why_not is not None:
        return offer.why_not
    if not offer.funded:
        return Because(Reason.NO_FUNDS, offer.instrument.currency)
    return Because(Reason.DEARER, name)


def basis_rows(floor: Floor, coin: str, now_ns: int) -> list[Row]:
    """Return the dated futures by expiry: delta (coin), basis a year, USD per 1 % of it.

    The basis is None where nothing of the expiry is quoted.
    """
    return [
        {
            "expiry": iso(one.expiry_ns),
            "delta_coin": one.coins,
            "basis_a_year": _basis(floor, coin, one.expiry_ns, now_ns),
            "usd_per_pct": one.usd_per_pct,
        }
        for one in basis_by_expiry(floor.book, coin, now_ns)
    ]


def _basis(floor: Floor, coin: str, expiry_ns: int, now_ns: int) -> float | None:
    """Return the simple basis a year of the first future of an expiry that is quoted."""
    market = floor.book.coins[coin].market
    for name, instrument in market.instruments.items():
        quote = market.quotes.get(name)
        if quote is not None and not instrument.is_option and instrument.expiry_ns == expiry_ns:
            return (quote.mark / quote.index - 1.0) / years_between(now_ns, expiry_ns)
    return None
