"""Simulated paths and Bates's model: nanoseconds a step, and how long a fit to a chain takes."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

import numpy as np

from greeks import bates, paths
from tests.bench import rows
from tests.bench.rows import Row

PATHS = 20_000  # at once, as a tournament of hedging policies takes them
STEPS = 720  # hours of 30 days
ROUNDS = 3
HOUR = 1 / 8_760
MODEL = bates.Bates(0.2704, 0.3025, 6.0, 2.0, -0.3, 12.0, -0.015, 0.05)
HESTON = bates.Bates(0.2704, 0.3025, 6.0, 2.0, -0.3)


def speeds() -> list[Row]:
    """Return nanoseconds a path and step of each generator, and seconds of a calibration."""
    calls: dict[str, Callable[[], object]] = {
        "gbm": lambda: paths.gbm(_draw(), 100.0, 0.5, HOUR, STEPS, PATHS, antithetic=True),
        "heston": partial(_bates, HESTON),
        "bates": partial(_bates, MODEL),
    }
    took = {name: median(_timed(call) for _ in range(ROUNDS)) for name, call in calls.items()}
    years = np.geomspace(1.0, 360.0, 12)[:, None] / 365.0
    k = np.linspace(-2.0, 2.0, 60) * 0.55 * np.sqrt(years)
    vols, index = bates.volatility(MODEL, k, years).vol, float(bates.index(MODEL))
    fitted = bates.calibrate(k, years, vols, index_vol=index)
    fit = median(
        _timed(partial(bates.calibrate, k, years, vols, index_vol=index)) for _ in range(ROUNDS)
    )
    unit = f"ns a path and step, {PATHS:,} x {STEPS}"
    return [
        *(rows.plain(f"paths.{name}", s / PATHS / STEPS * 1e9, unit) for name, s in took.items()),
        rows.plain("bates.calibrate", fit, "s, 12 x 60 and an index"),
        rows.plain("bates.calibrate_rms", fitted.rms, "points left of its own smiles"),
    ]


def _bates(model: bates.Bates) -> object:
    return paths.bates(_draw(), model, 100.0, HOUR, STEPS, PATHS, antithetic=True)


def _draw() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(1))


def _timed(call: Callable[[], object]) -> float:
    begun = process_time()
    call()
    return process_time() - begun
