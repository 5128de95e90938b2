"""Option bids, asks and sizes around the mark, on the venue's price grid.

Spreads are so many volatility points by tenor, plus coin for what lies in the money; they widen
with the level of volatility and with stress. A bid that would round to nothing is missing. Rows
carry their own persistent luck (wider, leaning, thinner) from a table that is drawn once per
listing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.quotes import BoolArray, FloatArray
from bot.sim.market.params import SPREADS

UNITS_PER_COIN: Final = 10_000.0  # the finest price step is one unit
COARSE_UNITS: Final = 5.0
COARSE_FROM_UNITS: Final = 50.0
DEALS: Final = 16
LEAN: Final = 0.2
DEEP_DELTA: Final = 0.55
DEEP_SPAN: Final = 0.30
DEEP_MARK_COIN: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Luck:
    """Tables of (deals, rows): the deal in use changes with each batch."""

    width: FloatArray  # factor on the spread
    lean: FloatArray  # where the mark lies in the spread: -1 at the ask, 1 at the bid
    bid_size: FloatArray
    ask_size: FloatArray
    no_bid: BoolArray
    no_ask: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Quoted:
    """Best prices (coin, NaN absent) and sizes (coins, 0 where the price is absent)."""

    bid: FloatArray
    ask: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray


def deal(chance: np.random.Generator, rows: int, size_ratio: float) -> Luck:
    """Draw the luck of a listing's rows."""
    shape = (DEALS, rows)
    own = chance.standard_normal(rows)
    typical = SPREADS.size_coin * size_ratio

    def sizes() -> FloatArray:
        return typical * np.exp(SPREADS.size_log_sd * chance.standard_normal(shape))

    width = np.exp(SPREADS.log_noise * (0.8 * own + 0.6 * chance.standard_normal(shape)))
    return Luck(
        width=width,
        lean=np.clip(LEAN * chance.standard_normal(shape), -0.9, 0.9),
        bid_size=sizes(),
        ask_size=sizes(),
        no_bid=chance.random(shape) < SPREADS.missing_deep_bid,
        no_ask=chance.random(shape) < SPREADS.missing_deep_ask,
    )


def spread_points(days: FloatArray) -> FloatArray:
    """Return the at-the-money spread in volatility points at the reference level, by days."""
    near = SPREADS.one_day_points**2 / np.maximum(days, 0.05)
    far = SPREADS.far_points**2 * (days / 100.0)
    result: FloatArray = np.sqrt(near + far)
    return result


def deepness(delta: FloatArray) -> FloatArray:
    """Return 0 up to |delta| 0.55 and 1 from 0.85, straight between."""
    result: FloatArray = np.clip((np.abs(delta) - DEEP_DELTA) / DEEP_SPAN, 0.0, 1.0)
    return result


def spread_coin(
    points: FloatArray, vega_coin: FloatArray, mark: FloatArray, deep: FloatArray
) -> FloatArray:
    """Return the spread in coin before stress and luck; `vega_coin` is per 1.00 of volatility."""
    fine = np.where(mark * UNITS_PER_COIN < COARSE_FROM_UNITS, 0.01 * SPREADS.fine_share, 0.01)
    result: FloatArray = points * vega_coin * fine
    result += deep * (SPREADS.deep_coin + SPREADS.deep_of_mark * mark)
    return result


def quoted(
    mark: FloatArray,
    spread: FloatArray,
    deep: FloatArray,
    luck: Luck,
    batch: int,
    thin: float,
    lot: float,
) -> Quoted:
    """Return best bids and asks around marks; sizes are divided by `thin`, in whole lots."""
    row = batch % DEALS
    half = (0.5 * UNITS_PER_COIN) * spread * luck.width[row]
    units = mark * UNITS_PER_COIN
    # half a step to each side: rounding alone never pushes a side past the mark
    np.maximum(half, np.where(units >= COARSE_FROM_UNITS, 0.5 * COARSE_UNITS, 0.5), out=half)
    middle = units + luck.lean[row] * half
    bid, ask = _on_grid(middle - half), _on_grid(middle + half)
    np.maximum(ask, bid + np.where(bid >= COARSE_FROM_UNITS, COARSE_UNITS, 1.0), out=ask)
    np.maximum(ask, 1.0, out=ask)
    rich = mark > DEEP_MARK_COIN
    no_bid = (bid < 1.0) | (rich & luck.no_bid[row])
    no_ask = rich & luck.no_ask[row]
    scale = (1.0 - (1.0 - SPREADS.deep_size_share) * deep) / (thin * lot)
    return Quoted(
        bid=np.where(no_bid, np.nan, bid / UNITS_PER_COIN),
        ask=np.where(no_ask, np.nan, ask / UNITS_PER_COIN),
        bid_size=np.where(no_bid, 0.0, _lots(luck.bid_size[row] * scale, lot)),
        ask_size=np.where(no_ask, 0.0, _lots(luck.ask_size[row] * scale, lot)),
    )


def _on_grid(units: FloatArray) -> FloatArray:
    """Round to the grid: one unit below 0.005 coin, five from there up."""
    coarse = np.rint(units / COARSE_UNITS) * COARSE_UNITS
    return np.where(units >= COARSE_FROM_UNITS, coarse, np.rint(units))


def _lots(lots: FloatArray, lot: float) -> FloatArray:
    """Return whole lots, at least one, as the decimal number that they are."""
    whole = np.maximum(np.rint(lots), 1.0)
    result: FloatArray = whole / round(1.0 / lot) if lot < 1.0 else whole * lot
    return result
