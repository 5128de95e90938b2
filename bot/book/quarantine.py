"""Held instruments that the venue has not listed: bounded by what their name says they are.

A name that follows the venue's grammar tells kind, strike, side and expiry. That bounds the delta
without any price: an option's by its payoff, a future's by the forwards that are believed at all
(half to twice the index). The bounds widen the exposure's interval, so that only what is right for
all of it is sent. A name that says nothing bounds nothing, and its coin cannot be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.book.legs import payoff_bound
from bot.book.numeraire import future_delta
from bot.book.quality import MAX_FORWARD_RATIO
from bot.domain.instruments import Instrument
from bot.domain.reasons import Because, Reason
from bot.domain.units import seconds_between


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an unlisted holding may be worth in delta, coin; `delta` is the likeliest point."""

    delta: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: Bounds) -> Bounds:
        """Return the bounds of both."""
        return Bounds(self.delta + other.delta, self.low + other.low, self.high + other.high)


def bounds(held: Mapping[Instrument, float], index: float, now_ns: int) -> Bounds:
    """Return the bounds of all unlisted holdings at an index (USD per coin)."""
    total = Bounds()
    for instrument, quantity in held.items():
        total += _bounds(instrument, quantity, index, now_ns)
    return total


def doubts(held: Mapping[Instrument, float], index: float, now_ns: int) -> Iterable[Because]:
    """Name every unlisted holding, with its bounds where an index is known."""
    for instrument, quantity in held.items():
        figures: dict[str, float] = {}
        if math.isfinite(index):
            found = _bounds(instrument, quantity, index, now_ns)
            figures = {"low_coin": found.low, "high_coin": found.high}
        yield Because(Reason.UNKNOWN_INSTRUMENT, instrument.name, figures)


def _bounds(instrument: Instrument, quantity: float, index: float, now_ns: int) -> Bounds:
    expiry_ns = instrument.expiry_ns
    left_s = math.inf if expiry_ns is None else seconds_between(now_ns, expiry_ns)
    if left_s <= 0.0:
        return Bounds()
    if instrument.is_option:
        most = payoff_bound(
            is_call=instrument.is_call,
            inverse=instrument.is_inverse,
            strike=instrument.strike,
            ratio=math.nan,
            index=index,
        )
        end = quantity * (most if instrument.is_call else -most)
        return Bounds(0.0, min(end, 0.0), max(end, 0.0))
    likely = future_delta(instrument, quantity, index, index)
    ends = (
        future_delta(instrument, quantity, index * MAX_FORWARD_RATIO, index),
        future_delta(instrument, quantity, index / MAX_FORWARD_RATIO, index),
        # Inside its settlement window a future fades to nothing.
        *((0.0,) if left_s < instrument.averaging_s else ()),
    )
    return Bounds(likely, min(ends), max(ends))
