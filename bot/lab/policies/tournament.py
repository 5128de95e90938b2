"""Rules against each other on the same paths: what rehedging costs, and what it leaves.

One short call, linear settlement, no rates. Money is net of rehedging costs; setting the hedge up
and closing it are counted apart, because every rule pays them alike. All rules see the same paths,
so that their differences are known better than their figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import FloatArray
from bot.lab.policies.rules import Rule, Sight
from greeks import black76

TINY: Final = 1e-12  # a change of holdings that is no trade


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is hedged, on which paths; arrays of shape (steps + 1, paths)."""

    strike: float
    premium: float  # USD: what the call was sold for
    dt_years: float
    cost: float  # of a trade, as a share of its notional
    spot: FloatArray
    vol: FloatArray  # what the hedger believes at each moment; (steps, 1) where it is known


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule's results, arrays over paths."""

    name: str
    parameter: float
    pnl: FloatArray  # USD, net of rehedging costs
    cost: FloatArray  # USD, of rehedging
    trades: FloatArray
    turnover: FloatArray  # units of the underlying, rehedging
    setup: FloatArray  # USD
    unwind: FloatArray  # USD


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over paths with their standard errors."""

    name: str
    parameter: float
    paths: int
    mean_pnl: float
    se_mean: float
    std_pnl: float
    se_std: float
    mean_cost: float
    se_cost: float
    trades: float
    turnover: float
    setup: float
    unwind: float
    es95: float  # mean of the worst twentieth, USD
    effectiveness: float  # 1 - variance left of the unhedged

    def loss(self, aversion: float) -> float:
        """Return the certainty-equivalent loss in USD: mean cost + aversion/2 of the variance."""
        return self.mean_cost + 0.5 * aversion * self.std_pnl**2

    def se_loss(self, aversion: float) -> float:
        """Return its standard error, as if cost and variance were independent."""
        return float(np.hypot(self.se_cost, aversion * self.std_pnl * self.se_std))


def run(experiment: Experiment, rules: Sequence[Rule]) -> list[Outcome]:
    """Return what each rule makes of every path."""
    books = [_Book(rule, experiment) for rule in rules]
    spot, steps = experiment.spot, len(experiment.spot) - 1
    for step in range(steps):
        sight = _sight(experiment, step, steps)
        move = spot[step + 1] - spot[step]
        for book in books:
            if step % book.rule.every == 0:
                book.rehedge(sight)
            book.pnl += book.held * move
    return [book.closed(experiment) for book in books]


def _sight(experiment: Experiment, step: int, steps: int) -> Sight:
    spot = experiment.spot[step]
    vol = np.broadcast_to(experiment.vol[step], spot.shape)
    years = (steps - step) * experiment.dt_years
    first = black76.first(True, spot, experiment.strike, years, vol)  # noqa: FBT003
    return Sight(
        step, experiment.dt_years, spot, years, vol, first.delta, first.gamma, experiment.strike,
        experiment.cost,
    )  # fmt: skip


class _Book:
    """One rule's holdings and money on all paths."""

    def __init__(self, rule: Rule, experiment: Experiment) -> None:
        paths = experiment.spot.shape[1]
        self.rule = rule
        self.held, self.setup = np.zeros(paths), np.zeros(paths)
        self.pnl, self.cost, self.trades, self.turnover = np.zeros((4, paths))

    def rehedge(self, sight: Sight) -> None:
        """Trade where the holdings lie outside; the first time, to where the rule starts."""
        bounds = self.rule.bounds(sight)
        wanted = bounds.next(self.held)
        if sight.step == 0:
            wanted = sight.delta if self.rule.from_delta else 0.5 * (bounds.low + bounds.high)
        change = np.abs(wanted - self.held)
        paid = sight.cost * sight.spot * change
        if sight.step == 0:
            self.setup += paid
        else:
            self.cost += paid
            self.turnover += change
            self.trades += change > TINY
        self.held = wanted

    def closed(self, experiment: Experiment) -> Outcome:
        """Return the outcome at expiry."""
        last = experiment.spot[-1]
        payoff = np.maximum(last - experiment.strike, 0.0)
        unwind = experiment.cost * last * np.abs(self.held)
        pnl = experiment.premium - payoff + self.pnl - self.cost
        return Outcome(
            self.rule.name, self.rule.parameter, pnl, self.cost, self.trades, self.turnover,
            self.setup, unwind,
        )  # fmt: skip


def figures(outcomes: Iterable[Outcome], unhedged_variance: float) -> Figures:
    """Return the figures of one rule over all chunks of paths."""
    chunks = list(outcomes)

    def column(name: str) -> FloatArray:
        return np.concatenate([getattr(chunk, name) for chunk in chunks])

    pnl, cost = column("pnl"), column("cost")
    count, mean, std = pnl.size, float(pnl.mean()), float(pnl.std())
    kurtosis = float(((pnl - mean) ** 4).mean()) / std**4
    worst = np.partition(pnl, count // 20)[: max(count // 20, 1)]
    return Figures(
        name=chunks[0].name,
        parameter=chunks[0].parameter,
        paths=count,
        mean_pnl=mean,
        se_mean=std / float(np.sqrt(count)),
        std_pnl=std,
        se_std=std * float(np.sqrt(max(kurtosis - 1.0, 0.0) / (4.0 * count))),
        mean_cost=float(cost.mean()),
        se_cost=float(cost.std() / np.sqrt(count)),
        trades=float(column("trades").mean()),
        turnover=float(column("turnover").mean()),
        setup=float(column("setup").mean()),
        unwind=float(column("unwind").mean()),
        es95=float(worst.mean()),
        effectiveness=1.0 - std**2 / unhedged_variance,
    )
