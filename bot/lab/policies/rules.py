"""Rules that say, for one short option, between which holdings nothing is traded.

A rule sees what a hedger sees at one moment, arrays over paths, and answers with the bounds of its
no-trade region (units of the underlying held against one short call). Outside it trades to the
nearer bound, or beyond it. Formulas: docs/mathematics.md and Whalley and Wilmott (1997),
Zakamouline (2006), Leland (1985).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from bot.domain.quotes import FloatArray
from bot.lab.policies.books import Book
from bot.lab.policies.exact import Region
from bot.strategy import width
from greeks import bates, black76

__all__ = [
    "Bounds",
    "Rule",
    "Sight",
    "constant",
    "exact",
    "hybrid",
    "leland",
    "minimum_variance",
    "mixed",
    "net",
    "stale",
    "timer",
    "whalley_wilmott",
    "zakamouline",
]


CALL: Final = True
TINY: Final = 1e-12
LEAST: Final = 1e-9
PHI: Final = np.linspace(np.log(LEAST), np.log(1e6), 1_501)
"""Logarithms of tickets over what trading Whalley and Wilmott's width costs."""


class Sight(NamedTuple):
    """What is known at one moment; arrays over paths."""

    step: int
    dt_years: float  # until the next look
    spot: FloatArray  # USD
    years: float  # to expiry
    vol: FloatArray  # what the hedger believes, per square root of a year
    delta: FloatArray  # Black-Scholes at that volatility, units of the underlying
    gamma: FloatArray  # units per USD
    strike: float
    cost: float  # of a trade, as a share of its notional


class Bounds(NamedTuple):
    """Between which holdings nothing is traded, and where a trade ends if not at the bound."""

    low: FloatArray
    high: FloatArray
    bought: FloatArray | None = None  # where it ends that began below
    sold: FloatArray | None = None  # and above

    def next(self, held: FloatArray) -> FloatArray:
        """Return what is held after the rule was asked."""
        bought = self.low if self.bought is None else self.bought
        sold = self.high if self.sold is None else self.sold
        return np.where(held < self.low, bought, np.where(held > self.high, sold, held))


Function: TypeAlias = Callable[[Sight], Bounds]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by name, its one parameter, and every how many steps it is asked."""

    name: str
    parameter: float
    bounds: Function
    every: int = 1
    from_delta: bool = False  # whether it starts at the Black-Scholes delta, not in its middle


def timer(hours: int) -> Rule:
    """Return the hedge that goes back to the delta every so many steps."""
    return Rule("fixed_time_h", hours, lambda sight: _around(sight.delta, 0.0), every=hours)


def minimum_variance(hours: int, model: bates.Bates) -> Rule:
    """Return the timer on the delta that also hedges what variance does when the price moves."""

    def bounds(sight: Sight) -> Bounds:
        delta = bates.minimum_variance_delta(
            model, CALL, sight.spot, sight.strike, sight.years, sight.vol
        )
        return _around(delta, 0.0)

    return Rule("fixed_time_h_MVdelta", hours, bounds, every=hours)


def stale(hours: int, vol: float) -> Rule:
    """Return the timer on the delta of one volatility that is never looked at again."""
    return Rule(
        "fixed_time_h_constIV",
        hours,
        lambda sight: _around(_delta(sight, np.full_like(sight.spot, vol)), 0.0),
        every=hours,
    )


def leland(hours: int) -> Rule:
    """Return the timer on the delta of a volatility that pays for its own costs (short gamma)."""

    def bounds(sight: Sight) -> Bounds:
        round_trip = 2.0 * sight.cost
        paid = np.sqrt(2.0 / np.pi) * round_trip / (sight.vol * np.sqrt(hours * sight.dt_years))
        return _around(_delta(sight, sight.vol * np.sqrt(1.0 + paid)), 0.0)

    return Rule("leland_h", hours, bounds, every=hours)


def constant(half: float, *, to_edge: bool = True) -> Rule:
    """Return the band of one half-width around the delta, whatever the gamma."""
    name = "delta_band_edge" if to_edge else "delta_band_centre"
    return Rule(name, half, lambda sight: _around(sight.delta, half, to_edge=to_edge))


def whalley_wilmott(
    aversion: float, *, to_edge: bool = True, corrected: bool = False, every: int = 1
) -> Rule:
    """Return the band that is best for small costs: (1.5 cost S gamma²/aversion)^(1/3).

    ``corrected`` takes off what looking only now and then adds to it.
    """

    def bounds(sight: Sight) -> Bounds:
        half = _half(sight, aversion)
        if corrected:
            half = np.maximum(half - _polling(sight, every), 0.0)
        return _around(sight.delta, half, to_edge=to_edge)

    name = "ww_edge" if to_edge else "ww_centre"
    return Rule(f"{name}_corrected" if corrected else name, aversion, bounds, every=every)


def zakamouline(aversion: float, coefficient: float = 5.76) -> Rule:
    """Return Zakamouline's band for a short option: a fit to the exact solution, to its edge."""

    def bounds(sight: Sight) -> Bounds:
        scale = np.abs(sight.gamma) / aversion
        half = 1.12 * sight.cost**0.31 * sight.years**0.05
        half = half * sight.vol**-0.25 * np.sqrt(scale) + _least(sight, aversion)
        return _around(_delta(sight, _widened(sight, aversion, coefficient)), half)

    return Rule("zakamouline_edge", aversion, bounds)


