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
from bot.monitor.dashboard.legs import Array, Book, columns, valued

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
        "moves": np.round(moves * 100.0, 3),
        "vols": np.round(vols * 100.0, 3),
        "pnl": np.ascontiguousarray(np.round(pnl.T, 2)),
        "delta": np.ascontiguousarray(np.round(delta.T, 5)),
        "rest": mine.rest,
        "worst": _place(pnl, moves, vols, int(pnl.argmin())),
        "best": _place(pnl, moves, vols, int(pnl.argmax())),
        "profile": {
            "pnl": np.round(pnl[:, middle], 2).tolist(),
            "delta": np.round(delta[:, middle], 5).tolist(),
        },
    }


def figures(mine: Book, moves: Array, vols: Array) -> tuple[Array, Array]:
    """Return profit (USD) and delta (coin) at each node, arrays of (moves, vols)."""
    packed = columns(mine)
    along = np.asarray(moves, dtype=np.float64)[:, None]
    linear = mine.rest + sum(leg.delta for leg in mine.futures())
    fewer = sum(leg.delta for leg in mine.futures() if leg.instrument.unit is USD)
    moved = valued(mine, packed, along, np.asarray(vols, dtype=np.float64)[None, :])
    before = valued(mine, packed, np.zeros(1)).value[0]
    carried = before * (1.0 + along) if mine.in_coin else before
    pnl = moved.value - carried + linear * mine.index * along
    return pnl, moved.delta + fewer / (1.0 + along) + linear - fewer


def _place(pnl: Array, moves: Array, vols: Array, at: int) -> dict[str, float]:
    row, column = divmod(at, len(vols))
    return {
        "move": float(moves[row]) * 100.0,
        "vol": float(vols[column]) * 100.0,
        "usd": round(float(pnl[row, column]), 2),
    }
