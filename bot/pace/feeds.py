"""How old what a coin is hedged by is, beside how old it may be, and since when it is outside."""

from __future__ import annotations

from typing import Final

from bot.book.market import made_ns
from bot.core import Core
from bot.desk.reconcile import LAG_S, REPORT_S
from bot.domain.units import seconds_between

POSITIONS_S: Final = 2.0 * REPORT_S + LAG_S
"""Positions are told every REPORT_S; after this long two of them are missing."""

Feed = dict[str, float | bool | None]


def feeds(core: Core, now_ns: int, reported_ns: int) -> dict[str, dict[str, Feed]]:
    """Return by coin the ages of its feeds, market seconds; None for one that never came.

    `quote` is the freshest of the instruments that it is hedged with. `chain` is `needed` where
    options are held.
    """
    positions = _feed(reported_ns, now_ns, POSITIONS_S)
    return {coin: _of(core, coin, now_ns) | {"positions": positions} for coin in core.rules}


def _of(core: Core, coin: str, now_ns: int) -> dict[str, Feed]:
    mine = core.floor.book.coins[coin]
    market, fresh = mine.market, mine.rules.freshness
    best = _feed(0, now_ns, fresh.quote_s)
    share = float("inf")
    for name in market.witnesses:
        quote, instrument = market.quotes.get(name), market.instruments.get(name)
        if quote is None or instrument is None:
            continue
        limit_s = fresh.of(instrument)
        found = seconds_between(made_ns(quote), now_ns) / limit_s
        if found < share:
            share, best = found, _feed(made_ns(quote), now_ns, limit_s)
    told_ns = 0 if market.chain is None else made_ns(market.chain)
    chain = _feed(told_ns, now_ns, fresh.chain_s) | {"needed": bool(mine.columns.names)}
    return {"quote": best, "chain": chain}


def _feed(at_ns: int, now_ns: int, limit_s: float) -> Feed:
    age_s = max(0.0, seconds_between(at_ns, now_ns)) if at_ns else None
    return {"age_s": age_s, "limit_s": limit_s, "needed": True}


def outside(core: Core, now_ns: int) -> dict[str, dict[str, float]]:
    """Return by coin and kind for how long a measure has been outside its owner's band; 0 in it."""
    found = {}
    for coin, breaches in core.breaches.items():
        gamma = core.rules[coin].gamma
        bands = {"gamma": gamma.band, "gamma_expiring": gamma.expiring}
        set_ = [n for n, b in bands.items() if (b.lower, b.upper) != (None, None)]
        found[coin] = {
            kind: seconds_between(breaches.open[kind].start_ns, now_ns)
            if kind in breaches.open
            else 0.0
            for kind in ("delta", *set_)
        }
    return found
