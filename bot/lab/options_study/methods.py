"""How short gamma is bought back: the nearest option, and our optimiser with more and more habits.

Everybody has the same limit, the same bucket, the same quotes, and sees gamma beyond 24 hours. The
band is from the limit up to zero: more gamma than that is sold again.

    nearest      the at-the-money option of the bucket's middle expiry, bought up to the limit at
                 every look; sold what was bought first; sold what has less than 24 hours. What is
                 quoted wider than the desk allows is not bought either
    selection    the optimiser chooses the option; all else as the nearest, own options left alone
    netting      and may close own short options of the bucket and sell own long ones, and counts
                 the delta that it brings as free where it nets what is traded anyhow
    hysteresis   and corrects to the inner band, keeps the minimum holding time, asks what a plan is
                 worth, and leaves to expire what no limit asks to be sold: what the desk does
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from bot.book.exposure import Exposure
from bot.lab.options_study.market import Bucket, Market, policy_of
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import Candidate
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.churn import Traded, benefit_usd, held_too_short, revealed
from bot.strategy.options.plan import GammaPlan, plan_of
from bot.strategy.options.problem import Means, problem
from bot.strategy.options.rows import gamma_need
from bot.strategy.options.solve import first_plan

HEDGE_COST: Final = 5e-4
"""Of the perpetual's notional."""

EXPIRING_DAYS: Final = 1.0
ORDER: Final = 2.0
"""A leg is at most this many times the book's gross coins."""

DELTA_BAND: Final = 0.02
"""Half the delta band that reveals an aversion, as a share of the book's gross coins."""

DUST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Sight:
    """What a method sees at a look.

    `exposure` is of everything held, with `away` the delta (coin) that is to be hedged anyhow;
    `limit` the most negative gamma (coin per 1 %, positive); `base` and `held` map options to the
    signed coins of the book and of what was traded for gamma.
    """

    market: Market
    look: int
    bucket: Bucket
    limit: float
    exposure: Exposure
    away: float
    base: Mapping[str, float]
    held: Mapping[str, float]
    traded: Mapping[str, Traded]


class Trade(NamedTuple):
    """Signed coins of an option."""

    candidate: Candidate
    quantity: float


Method = Callable[[Sight], list[Trade]]


class Habits(NamedTuple):
    """What of the optimiser is used."""

    netting: bool
    hysteresis: bool
    one_expiry: bool = False


def nearest(sight: Sight) -> list[Trade]:
    """Return the trades of who buys the nearest at-the-money option and sells the first bought."""
    trades = list(leaving(sight))
    gamma, lot = sight.exposure.gamma, sight.market.lot
    if gamma < -sight.limit:
        one = at_the_money(sight)
        if one is not None and one.gamma > 0.0:
            lots = math.ceil((-sight.limit - gamma) / (one.gamma * lot) - DUST)
            trades.append(Trade(one, lots * lot))
        return trades
    gone = {trade.candidate.name for trade in trades}
    quoted = sight.market.quoted(sight.look)
    for name, quantity in sight.held.items():
        one = quoted.get(name)
        if gamma <= DUST or one is None or name in gone or quantity <= DUST:
            continue
        lots = math.ceil(min(gamma / one.gamma, quantity) / lot - DUST)
        sold = min(lots * lot, quantity)
        trades.append(Trade(one, -sold))
        gamma -= sold * one.gamma
    return trades


def optimiser(habits: Habits) -> Method:
    """Return the optimiser with these habits."""

    def trades(sight: Sight) -> list[Trade]:
        first = [] if habits.hysteresis else list(leaving(sight))
        return [*first, *_planned(sight, habits, first)]

    return trades


def leaving(sight: Sight) -> Iterator[Trade]:
    """Yield the sale of everything bought that has less than 24 hours left."""
    quoted = sight.market.quoted(sight.look)
    for name, quantity in sight.held.items():
        one = quoted.get(name)
        if one is not None and one.days < EXPIRING_DAYS and quantity > DUST:
            yield Trade(one, -quantity)


def at_the_money(sight: Sight) -> Candidate | None:
    """Return the option whose strike is nearest to its forward; of call and put the cheaper."""
    market, look = sight.market, sight.look
    expiry = middle(sight)
    found = [one for one in _tight(sight) if one.days == expiry]

    def far(one: Candidate) -> tuple[float, float]:
        return abs(market.strike(one.name) - market.forward(look, one.name)), one.cost_usd

    return min(found, key=far, default=None)


