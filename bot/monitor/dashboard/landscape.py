"""Profit and delta of a book over moves of the price and of volatility: a spot x volatility map.

As the bot's own shocks: forwards move with the index, each volatility stays with its strike and is
multiplied, nothing else changes and no time passes. A dollar book's profit is in dollars; a coin
book's is in coins, told in dollars at the moved index. Futures and counted collateral are linear in
the index; in delta an inverse future's dollars are fewer coins at a higher price.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bot.domain.units import USD
from bot.monitor.dashboard.legs import Array, Book, columns
from greeks import scenario

MOVES: Final = np.round(np.linspace(-0.15, 0.15, 31), 4)
VOLS: Final = np.round(np.linspace(-0.40, 0.40, 17), 4)


def landscape(mine: Book, moves: Array = MOVES, vols: Array = VOLS) -> dict[str, Any] | None:
    """Return the map (rows are volatility, columns the price), or None where there is no price."""
    if not np.isfinite(mine.index):
        return None
    pnl, delta = figures(mine, moves, vols)
    middle = int(np.abs(vols).argmin())
    return {
        "index": mine.index,
        "moves": moves * 100.0,
        "vols": vols * 100.0,
        "pnl": np.round(pnl.T, 2),
        "delta": np.round(delta.T, 5),
        "options": len(mine.options()),
        "worst": _place(pnl, moves, vols, int(pnl.argmin())),
        "best": _place(pnl, moves, vols, int(pnl.argmax())),
        "profile": {"pnl": np.round(pnl[:, middle], 2), "delta": np.round(delta[:, middle], 5)},
    }


def figures(mine: Book, moves: Array, vols: Array) -> tuple[Array, Array]:
    """Return profit (USD) and delta (coin) at each node, arrays of (moves, vols)."""
    packed = columns(mine)
    along = np.asarray(moves, dtype=np.float64)[:, None]
    usd = np.where(packed.inverse, mine.index / packed.forward, 1.0)
    spot = np.where(packed.inverse, 1.0, packed.forward / mine.index)
    grid = (packed.call, packed.forward, packed.strike, packed.years, packed.vol)
    size = (len(moves), len(vols))
    value, before, delta = np.zeros(size), 0.0, np.zeros(size)
    if packed.quantity.size:
        worth = packed.quantity * usd
        value = scenario.revalue(worth, *grid, moves=moves, vol_moves=vols).value[..., 0]
        before = float(scenario.revalue(worth, *grid).value[0, 0, 0])
        leaning = packed.quantity * spot
        told = scenario.revalue(
            leaning, *grid, moves=moves, vol_moves=vols, in_coin=mine.in_coin
        )
        delta = told.delta[..., 0]
    carried = before * (1.0 + along) if mine.in_coin else before
    linear = mine.rest + sum(leg.delta for leg in mine.futures())
    pnl = value - carried + linear * mine.index * along
    fewer = sum(leg.delta for leg in mine.futures() if leg.instrument.unit is USD)
    rest = linear - fewer
    return pnl, delta + fewer / (1.0 + along) + rest


def _place(pnl: Array, moves: Array, vols: Array, at: int) -> dict[str, float]:
    row, column = divmod(at, len(vols))
    return {
        "move": float(moves[row]) * 100.0,
        "vol": float(vols[column]) * 100.0,
        "usd": round(float(pnl[row, column]), 2),
    }
