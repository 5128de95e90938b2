"""The figures that are fitted: by the recording, in params.py, and how far apart they may be."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bot.lab.calibrate import prices, smiles, spreads
from bot.lab.calibrate.observed import Observed
from bot.lab.calibrate.smiles import Factors, Slices
from bot.sim.market import params


@dataclass(frozen=True, slots=True)
class Figure:
    """One parameter: fitted to the recording, set in params.py, and the absolute tolerance."""

    name: str
    fitted: float
    set_to: float
    tolerance: float

    @property
    def within(self) -> bool:
        """Tell whether the parameter stands within tolerance of its fit."""
        return abs(self.fitted - self.set_to) <= self.tolerance


def fit(seen: Observed) -> tuple[Figure, ...]:
    """Return every fitted parameter of a recording."""
    found = smiles.slices(seen)
    model = smiles.factors(*smiles.term_structure(found))
    return (
        *_volatility(seen, found, model),
        *_smile(found),
        *_carry(seen, found),
        *_prices(seen),
        *_spreads(seen),
    )


def _volatility(seen: Observed, found: Slices, model: Factors) -> tuple[Figure, ...]:
    set_to = params.VOLATILITY
    drop_fast, drop_slow = smiles.worst_fall(found, model)
    month = model.loadings(np.array([30.0]))[0] * np.array([model.fast_vol, model.slow_vol])
    # DVOL's correlation with the price, shared equally by two independent factors
    share = prices.lean(seen.hour_price, seen.hour_vol) * np.hypot(*month) / month.sum()
    _, curves = smiles.term_structure(found)
    ratio = np.exp(np.nanmedian(curves - curves[:, [smiles.MONTH]], axis=0))
    _, rise = smiles.rise(smiles.TENORS[smiles.MONTH :], ratio[smiles.MONTH :], set_to.rise_days)
    realised = prices.hourly_realised(seen.hour_price) / float(seen.hour_vol.mean())
    return (
        Figure("volatility.fast_per_day", model.fast_per_day, set_to.fast_per_day, 0.1),
        Figure("volatility.slow_per_day", model.slow_per_day, set_to.slow_per_day, 0.003),
        Figure("volatility.fast_vol", model.fast_vol, set_to.fast_vol, 0.5),
        Figure("volatility.slow_vol", model.slow_vol, set_to.slow_vol, 0.07),
        Figure("volatility.spot_correlation", float(share), set_to.spot_correlation, 0.05),
        Figure("volatility.rise", rise, set_to.rise, 0.02),
        Figure("volatility.realised_ratio", realised, set_to.realised_ratio, 0.03),
        Figure("volatility.drop_fast", drop_fast, set_to.drop_fast, 0.5),
        Figure("volatility.drop_slow", drop_slow, set_to.drop_slow, 0.5),
    )


def _smile(found: Slices) -> tuple[Figure, ...]:
    set_to = params.SMILE
    middle = found.between(3.0, 200.0)
    typical = found.between(8.0, 25.0)
    steps, logs, gap = smiles.changes(found, 8.0, 25.0)
    return (
        Figure("smile.skew", float(np.median(middle.skew)), set_to.skew, 0.005),
        Figure("smile.curvature", float(np.median(middle.curvature)), set_to.curvature, 0.003),
        Figure("smile.skew_sd", float(typical.skew.std()), set_to.skew_sd, 0.005),
        Figure(
            "smile.skew_per_day",
            smiles.reversion(typical.skew, steps, gap),
            set_to.skew_per_day,
            0.06,
        ),
        Figure(
            "smile.skew_spot_correlation",
            float(np.corrcoef(steps, logs)[0, 1]),
            set_to.skew_spot_correlation,
            0.08,
        ),
        Figure(
            "smile.curvature_log_sd",
            float(np.log(typical.curvature[typical.curvature > 0.0]).std()),
            set_to.curvature_log_sd,
            0.05,
        ),
    )


def _carry(seen: Observed, found: Slices) -> tuple[Figure, ...]:
    set_to = params.CARRY
    edges = (5.0, 14.0, 25.0, 45.0, 90.0, 180.0, 400.0)
    parts = [found.between(low, high) for low, high in pairwise(edges)]
    days = np.array([np.median(part.days) for part in parts])
    level, rise = smiles.rise(
        days, np.array([np.median(part.rate) for part in parts]), set_to.rise_days
    )
    spread = float(found.between(45.0, 180.0).rate.std())
    return (
        Figure("carry.rate", level, set_to.rate, 0.004),
        Figure("carry.rise", rise, set_to.rise, 0.008),
        Figure("carry.rate_sd", spread, set_to.rate_sd, 0.003),
        Figure("carry.basis_mean", float(np.median(seen.basis)), set_to.basis_mean, 0.5e-4),
        Figure("carry.basis_sd", float(seen.basis.std()), set_to.basis_sd, 0.5e-4),
    )


def _prices(seen: Observed) -> tuple[Figure, ...]:
    # two days of minutes hold six outliers: their rate and size are known to a third at best
    bitcoin, ether = seen.minutes
    jumps = params.JUMPS
    large = np.abs(prices.outliers(bitcoin))
    pair = np.corrcoef(np.diff(bitcoin), np.diff(ether))[0, 1]
    ratio = prices.minute_volatility(ether) / prices.minute_volatility(bitcoin)
    return (
        Figure("jumps.per_day", prices.outliers_per_day(bitcoin), jumps.per_day, 1.2),
        Figure("jumps mean size", float(large.mean()), jumps.floor + jumps.mean_excess, 1e-3),
        Figure("activity.log_sd", prices.activity_deviation(bitcoin), params.ACTIVITY.log_sd, 0.06),
        Figure("spot correlation", float(pair), params.SPOT_CORRELATION, 0.02),
        Figure("ETH vol_ratio", float(ratio), params.COINS["ETH"].vol_ratio, 0.1),
    )


def _spreads(seen: Observed) -> tuple[Figure, ...]:
    set_to = params.SPREADS
    rows, _, _ = spreads.rows(seen)
    near, far = spreads.tenor_fit(*spreads.by_tenor(rows))
    coin, of_mark = spreads.deep_fit(rows)
    return (
        Figure("spreads.one_day_points", near, set_to.one_day_points, 0.3),
        Figure("spreads.far_points", far, set_to.far_points, 0.08),
        Figure("spreads.deep_coin", coin, set_to.deep_coin, 0.0008),
        Figure("spreads.deep_of_mark", of_mark, set_to.deep_of_mark, 0.004),
        Figure("spreads.level_power", spreads.level_power(rows), set_to.level_power, 0.1),
    )
