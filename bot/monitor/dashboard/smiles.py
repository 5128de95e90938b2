"""The smile of each expiry that the bot showed quotes of: bids and asks as volatilities, and a fit.

Volatilities are per square root of calendar years. The fit is `greeks.surface`'s: raw SVI slices
without butterflies, begun from the last ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from greeks import surface
from greeks.surface import smile, svi
from greeks.surface.surface import Surface, Verdict

NODES: Final = 61
WIDER: Final = 0.02


def smiles(
    quotes: Mapping[str, Any], before: Surface | None
) -> tuple[dict[str, Any] | None, Surface | None]:
    """Return the smiles of one coin's quotes as its bot showed them, and the surface behind them.

    `quotes` holds the moment and by expiry (ns) the forward and columns of strikes, sides and
    volatilities; None where no option is quoted.
    """
    now_s = quotes["ts_ns"] / NS_PER_S
    listed = [one for one in quotes["expiries"] if one["expiry_ns"] / NS_PER_S > now_s]
    if not any(one["strike"] for one in listed):
        return None, before
    table = {
        name: np.concatenate([_column(one, name) for one in listed])
        for name in ("strike", "call", "bid", "ask", "vol", "forward")
    }
    counts = [len(one["strike"]) for one in listed]
    expiry_s = np.repeat([one["expiry_ns"] / NS_PER_S for one in listed], counts)
    years = (expiry_s - now_s) / SECONDS_PER_YEAR
    quoted = surface.quoted.volatilities(
        table["call"], table["bid"], table["ask"], table["forward"], table["strike"], years,
        in_coin=bool(quotes["inverse"]),
    )  # fmt: skip
    k = np.log(table["strike"] / table["forward"])
    chain = surface.Chain(expiry_s, k, quoted, table["vol"])
    fitted = surface.fit(chain, now_s, before)
    shown = []
    for one in listed:
        mine = expiry_s == one["expiry_ns"] / NS_PER_S
        if not mine.any():
            continue
        sides = {"bid": quoted.bid[mine], "ask": quoted.ask[mine], "mark": table["vol"][mine]}
        shown.append(
            {
                "expiry": one["expiry_ns"] // 1_000_000,
                "held": one["held"],
                "forward": one["forward"],
                "strike": table["strike"][mine],
                **{name: np.round(side * 100.0, 3) for name, side in sides.items()},
                **_curve(fitted, one, k[mine], now_s),
            }
        )
    return {"t": quotes["ts_ns"] // 1_000_000, "expiries": shown}, fitted


def _column(one: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  an array
    values = one[name] if name != "forward" else [one["forward"]] * len(one["strike"])
    return np.array([np.nan if x is None else x for x in values], dtype=np.float64)


def _curve(fitted: Surface, one: Mapping[str, Any], k: Any, now_s: float) -> dict[str, Any]:  # noqa: ANN401
    """Return the fitted smile of an expiry where it was quoted, and how well it fits."""
    expiry_s = one["expiry_ns"] / NS_PER_S
    (rows,) = np.nonzero(fitted.expiry_s == expiry_s)
    if not rows.size or not np.isfinite(fitted.a[rows[0]]):
        word = Verdict(int(fitted.verdict[rows[0]])).name.lower() if rows.size else "few"
        return {"fit": None, "verdict": word}
    row = int(rows[0])
    years = (expiry_s - now_s) / SECONDS_PER_YEAR
    nodes = np.linspace(float(k.min()) - WIDER, float(k.max()) + WIDER, NODES)
    slices = fitted.slices(now_s)
    mine = svi.Svi(*(np.asarray(part)[row] for part in slices))
    shape = svi.shape(mine, nodes)
    middle = svi.shape(mine, np.zeros(1))
    skew = smile.skew(middle, years)[0]
    return {
        "fit": {
            "strike": np.round(np.exp(nodes) * one["forward"], 2),
            "vol": np.round(smile.volatility(shape, years) * 100.0, 3),
        },
        "atm": round(float(smile.volatility(middle, years)[0]) * 100.0, 3),
        "skew": round(float(skew) * 10.0, 3),  # points per 10 % of log-moneyness
        "error": round(float(fitted.error[row]) * 100.0, 4),
        "inside": round(float(fitted.inside[row]) * 100.0, 1),
        "quotes": int(fitted.quotes[row]),
        "age": round(now_s - float(fitted.fitted_s[row]), 1),
        "verdict": Verdict(int(fitted.verdict[row])).name.lower(),
    }
