"""What a recording does not tell and a replay models: spreads of futures, depth, sizes of options.

Nothing here is data. The figures are the order of magnitude of Deribit's books on a calm day;
spreads widen and books thin in proportion to at-the-money volatility above `CALM_VOL`. A missing
side of a recorded option stays missing: it has neither price nor size, and nothing trades against
it. Where the recorder saw best prices and sizes, these are shown and only what lies behind them is
modelled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bot.domain.instruments import Instrument, Kind, TickTable
from bot.domain.quotes import FloatArray, Quote
from bot.sim.ports import FutureMove
from bot.sim.recorded import Snapshot, Top

CALM_VOL: Final = 0.50
NEAR_THE_MONEY: Final = (0.35, 0.65)
OPTION_SIZE_USD: Final = 250_000.0
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class BookModel:
    """A future's order book on a calm day."""

    half_spread_bps: float
    depth_usd: float
    level_gap_bps: float


BOOKS: Final = {
    Kind.PERPETUAL: BookModel(half_spread_bps=0.3, depth_usd=250_000.0, level_gap_bps=0.5),
    Kind.FUTURE: BookModel(half_spread_bps=1.5, depth_usd=50_000.0, level_gap_bps=1.5),
}


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a future stands at a time; prices in USD per coin."""

    ts_ns: int
    price: float
    index: float


def stress(snapshot: Snapshot) -> float:
    """Return at-the-money volatility over calm volatility, at least 1."""
    low, high = NEAR_THE_MONEY
    size = np.abs(snapshot.delta)
    near = snapshot.vol[(size >= low) & (size <= high) & np.isfinite(snapshot.vol)]
    return max(1.0, float(np.median(near)) / CALM_VOL) if len(near) else 1.0


def move(instrument: Instrument, stand: Stand, strain: float, volume_coin: float) -> FutureMove:
    """Return a future with a modelled book around its price.

    Half of the recorded volume is taken to be aggressive buying, half selling; where no volume was
    recorded, resting orders fill only when the price passes through them.
    """
    book = BOOKS[instrument.kind]
    tick = float(instrument.ticks.base)
    half = stand.price * book.half_spread_bps * 1e-4 * strain
    bid = np.floor((stand.price - half) / tick + ROUNDING) * tick
    ask = max(np.ceil((stand.price + half) / tick - ROUNDING) * tick, bid + tick)
    depth = book.depth_usd / strain
    turned = volume_coin * stand.price / 2.0
    quote = Quote(
        instrument=instrument.name,
        coin=instrument.coin,
        ts_ns=stand.ts_ns,
        ts_venue_ns=stand.ts_ns,
        bid=float(bid),
        ask=float(ask),
        bid_size=depth,
        ask_size=depth,
        mark=stand.price,
        index=stand.index,
    )
    return FutureMove(
        quote=quote,
        depth_usd=depth,
        level_gap_usd=max(tick, stand.price * book.level_gap_bps * 1e-4 * strain),
        bought_usd=turned,
        sold_usd=turned,
    )


def seen_move(modelled: FutureMove, top: Top | None, *, exact: bool) -> FutureMove:
    """Return a future with what was recorded of it; the depth behind its best prices is modelled.

    `exact` tells that `top` is of this very time; an older one still tells the rate of funding. A
    missing side stays missing.
    """
    if top is None:
        return modelled
    if not exact:
        return replace(modelled, quote=replace(modelled.quote, funding_8h=top.funding_8h))
    quote = replace(
        modelled.quote,
        bid=top.bid,
        ask=top.ask,
        bid_size=top.bid_size,
        ask_size=top.ask_size,
        mark=top.mark,
        funding_8h=top.funding_8h,
    )
    return replace(modelled, quote=quote)


def shown_sizes(recorded: FloatArray | None, price: FloatArray, modelled: FloatArray) -> FloatArray:
    """Return the recorded sizes of these prices; modelled where the recorder knew none."""
    if recorded is None:
        return modelled
    known = np.isfinite(recorded) & np.isfinite(price)
    return np.where(known, recorded, modelled)


def option_sizes(price: FloatArray, index: float, strain: float, lot: float) -> FloatArray:
    """Return the coins quoted at each price: equal notional in whole lots, none without a price."""
    lots = max(1.0, np.floor(OPTION_SIZE_USD / strain / index / lot)) if index > 0.0 else 0.0
    return np.where(np.isfinite(price), lots * lot, 0.0)


def on_grid(price: FloatArray, ticks: TickTable, *, up: bool) -> FloatArray:
    """Return prices moved to the tick grid, away from the middle; a bid below one tick is gone."""
    tick = np.full(len(price), float(ticks.base))
    for threshold, step in ticks.steps:
        tick[price >= float(threshold)] = float(step)
    if up:
        higher: FloatArray = np.ceil(price / tick - ROUNDING) * tick
        return np.maximum(higher, float(ticks.base))
    down: FloatArray = np.floor(price / tick + ROUNDING) * tick
    kept: FloatArray = np.where(down < float(ticks.base), np.nan, down)
    return kept
