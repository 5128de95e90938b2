"""The same estimators on the recording and on a generated market, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.lab.calibrate import prices, smiles, spreads
from bot.lab.calibrate.observed import Observed

TENORS_SHOWN: Final = ((1.0, 3.0), (5.0, 14.0), (25.0, 45.0), (90.0, 200.0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One property of a market: recorded, and of the model by the same estimator."""

    name: str
    recorded: float
    model: float


def compare(recorded: Observed, model: Observed) -> tuple[Comparison, ...]:
    """Return every property of both markets."""
    left, right = properties(recorded), properties(model)
    return tuple(Comparison(name, value, right[name]) for name, value in left.items())


def properties(seen: Observed) -> dict[str, float]:
    """Return a market's properties by name; volatilities are 1.00 = 100 %, times are years."""
    return {**_volatility(seen), **_prices(seen), **_smile(seen), **_quotes(seen)}


def _volatility(seen: Observed) -> dict[str, float]:
    times, curves = smiles.term_structure(smiles.slices(seen))
    moved, _ = smiles.tenor_moves(np.diff(curves, axis=0), np.diff(times) / 365.0)
    level = np.exp(np.ma.masked_invalid(curves).mean(axis=0).filled(np.nan))
    everything, robust = smiles.month_vol_of_vol(times, curves)
    hourly, hourly_robust = prices.log_vol_deviation(seen.month_vol, 1)
    days = smiles.TENORS
    return {
        **{f"level {d:.0f} d": float(v) for d, v in zip(days, level, strict=True)},
        "vol of vol 30 d, 6 h steps": everything,
        "vol of vol 30 d, robust": robust,
        "vol of vol, hourly": hourly,
        "vol of vol, hourly robust": hourly_robust,
        **{
            f"move over 30 d's, {d:.0f} d": float(v / moved[smiles.MONTH])
            for d, v in zip(days, moved, strict=True)
        },
    }


def _prices(seen: Observed) -> dict[str, float]:
    bitcoin, ether = seen.minutes
    returns = np.diff(bitcoin)
    return {
        "realised / implied, hourly": prices.hourly_realised(seen.hour_price)
        / float(seen.hour_vol.mean()),
        "price-vol correlation, hourly": prices.lean(seen.hour_price, seen.hour_vol),
        "minute volatility BTC": prices.minute_volatility(bitcoin),
        "minute volatility ETH": prices.minute_volatility(ether),
        "minute correlation": float(np.corrcoef(returns, np.diff(ether))[0, 1]),
        "minute kurtosis": float(np.mean(returns**4) / np.mean(returns**2) ** 2),
        "minutes beyond 6 deviations, a day": prices.outliers_per_day(bitcoin),
        "jump share of variance": prices.jump_share(bitcoin),
        "quarter-hour activity, log sd": prices.activity_deviation(bitcoin),
    }


def _smile(seen: Observed) -> dict[str, float]:
    found = smiles.slices(seen)
    figures = {}
    for low, high in TENORS_SHOWN:
        part = found.between(low, high)
        name = f"{low:.0f}-{high:.0f} d"
        figures[f"skew {name}"] = float(np.median(part.skew))
        figures[f"skew sd {name}"] = float(part.skew.std())
        figures[f"curvature {name}"] = float(np.median(part.curvature))
        figures[f"carry {name}, a year"] = float(np.median(part.rate))
    figures["perpetual basis, bp"] = 1e4 * float(seen.basis.mean())
    figures["perpetual basis sd, bp"] = 1e4 * float(seen.basis.std())
    return figures


def _quotes(seen: Observed) -> dict[str, float]:
    rows, no_bid, no_ask = spreads.rows(seen)
    _, points = spreads.by_tenor(rows)
    low, high = spreads.BUCKETS[:-1], spreads.BUCKETS[1:]
    names = [f"spread {a:g}-{b:g} d, points" for a, b in zip(low, high, strict=True)]
    return {
        **{name: float(value) for name, value in zip(names, points, strict=True)},
        "options without bid": no_bid,
        "options without ask": no_ask,
    }
