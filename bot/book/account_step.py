"""What one step of an account's explanation holds: legs since their moments, and what was paid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bot.book.lines import Ending, Price
from bot.book.marks import Marks
from bot.domain.fees import delivery_fee
from bot.domain.instruments import FeeTier, Instrument
from bot.domain.quotes import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """Options of one coin, held since one moment: their marks then, coins and whose they are."""

    coin: str
    start: Marks
    instruments: tuple[Instrument, ...]
    quantity: FloatArray
    ours: BoolArray


@dataclass(frozen=True, slots=True)
class Future:
    """A future, perpetual or spot pair, held since one moment, and its funding rate then."""

    instrument: Instrument
    quantity: float
    ours: bool
    start: Price
    funding_8h: float


@dataclass(slots=True)
class Step:
    """What an account began with, what joined it since, and what it paid, in its currency.

    `translated` is what counts as coins rather than as dollars; `spent` of it went into options
    since, which were worth `spent_usd` then.
    """

    ts_ns: int
    index: float
    equity: float
    translated: float
    options: list[Options] = field(default_factory=list)
    futures: list[Future] = field(default_factory=list)
    fees: float = 0.0
    slippage: float = 0.0
    spent: float = 0.0
    spent_usd: float = 0.0
    last_fill_ns: int = 0
    ended: dict[str, tuple[Instrument, Ending]] = field(default_factory=dict)


def delivered(step: Step) -> float:
    """Return what the venue charges, by its rule, for what settled in a step; in its currency."""
    held: dict[str, float] = {}
    for batch in step.options:
        for option, quantity in zip(batch.instruments, batch.quantity, strict=True):
            held[option.name] = held.get(option.name, 0.0) + float(quantity)
    for future in step.futures:
        name = future.instrument.name
        held[name] = held.get(name, 0.0) + future.quantity
    return math.fsum(
        delivery_fee(one, held.get(name, 0.0), ending.pays(one), ending.price, FeeTier())
        for name, (one, ending) in step.ended.items()
    )
