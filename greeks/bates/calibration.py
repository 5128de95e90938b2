"""Bates's model fitted to a chain of implied volatilities, and to a volatility index.

Minimised is the weighted mean square of model less quoted volatility, plus the square of the
index's error, plus a prior: the parameters are weakly identified (kappa against xi, diffusion
against jumps), and two fits of almost the same smile may have quite different ones. The prior costs
`prior_vol`² for each width that a parameter is away from its centre (`CENTRE`, `WIDTH`), little
enough to decide only between parameters that the chain can hardly tell apart.

Solved by a trust region (scipy's least_squares) in logarithms and atanh(rho), inside `BOUNDS`, from
each of `STARTS`; the best is taken. Nothing is random. Measured on Deribit's BTC marks out of the
money, within two deviations, 5 to 400 days, every expiry the same weight: 0.45 vol points on a
quiet day (2026-01-12) with DVOL met to 0.19, 1.7 and 0.5 in the crash of 2026-02-05. With expiries
under 5 days it is 1.0 and 5: one variance factor cannot also make the term structure of a crash.
"""

from dataclasses import astuple, dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks.bates import prices
from greeks.bates.model import Bates
from greeks.bates.quotes import Chain, quotes

__all__ = ["BOUNDS", "CENTRE", "STARTS", "WIDTH", "Calibrated", "calibrate"]

Array = NDArray[np.float64]

NAMES: Final = ("v0", "theta", "kappa", "xi", "rho", "jump_rate", "jump_mean", "jump_deviation")
HESTON: Final = 5  # how many of them are not about jumps
RHO: Final = 4
MEAN: Final = 6

BOUNDS: Final = (
    Bates(1e-3, 1e-3, 0.05, 0.05, -0.99, 0.05, -0.5, 0.005),
    Bates(16.0, 16.0, 60.0, 25.0, 0.99, 300.0, 0.5, 0.5),
)

# v0 and theta, in the centre and in all starts, are the chain's own: its squared volatilities at
# the money, first and last expiry.
CENTRE: Final = Bates(0.25, 0.25, 4.0, 2.0, 0.0, 12.0, 0.0, 0.06)
WIDTH: Final = (1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.1, 1.0)  # of logarithms, atanh(rho), jump_mean

STARTS: Final = (
    Bates(0.25, 0.25, 4.0, 2.0, -0.2, 12.0, -0.01, 0.05),
    Bates(0.25, 0.25, 15.0, 5.0, -0.3, 2.0, -0.05, 0.15),
    Bates(0.25, 0.25, 1.5, 1.0, -0.1, 50.0, 0.0, 0.04),
)

EVALUATIONS: Final = 60
"""Steps from one start; a fit that needs more has not found its minimum and says so."""


class Calibrated(NamedTuple):
    """A fit and how good it is; errors are weighted root mean squares in vol points (0.01)."""

    model: Bates
    rms: float
    years: Array  # the expiries, ascending
    expiry_rms: Array  # one per expiry
    index_error: float  # model less index, vol points; NaN without an index
    converged: bool  # the solver is at a minimum, good or bad (see `rms`); else the best one seen
    at_bounds: tuple[str, ...]  # parameters that ended at a bound: there the chain has no say


def calibrate(  # noqa: PLR0913  a chain's columns, and what the fit is made of
    log_moneyness: ArrayLike,
    years: ArrayLike,
    vols: ArrayLike,
    weights: ArrayLike = 1.0,
    *,
    index_vol: float | None = None,
    index_years: float = 30.0 / 365.0,
    index_weight: float = 1.0,
    prior_vol: float = 0.0005,
    jumps: bool = True,
) -> Calibrated:
    """Return the model whose smiles are nearest to ``vols`` (per 1.00) at k = ln(strike/forward).

    Arguments broadcast. ``weights`` >= 0 are relative, and 0 leaves a quote out; ``index_weight``
    is relative to the whole chain. ``jumps`` False fits Heston's five parameters. Raises ValueError
    for a bad quote that has weight, and for fewer quotes than parameters.
    """
    for name, value in (("index_weight", index_weight), ("prior_vol", prior_vol)):
        if not 0.0 <= value < np.inf:
            raise ValueError(f"expected a finite {name} >= 0, found {value}")
    if index_vol is not None and not (0.0 < index_vol < np.inf and index_years > 0.0):
        raise ValueError(f"expected index_vol, index_years > 0, found {index_vol}, {index_years}")
    size = len(NAMES) if jumps else HESTON
    chain = Chain(quotes(log_moneyness, years, vols, weights, size))
    target = _Target(chain, size, index_vol, index_years, np.sqrt(index_weight), prior_vol)
    best = min((_solve(target, start) for start in STARTS), key=lambda found: float(found.cost))
    return _report(target, best)


