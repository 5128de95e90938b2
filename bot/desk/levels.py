"""The policy's band in force on one underlying: what it is chosen on, and when it changes.

Conditions are looked at every few seconds, and at once when the book has changed size or the
calendar has turned. A width that comes out within a tenth of the one in force leaves it there: a
band that trembles with its inputs would trade for the trembling. Not where funding turns: a band
never leans to the side that pays.
"""

from __future__ import annotations

import math
from dataclasses import replace

from bot.book.exposure import Exposure
from bot.book.shocks import gamma_around
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.domain.units import SECONDS_PER_DAY, SECONDS_PER_YEAR, seconds_between
from bot.strategy.choice import Hedge
from bot.strategy.delta import Levels
from bot.strategy.event_calendar import factor_at
from bot.strategy.policies import Conditions
from bot.strategy.unwind import whole_hedge

LOOK_S = 5.0
STAYS = 0.1
# How far around the price gamma is looked at, in deviations of a day (docs/mathematics.md has why).
NEAR = 0.5


def levels_in_force(
    floor: Floor,
    rules: DeskRules,
    exposure: Exposure,
    hedge: tuple[Hedge, float] | None,
) -> Levels:
    """Return the levels for an exposure; nothing is remembered by asking.

    `hedge` is the instrument and the delta of its smallest order (coin). Without one, what is in
    force stays.
    """
    last = floor.levels.get(rules.coin)
    if last is not None and _stand(last.conditions, rules, exposure, hedge):
        return last
    levels = rules.delta.levels(conditions(floor, rules, exposure, hedge))
    if last is not None and _near(last, levels, rules.delta.owner.target):
        return replace(levels, band=last.band, share=last.share)
    return levels


def conditions(
    floor: Floor, rules: DeskRules, exposure: Exposure, hedge: tuple[Hedge, float] | None
) -> Conditions:
    """Return what is true now, as far as a width depends on it."""
    coin, now_ns = rules.coin, exposure.ts_ns
    realised = floor.book.coins[coin].market.realised
    vol = exposure.vol if math.isnan(realised.vol) else realised.vol
    day = exposure.vol / math.sqrt(SECONDS_PER_YEAR / SECONDS_PER_DAY)
    cost, smallest = (math.nan, 0.0)
    if hedge is not None:
        cost, smallest = hedge[0].cost_usd_per_coin, hedge[1]
    return Conditions(
        ts_ns=now_ns,
        index=exposure.index,
        gamma=gamma_around(floor.book, coin, now_ns, exposure.gamma_total, NEAR * day),
        vol=vol,
        gross_coin=exposure.gross_option_coin,
        cost_usd_per_coin=cost,
        smallest_coin=smallest,
        look_s=rules.cycle_s,
        funding=floor.book.coins[coin].funding_a_year,
        factor=factor_at(rules.events, now_ns),
        step_coin=whole_hedge(rules.unwind, exposure) / rules.unwind.steps,
        stretch=realised.stretch if exposure.gamma_total > 0.0 else 0.0,
        vega_usd=exposure.vega_usd,
        swing=realised.swing,
        vol_day=realised.vol_day,
    )


def _stand(
    was: Conditions, rules: DeskRules, exposure: Exposure, hedge: tuple[Hedge, float] | None
) -> bool:
    """Tell whether conditions need no new look."""
    if hedge is None or not math.isfinite(was.cost_usd_per_coin):
        return hedge is None
    same = was.gross_coin == exposure.gross_option_coin
    same = same and (was.step_coin > 0.0) == (exposure.window_left_s > 0.0)
    same = same and was.factor == factor_at(rules.events, exposure.ts_ns)
    return same and seconds_between(was.ts_ns, exposure.ts_ns) < LOOK_S


def _near(one: Levels, other: Levels, target: float) -> bool:
    """Tell whether two bands are the same but for trembling, and hedges end alike."""
    if (one.band.target - target) * (other.band.target - target) < 0.0:
        return False
    was, now = one.conditions, other.conditions
    if (was.gross_coin, was.factor) != (now.gross_coin, now.factor):
        return False
    half = 0.5 * (one.band.upper - one.band.lower)
    apart = max(
        abs(one.band.lower - other.band.lower),
        abs(one.band.upper - other.band.upper),
        abs(one.band.target - other.band.target),
        abs(one.share - other.share) * half,
    )
    return apart <= STAYS * half
