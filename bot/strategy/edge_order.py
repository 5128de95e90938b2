"""A long-gamma book's next hedge, resting where the price will ask for it.

Delta of a book that is long gamma rises with the price: where it will reach the band's upper edge a
sale can wait, where it will reach the lower edge a purchase, and both earn the spread instead of
paying it. One order rests at a time, at the edge that the price is nearer to, for what the hedge
there would be. Even if it were filled at once the band would hold: what rests can do no harm.

It stays while delta at its price would still be near the edge (`holds`), and goes as soon as
something else is wanted.
"""

from __future__ import annotations

import math

from bot.book.exposure import Exposure
from bot.domain.quotes import Quote
from bot.domain.reasons import Because, Reason
from bot.strategy.bands import Band
from bot.strategy.delta import DeltaPlan, DeltaPolicy, Levels

FURTHEST = 0.05
"""An edge that lies further away than this move is not waited for."""

SLACK = 0.25
"""Of the half-width: how far delta at a resting order's price may be from the edge."""


def plan_edge(
    exposure: Exposure, policy: DeltaPolicy, levels: Levels, quote: Quote, smallest: float
) -> DeltaPlan | None:
    """Return the order that should rest now; None where none should.

    `quote` is the hedge instrument's, `smallest` the delta of its smallest order (coin).
    """
    band, gamma = levels.band, exposure.gamma_total
    certain = exposure.low == exposure.high and exposure.trusted and not exposure.doubts
    if not (policy.rest_at_edges and certain and gamma > 0.0 and band.holds(exposure.delta)):
        return None
    if exposure.window_left_s > 0.0:
        return None  # delta fades by itself, and is unwound
    above = exposure.delta >= band.target
    edge = band.upper if above else band.lower
    width = abs(edge - band.target)
    away = max(min(levels.share * width, width - smallest), 0.0)
    change = math.copysign(min(policy.ratio, 1.0) * (width - away), band.target - edge)
    price = _price_at(edge, exposure, quote)
    if abs(price / quote.mark - 1.0) > FURTHEST or abs(change) < smallest:
        return None
    if not band.holds(exposure.delta + change):
        return None
    price = max(price, quote.ask) if above else min(price, quote.bid)
    figures = {"edge_coin": edge, "price": price}
    because = Because(Reason.EDGE_ORDER, quote.instrument, figures)
    return DeltaPlan(change, band, (because,), rest_at=price)


def holds(price: float, exposure: Exposure, band: Band, quote: Quote, *, buy: bool) -> bool:
    """Tell whether an order that rests at a price is still where the band's edge will be."""
    slack = SLACK * 0.5 * (band.upper - band.lower)
    if not band.lower - slack <= exposure.delta <= band.upper + slack:
        return False  # the price has gone through it, or the other way
    there = exposure.delta + 100.0 * exposure.gamma_total * (price / quote.mark - 1.0)
    edge = band.lower if buy else band.upper
    return exposure.gamma_total > 0.0 and abs(there - edge) <= slack


def _price_at(level: float, exposure: Exposure, quote: Quote) -> float:
    """Return the price of the instrument at which delta will be at a level."""
    return quote.mark * (1.0 + (level - exposure.delta) / (100.0 * exposure.gamma_total))
