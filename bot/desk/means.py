"""What an option plan may use up now: the hedge's room, money, the day's turnover, time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.book.exposure import Exposure
from bot.book.margin import STANDARD, required
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.situation import futures_position, hedge_rooms
from bot.domain.positions import Balance
from bot.strategy.candidates import Candidate
from bot.strategy.choice import Hedge
from bot.strategy.options.churn import HORIZON_S, Traded, held_too_short
from bot.strategy.options.problem import Means, Purse, carry_edge
from bot.strategy.options.rows import GammaNeed


def means_of(
    floor: Floor,
    rules: DeskRules,
    exposure: Exposure,
    hedge: Hedge | None,
    need: GammaNeed,
    candidates: tuple[Candidate, ...],
    held: Mapping[str, float],
    traded: Mapping[str, Traded],
) -> Means:
    """Return what a plan may use up.

    A plan that is only proposed is not cut to the day's money: the owner decides.
    """
    coin, now_ns, policy = rules.coin, exposure.ts_ns, rules.gamma
    day = floor.day(coin, now_ns)
    auto = policy.action == "auto"
    sold, bought = _hedge_rooms(floor, rules, exposure, hedge)
    order_usd = rules.limits.order_usd
    return Means(
        hedge_usd=0.0 if hedge is None else hedge.cost_usd_per_coin,
        away_coin=exposure.delta - rules.delta.owner.target,
        hedge_sold=sold,
        hedge_bought=bought,
        order_coin=math.inf if order_usd is None else order_usd / exposure.index,
        budget_usd=policy.budget_usd_per_day - day.gamma_usd if auto else math.inf,
        turnover_coin=policy.turnover_coin - day.gamma_coin if auto else math.inf,
        barred=held_too_short(traded, need, candidates, now_ns, policy.min_hold_s),
        purses=_purses(floor, rules, candidates, held, exposure.index),
        edge_usd=_edges(policy.model_vol, candidates),
    )


def _edges(model_vol: float | None, candidates: tuple[Candidate, ...]) -> dict[str, float]:
    """Return each option's edge over the time that a plan's worth is measured over, USD a coin."""
    if model_vol is None:
        return {}
    return {one.name: carry_edge(one, model_vol, HORIZON_S) for one in candidates}


def _hedge_rooms(
    floor: Floor, rules: DeskRules, exposure: Exposure, hedge: Hedge | None
) -> tuple[float, float]:
    """Return how many coins of the hedge may be sold and bought: funds, and the owner's cap."""
    if hedge is None:
        return math.inf, math.inf
    balance = floor.book.holdings.balances.get(hedge.instrument.currency)
    bought, sold = hedge_rooms(floor, hedge.instrument, balance, exposure.index)
    cap = rules.limits.position_coin
    if cap is not None:
        low, high = futures_position(floor, exposure)
        bought, sold = min(bought, max(cap - high, 0.0)), min(sold, max(cap + low, 0.0))
    return sold, bought


def _purses(
    floor: Floor,
    rules: DeskRules,
    candidates: tuple[Candidate, ...],
    held: Mapping[str, float],
    index: float,
) -> tuple[Purse, ...]:
    """Return free funds by currency under standard margin, where what an order takes is known.

    A bought coin takes its premium, of which the owner's share may be bound as margin; closing a
    short one frees its own. Under portfolio margin only the venue can say.
    """
    takes: dict[str, dict[str, float]] = {}
    balances: dict[str, Balance] = {}
    share = rules.limits.initial_share
    for one in candidates:
        instrument = floor.book.instruments[one.name]
        balance = floor.book.holdings.balances.get(instrument.currency)
        if balance is None or balance.model not in STANDARD:
            continue
        owned = held.get(one.name, 0.0)
        freed = required(instrument, owned, one.mark, index).initial / abs(owned) if owned else 0.0
        mine = takes.setdefault(instrument.currency, {})
        mine[one.name] = share * one.ask - freed
        balances[instrument.currency] = balance
    return tuple(
        Purse(currency, share * b.funds - b.initial_margin, takes[currency])
        for currency, b in sorted(balances.items())
    )
