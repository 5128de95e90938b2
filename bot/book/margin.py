"""Deribit's standard margin, per instrument and without offsets, and what funds it leaves room for.

Coin per coin of size. A long option needs its premium and no more. A short call needs max(0.15 −
OTM/S, 0.1) + mark at first and 0.075 + mark to be kept; a short put max(0.075, 0.075·mark) + mark
to be kept and never less at first. A future or perpetual needs a fraction of its size that grows
with the size. Linear instruments need the same times the index, in USD. A hedge adds margin here:
no delta offset. (Formulas with check values: docs/mathematics.md.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bot.domain.instruments import Instrument
from bot.domain.quotes import FloatArray

STANDARD: Final = frozenset({"segregated_sm", "cross_sm"})
PORTFOLIO: Final = frozenset({"segregated_pm", "cross_pm"})


class Margin(NamedTuple):
    """Initial and maintenance margin, in the instrument's settlement currency."""

    initial: float
    maintenance: float


NONE: Final = Margin(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class FutureTerms:
    """Fractions of the size; `per_coin` is added for every coin of size."""

    initial: float
    maintenance: float
    per_coin: float


FUTURES: Final = {
    "BTC": FutureTerms(0.02, 0.01, 0.00005),
    "ETH": FutureTerms(0.02, 0.01, 0.000004),
}
_SHORT_BASE: Final = 0.15
_SHORT_FLOOR: Final = 0.1
_SHORT_KEEP: Final = 0.075


def required(instrument: Instrument, quantity: float, mark: float, index: float) -> Margin:
    """Return the margin of a signed quantity (the instrument's unit) at a mark (its price unit)."""
    if quantity == 0.0:
        return NONE
    if instrument.is_option:
        in_coin = _option(
            instrument, quantity, mark if instrument.is_inverse else mark / index, index
        )
    else:
        in_coin = _future(FUTURES[instrument.coin], abs(instrument.coins(quantity, mark)))
    if instrument.is_inverse:
        return in_coin
    return Margin(in_coin.initial * index, in_coin.maintenance * index)


def room(
    instrument: Instrument, held_coin: float, free: float, index: float, *, buy: bool
) -> float:
    """Return how many coins of a future the free funds let one buy (or sell) on top of a holding.

    `held_coin` is the signed position (coin), `free` what is held against margin less the initial
    margin, in the settlement currency. What closes a position frees its margin. Infinite where the
    coin's terms are not known.
    """
    terms = FUTURES.get(instrument.coin)
    if terms is None or not math.isfinite(free):
        return math.inf
    coins = free if instrument.is_inverse else free / index
    most = _largest(terms, max(coins + _future(terms, abs(held_coin)).initial, 0.0))
    return max(most - held_coin if buy else most + held_coin, 0.0)


def _largest(terms: FutureTerms, initial: float) -> float:
    """Return the size (coin) whose initial margin is this much: size·(a + b·size) = initial."""
    a, b = terms.initial, terms.per_coin
    return (math.sqrt(a * a + 4.0 * b * initial) - a) / (2.0 * b)


def short_keep(is_call: ArrayLike, mark: ArrayLike) -> FloatArray:
    """Return the maintenance margin of short options, coin per coin; `mark` in coin."""
    marks = np.asarray(mark, dtype=np.float64)
    puts = np.maximum(_SHORT_KEEP, _SHORT_KEEP * marks)
    keep: FloatArray = np.where(is_call, _SHORT_KEEP, puts) + marks
    return keep


def _option(instrument: Instrument, quantity: float, mark: float, index: float) -> Margin:
    """Return the margin of an option position in coin."""
    if quantity > 0.0:
        return NONE
    towards = 1.0 if instrument.is_call else -1.0
    out_of_money = max(0.0, towards * (instrument.strike - index)) / index
    initial = max(_SHORT_BASE - out_of_money, _SHORT_FLOOR) + mark
    keep = float(short_keep(instrument.is_call, mark))
    if not instrument.is_call:
        initial = max(initial, keep)
    return Margin(-quantity * initial, -quantity * keep)


def future_keep(coin: str, coins: ArrayLike) -> FloatArray:
    """Return the maintenance margin (coin) of futures of unsigned sizes (coin); 0 if not known."""
    terms = FUTURES.get(coin)
    size = np.asarray(coins, dtype=np.float64)
    if terms is None:
        return np.zeros_like(size)
    keep: FloatArray = size * (terms.maintenance + size * terms.per_coin)
    return keep


def _future(terms: FutureTerms, coins: float) -> Margin:
    """Return the margin of a future or perpetual of this size in coin."""
    growth = coins * terms.per_coin
    return Margin(coins * (terms.initial + growth), coins * (terms.maintenance + growth))
