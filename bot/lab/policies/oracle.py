"""The best that any rule can do: mean-variance hedging of a small book, by dynamic programming.

On a recombining binomial tree without drift, with inventory y held against a book of value B, the
least expected cost plus half the aversion times the sum of local variances is

    V(t, S, y) = min(G(t, S, y), ticket + min over y' of cost S |y' - y| + G(t, S, y'))
    G(t, S, y) = aversion/2 Var(y dS + dB) + E V(t + 1, S', y),         V at expiry = 0

where V(0, S, y) is free to start in any y: setting up is counted by nobody. A ticket makes it worth
while to trade beyond the bound (impulse control). The sum of local variances is the variance of
what the hedged book earns before costs, because nothing drifts. `loss` measures any rule in the
same way on the same tree and inventories, without chance, so that no rule is below `least`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bot.domain.quotes import FloatArray, IntArray
from bot.lab.policies.books import Book
from bot.lab.policies.rules import Rule, Sight

SPACING: Final = 0.0025
MARGIN: Final = 0.15


@dataclass(frozen=True, slots=True)
class Problem:
    """A book and its hedger: prices in USD, times in years."""

    book: Book
    spot: float
    vol: float
    years: float  # to expiry
    steps: int
    cost: float  # of a trade, as a share of its notional
    aversion: float  # per USD
    ticket_usd: float = 0.0
    every: int = 1  # steps between looks


class Region(NamedTuple):
    """Where nothing is traded at one moment, and where trades end; arrays over rising prices."""

    step: int
    spot: FloatArray  # USD
    low: FloatArray  # units of the underlying: below it is bought
    bought: FloatArray  # up to here
    high: FloatArray  # above it is sold
    sold: FloatArray  # down to here

    def at(self, spot: float) -> tuple[float, float, float, float]:
        """Return low, bought, sold and high at a price, interpolated in its logarithm."""
        where, at = np.log(self.spot), np.log(spot)
        low, bought, sold, high = (
            float(np.interp(at, where, level))
            for level in (self.low, self.bought, self.sold, self.high)
        )
        return low, bought, sold, high


class Loss(NamedTuple):
    """What a rule costs and leaves: USD, USD²."""

    cost: float
    variance: float

    def of(self, aversion: float) -> float:
        """Return cost + aversion/2 variance, USD."""
        return self.cost + 0.5 * aversion * self.variance


class _Moment(NamedTuple):
    """One step of the tree."""

    step: int
    spot: FloatArray
    rise: float  # probability
    own: FloatArray  # the book's delta over the step
    variance: FloatArray  # of the price over the step, USD²

    def mean(self, later: FloatArray) -> FloatArray:
        """Return the expectation of what holds one step later, by price."""
        return self.rise * later[1:] + (1.0 - self.rise) * later[:-1]

    def risk(self, inventory: FloatArray) -> FloatArray:
        """Return the variance over the step by price and inventory, USD²."""
        away = inventory + self.own[:, None]
        risk: FloatArray = self.variance[:, None] * away * away
        return risk


def inventories(book: Book, spacing: float = SPACING) -> FloatArray:
    """Return the holdings that may be needed against a book, and some more at both ends."""
    strikes = sorted({leg.strike for leg in book.legs})
    spot = np.array([0.5 * strikes[0], *strikes, 2.0 * strikes[-1]])
    reach = -np.diff(book.payoff(spot)) / np.diff(spot)  # deltas move between the payoff's slopes
    low, high = reach.min() - MARGIN, reach.max() + MARGIN
    grid: FloatArray = spacing * np.arange(np.floor(low / spacing), np.ceil(high / spacing) + 1)
    return grid


def regions(problem: Problem, inventory: FloatArray) -> Iterator[Region]:
    """Yield the region of every look, from the last one before expiry back to now."""
    for region, _ in _backwards(problem, inventory):
        yield region


def least(problem: Problem, inventory: FloatArray) -> float:
    """Return the least loss (USD) of any rule that starts where it likes."""
    kept = np.empty(0)
    for _, now in _backwards(problem, inventory):
        kept = now
    return float(kept.min())


def loss(problem: Problem, rule: Rule, inventory: FloatArray) -> Loss:
    """Return what a rule costs and leaves; its levels are rounded to the inventories.

    It is asked every ``rule.every`` steps and starts in its middle, or at the book's delta.
    """
    steps = problem.steps
    cost, variance = np.zeros((2, steps + 1, inventory.size))
    place = np.arange(inventory.size)
    for moment in _moments(problem):
        cost, variance = moment.mean(cost), moment.mean(variance) + moment.risk(inventory)
        if moment.step % rule.every:
            continue
        sight = _sight(problem, moment)
        bounds = rule.bounds(sight)
        if moment.step == 0:
            middle = sight.delta if rule.from_delta else 0.5 * (bounds.low + bounds.high)
            at = _nearest(inventory, middle)[0, 0]
            return Loss(float(cost[0, at]), float(variance[0, at]))
        low, high = _nearest(inventory, bounds.low), _nearest(inventory, bounds.high)
        bought = low if bounds.bought is None else _nearest(inventory, bounds.bought)
        sold = high if bounds.sold is None else _nearest(inventory, bounds.sold)
        to = np.where(place < low, bought, np.where(place > high, sold, place))
        paid = problem.cost * moment.spot[:, None] * np.abs(inventory[to] - inventory)
        paid += problem.ticket_usd * (to != place)
        cost = paid + np.take_along_axis(cost, to, axis=1)
        variance = np.take_along_axis(variance, to, axis=1)
    raise AssertionError("a tree has a first step")


def _moments(problem: Problem) -> Iterator[_Moment]:
    """Yield the tree's steps, the last one first."""
    steps = problem.steps
    move = problem.vol * np.sqrt(problem.years / steps)
    up, down = float(np.exp(move)), float(np.exp(-move))
    rise = (1.0 - down) / (up - down)
    spots = problem.spot * np.exp(move * np.arange(-steps, steps + 1, 2))
    book = problem.book.payoff(spots)
    for step in range(steps - 1, -1, -1):
        spots = spots[:-1] * up
        between = spots * (up - down)
        own = (book[1:] - book[:-1]) / between
        book = rise * book[1:] + (1.0 - rise) * book[:-1]
        yield _Moment(step, spots, rise, own, rise * (1.0 - rise) * between**2)