def hybrid(aversion: float, every: int = 1) -> Rule:
    """Return Whalley and Wilmott's width, corrected, around Zakamouline's middle."""

    def bounds(sight: Sight) -> Bounds:
        half = np.maximum(_half(sight, aversion) - _polling(sight, every), 0.0)
        return _around(
            _delta(sight, _widened(sight, aversion, 5.76)), half + _least(sight, aversion)
        )

    return Rule("hybrid", aversion, bounds, every=every, from_delta=True)


def net(
    book: Book,
    aversion: float,
    ticket_usd: float = 0.0,
    *,
    gamma: Literal["average", "shock", "local"] = "average",
    every: int = 1,
) -> Rule:
    """Return the corrected band of a book's net gamma, to where a ticket says that trades end.

    ``gamma`` says which: `Book.mean_gamma`, `Book.shock_gamma`, or the one at the price.
    """

    def bounds(sight: Sight) -> Bounds:
        seen = np.abs(sight.gamma)
        if gamma != "local":
            of = book.mean_gamma if gamma == "average" else book.shock_gamma
            seen = of(sight.spot, sight.years, sight.vol)
        half, end = mixed(sight.cost * sight.spot, ticket_usd, seen, aversion)
        less = width.polling(seen, sight.spot, sight.vol, every * sight.dt_years)
        half = np.maximum(half - less, 0.0)
        end = np.minimum(end, half)
        return Bounds(sight.delta - half, sight.delta + half, sight.delta - end, sight.delta + end)

    return Rule(f"net_{gamma}", aversion, bounds, every=every)


def exact(aversion: float, solved: list[Region]) -> Rule:
    """Return the exact region; ``solved`` holds one for each step, in their order."""

    def bounds(sight: Sight) -> Bounds:
        region = solved[sight.step]
        where, at = np.log(region.spot), np.log(sight.spot)
        return Bounds(np.interp(at, where, region.low), np.interp(at, where, region.high))

    return Rule("hodges_neuberger_exact", aversion, bounds, from_delta=True)


def mixed(
    cost_usd_per_coin: FloatArray,
    ticket_usd: float,
    gamma: FloatArray,
    aversion: FloatArray | float,
) -> tuple[FloatArray, FloatArray]:
    """Return h and r of `width.mixed` in coin, for arrays.

    Both over Whalley and Wilmott's width depend on ticket/(cost times that width) alone, which is
    tabulated; where no gamma is, both are 0.
    """
    plain = width.whalley_wilmott(cost_usd_per_coin, gamma, aversion)
    if ticket_usd <= 0.0:
        return plain, plain
    scaled = np.log(np.maximum(ticket_usd / np.maximum(cost_usd_per_coin * plain, TINY), LEAST))
    wide, end = _mixed_table()
    beyond = np.exp(0.25 * np.maximum(scaled - PHI[-1], 0.0))  # tickets alone: their fourth root
    return plain * np.interp(scaled, PHI, wide) * beyond, plain * np.interp(scaled, PHI, end)


@cache
def _mixed_table() -> tuple[FloatArray, FloatArray]:
    rows = [width.mixed(1.0, float(np.exp(phi)), 1.0, 1.5) for phi in PHI]
    wide, end = np.array(rows).T
    return wide, end


def _around(centre: FloatArray, half: FloatArray | float, *, to_edge: bool = True) -> Bounds:
    ends = (None, None) if to_edge else (centre, centre)
    return Bounds(centre - half, centre + half, *ends)


def _half(sight: Sight, aversion: float) -> FloatArray:
    return width.whalley_wilmott(sight.cost * sight.spot, sight.gamma, aversion)


def _polling(sight: Sight, every: int) -> FloatArray:
    return width.polling(sight.gamma, sight.spot, sight.vol, every * sight.dt_years)


def _least(sight: Sight, aversion: float) -> FloatArray:
    """Return the half-width far in or out of the money, where gamma says none."""
    least: FloatArray = sight.cost / (aversion * sight.spot * sight.vol**2 * sight.years)
    return least


def _widened(sight: Sight, aversion: float, coefficient: float) -> FloatArray:
    """Return the volatility around whose delta a short option is hedged."""
    risk = (aversion * sight.spot**2 * np.abs(sight.gamma)) ** 0.15
    more = coefficient * sight.cost**0.78 * sight.years**-0.02 * sight.vol**-0.25 * risk
    widened: FloatArray = sight.vol * np.sqrt(1.0 + more)
    return widened


def _delta(sight: Sight, vol: FloatArray) -> FloatArray:
    delta: FloatArray = black76.first(CALL, sight.spot, sight.strike, sight.years, vol).delta
    return delta
