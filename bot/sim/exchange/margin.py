"""Deribit's standard margin, per instrument and without offsets.

Coin per coin of size. A long option needs its premium and no more. A short call needs max(0.15 −
OTM/S, 0.1) + mark at first and 0.075 + mark to be kept; a short put max(0.075, 0.075·mark) + mark
to be kept and never less at first. A future or perpetual needs a fraction of its size that grows
with the size. Linear instruments need the same times the index, in USD. A hedge adds margin here:
no delta offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from bot.domain.instruments import Instrument


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


def _option(instrument: Instrument, quantity: float, mark: float, index: float) -> Margin:
    """Return the margin of an option position in coin."""
    if quantity > 0.0:
        return NONE
    towards = 1.0 if instrument.is_call else -1.0
    out_of_money = max(0.0, towards * (instrument.strike - index)) / index
    initial = max(_SHORT_BASE - out_of_money, _SHORT_FLOOR) + mark
    if instrument.is_call:
        keep = _SHORT_KEEP + mark
    else:
        keep = max(_SHORT_KEEP, _SHORT_KEEP * mark) + mark
        initial = max(initial, keep)
    return Margin(-quantity * initial, -quantity * keep)


def _future(terms: FutureTerms, coins: float) -> Margin:
    """Return the margin of a future or perpetual of this size in coin."""
    growth = coins * terms.per_coin
    return Margin(coins * (terms.initial + growth), coins * (terms.maintenance + growth))
