"""Stochastic variance with jumps: Bates's model, of which Heston's, Merton's and Black's are cases.

`model` holds its parameters, `prices` values options and more, `calibration` fits it to a chain and
a volatility index; `paths` beside this package simulates it. Below: `fourier` is the integral of a
price, `quotes` prices one chain over and over, `quadratic` is a simulated step.
"""

from greeks.bates.calibration import Calibrated, calibrate
from greeks.bates.model import Bates
from greeks.bates.prices import (
    expected_variance,
    index,
    minimum_variance_delta,
    price,
    volatility,
)

__all__ = [
    "Bates",
    "Calibrated",
    "calibrate",
    "expected_variance",
    "index",
    "minimum_variance_delta",
    "price",
    "volatility",
]
