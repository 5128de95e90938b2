"""The legs of a coin's book as the bot showed them, packed for revaluation.

Volatilities are in variance time, as the bot holds them; so are the years that go with them here
(an option that settles on an average has two thirds of its window less). Inside a window an option
stands for what is still to come of the average. What expired counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.domain.deribit import parse
from bot.domain.errors import UnknownInstrumentError
from bot.domain.instruments import Instrument
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from greeks import black76, settlement

Array = NDArray[np.float64]
UNREAD: Final = frozenset({State.BOOT, State.RECONCILING})
OPTION: Final = ("delta_coin", "gamma_coin_per_pct", "vega_usd", "theta_usd_day")


@dataclass(frozen=True, slots=True)
class Leg:
    """One instrument of the book: its whole quantity, in its own unit, and its part of the Greeks.

    Delta in coin, gamma in coin per 1 %, vega USD per point, theta USD per day.
    """

    instrument: Instrument
    quantity: float
    delta: float
    gamma: float
    vega: float
    theta: float
    vol: float
    forward: float


@dataclass(frozen=True, slots=True)
class Book:
    """One coin's legs at a moment; `rest` is delta (coin) of what is no leg: counted collateral.

    Not `measured`, a book without legs says nothing about what is held.
    """

    coin: str
    now_ns: int
    index: float
    in_coin: bool
    legs: tuple[Leg, ...]
    rest: float
    averages: Mapping[int, float]
    measured: bool = True

    def alive(self) -> tuple[Leg, ...]:
        """Return the options that live, with a price or without."""
        return tuple(
            leg
            for leg in self.legs
            if leg.instrument.is_option and (leg.instrument.expiry_ns or 0) > self.now_ns
        )

    def options(self) -> tuple[Leg, ...]:
        """Return the options that live and have a price."""
        return tuple(leg for leg in self.alive() if np.isfinite(leg.vol * leg.forward))

    def futures(self) -> tuple[Leg, ...]:
        """Return what is no option."""
        return tuple(leg for leg in self.legs if not leg.instrument.is_option)


@dataclass(frozen=True, slots=True)
class Columns:
    """Options packed: arrays with one entry a leg.

    `weight` is the share of an average that is still to come, `known` what the elapsed part brings
    to it, `certain` what is decided (USD per coin): 1, 0 and 0 outside a window.
    """

    quantity: Array
    call: NDArray[np.bool_]
    forward: Array
    strike: Array
    years: Array
    vol: Array
    inverse: NDArray[np.bool_]
    expiry_s: Array
    weight: Array
    known: Array
    certain: Array


class Valued(NamedTuple):
    """A book's options at moved prices: value (USD), delta (coin), gamma (coin per 1 %)."""

    value: Array
    delta: Array
    gamma: Array


def valued(mine: Book, packed: Columns, moves: Array, vols: Array | float = 0.0) -> Valued:
    """Return the sums over the legs where forwards move by `moves` and volatilities by `vols`.

    Arrays of the broadcast shape of both. The formulas are those of `bot.book.numeraire`.
    """
    grow, swell = np.broadcast_arrays(1.0 + np.asarray(moves), 1.0 + np.asarray(vols))
    if not packed.quantity.size:
        return Valued(*(np.zeros(grow.shape) for _ in range(3)))
    forward = packed.forward * grow[..., None]
    first = black76.first(
        packed.call, forward, packed.strike, packed.years, packed.vol * swell[..., None]
    )
    weight, index = packed.weight, mine.index * grow[..., None]
    payout = packed.known + weight * forward
    price, delta = weight * first.price + packed.certain, weight * first.delta
    gamma = weight * first.gamma
    worth = price * np.where(packed.inverse, index / payout, 1.0)
    factor = np.where(packed.inverse, 1.0, packed.forward / mine.index)
    if not mine.in_coin:
        bend = gamma * forward * factor / 100.0
        return Valued(*(one @ packed.quantity for one in (worth, delta * factor, bend)))
    slope = (delta - weight * price / payout) / payout
    curve = (gamma - 2.0 * weight * slope) / payout
    linear = delta * factor - price / index
    net = np.where(packed.inverse, forward * slope, linear)
    bent = np.where(
        packed.inverse, forward * (slope + forward * curve), gamma * forward * factor - linear
    )
    return Valued(*(one @ packed.quantity for one in (worth, net, bent / 100.0)))


def book(
    coin: str,
    sample: Mapping[str, Any],
    rows: Iterable[Mapping[str, Any]],
    averages: Mapping[int, float],
) -> Book:
    """Return a coin's book from its exposure and the rows of the bot's `greeks` view."""
    legs = tuple(leg for row in rows if (leg := _leg(coin, row)) is not None)
    delta = sample["delta_coin"]
    rest = 0.0 if delta is None else delta - sum(leg.delta for leg in legs)
    index = float("nan") if sample["index"] is None else float(sample["index"])
    in_coin = sample["numeraire"] == "coin"
    # Before its holdings were told a bot shows none.
    measured = bool(legs) or (delta is not None and sample.get("state") not in UNREAD)
    return Book(coin, sample["ts_ns"], index, in_coin, legs, rest, averages, measured)


def columns(mine: Book, now_ns: int | None = None) -> Columns:
    """Pack the options of a book as they are at its moment, or at a later one."""
    at_ns = mine.now_ns if now_ns is None else now_ns
    legs = mine.options()
    expiry = np.array([leg.instrument.expiry_ns or 0 for leg in legs], dtype=np.float64)
    window = np.array([leg.instrument.averaging_s for leg in legs], dtype=np.float64)
    left = (expiry - at_ns) / NS_PER_S
    known = np.array(
        [mine.averages.get(leg.instrument.expiry_ns or 0, mine.index) for leg in legs],
        dtype=np.float64,
    )
    call = np.array([leg.instrument.is_call for leg in legs], dtype=np.bool_)
    forward = np.array([leg.forward for leg in legs], dtype=np.float64)
    strike = np.array([leg.instrument.strike for leg in legs], dtype=np.float64)
    vol = np.array([leg.vol for leg in legs], dtype=np.float64)
    inside = settlement.effective(call, forward, strike, left, vol, known, window)
    quantity = np.array([leg.quantity for leg in legs], dtype=np.float64)
    weight = np.where(left > 0.0, inside.weight, 0.0)
    return Columns(
        quantity=quantity,
        call=call,
        forward=forward,
        strike=np.where(left > 0.0, inside.strike, strike),
        years=inside.years,
        vol=vol,
        inverse=np.array([leg.instrument.is_inverse for leg in legs], dtype=np.bool_),
        expiry_s=expiry / NS_PER_S,
        weight=weight,
        known=np.where(weight < 1.0, inside.projected - weight * forward, 0.0),
        certain=np.where(left > 0.0, inside.certain_usd, 0.0),
    )


def _leg(coin: str, row: Mapping[str, Any]) -> Leg | None:
    try:
        instrument = parse(row["instrument"])
    except UnknownInstrumentError:
        return None
    if instrument.coin != coin:
        return None
    delta, gamma, vega, theta = (row[name] or 0.0 for name in OPTION)
    nan = float("nan")
    vol, forward = (nan if row[name] is None else row[name] for name in ("vol", "forward"))
    return Leg(instrument, row["quantity"], delta, gamma, vega, theta, vol, forward)
