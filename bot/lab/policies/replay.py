"""Policies on recorded books: what they pay and what they leave, per book and day.

Money is in USD. A book starts at its target; setting up and closing are counted by nobody. What is
left is the change of the hedged book before costs, the option's own change of volatility included;
`strayed` is that of the distance to the target alone: what a frictionless twin would not have had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from bot.domain.quotes import BoolArray, FloatArray, IntArray
from bot.lab.lives import NS_PER_DAY, NS_PER_YEAR
from bot.lab.policies.books import NEAR, SHOCKS
from bot.lab.policies.recorded import Books
from bot.lab.policies.rules import mixed
from bot.strategy import width
from bot.strategy.bands import inner_share

COST: Final = 5.5e-4
"""Of a trade, as a share of its notional: 5 bp taker and half a basis point of half spread."""

NS_PER_HOUR: Final = int(NS_PER_DAY) // 24
TINY: Final = 1e-12

Effective: TypeAlias = Callable[[Books], FloatArray]


class Band(NamedTuple):
    """Half-widths and destinations around the target, coin; arrays (looks, books)."""

    half: FloatArray
    end: FloatArray


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy by its family and its one parameter."""

    family: str
    parameter: float
    band: Callable[[Books], Band]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One policy's days: arrays over rows, one for each book and day that it lived."""

    family: str
    parameter: float
    cost: FloatArray  # USD, fees and spread
    trades: FloatArray
    left: FloatArray  # USD: change of the hedged book before costs
    strayed: FloatArray  # USD: what of it came from not being at the target


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which book and which day the rows of a result are about."""

    book: IntArray
    day: IntArray  # since 1970


def here(books: Books) -> FloatArray:
    """Return |net gamma| at the price."""
    gamma: FloatArray = np.abs(books.gamma[len(SHOCKS) // 2])
    return gamma


def shocked(books: Books) -> FloatArray:
    """Return the largest |net gamma| within a daily deviation of the price."""
    gamma: FloatArray = np.abs(books.gamma).max(axis=0)
    return gamma


def averaged(books: Books) -> FloatArray:
    """Return the root mean square of net gamma within half a daily deviation of the price."""
    near = np.isin(SHOCKS, NEAR)
    gamma: FloatArray = np.sqrt(np.square(books.gamma[near]).mean(axis=0))
    return gamma


def fixed(half: float, to: str, ticket_usd: float) -> Policy:
    """Return a threshold in coin; ``to`` is edge, target or inner (the point of the ticket)."""

    def band(books: Books) -> Band:
        price = float(np.median(books.looks.perpetual))
        share = {"edge": 1.0, "target": 0.0}.get(to)
        if share is None:
            share = inner_share(ticket_usd, COST * price, half)
        return Band(np.full_like(books.delta, half), np.full_like(books.delta, share * half))

    return Policy(f"fixed, to {to}", half, band)


def whalley_wilmott(
    aversion: float,
    gamma: Effective,
    name: str,
    ticket_usd: float = 0.0,
    *,
    corrected: bool = True,
) -> Policy:
    """Return the band of a net gamma; ``aversion`` is per USD where a coin costs 100 USD."""

    def band(books: Books) -> Band:
        seen = books.looks
        price, vol = seen.perpetual[:, None], seen.vol[:, None]
        effective = gamma(books)
        half, end = mixed(COST * price, ticket_usd, effective, aversion * 100.0 / price)
        if corrected:
            half = half - width.polling(effective, price, vol, _ahead_years(books)[:, None])
            half = np.maximum(half, 0.0)
        return Band(half, np.minimum(half, end))

    return Policy(name, aversion, band)


def timer(hours: int) -> Policy:
    """Return the hedge that goes back to the target every so many hours, as nearly as it looks."""

    def band(books: Books) -> Band:
        begin = books.looks.ts_ns[np.minimum(books.begin, len(books.looks.ts_ns) - 1)]
        passed = (books.looks.ts_ns[:, None] - begin) // (hours * NS_PER_HOUR)
        due = np.diff(passed, axis=0, prepend=passed[:1]) > 0
        return Band(np.where(due, 0.0, np.inf), np.zeros_like(books.delta))

    return Policy("timer", float(hours), band)


def rows(books: Books) -> tuple[Rows, BoolArray, IntArray]:
    """Return the rows of a result, which looks count, and the row of each that does."""
    seen = np.arange(len(books.looks.ts_ns))[:, None]
    alive = (seen >= books.begin) & (seen < books.end)
    day = np.broadcast_to((books.looks.ts_ns // int(NS_PER_DAY))[:, None], alive.shape)[alive]
    book = np.broadcast_to(np.arange(alive.shape[1]), alive.shape)[alive]
    pairs, row = np.unique(np.stack([book, day]), axis=1, return_inverse=True)
    return Rows(*pairs), alive, row.ravel()


def run(books: Books, policy: Policy) -> Result:
    """Return what a policy makes of every book, day by day."""
    half, end = policy.band(books)
    held = _held(books, half, end)
    target = -books.delta
    move = np.append(np.diff(books.looks.perpetual), 0.0)[:, None]
    traded = np.abs(np.diff(held, axis=0, prepend=held[:1]))
    index, alive, row = rows(books)
    looked = np.arange(len(held))[:, None] > books.begin

    def total(values: FloatArray) -> FloatArray:
        summed: FloatArray = np.bincount(row, values[alive], len(index.book)).astype(np.float64)
        return summed

    return Result(
        policy.family, policy.parameter,
        total(COST * books.looks.perpetual[:, None] * traded * looked),
        total(((traded > TINY) & looked).astype(np.float64)),
        total(books.change + held * move),
        total((held - target) * move),
    )  # fmt: skip


def _held(books: Books, half: FloatArray, end: FloatArray) -> FloatArray:
    """Return the coins of perpetual held after each look."""
    target, begin = -books.delta, books.begin
    held = np.zeros_like(target)
    now = target[0]
    for look in range(len(target)):
        want = target[look]
        away = now - want
        out = np.abs(away) > half[look]
        now = np.where(out, want + np.copysign(end[look], away), now)
        now = np.where(begin >= look, want, now)
        held[look] = now
    return held


def _ahead_years(books: Books) -> FloatArray:
    """Return the time until the next look."""
    ahead = np.diff(books.looks.ts_ns) / NS_PER_YEAR
    return np.append(ahead, ahead[-1])
