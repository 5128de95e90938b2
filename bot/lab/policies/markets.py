"""The markets of the tournament: thirty days of hours, Brownian or with jumps, by seed.

The Bates set is plausible for BTC and not fitted; its hedger knows the variance of the moment and
uses what is expected of it until expiry.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.lab.policies.tournament import Experiment
from greeks import bates, black76, paths

STRIKE: Final = 100.0
STEPS: Final = 720
HOUR: Final = 1.0 / 8_760.0
COST: Final = 5e-4

STORMY: Final = bates.Bates(0.2704, 0.3025, 6.0, 2.0, -0.3, 12.0, -0.015, 0.05)


def brownian(seed: int, vol: float, count: int, steps: int = STEPS) -> Experiment:
    """Return an at-the-money call on geometric Brownian paths, sold at its Black-Scholes price."""
    spot = paths.gbm(_draw(seed), STRIKE, vol, HOUR, steps, count)
    premium = float(black76.price(True, STRIKE, STRIKE, steps * HOUR, vol))  # noqa: FBT003
    return Experiment(STRIKE, premium, HOUR, COST, spot, np.full((steps, 1), vol))


def jumping(seed: int, count: int, model: bates.Bates = STORMY, steps: int = STEPS) -> Experiment:
    """Return the same call on paths of a Bates model, sold at its Fourier price."""
    drawn = paths.bates(_draw(seed), model, STRIKE, HOUR, steps, count)
    left = HOUR * np.arange(steps, 0, -1)[:, None]
    vol = np.sqrt(bates.expected_variance(model, left, drawn.variance[:-1]))
    premium = float(bates.price(model, True, STRIKE, STRIKE, steps * HOUR))  # noqa: FBT003
    return Experiment(STRIKE, premium, HOUR, COST, drawn.price, vol)


def _draw(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
