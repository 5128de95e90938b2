"""What an option's change of value came from: Taylor terms with the Greeks of the beginning.

    dV = delta dF + gamma dF²/2 + theta dt + vega dvol + vanna dF dvol + volga dvol²/2
         + charm dF dt + unexplained

dF is the change of the option's own forward, dvol that of its own strike's volatility (a slide
along the skew is in vega), dt the years that have passed. What is left is of third order in price
and volatility, and of second where time takes part (theta's own decay, veta): over a minute nothing
beside the rest, over a day half a percent. It is large where a move is not small beside
vol sqrt(years).

A coin-settled option is worth V/F coins. Over the same interval its holder has earned
(dV - V0/F0 dF)/F1 coins, exactly: what the dollars' terms add up to, less the coin's own move on
the premium, at the new price. Arguments broadcast, and faults are those of `black76`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from greeks import black76

__all__ = ["Explained", "Moment", "coins", "explain", "taylor"]

Array = NDArray[np.float64]


class Moment(NamedTuple):
    """What moves of an option: forward (USD per coin), volatility (1.00 = 100 %), years left."""

    forward: ArrayLike
    vol: ArrayLike
    years: ArrayLike


class Explained(NamedTuple):
    """USD per coin of one option, by cause; `actual` is their sum with what is left over."""

    delta: Array
    gamma: Array
    theta: Array
    vega: Array
    vanna: Array
    volga: Array
    charm: Array
    actual: Array

    @property
    def total(self) -> Array:
        """Return what the terms add up to."""
        return np.asarray(sum(self[:-1]))

    @property
    def unexplained(self) -> Array:
        """Return what no term explains."""
        return np.asarray(self.actual - self.total)

    @property
    def gross(self) -> Array:
        """Return the sum of the terms' sizes, beside which `unexplained` is small or not."""
        return np.asarray(sum(np.abs(term) for term in self[:-1]))


def explain(is_call: ArrayLike, strike: ArrayLike, before: Moment, after: Moment) -> Explained:
    """Return what the change from one moment to another came from."""
    greeks = black76.greeks(is_call, before.forward, strike, before.years, before.vol)
    end = black76.price(is_call, after.forward, strike, after.years, after.vol)
    return taylor(
        greeks,
        moved=np.subtract(after.forward, before.forward, dtype=np.float64),
        shifted=np.subtract(after.vol, before.vol, dtype=np.float64),
        passed=np.subtract(before.years, after.years, dtype=np.float64),
        actual=end - greeks.price,
    )


def taylor(
    greeks: black76.Greeks, moved: Array, shifted: Array, passed: ArrayLike, actual: Array
) -> Explained:
    """Return the terms of the Greeks of a beginning; `actual` is by how much the price changed.

    `moved` is the change of what delta is a slope on (USD), `shifted` that of volatility, `passed`
    are years.
    """
    years = np.asarray(passed, dtype=np.float64)
    return Explained(
        delta=greeks.delta * moved,
        gamma=0.5 * greeks.gamma * moved**2,
        theta=greeks.theta * years,
        vega=greeks.vega * shifted,
        vanna=greeks.vanna * moved * shifted,
        volga=0.5 * greeks.volga * shifted**2,
        charm=greeks.charm * moved * years,
        actual=actual,
    )


def coins(usd: ArrayLike, premium: ArrayLike, before: ArrayLike, after: ArrayLike) -> Array:
    """Return what a coin-settled option has earned in coin while it changed by `usd` a coin.

    `premium` is its price in coin at the beginning, `before` and `after` are its forward (USD).
    """
    moved = np.subtract(after, before, dtype=np.float64)
    return np.asarray((usd - np.multiply(premium, moved)) / np.asarray(after, dtype=np.float64))
