"""How an order is priced by urgency; never a market order.

    passive   post-only at our own side's best price, for at most `rest_s`, then cross
    cross     immediate-or-cancel through the spread, collar of the ladder's first rung
    urgent    immediate-or-cancel; each attempt that does not complete widens the collar by a rung

The collar is measured from the mark, so a thin or manipulated book cannot pull the limit away with
it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.orders import TimeInForce
from bot.domain.quotes import Quote


@dataclass(frozen=True, slots=True)
class TacticRules:
    """Collars in basis points of the mark; resting time and order validity in seconds."""

    ladder_bps: tuple[float, ...] = (3.0, 10.0, 30.0, 50.0, 100.0)
    rest_s: float = 8.0
    reprice_bps: float = 3.0
    valid_s: float = 2.0
    passive: bool = True


@dataclass(frozen=True, slots=True)
class Pricing:
    """A limit price (float, before rounding) and how it stands."""

    limit: float
    time_in_force: TimeInForce
    post_only: bool


def price_hedge(
    rules: TacticRules, quote: Quote, *, buy: bool, passive: bool, attempt: int, widest_bps: float
) -> Pricing:
    """Return how to price a hedge: `attempt` counts the incomplete crossing orders in a row."""
    if passive and rules.passive:
        return Pricing(quote.bid if buy else quote.ask, TimeInForce.GTC, post_only=True)
    rung = rules.ladder_bps[min(attempt, len(rules.ladder_bps) - 1)]
    side = 1.0 if buy else -1.0
    limit = quote.mark * (1.0 + side * min(rung, widest_bps) * 1e-4)
    # A spread wider than the rung is still crossed, up to the widest collar: half a fill is worse
    # than none.
    touch, furthest = (
        (quote.ask if buy else quote.bid),
        quote.mark * (1.0 + side * widest_bps * 1e-4),
    )
    if side * (touch - limit) > 0.0:
        limit = touch if side * (furthest - touch) > 0.0 else furthest
    return Pricing(limit, TimeInForce.IOC, post_only=False)


def price_option(bid: float, ask: float, *, buy: bool) -> Pricing:
    """Return the price of an option leg: the opposite side as displayed, immediate-or-cancel."""
    return Pricing(ask if buy else bid, TimeInForce.IOC, post_only=False)


def should_reprice(rules: TacticRules, resting: float, quote: Quote, *, buy: bool) -> bool:
    """Tell whether a resting order has been left behind by the market."""
    best = quote.bid if buy else quote.ask
    away_bps = (best / resting - 1.0) * 1e4 * (1.0 if buy else -1.0)
    return away_bps > rules.reprice_bps
