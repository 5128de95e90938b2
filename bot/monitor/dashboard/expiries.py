"""The expiry desk: what rolls off next, at which strikes it could be pinned, what is left after.

Delta that rolls off is what the hedge of today will have to give back. What is left after is the
rest of the book at the same index and volatilities when the expiry has passed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.monitor.dashboard.legs import Array, Book, Leg, columns, valued

PIN: Final = 0.5
"""A strike within so many standard deviations of the index could be where the price is pinned."""
PIN_S: Final = 86_400.0
"""Longer before an expiry nothing is: half a deviation is then most of the chain."""

NODES: Final = np.round(np.linspace(-0.06, 0.06, 49), 5)


def desk(mine: Book) -> dict[str, Any]:
    """Return the next expiry of a coin's book and what it leaves.

    `held` tells whether an option is held, None where that is not known yet; `why` says what keeps
    a desk from its figures. `t` is the moment of the book.
    """
    told = {"t": mine.now_ns // 1_000_000}
    if not mine.measured:
        return told | {"held": None, "why": "the book has not been measured yet"}
    if not mine.alive():
        return told | {"held": False, "why": ""}
    options = mine.options()
    if not options or not np.isfinite(mine.index):
        return told | {"held": True, "why": "no option that is held has a price yet"}
    return told | {"held": True, "why": ""} | _next(mine, options)


def _next(mine: Book, options: tuple[Leg, ...]) -> dict[str, Any]:
    expiry_ns = min(leg.instrument.expiry_ns or 0 for leg in options)
    rolling = [leg for leg in mine.legs if leg.instrument.expiry_ns == expiry_ns]
    left_s = (expiry_ns - mine.now_ns) / NS_PER_S
    own = [leg for leg in rolling if leg.instrument.is_option]
    vol = float(np.average([leg.vol for leg in own], weights=[abs(q.quantity) + 1e-9 for q in own]))
    deviation = vol * float(np.sqrt(max(left_s, 0.0) / SECONDS_PER_YEAR))
    window_s = max(leg.instrument.averaging_s for leg in own)
    return {
        "expiry": expiry_ns // 1_000_000,
        "index": mine.index,
        "window": (expiry_ns - round(window_s * NS_PER_S)) // 1_000_000,
        "average": mine.averages.get(expiry_ns),
        "deviation": deviation * mine.index,
        "legs": [_row(leg) for leg in rolling],
        "strikes": _strikes(own, mine.index, deviation, near=left_s <= PIN_S),
        "roll": {name: sum(getattr(leg, name) for leg in rolling)
                 for name in ("delta", "gamma", "vega", "theta")},
        "before": _totals(mine.legs),
        "after": _after(mine, expiry_ns),
        "profile": _profile(mine, expiry_ns),
    }  # fmt: skip


def _row(leg: Leg) -> dict[str, Any]:
    return {
        "instrument": leg.instrument.name,
        "quantity": leg.quantity,
        "unit": str(leg.instrument.unit),
        "delta": leg.delta,
        "gamma": leg.gamma,
    }


def _strikes(
    legs: list[Leg], index: float, deviation: float, *, near: bool
) -> list[dict[str, Any]]:
    """Return the expiring strikes: net quantities, and how far the index is, in deviations."""
    found: dict[float, dict[str, Any]] = {}
    for leg in legs:
        strike = leg.instrument.strike
        row = found.setdefault(strike, {"strike": strike, "call": 0.0, "put": 0.0, "gamma": 0.0})
        row["call" if leg.instrument.is_call else "put"] += leg.quantity
        row["gamma"] += leg.gamma
    for strike, row in found.items():
        away = strike / index - 1.0
        row["away"] = away * 100.0
        row["deviations"] = away / deviation if deviation > 0.0 else None
        row["pin"] = bool(near and deviation > 0.0 and abs(away) <= PIN * deviation)
    return [found[strike] for strike in sorted(found)]


def _totals(legs: tuple[Leg, ...]) -> dict[str, float]:
    return {
        name: sum(getattr(leg, name) for leg in legs)
        for name in ("delta", "gamma", "vega", "theta")
    }


def _after(mine: Book, expiry_ns: int) -> dict[str, float]:
    """Return delta (coin) and gamma (coin per 1 %) of what stays when the expiry has passed."""
    delta, gamma = (float(one[len(one) // 2]) for one in _left(mine, expiry_ns, np.zeros(1)))
    return {"delta": delta, "gamma": gamma}


def _profile(mine: Book, expiry_ns: int) -> dict[str, Any]:
    """Return gamma along the index: of the whole book now, and of what stays."""
    now = valued(mine, columns(mine), NODES).gamma + _bend(mine)
    _, after = _left(mine, expiry_ns, NODES)
    return {
        "index": np.round((1.0 + NODES) * mine.index, 2),
        "now": np.round(now, 6),
        "after": np.round(after, 6),
    }


def _left(mine: Book, expiry_ns: int, moves: Array) -> tuple[Array, Array]:
    stay = tuple(leg for leg in mine.legs if leg.instrument.expiry_ns != expiry_ns)
    later = replace(mine, now_ns=expiry_ns, legs=stay)
    told = valued(later, columns(later), moves)
    linear = mine.rest + sum(leg.delta for leg in later.futures())
    return told.delta + linear, told.gamma + _bend(later)


def _bend(mine: Book) -> float:
    """Return the gamma of futures, coin per 1 %: none in dollars."""
    return -sum(leg.delta for leg in mine.futures()) / 100.0 if mine.in_coin else 0.0