@dataclass(frozen=True, slots=True)
class _Target:
    """What is minimised, as a function of transformed parameters."""

    chain: Chain
    size: int  # how many parameters are free
    index_vol: float | None
    index_years: float
    index_root: float
    prior_vol: float

    def free(self, model: Bates) -> Array:
        """Return the parameters as the solver sees them."""
        values = np.array(astuple(model))[: self.size]
        log = np.log(np.where(values > 0.0, values, 1.0))
        log[RHO] = np.arctanh(model.rho)
        if self.size > MEAN:
            log[MEAN] = model.jump_mean
        return log

    def model(self, free: Array) -> Bates:
        """Return the model of what the solver sees."""
        values = np.exp(free)
        values[RHO] = np.tanh(free[RHO])
        if self.size > MEAN:
            values[MEAN] = free[MEAN]
        return Bates(*values.tolist())

    def own(self, model: Bates) -> Array:
        """Return a model's parameters with the chain's own variances, transformed."""
        now, later = (self.chain.at_the_money(expiry) ** 2 for expiry in (0, -1))
        return self.free(replace(model, v0=now, theta=later))

    def residuals(self, free: Array) -> Array:
        """Return chain, prior and index, all in units of volatility."""
        model = self.model(free)
        away = (free - self.own(CENTRE)) / WIDTH[: self.size]
        parts = [np.sqrt(self.chain.quotes.weight) * self.chain.errors(model)]
        parts.append(self.prior_vol * away)
        parts.append(np.array([self.index_root * self.index_error(model)]))
        return np.concatenate(parts)

    def index_error(self, model: Bates) -> float:
        """Return the model's index less the given one, 0 where there is none."""
        if self.index_vol is None:
            return 0.0
        return float(prices.index(model, self.index_years)) - self.index_vol


def _solve(target: _Target, start: Bates) -> Any:  # noqa: ANN401  scipy's own result
    """Return scipy's result from one start."""
    from scipy.optimize import least_squares  # half a second that only a calibration waits for

    low, high = (target.free(bound) for bound in BOUNDS)
    at = np.clip(target.own(start), low + 1e-6, high - 1e-6)
    return least_squares(
        target.residuals,
        at,
        bounds=(low, high),
        x_scale=np.array(WIDTH[: target.size]),
        ftol=1e-7,
        xtol=1e-7,
        gtol=1e-10,
        max_nfev=EVALUATIONS,
    )


def _report(target: _Target, best: Any) -> Calibrated:  # noqa: ANN401  scipy's own result
    """Return the fit, its errors measured with the pricer that checks itself."""
    model, chain = target.model(best.x), target.chain
    given = chain.quotes
    vol = prices.volatility(model, given.k, given.years).vol
    off = np.where(np.isfinite(vol), vol - given.vol, chain.errors(model))
    square = (100.0 * off) ** 2
    means = [np.average(square[one], weights=given.weight[one]) for one in chain.slices]
    low, high = (target.free(bound) for bound in BOUNDS)
    bound = (best.x - low < 1e-3) | (high - best.x < 1e-3)
    return Calibrated(
        model,
        float(np.sqrt(np.sum(given.weight * square))),
        chain.years,
        np.sqrt(means),
        100.0 * target.index_error(model) if target.index_vol is not None else float("nan"),
        bool(best.status > 0),
        tuple(name for name, at in zip(NAMES, bound, strict=False) if at),
    )
