"""Option prices, smile, variance and volatility index of Bates's model (see `model`).

Prices are on the forward, by the integral in `fourier`. Functions broadcast; one bad element raises
nothing and comes out as NaN, but a bad `Bates` raises.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import black76, implied
from greeks.bates import fourier
from greeks.bates.model import Bates

__all__ = [
    "Bates",
    "expected_variance",
    "index",
    "minimum_variance_delta",
    "price",
    "volatility",
]

Array = NDArray[np.float64]

ERROR: Final = 1e-13
"""Of sqrt(F K): what a price may be off by; an option that is worth less has no volatility."""

SHORTEST: Final = 1e-8
"""Years (0.3 s) under which variance stands still and two jumps do not come (Merton's series)."""

FARTHEST: Final = 40.0
"""|ln(F/K)| beyond which an option counts as its intrinsic value: the integral takes minutes."""

LONGEST: Final = 1_000.0
"""Years beyond which nothing is priced: the integral would take numbers out of their range."""


def price(
    model: Bates,
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Array:
    """Return the option's value in USD per coin of underlying; arguments are `black76`'s.

    Accurate to 1e-12 of the forward (measured against brute quadrature of Heston's own two
    integrals: 8e-15 at most, one hour to ten years, strikes within a factor of five, Feller's
    condition met or not). Values stay within their bounds: a far wing worth less than the error
    may come out as exactly its intrinsic value. NaN beyond `LONGEST` years, and where variance is
    so small that the integral would take more nodes than there is memory for.
    """
    given = np.broadcast_arrays(
        *(np.asarray(one, dtype=np.float64) for one in (is_call, forward, strike, years, discount))
    )
    call, underlying, struck, time, factor = (one.ravel() for one in given)
    sound = np.isfinite(underlying) & np.isfinite(struck) & np.isfinite(time) & np.isfinite(factor)
    sound &= (
        (underlying > 0.0) & (struck > 0.0) & (time >= 0.0) & (time <= LONGEST) & (factor > 0.0)
    )
    sound &= (call == 0.0) | (call == 1.0)
    value = np.full(call.shape, np.nan)
    for one in np.unique(time[sound]):
        at = np.flatnonzero(sound & (time == one))
        value[at] = factor[at] * _undiscounted(model, call[at], underlying[at], struck[at], one)
    return value.reshape(given[0].shape)


def _undiscounted(model: Bates, call: Array, forward: Array, strike: Array, years: float) -> Array:
    """Return the values of options of one expiry."""
    if years < SHORTEST:
        return _at_once(model, call, forward, strike, years)
    floor = np.maximum((2.0 * call - 1.0) * (forward - strike), 0.0)
    x = np.log(forward) - np.log(strike)
    near = np.abs(x) <= FARTHEST
    if not near.all():
        value = floor
        if near.any():
            value[near] = _undiscounted(model, call[near], forward[near], strike[near], years)
        return value
    total, excess = fourier.excess(model, x, years)
    black = black76.price(call, forward, strike, 1.0, np.sqrt(total))
    value = black + np.sqrt(forward) * np.sqrt(strike) * excess
    return np.clip(value, floor, np.where(call == 1.0, forward, strike))


def _at_once(model: Bates, call: Array, forward: Array, strike: Array, years: float) -> Array:
    """Return the values of options that have too little time left for more than one jump."""
    chance = model.jump_rate * years
    still = forward * np.exp(-chance * model.jump_drift)
    total = model.v0 * years
    none = black76.price(call, still, strike, 1.0, np.sqrt(total))
    after = np.sqrt(total + model.jump_deviation**2)
    one = black76.price(call, still * (1.0 + model.jump_drift), strike, 1.0, after)
    return np.asarray(none + chance * (one - none))


def volatility(model: Bates, log_moneyness: ArrayLike, years: ArrayLike) -> implied.Implied:
    """Return the model's smile: the Black-76 volatility at k = ln(strike / forward), and a status.

    It inverts the option that is out of the money. One that is worth less than the price's own
    error tells nothing: NaN with status AT_INTRINSIC.
    """
    k, time = np.broadcast_arrays(np.asarray(log_moneyness, dtype=np.float64), years)
    call = (k >= 0.0).astype(np.float64)
    with np.errstate(over="ignore"):
        strike = np.exp(k)
    value = price(model, call, 1.0, strike, time)
    vol, status = implied.volatility(call, value, 1.0, strike, time)
    silent = (value <= ERROR * np.sqrt(strike)) & (time > 0.0)
    return implied.Implied(
        np.where(silent, np.nan, vol),
        np.where(silent, np.int8(implied.Status.AT_INTRINSIC), status),
    )


def expected_variance(model: Bates, years: ArrayLike, variance: ArrayLike | None = None) -> Array:
    """Return the mean variance per year of the log-price until ``years`` from now, jumps included.

    theta + (v - theta) f + jump variance, with f = (1 - exp(-kappa T)) / (kappa T) and v
    ``variance``, by default v0. Its square root is the volatility to hedge with when only v is
    known.
    """
    now = np.asarray(model.v0 if variance is None else variance, dtype=np.float64)
    return model.theta + (now - model.theta) * _share(model, years) + model.jump_variance


def _share(model: Bates, years: ArrayLike) -> Array:
    """Return f, the part of today's variance in the mean until ``years``: 1 at 0."""
    time = np.asarray(years, dtype=np.float64)
    reversion = model.kappa * np.where(time >= 0.0, time, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(reversion > 0.0, -np.expm1(-reversion) / reversion, 1.0 + 0.0 * reversion)


def index(model: Bates, years: ArrayLike = 30.0 / 365.0) -> Array:
    """Return the volatility index of the model, per 1.00: sqrt(2 E[ln(F / F_T)] / T).

    It is what DVOL and VIX measure with a strip of options, 30 days by default. In closed form the
    mean diffusive variance plus 2 rate (kbar - jump_mean): a jump down counts for more than its
    square.
    """
    diffusive = expected_variance(model, years) - model.jump_variance
    jumps = 2.0 * model.jump_rate * (model.jump_drift - model.jump_mean)
    return np.asarray(np.sqrt(diffusive + jumps))


def minimum_variance_delta(
    model: Bates,
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    skew: ArrayLike = 0.0,
) -> Array:
    """Return the delta in coin that also hedges what variance does when the price moves.

    Delta + Vega / F (rho xi f / (2 vol) - skew), with Black-76's delta and vega at ``vol`` (per
    1.00): variance is expected to move by rho xi / F per USD, and dV/dv is Vega f / (2 vol).
    ``skew`` is d vol / d ln K of the smile at the strike, which follows the forward while variance
    stands still. Left at 0 it is the delta of a hedger who values without a smile, at
    sqrt(`expected_variance`); with the model's own skew it is the model's dV/dF + rho xi / F dV/dv
    to first order. Short-dated that skew is rho xi / (4 vol), half of what variance brings: in
    simulation, hedging every 8 hours for 30 days, with half is better than with all. Jumps are left
    out of the regression. Undefined (NaN) at vol = 0.
    """
    plain = black76.first(is_call, forward, strike, years, vol)
    with np.errstate(all="ignore"):
        follows = (
            model.rho * model.xi * _share(model, years) / (2.0 * np.asarray(vol, dtype=np.float64))
        )
        slope = np.asarray(follows - np.asarray(skew), dtype=np.float64)
        return plain.delta + plain.vega / np.asarray(forward, dtype=np.float64) * slope
