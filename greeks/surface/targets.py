"""What slices are to meet: volatilities with their spreads, a row for each expiry."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from greeks.surface.svi import Svi, shape

__all__ = ["HALF", "Targets", "inside"]

Array = NDArray[np.float64]

HALF: Final = 0.5
"""The share of its quotes that a slice must meet."""


class Targets(NamedTuple):
    """Volatilities to be met, a row for each expiry, filled up with weights of 0."""

    k: Array  # log-moneyness (n, m)
    vol: Array  # (n, m)
    weight: Array  # (n, m) one over the quoted spread in volatility; 0 where there is no quote
    years: Array  # (n) that the volatilities are per, rising


def inside(targets: Targets, svi: Svi) -> Array:
    """Return the share of each row's quotes that slices meet within half their spread."""
    wide = Svi(*(np.asarray(one)[:, None] for one in svi))
    given = targets.weight > 0.0
    with np.errstate(all="ignore"):
        vol = np.sqrt(shape(wide, targets.k).variance / targets.years[:, None])
        met = given & (np.abs(vol - targets.vol) * targets.weight <= 0.5 * (1.0 + 1e-9))
        return np.asarray(met.sum(axis=1) / given.sum(axis=1))
