"""What a decision rested on and what it meant, as the journal's record of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bot.book.exposure import Exposure
from bot.desk.floor import Floor
from bot.desk.ticket import Ticket, Want
from bot.domain.reasons import Because, Reason
from bot.domain.records import Decision, TradeNote
from bot.domain.units import seconds_between
from bot.strategy.bands import Band
from bot.strategy.choice import Hedge


@dataclass(frozen=True, slots=True)
class Wish:
    """What a decision wanted, and what became of it; changes in coin and coin per 1 %."""

    kind: str
    reasons: tuple[Because, ...]
    refused: tuple[Because, ...]
    trades: tuple[TradeNote, ...]
    candidates: tuple[TradeNote, ...] = ()
    delta_change: float = 0.0
    gamma_change: float = 0.0
    cost_usd: float = 0.0


def decision_record(
    exposure: Exposure,
    policy: Band,
    owner: Band,
    decision: str,
    wish: Wish,
    snapshot: Mapping[str, float],
) -> Decision:
    """Return the journal's record of a decision on an exposure."""
    return Decision(
        id=decision,
        ts_ns=exposure.ts_ns,
        coin=exposure.coin,
        kind=wish.kind,
        numeraire=str(exposure.numeraire),
        delta_coin=exposure.delta,
        delta_low_coin=exposure.low,
        delta_high_coin=exposure.high,
        delta_after_coin=exposure.delta + wish.delta_change,
        target=owner.target,
        lower=owner.lower,
        upper=owner.upper,
        policy_lower=policy.lower,
        policy_upper=policy.upper,
        gamma_coin_per_pct=exposure.gamma,
        gamma_after_coin_per_pct=exposure.gamma + wish.gamma_change,
        index=exposure.index,
        cost_usd=wish.cost_usd,
        trades=wish.trades,
        candidates=wish.candidates,
        reasons=wish.reasons,
        refused=wish.refused,
        snapshot=snapshot,
    )


def by_model(exposure: Exposure) -> tuple[Because, ...]:
    """Return that legs count by the model because the traded delta's source is silent on them.

    People should see it; it stops nothing.
    """
    if not exposure.by_model:
        return ()
    legs = {"legs": float(exposure.by_model)}
    return (Because(Reason.DELTA_BY_MODEL, str(exposure.kind), legs),)


def snapshot(floor: Floor, coin: str, exposure: Exposure, hedge: Hedge | None) -> dict[str, float]:
    """Return the inputs that a decision rested on: prices, ages in seconds, volatility.

    An age is by the venue's time, a `heard` age by ours, at which the price reached us.
    """
    market = floor.book.coins[coin].market
    chain = market.chain
    seen = {
        "index": exposure.index,
        "vol": exposure.vol,
        "gamma_expiring_coin_per_pct": exposure.gamma_expiring,
    }
    if chain is not None:
        seen["chain_age_s"] = seconds_between(chain.ts_venue_ns, exposure.ts_ns)
        seen["chain_heard_age_s"] = seconds_between(chain.ts_ns, exposure.ts_ns)
    if hedge is not None:
        quote = hedge.quote
        seen |= {
            "bid": quote.bid,
            "ask": quote.ask,
            "mark": quote.mark,
            "quote_age_s": seconds_between(quote.ts_venue_ns, exposure.ts_ns),
            "quote_heard_age_s": seconds_between(quote.ts_ns, exposure.ts_ns),
        }
        if math.isfinite(hedge.next_usd):
            costs = {"all_in_usd_per_coin": hedge.cost.all_in}
            seen |= costs | {"next_usd_per_coin": hedge.next_usd}
    return seen


def hedge_record(
    floor: Floor,
    exposure: Exposure,
    owner: Band,
    wanted: Want,
    decision: str,
    ticket: Ticket | None = None,
    limit: float = math.nan,
    refused: tuple[Because, ...] = (),
) -> Decision:
    """Return the record of a delta decision: its order at a limit, or why there is none."""
    trades: tuple[TradeNote, ...] = ()
    change, cost = 0.0, 0.0
    if ticket is not None:
        sent, change, cost = ticket.allowed, ticket.allowed.delta_coin, ticket.cost_usd
        unit = str(sent.instrument.unit)
        trades = (TradeNote(sent.instrument.name, sent.quantity, unit, limit, cost),)
    wish = Wish(
        kind=wanted.plan.purpose,
        reasons=wanted.plan.reasons,
        refused=refused,
        trades=trades,
        delta_change=change,
        cost_usd=cost,
    )
    seen = snapshot(floor, exposure.coin, exposure, wanted.hedge)
    return decision_record(exposure, wanted.plan.policy, owner, decision, wish, seen)
