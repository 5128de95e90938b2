"""An underlying's figures at one moment, complete with shocks and tenors, as a record."""

from __future__ import annotations

import math

from bot.book.basis import basis_by_expiry, figures
from bot.book.measure import measure
from bot.book.shocks import shocks, vega_by_tenor
from bot.desk.explain import by_model
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.shadow import Shadow
from bot.domain.records import SHADOW, ExposureSample


def sample(
    floor: Floor, rules: DeskRules, now_ns: int, shadow: Shadow | None = None
) -> ExposureSample:
    """Return the exposure sample of one underlying, with its shadow's figures among the shocks."""
    coin, owner = rules.coin, rules.delta.owner
    exposure = measure(floor.book, coin, now_ns, floor.orders.pending(coin))
    notices = tuple(floor.notices[c] for c in (coin,) if c in floor.notices)
    balance = floor.book.holdings.balances.get(coin)
    equity = 0.0 if balance is None else balance.equity * exposure.index
    # Without an index nothing was measured: no figure is better than one that looks flat.
    shocked = shocks(floor.book, coin, now_ns).figures()
    if shadow is not None:
        seen = shadow.figures(floor, now_ns).items()
        shocked |= {f"{SHADOW}_{name}": value for name, value in seen}
    known = 1.0 if math.isfinite(exposure.index) else math.nan
    return ExposureSample(
        ts_ns=now_ns,
        coin=coin,
        numeraire=str(exposure.numeraire),
        state=floor.machine.at(coin),
        index=exposure.index,
        delta_coin=exposure.delta * known,
        delta_low_coin=exposure.low,
        delta_high_coin=exposure.high,
        target=owner.target,
        lower=owner.lower,
        upper=owner.upper,
        gamma_coin_per_pct=exposure.gamma * known,
        gamma_expiring_coin_per_pct=exposure.gamma_expiring * known,
        vega_usd=exposure.vega_usd * known,
        theta_usd_day=exposure.theta_usd_day * known,
        equity_usd=equity,
        unknown_orders=len(floor.orders.unknown(coin)),
        shocks=shocked | figures(basis_by_expiry(floor.book, coin, now_ns)),
        vega_by_tenor_usd=vega_by_tenor(floor.book, coin, now_ns),
        doubts=exposure.doubts + by_model(exposure) + notices,
    )
