"""Bates's model as fitted to recorded chains: markets of the tournament, with date and error.

Fitted were the exchange's marks out of the money, within two deviations, of 5 to 400 days, every
expiry with the same weight, and for BTC the volatility index of the hour before
(`greeks.bates.calibrate`). These are prices of risk, not forecasts: as a market for hedgers they
say how their rules do if the price moves as the chain was priced. In the crash one variance factor
cannot make the term structure, and `at_bounds` names what ended at a bound.
`python -m bot.lab.fitted_page FOLDER` fits again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.units import utc_ns
from bot.lab.lives import NS_PER_DAY
from bot.sim.recorded import CoinRecord, Snapshot
from greeks import bates

DAYS: Final = (5.0, 400.0)
DEVIATIONS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """One fit: when, what came of it, and how good it is (volatility points)."""

    name: str
    coin: str
    ts_ns: int  # the last snapshot by then
    index_vol: float | None  # the exchange's volatility index that was fitted too, 1.00 = 100 %
    model: bates.Bates
    rms: float
    at_bounds: tuple[str, ...] = ()


FITTED: Final = (
    Fitted(
        "btc_calm",
        "BTC",
        utc_ns(2026, 1, 12, 15, 36),
        0.4115,
        bates.Bates(0.094824, 0.257926, 4.12715, 2.38316, -0.282768, 18.9831, -0.001424, 0.051974),
        0.448,
    ),
    Fitted(
        "btc_crash",
        "BTC",
        utc_ns(2026, 2, 5, 15, 52),
        0.6834,
        bates.Bates(1.158125, 0.272734, 60.0, 10.96602, -0.489056, 0.162146, 0.057926, 0.355332),
        1.653,
        ("kappa",),
    ),
    Fitted(
        "eth_calm",
        "ETH",
        utc_ns(2026, 1, 12, 15, 36),
        None,
        bates.Bates(
            0.03484, 0.302159, 16.59092, 15.20094, -0.255312, 128.6154, -0.008483, 0.040922
        ),
        0.428,
    ),
    Fitted(
        "eth_fall",
        "ETH",
        utc_ns(2026, 1, 29, 21, 28),
        None,
        bates.Bates(0.143839, 0.431674, 3.5597, 4.996506, -0.274139, 55.8508, -0.01354, 0.054981),
        0.681,
    ),
)
"""A quiet day and the crash for BTC; for ETH, recorded in January alone, that day and a fall."""


def snapshot(record: CoinRecord, ts_ns: int) -> Snapshot:
    """Return the last snapshot that was begun by a time; raises ValueError where there is none."""
    before = [shot for shot in record.snapshots if shot.ts_ns <= ts_ns]
    if not before:
        raise ValueError(f"expected a snapshot before {np.datetime64(ts_ns, 'ns')}, found none")
    return before[-1]


def fit(record: CoinRecord, shot: Snapshot, index_vol: float | None) -> bates.Calibrated:
    """Return the model of one snapshot's marks.

    Raises ValueError for a chain with too few options (`bates.calibrate`).
    """
    strike, call = record.strike[shot.option], record.is_call[shot.option]
    years = (record.expiry_ns[shot.option] - shot.ts_ns) / NS_PER_DAY / 365.0
    with np.errstate(invalid="ignore", divide="ignore"):
        k = np.log(strike / shot.forward)
    good = np.isfinite(k * shot.vol) & (shot.vol > 0.0) & ((k >= 0.0) == call)
    good &= (years >= DAYS[0] / 365.0) & (years <= DAYS[1] / 365.0)
    weight = np.zeros(len(k))
    for one in np.unique(years[good]):
        at = np.flatnonzero(good & (years == one))
        money = shot.vol[at[np.abs(k[at]).argmin()]]
        near = at[np.abs(k[at]) <= DEVIATIONS * money * np.sqrt(one)]
        weight[near] = 1.0 / len(near)
    used = weight > 0.0
    return bates.calibrate(k[used], years[used], shot.vol[used], weight[used], index_vol=index_vol)
