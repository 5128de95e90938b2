"""How orders meet the market: takers walk the ladder, makers wait their turn.

A resting order stands behind the size shown at its price when it came. The queue in front shrinks
by what aggressive traders hit and by cancellations. When the market trades through its price the
order is filled whole: the fill that nobody wants. Options print no volume here, so a resting
option order is filled only when the other side's price reaches it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from bot.sim.exchange.ladder import Level, OptionView, in_unit, lots
from bot.sim.exchange.orders import Order
from bot.sim.ports import FutureMove

CANCELS_PER_S: Final = 0.1  # mean rate at which the queue in front thins out


def walk(levels: Iterable[Level], eaten: float, order: Order) -> list[tuple[Decimal, Decimal]]:
    """Return the (price, size) pieces that an order takes at its limit or better.

    `eaten` is the size missing from the front of the ladder. Sizes are unsigned whole lots.
    """
    pieces: list[tuple[Decimal, Decimal]] = []
    remaining = order.remaining
    limit = order.intent.price
    for level in levels:
        if remaining <= 0 or (level.price > limit if order.buying else level.price < limit):
            break
        shown = level.size - eaten
        eaten = max(0.0, -shown)
        size = min(remaining, lots(shown, order.instrument))
        if size > 0:
            pieces.append((level.price, size))
            remaining -= size
    return pieces


def crosses(best: Level | None, order: Order) -> bool:
    """Tell whether an order would take liquidity from this best opposite level."""
    if best is None:
        return False
    limit = order.intent.price
    return best.price <= limit if order.buying else best.price >= limit


def queue_ahead(order: Order, move: FutureMove) -> float:
    """Return the size in front of an order that joins the book now, in its instrument's unit."""
    quote = move.quote
    price = float(order.intent.price)
    best = quote.bid if order.buying else quote.ask
    if not best > 0.0 or (price > best if order.buying else price < best):
        return 0.0
    if price == best:
        return quote.bid_size if order.buying else quote.ask_size
    return in_unit(move.depth_usd, order.instrument, price)


def executable(
    order: Order, move: FutureMove, *, elapsed_s: float, share: float, luck: float
) -> Decimal:
    """Advance a resting future order's queue by one market move; return the size that fills.

    `share` is the part of the move's volume printed while the order rested; `luck` in [0, 1)
    scales the cancellations in front.
    """
    quote = move.quote
    price = float(order.intent.price)
    if order.buying:
        through = quote.ask <= price
        left_behind = quote.bid > price
        alone = quote.bid < price
        volume = move.sold_usd
    else:
        through = quote.bid >= price
        left_behind = quote.ask < price
        alone = quote.ask > price
        volume = move.bought_usd
    if through:
        return order.remaining
    order.ahead *= math.exp(-2.0 * luck * CANCELS_PER_S * elapsed_s)
    if left_behind:
        return Decimal(0)
    if alone:
        order.ahead = min(order.ahead, 0.0)
    order.ahead -= in_unit(volume * share, order.instrument, price)
    size = min(order.remaining, lots(-order.ahead, order.instrument))
    order.ahead += float(size)
    return size


def option_executable(order: Order, view: OptionView) -> Decimal:
    """Return the size of a resting option order that the opposite quote now reaches."""
    price = float(order.intent.price)
    if order.buying:
        size = view.ask_size if view.ask <= price else 0.0
    else:
        size = view.bid_size if view.bid >= price else 0.0
    return min(order.remaining, lots(size, order.instrument))
