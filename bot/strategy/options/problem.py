"""From options on offer to a program: what may be traded, up to which size, and what money allows.

Long options are bought from anything liquid of the allowed tenors and deltas; sold is only what is
held long, and what expires within 24 hours is only closed, so that nobody buys pin risk by
accident. Against a shocked loss a wing may have any delta. A spread that is too wide to open on may
still do to close on: closing frees risk. The program's order does not depend on the chain's.

Theta is not charged: bought gamma always carries it. What may be charged is an edge, the carry that
an owner's own volatility sees in an option beyond its market's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Final

from bot.domain.programs import Offer, Program, Row
from bot.domain.units import SECONDS_PER_DAY
from bot.strategy.candidates import Candidate
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.figures import CLOSING
from bot.strategy.options.rows import GammaNeed

# A holding may be closed on a spread this many times as wide as one that is opened on.
CLOSING_SPREADS: Final = 3.0
# Below this a difference of floats is none.
DUST: Final = 1e-12
# Of more offers than this only those are searched that do most for each passed limit per dollar.
MOST_OFFERS: Final = 200
# However good an edge looks: a trade costs at least this part of its spread and fee.
LEAST_COST: Final = 0.1

# What a bought or sold (±1) coin of a candidate uses up.
Spent = Callable[[Candidate, int], float]


@dataclass(frozen=True, slots=True)
class Purse:
    """Free funds of a settlement currency, and what buying a coin of each option takes of them."""

    currency: str
    left: float
    takes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Means:
    """What a plan may use up.

    `hedge_usd` is the cost of a coin of the delta hedge, `away_coin` delta less its target: what a
    plan brings against it is free. The hedge has room for `hedge_sold` and `hedge_bought` coins, a
    leg for `order_coin`. `barred` are sides (name, ±1) that may not be taken. `edge_usd` is what a
    bought coin earns beyond its theta by its owner's own volatility.
    """

    hedge_usd: float = 0.0
    away_coin: float = 0.0
    hedge_sold: float = math.inf
    hedge_bought: float = math.inf
    order_coin: float = math.inf
    budget_usd: float = math.inf
    turnover_coin: float = math.inf
    barred: frozenset[tuple[str, int]] = frozenset()
    purses: tuple[Purse, ...] = ()
    edge_usd: Mapping[str, float] = field(default_factory=dict)


def carry_edge(candidate: Candidate, model_vol: float, horizon_s: float) -> float:
    """Return what a bought coin earns over a horizon if the price realises a model's volatility m.

    Delta-hedged, USD: half gamma gains m² where theta pays for the option's own v², so that it
    comes to -theta (m²/v² - 1), in either numeraire; for no longer than the option lives (P. Carr
    and D. Madan, Towards a theory of volatility trading, 1998).
    """
    days = min(horizon_s / SECONDS_PER_DAY, candidate.days)
    return candidate.theta_usd_day * (1.0 - (model_vol / candidate.vol) ** 2) * days


def problem(
    coin: str,
    ts_ns: int,
    need: GammaNeed,
    candidates: tuple[Candidate, ...],
    held: Mapping[str, float],
    policy: GammaPolicy,
    means: Means,
) -> Program:
    """Return the program of a need; `held` maps option names to signed coins."""
    limits, spends = [limit.row for limit in need.limits], _spends(means)
    rows = (*limits, *(row for row, _ in spends))
    offers = []
    for candidate in candidates:
        for side, coins in sides(candidate, need, held, policy, means):
            brings = [side * limit.effect(candidate) for limit in need.limits]
            brings += [spent(candidate, side) for _, spent in spends]
            one = _offer(candidate, side, coins, brings, held, means)
            if one is not None:
                offers.append(one)
    return Program(
        coin=coin,
        ts_ns=ts_ns,
        rows=rows,
        offers=tuple(sorted(_searched(offers, rows), key=_rank)),
        max_legs=policy.max_legs,
        ticket_usd=policy.ticket_usd,
        hedge_usd=means.hedge_usd,
        free=(min(-means.away_coin, 0.0), max(-means.away_coin, 0.0)),
        hedge_sold=means.hedge_sold,
        hedge_bought=means.hedge_bought,
        held=tuple(sorted((name, size) for name, size in held.items() if size)),
    )


def sides(
    candidate: Candidate,
    need: GammaNeed,
    held: Mapping[str, float],
    policy: GammaPolicy,
    means: Means,
) -> Iterator[tuple[int, float]]:
    """Yield the sides that may be taken of a candidate, with how many coins."""
    for side in (1, -1):
        coins, _ = room(candidate, side, need, held, policy)
        if coins > 0.0 and (candidate.name, side) not in means.barred:
            yield side, min(coins, means.order_coin)


def room(
    candidate: Candidate, side: int, need: GammaNeed, held: Mapping[str, float], policy: GammaPolicy
) -> tuple[float, float]:
    """Return how many coins may be traded on a side, and at what distance from the mark.

    The distance is in the option's own unit. Where a holding is closed it is that and no more: what
    goes beyond opens a new one, which costs more (see `figures`).
    """
    shown = candidate.ask_size if side > 0 else candidate.bid_size
    owned = held.get(candidate.name, 0.0)
    closes = owned * side < 0.0
    shown = min(shown, abs(owned)) if closes else shown
    away = side * ((candidate.ask if side > 0 else candidate.bid) - candidate.mark)
    opening = policy.max_spread_vol
    fresh = side > 0 and _fresh(candidate, need, policy)
    if fresh and away <= candidate.tolerance(opening) + DUST:
        return shown, candidate.tolerance(opening)
    closing = CLOSING_SPREADS * opening
    fits = candidate.spread_vol <= closing and away <= candidate.tolerance(closing) + DUST
    if fits and closes:
        return shown, candidate.tolerance(closing)
    return 0.0, 0.0


def _fresh(c: Candidate, need: GammaNeed, policy: GammaPolicy) -> bool:
    """Tell whether an option may be bought beyond what closes a holding."""
    wing = any(limit.effect(c) > 0.0 for limit in need.losses)
    return (
        not c.expiring
        and policy.min_days <= c.days <= policy.max_days
        and (wing or policy.min_abs_delta <= abs(c.delta) <= policy.max_abs_delta)
        and c.spread_vol <= policy.max_spread_vol
    )


def _offer(
    c: Candidate,
    side: int,
    coins: float,
    brings: list[float],
    held: Mapping[str, float],
    means: Means,
) -> Offer | None:
    """Return a side as an offer in lots; None where it has no room for the smallest order."""
    least = max(math.ceil(c.min_quantity / c.lot - 1e-9), 1)
    most = math.floor(coins / c.lot + 1e-9)
    if most < least:
        return None
    closes = held.get(c.name, 0.0) * side < 0.0
    edge = side * means.edge_usd.get(c.name, 0.0)
    # The price of what opens stands for a round trip, twice as much, in which an edge is had once.
    cost = max(c.cost_usd - edge * (1.0 if closes else CLOSING), LEAST_COST * c.cost_usd)
    return Offer(
        name=c.name,
        side=side,
        lot=c.lot,
        least=least,
        most=most,
        cost_usd=c.lot * cost,
        delta=side * c.lot * c.delta,
        brings=tuple(c.lot * change for change in brings),
        closes=closes,
    )


def _spends(means: Means) -> list[tuple[Row, Spent]]:
    """Return what is used up as rows that may not rise above what is left.

    What a sale would bring is not counted: the other leg may be the only one that is filled.
    """
    found: list[tuple[Row, Spent]] = []
    if math.isfinite(means.budget_usd):
        found.append((_left("budget", means.budget_usd), lambda c, _: c.cost_usd))
    if math.isfinite(means.turnover_coin):
        found.append((_left("turnover", means.turnover_coin), lambda _, __: 1.0))
    found += [
        (_left(f"funds_{purse.currency}", purse.left), partial(_taken, purse))
        for purse in means.purses
        if math.isfinite(purse.left)
    ]
    return found


def _left(name: str, left: float) -> Row:
    left = max(left, 0.0)
    return Row(name, 0.0, upper=left, scale=left if left > DUST else 1.0)


def _taken(purse: Purse, candidate: Candidate, side: int) -> float:
    return max(purse.takes.get(candidate.name, 0.0), 0.0) if side > 0 else 0.0


def _searched(offers: list[Offer], rows: tuple[Row, ...]) -> list[Offer]:
    """Return the offers that are worth a search: what closes, and what does most for each need."""
    if len(offers) <= MOST_OFFERS:
        return offers
    rankings = [
        sorted(
            (one for one in offers if one.brings[i] * (row.aim - row.now) > 0.0),
            key=partial(_per_dollar, i),
        )
        for i, row in enumerate(rows)
        if row.aim is not None
    ]
    kept = {(one.name, one.side): one for one in sorted(offers, key=_rank) if one.closes}
    for turn in zip_longest(*rankings):
        for one in turn:
            if one is not None and len(kept) < MOST_OFFERS:
                kept[one.name, one.side] = one
    return list(kept.values())


def _per_dollar(row: int, offer: Offer) -> tuple[object, ...]:
    return (offer.cost_usd / abs(offer.brings[row]), *_rank(offer))


def _rank(offer: Offer) -> tuple[object, ...]:
    """Return what orders offers by their figures: names, which say nothing, come last."""
    return (
        -offer.side, not offer.closes, offer.cost_usd, offer.brings, offer.delta, offer.lot,
        offer.most, offer.least, offer.name,
    )  # fmt: skip
