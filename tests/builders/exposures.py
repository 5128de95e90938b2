"""Exposures and options on offer, said outright, for what decides on them."""

from collections.abc import Mapping

from bot.book.exposure import Exposure
from bot.book.numeraire import Numeraire
from bot.strategy.candidates import Candidate
from bot.strategy.policies import Conditions
from tests.builders.books import NOW


def exposure(delta: float = 0.0, high: float | None = None, **more: object) -> Exposure:
    """Return an exposure at 60,000: a delta, or with `high` an interval from delta up to it."""
    figures: dict[str, object] = {
        "coin": "BTC",
        "ts_ns": NOW,
        "numeraire": Numeraire.USD,
        "index": 60_000.0,
        "delta": delta,
        "low": delta,
        "high": delta if high is None else high,
        "gamma": 0.0,
        "gamma_expiring": 0.0,
        "vega_usd": 0.0,
        "theta_usd_day": 0.0,
        "vol": 0.6,
    }
    return Exposure(**(figures | more))  # type: ignore[arg-type]


def conditions(cost: float = 30.0, **more: object) -> Conditions:
    """Return conditions of ten coins at 60,000: gamma .1 coin per 1 %, volatility 60 %."""
    figures: dict[str, object] = {
        "index": 60_000.0,
        "gamma": 0.1,
        "vol": 0.6,
        "gross_coin": 10.0,
        "cost_usd_per_coin": cost,
    }
    return Conditions(**(figures | more))  # type: ignore[arg-type]


def candidate(
    name: str,
    *,
    gamma: float = 0.01,
    cost_usd: float = 10.0,
    shocks: Mapping[float, float] | None = None,
    **more: object,
) -> Candidate:
    """Return a liquid option of 30 days that brings `gamma` coin per 1 % for each coin."""
    figures: dict[str, object] = {
        "days": 30.0,
        "expiring": False,
        "delta": 0.5,
        "vega_usd": 60.0,
        "theta_usd_day": -60.0,
        "bid": 0.0245,
        "ask": 0.0255,
        "mark": 0.025,
        "bid_size": 20.0,
        "ask_size": 20.0,
        "lot": 0.1,
        "min_quantity": 0.1,
        "tick": 0.0005,
        "vega_price": 0.1,
        "vol": 0.6,
        "spread_vol": 0.01,
        "shock_delta": {move: 100.0 * move * gamma for move in (-0.02, 0.02)},
    }
    return Candidate(
        name=name,
        gamma=gamma,
        cost_usd=cost_usd,
        shock_pnl_usd=shocks or {},
        **(figures | more),  # type: ignore[arg-type]
    )