def _backwards(problem: Problem, inventory: FloatArray) -> Iterator[tuple[Region, FloatArray]]:
    """Yield regions, and G by price and inventory, of the looks, the last one first."""
    value = np.zeros((problem.steps + 1, inventory.size))
    half = 0.5 * problem.aversion
    for moment in _moments(problem):
        kept = moment.mean(value) + half * moment.risk(inventory)
        if moment.step % problem.every:
            value = kept
            continue
        paid = problem.cost * np.outer(moment.spot, inventory)
        buy, sell = kept + paid, kept - paid
        traded = np.minimum(
            np.minimum.accumulate(buy[:, ::-1], axis=1)[:, ::-1] - paid,
            np.minimum.accumulate(sell, axis=1) + paid,
        )
        traded += problem.ticket_usd
        bought, sold = buy.argmin(axis=1), sell.argmin(axis=1)
        low, high = bought, sold
        if problem.ticket_usd > 0.0:
            still = kept <= traded
            low, high = still.argmax(axis=1), inventory.size - 1 - still[:, ::-1].argmax(axis=1)
        value = np.minimum(kept, traded)
        yield (
            Region(moment.step, moment.spot, *(inventory[at] for at in (low, bought, high, sold))),
            kept,
        )


def _sight(problem: Problem, moment: _Moment) -> Sight:
    """Return what a rule sees, over the prices of a step."""
    years = problem.years * (1.0 - moment.step / problem.steps)
    vol = np.full_like(moment.spot, problem.vol)
    delta, gamma = problem.book.figures(moment.spot, years, vol)
    return Sight(
        moment.step, problem.years / problem.steps, moment.spot, years, vol, -delta, gamma,
        problem.book.legs[0].strike, problem.cost,
    )  # fmt: skip


def _nearest(inventory: FloatArray, level: FloatArray) -> IntArray:
    """Return the place of the nearest inventory of each price, as a column."""
    step = (inventory[-1] - inventory[0]) / (inventory.size - 1)
    place = np.rint((level - inventory[0]) / step).astype(np.int64)
    column: IntArray = np.clip(place, 0, inventory.size - 1)[:, None]
    return column
