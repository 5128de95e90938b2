"""How a hedge is worked, as a state machine without memory of its own; never a market order.

    rest       post-only at our own side's best price while delta can wait, moved after the market
               when that leaves it behind, but not far: a market that runs is crossed
    cross      immediate-or-cancel through the spread within the ladder's first collar; each attempt
               that does not complete widens the collar by a rung

`price_hedge` and `stays` look at how far a hedge has come (`Progress`) and at what is true now
(`Sight`), and say how its next order is priced and whether the one that rests stays. How long delta
can wait decides: a hedge rests for as long as that, at most `most_rest_s`, and not at all below
`least_rest_s`. Its size is always what the newest exposure asks for.

Collars are measured from the mark, so a thin or manipulated book cannot pull the limit away with
it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bot.domain.orders import TimeInForce
from bot.domain.quotes import Quote
from bot.domain.units import seconds_between


@dataclass(frozen=True, slots=True)
class TacticRules:
    """Collars in basis points of the mark; times in seconds.

    A resting order is moved when the market has left it by `reprice_bps`, at most `most_posts`
    orders a hedge. A market that has done so within `reprice_s`, or that is `chase_bps` beyond the
    hedge's first price, runs: the hedge crosses.
    """

    ladder_bps: tuple[float, ...] = (3.0, 10.0, 30.0, 50.0, 100.0)
    passive: bool = True
    least_rest_s: float = 10.0
    most_rest_s: float = 60.0
    reprice_bps: float = 3.0
    reprice_s: float = 3.0
    chase_bps: float = 10.0
    most_posts: int = 12
    valid_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What is true now.

    `buy` is the side that the newest exposure asks for, `patience_s` for how long delta can wait,
    `widest_bps` the widest collar. `spare` tells that the order budget has orders left for prices
    that are merely better.
    """

    now_ns: int
    quote: Quote
    buy: bool
    patience_s: float
    widest_bps: float
    spare: bool = True


@dataclass(frozen=True, slots=True)
class Pricing:
    """A limit price (float, before rounding) and how it stands."""

    limit: float
    time_in_force: TimeInForce
    post_only: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one hedge has come.

    `rung` counts the crossing orders in a row that were not completed, `posts` the orders that have
    rested: the first since `rests_ns` at the price `began`, the newest since `posted_ns` at
    `posted`. `crossed` tells that an order has taken: what began to cross does not rest again.
    """

    rung: int = 0
    posts: int = 0
    rests_ns: int = 0
    began: float = math.nan
    posted_ns: int = 0
    posted: float = math.nan
    crossed: bool = False

    def after(self, sent: Pricing, now_ns: int) -> Progress:
        """Return what is remembered of an order that was sent."""
        if sent.time_in_force is TimeInForce.IOC:
            return replace(self, crossed=True)
        price = sent.limit
        newest = replace(self, posts=self.posts + 1, posted_ns=now_ns, posted=price)
        return newest if self.posts else replace(newest, rests_ns=now_ns, began=price)


def price_hedge(rules: TacticRules, progress: Progress, now: Sight) -> Pricing:
    """Return how a hedge's next order is priced: where it rests, or as far as it crosses."""
    if _may_rest(rules, progress, now):
        best = now.quote.bid if now.buy else now.quote.ask
        return Pricing(best, TimeInForce.GTC, post_only=True)
    return _crossing(rules, progress.rung, now)


def stays(rules: TacticRules, progress: Progress, now: Sight, resting: float) -> bool:
    """Tell whether a resting order stays where it is."""
    if now.patience_s < rules.least_rest_s or not _has_time(rules, progress, now):
        return False
    if _runs(rules, progress, now):
        return False
    if not now.spare or progress.posts >= rules.most_posts:
        return True
    return _away_bps(now, resting) <= rules.reprice_bps


def _crossing(rules: TacticRules, rung: int, now: Sight) -> Pricing:
    """Return the price of an order that takes."""
    quote, side = now.quote, 1.0 if now.buy else -1.0
    collar = rules.ladder_bps[min(rung, len(rules.ladder_bps) - 1)]
    limit = quote.mark * (1.0 + side * min(collar, now.widest_bps) * 1e-4)
    # A spread wider than the rung is still crossed, up to the widest collar: half a fill is worse
    # than none.
    touch = quote.ask if now.buy else quote.bid
    furthest = quote.mark * (1.0 + side * now.widest_bps * 1e-4)
    if side * (touch - limit) > 0.0:
        limit = touch if side * (furthest - touch) > 0.0 else furthest
    return Pricing(limit, TimeInForce.IOC, post_only=False)


def price_option(bid: float, ask: float, *, buy: bool) -> Pricing:
    """Return the price of an option leg: the opposite side as displayed, immediate-or-cancel."""
    return Pricing(ask if buy else bid, TimeInForce.IOC, post_only=False)


def _may_rest(rules: TacticRules, progress: Progress, now: Sight) -> bool:
    """Tell whether the next order may wait for a maker's fill."""
    if not rules.passive or progress.crossed or now.patience_s < rules.least_rest_s:
        return False
    if not progress.posts:
        return True
    follows = progress.posts < rules.most_posts and now.spare
    return follows and _has_time(rules, progress, now) and not _runs(rules, progress, now)


def _has_time(rules: TacticRules, progress: Progress, now: Sight) -> bool:
    rested_s = seconds_between(progress.rests_ns, now.now_ns)
    return rested_s < min(rules.most_rest_s, now.patience_s)


def _runs(rules: TacticRules, progress: Progress, now: Sight) -> bool:
    """Tell whether the market leaves faster or further than a hedge goes after it."""
    fresh = seconds_between(progress.posted_ns, now.now_ns) < rules.reprice_s
    left = _away_bps(now, progress.posted) > rules.reprice_bps
    return (fresh and left) or _away_bps(now, progress.began) > rules.chase_bps


def _away_bps(now: Sight, price: float) -> float:
    """Return how far the best price of our own side has left another behind, basis points."""
    best = now.quote.bid if now.buy else now.quote.ask
    return (best / price - 1.0) * 1e4 * (1.0 if now.buy else -1.0)
