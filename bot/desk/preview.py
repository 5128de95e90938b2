"""What would be done now, why, and what each figure would be afterwards; nothing is sent."""

from __future__ import annotations

from dataclasses import replace

from bot.book.measure import measure
from bot.book.numeraire import future_delta
from bot.desk.delta import DeltaDesk
from bot.desk.floor import Floor
from bot.desk.gamma import GammaDesk
from bot.execution.rounding import quantity_for, to_lots
from bot.strategy.choice import choose_hedge
from bot.strategy.delta import plan_delta


def preview(floor: Floor, delta: DeltaDesk, gamma: GammaDesk, now_ns: int) -> dict[str, object]:
    """Return one underlying's plan in the shape of `deltaband plan --json`."""
    rules, coin = delta.rules, delta.rules.coin
    exposure = measure(floor.book, coin, now_ns, floor.orders.pending(coin))
    wanted = gamma.plan(floor, exposure, now_ns) if rules.gamma.action != "off" else None
    legs = () if wanted is None else wanted.trades
    after = exposure
    if rules.gamma.action == "auto" and legs:
        change = sum(t.quantity * t.candidate.delta for t in legs)
        after = replace(
            exposure,
            delta=exposure.delta + change,
            low=exposure.low + change,
            high=exposure.high + change,
            gamma=exposure.gamma + sum(t.gamma for t in legs if not t.candidate.expiring),
            gamma_expiring=exposure.gamma_expiring
            + sum(t.gamma for t in legs if t.candidate.expiring),
            vega_usd=exposure.vega_usd + sum(t.quantity * t.candidate.vega_usd for t in legs),
            theta_usd_day=exposure.theta_usd_day + sum(t.theta_usd_day for t in legs),
        )
    hedge, missing = choose_hedge(floor.book, coin, now_ns, floor.tier)
    cost = 0.0 if hedge is None else hedge.cost_usd_per_coin
    plan = plan_delta(after, rules.delta, delta.attempts.last, cost)
    trades = [_leg(t.candidate.name, t.quantity, "coin", t.cost_usd, t.gamma) for t in legs]
    if plan.wanted and hedge is not None:
        quote = hedge.quote
        lots = to_lots(
            hedge.instrument,
            quantity_for(hedge.instrument, plan.change, quote.mark, exposure.index),
        )
        moved = future_delta(hedge.instrument, float(lots), quote.mark, exposure.index)
        after = replace(
            after, delta=after.delta + moved, low=after.low + moved, high=after.high + moved
        )
        unit = str(hedge.instrument.unit)
        trades.append(_leg(hedge.instrument.name, float(lots), unit, abs(moved) * cost, 0.0))
    owner, policy = rules.delta.owner, plan.policy
    because = [*(wanted.reasons if wanted else ()), *plan.reasons, *missing, *exposure.doubts]
    return {
        "before": _figures(exposure),
        "after": _figures(after),
        "band_inputs": {
            "target": owner.target,
            "lower": owner.lower,
            "upper": owner.upper,
            "policy_lower": policy.lower,
            "policy_upper": policy.upper,
            "cost_usd_per_coin": cost,
            "gamma_lower": rules.gamma.band.lower,
            "gamma_upper": rules.gamma.band.upper,
            "gamma_action": rules.gamma.action,
        },
        "candidates": [
            {
                "instrument": c.name,
                "cost_usd_per_coin": c.cost_usd,
                "cost_usd_per_gamma": c.cost_per_gamma,
                "gamma_coin_per_pct": c.gamma,
                "theta_usd_day": c.theta_usd_day,
            }
            for c in (wanted.candidates if wanted else ())
        ],
        "trades": trades,
        "cost_usd": sum(float(str(t["cost_usd"])) for t in trades),
        "reasons": [str(b) for b in because],
        "state": str(floor.machine.at(coin)),
    }


def _figures(exposure: object) -> dict[str, float]:
    names = ("delta", "low", "high", "gamma", "gamma_expiring")
    units = {
        "delta": "delta_coin",
        "low": "delta_low_coin",
        "high": "delta_high_coin",
        "gamma": "gamma_coin_per_pct",
        "gamma_expiring": "gamma_expiring_coin_per_pct",
    }
    figures = {units[name]: float(getattr(exposure, name)) for name in names}
    return figures | {n: float(getattr(exposure, n)) for n in ("vega_usd", "theta_usd_day")}


def _leg(name: str, quantity: float, unit: str, cost: float, gamma: float) -> dict[str, object]:
    return {
        "instrument": name,
        "quantity": quantity,
        "unit": unit,
        "cost_usd": cost,
        "gamma_coin_per_pct": gamma,
    }