def middle(sight: Sight) -> float | None:
    """Return the days to the expiry that lies nearest to the bucket's (geometric) middle."""
    bucket = sight.bucket
    days = {one.days for one in _tight(sight)}
    centre = math.sqrt(bucket.least * bucket.most)
    return min(days, key=lambda one: abs(math.log(one / centre)), default=None)


def _tight(sight: Sight) -> list[Candidate]:
    """Return what is quoted in the bucket and no wider than the desk allows."""
    most = policy_of(sight.bucket).max_spread_vol
    quoted = sight.market.quoted(sight.look).values()
    return [one for one in quoted if sight.bucket.holds(one.days) and one.spread_vol <= most]


def _planned(sight: Sight, habits: Habits, first: list[Trade]) -> list[Trade]:
    """Return what the optimiser wants beside what leaves anyhow."""
    policy = _policy(sight, habits)
    need = gamma_need(sight.exposure, policy)
    if not need.any:
        return []
    offered, held = _offered(sight, habits, {trade.candidate.name for trade in first})
    coin, ts_ns = sight.exposure.coin, sight.exposure.ts_ns
    # What is still short of an option that has left the bucket is no longer bought back.
    barred = frozenset((one.name, 1) for one in offered if not sight.bucket.holds(one.days))
    if habits.hysteresis:
        barred |= held_too_short(sight.traded, need, offered, ts_ns, policy.min_hold_s)
    means = replace(_means(sight, habits, first), barred=barred)
    program = problem(coin, ts_ns, need, offered, held, policy, means)
    plan = plan_of(program, first_plan(program), need, offered, held, policy)
    if habits.hysteresis and not worth(sight.exposure, policy, plan):
        return []
    return [Trade(trade.candidate, trade.quantity) for trade in plan.trades]


def worth(exposure: Exposure, policy: GammaPolicy, plan: GammaPlan) -> bool:
    """Tell whether the desk would send a plan: it is a promise, or worth its round trip."""
    if plan.need.badly(policy.aim_share):
        return True
    half = DELTA_BAND * exposure.gross_option_coin
    gammas = (exposure.gamma_total, policy.band.lower or 0.0, policy.band.upper or 0.0)
    aversion = revealed(max(map(abs, gammas)), exposure.index, plan.hedge_usd, half)
    gamma = sum(trade.gamma for trade in plan.trades)
    benefit = benefit_usd(exposure, gamma, plan.vega_usd, aversion)
    return benefit >= policy.benefit_factor * plan.round_trip_usd


def _policy(sight: Sight, habits: Habits) -> GammaPolicy:
    policy = replace(policy_of(sight.bucket), band=GammaBand(-sight.limit, 0.0))
    return policy if habits.hysteresis else replace(policy, aim_share=1.0)


def _offered(
    sight: Sight, habits: Habits, gone: set[str]
) -> tuple[tuple[Candidate, ...], dict[str, float]]:
    """Return what may be traded, and what is held of it."""
    quoted = sight.market.quoted(sight.look)
    held = {name: size for name, size in sight.held.items() if size > DUST}
    if habits.netting:
        held = dict(sight.held)
        for name, size in sight.base.items():
            held[name] = held.get(name, 0.0) + size
        own = (n for n in sight.base if n in quoted and sight.bucket.holds(quoted[n].days))
        names = {*own, *sight.held}
    else:
        names = set(held)
    offers = {one.name: one for one in sight.market.offers(sight.look, sight.bucket)}
    if habits.one_expiry:
        expiry = middle(sight)
        offers = {name: one for name, one in offers.items() if one.days == expiry}
    if not habits.netting:
        offers = {name: one for name, one in offers.items() if sight.base.get(name, 0.0) >= 0.0}
    offers |= {name: quoted[name] for name in sorted(names) if name in quoted}
    offered = tuple(one for name, one in offers.items() if name not in gone)
    return offered, held


def _means(sight: Sight, habits: Habits, first: list[Trade]) -> Means:
    order = ORDER * sight.exposure.gross_option_coin
    if not habits.netting:
        return Means(order_coin=order)
    away = sight.away + sum(trade.quantity * trade.candidate.delta for trade in first)
    return Means(hedge_usd=HEDGE_COST * sight.exposure.index, away_coin=away, order_coin=order)


def hedge_usd(index: float, coins: float) -> float:
    """Return what a trade of the perpetual costs, USD."""
    return float(HEDGE_COST * index * np.abs(coins))
