"""The exact no-trade region of a hedger with constant risk aversion and proportional costs.

Hodges and Neuberger (1989), Davis, Panas and Zariphopoulou (1993): a short call is hedged so that
the expected exponential utility of the final money is greatest. With W = ln of minus that utility,

    W(T) = aversion payoff,   W(t, S, y) = min over y' of aversion cost S |y' - y| + G(y'),
    G(y') = ln E exp(-aversion y' dS + W(t + 1, S', y'))

on a recombining binomial tree without drift. Both minima are running minima over the inventory
grid, so that a step costs one exponential per node and inventory. Nothing is charged for
liquidation at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray

INVENTORY: Final = np.linspace(-0.15, 1.15, 521)
"""Units of the underlying that may be held against one call: 0.0025 apart."""


@dataclass(frozen=True, slots=True)
class Call:
    """A short call and its hedger: prices in USD, times in years."""

    spot: float
    strike: float
    vol: float
    aversion: float  # per USD
    cost: float  # of a trade, as a share of its notional


@dataclass(frozen=True, slots=True)
class Region:
    """Where nothing is traded, at one moment; arrays over the tree's prices, rising."""

    step: int
    spot: FloatArray  # USD
    low: FloatArray  # units of the underlying: buy up to here from below
    high: FloatArray  # and sell down to here from above

    def at(self, spot: float) -> tuple[float, float]:
        """Return both bounds at a price, interpolated in its logarithm."""
        where = np.log(self.spot)
        low, high = (
            float(np.interp(np.log(spot), where, bound)) for bound in (self.low, self.high)
        )
        return low, high


def regions(
    call: Call, years: float, steps: int, inventory: FloatArray = INVENTORY
) -> Iterator[Region]:
    """Yield the region of every step, from the last one before expiry back to now."""
    for region, _ in _backwards(call, years, steps, inventory):
        yield region


def indifference(
    call: Call,
    years: float,
    steps: int,
    inventory: FloatArray = INVENTORY,
    *,
    every: int = 1,
    liquidated: bool = False,
) -> float:
    """Return the least price (USD) for which the hedger sells the call, without a position yet.

    He may trade each ``every`` steps, the first time now; ``liquidated`` charges the cost of
    closing the hedge at expiry as well.
    """
    value = np.empty(0)
    for _, now in _backwards(call, years, steps, inventory, every=every, liquidated=liquidated):
        value = now
    return float(np.interp(0.0, inventory, value[0])) / call.aversion


def _backwards(
    call: Call,
    years: float,
    steps: int,
    inventory: FloatArray,
    *,
    every: int = 1,
    liquidated: bool = False,
) -> Iterator[tuple[Region, FloatArray]]:
    """Yield regions and W (prices, inventory) of the steps that trade, the last one first."""
    move = call.vol * np.sqrt(years / steps)
    up, down = np.exp(move), np.exp(-move)
    rise = (1.0 - down) / (up - down)
    spots = call.spot * np.exp(move * np.arange(-steps, steps + 1, 2))
    payoff = np.maximum(spots - call.strike, 0.0)
    value = np.repeat(call.aversion * payoff[:, None], inventory.size, axis=1)
    if liquidated:
        value += call.aversion * call.cost * np.outer(spots, np.abs(inventory))
    log_rise, log_fall = np.log(rise), np.log(1.0 - rise)
    for step in range(steps - 1, -1, -1):
        spots = spots[:-1] * up
        held = call.aversion * np.outer(spots, inventory)
        kept = np.logaddexp(
            log_rise + value[1:] - (up - 1.0) * held, log_fall + value[:-1] - (down - 1.0) * held
        )
        if step % every:
            value = kept
            continue
        paid = call.cost * held
        buy, sell = kept + paid, kept - paid
        region = Region(step, spots, inventory[buy.argmin(axis=1)], inventory[sell.argmin(axis=1)])
        bought = np.minimum.accumulate(buy[:, ::-1], axis=1)[:, ::-1] - paid
        sold = np.minimum.accumulate(sell, axis=1) + paid
        value = np.minimum(bought, sold)
        yield region, value
