"""The volatility surface: how long a chain takes, and how well recorded chains are met.

The chain: 12 expiries from a day to a year, 60 strikes each over 2.5 deviations to both sides, a
spread of a volatility point and noise of a tenth of that. Warm is the same chain a moment later
(forwards a tenth of a percent away, volatilities a fifth of a point, noise drawn anew), begun from
the surface before.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.lab.recording import read
from bot.lab.surface_study import Day, study
from bot.wiring.kernels import _folder
from greeks import arithmetic, black76, surface
from greeks.surface import Chain, svi
from tests.bench import rows
from tests.bench.recorded import CHAINS, DATA
from tests.bench.rows import Row
from tests.bench.speed import interleaved

Array = NDArray[np.float64]
EXPIRIES, STRIKES = 12, 60
NOW_S = 1_767_600_000.0
YEAR_S = 365 * 86_400.0
RELATIVE = svi.Svi(a=0.4, b=0.4, rho=-0.25, m=0.1, s=1.2)
SEED = 20_260_105


def fits() -> list[Row]:
    """Return milliseconds of a surface without and with one to begin from, and of its parts."""
    arithmetic.use(only=("first", "volatility"), cache=_folder())
    draw = np.random.Generator(np.random.PCG64(SEED))
    first, second = (_Books(draw, moved) for moved in (0.0, 1.0))
    before = surface.fit(first.chain(), NOW_S)
    now = second.chain()
    k = np.asarray(now.k)[:500]
    calls: dict[str, Callable[[], object]] = {
        "volatilities": second.chain,
        "cold": partial(surface.fit, now, NOW_S + 1.0),
        "warm": partial(surface.fit, now, NOW_S + 1.0, before),
        "at": partial(before.at, k, np.asarray(now.expiry_s)[:500], NOW_S),
    }
    took = interleaved(calls)
    arithmetic.use(arithmetic.PLAIN)
    unit = f"ms, {EXPIRIES} x {STRIKES}"
    return [
        rows.most("surface.cold", took["cold"] * 1e3, unit, 50.0),
        rows.most("surface.warm", took["warm"] * 1e3, unit, 10.0),
        rows.plain("surface.volatilities", took["volatilities"] * 1e3, f"{unit}, from books"),
        rows.plain("surface.at_500", took["at"] * 1e3, "ms, 500 options on it"),
    ]


class _Books:
    """Bids and asks of a chain, and volatilities made of them."""

    def __init__(self, draw: np.random.Generator, moved: float) -> None:
        days = np.geomspace(1.0, 360.0, EXPIRIES)
        self.expiry_s = np.repeat(NOW_S + days * 86_400.0, STRIKES)
        self.years = np.repeat(days / 365.0, STRIKES)
        level = np.repeat(np.linspace(0.55, 0.60, EXPIRIES) + 0.002 * moved, STRIKES)
        size = level * np.sqrt(self.years)
        self.forward = 90_000.0 * (1.0 + 0.001 * moved)
        k = size * np.tile(np.linspace(-2.5, 2.5, STRIKES), EXPIRIES)
        self.strike = 90_000.0 * np.exp(k)
        a, b, rho, m, s = (np.asarray(p) for p in RELATIVE)
        smile = svi.Svi(a * size**2, b * size, rho + 0.0 * size, m * size, s * size)
        self.k = np.log(self.strike / self.forward)
        vol = np.sqrt(svi.shape(smile, self.k).variance / self.years)
        vol += 0.001 * draw.standard_normal(vol.size)
        self.is_call = k > 0.0
        self.bid, self.ask = (
            black76.price(self.is_call, self.forward, self.strike, self.years, vol + side)
            for side in (-0.005, 0.005)
        )

    def chain(self) -> Chain:
        """Return what a surface takes."""
        books = surface.quoted.volatilities(
            self.is_call, self.bid, self.ask, self.forward, self.strike, self.years
        )
        return Chain(self.expiry_s, self.k, books)


def chains() -> list[Row]:
    """Return how well recorded BTC chains are met, over their days; the crash is among them."""
    named = os.environ.get(DATA)
    if not named:
        return rows.skipped("surface.recorded", f"{DATA} is not set")
    days, tenors = study(read(Path(named) / CHAINS, coins=["BTC"]).coins["BTC"])
    worst = max(days, key=lambda day: day.error)
    kept = sum(day.kept for day in days)
    slices = sum(day.slices for day in days)
    return [
        rows.plain("surface.recorded_days", len(days), f"days, {slices} slices fitted"),
        rows.plain("surface.recorded_kept", kept, "attempts that fitted no slice"),
        rows.plain("surface.error", float(np.median([d.error for d in days])), "points"),
        rows.plain("surface.error_of_spread", _of_spread(days), "times the quoted spread"),
        rows.plain("surface.worst_day", worst.error, f"points, {worst.date}"),
        rows.plain("surface.inside", min(day.inside for day in days), "of quotes met, worst day"),
        rows.least("surface.least_g", min(day.butterfly for day in days), "no butterfly", 0.0),
        *(
            rows.plain(
                f"surface.stickiness_{low:g}_{high:g}",
                tenor.ratio,
                f"+- {tenor.error:.2f}, by days",
            )
            for tenor in tenors
            for low, high in (tenor.days,)
        ),
    ]


def _of_spread(days: list[Day]) -> float:
    return float(np.median([day.error / day.spread for day in days]))
