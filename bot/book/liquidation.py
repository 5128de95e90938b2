"""How far the index may move until the venue liquidates: the distance down and up.

Under standard margin by the local formula: what margins are held against moves with the futures'
profit, maintenance margin with marks (volatility per strike held), and whatever else the venue
already asks for stays. Under other models the venue's own estimate is all there is, and so it is
where the book spans accounts: the balance is of one of them. Only what settles in the coin is
looked at.
"""

from __future__ import annotations

import math

import numpy as np

from bot.book.book import Book, CoinBook
from bot.book.columns import DISCOUNT, PHI, STRIKE, VOL, YEARS
from bot.book.legs import price_of
from bot.book.margin import STANDARD, future_keep, short_keep
from bot.domain.positions import Balance
from bot.domain.quotes import FloatArray
from greeks import black76

NODES = 48
LOWEST, HIGHEST = math.log(0.05), math.log(5.0)


def distances(book: Book, coin: str, balance: Balance, now_ns: int) -> tuple[float, float]:
    """Return the relative moves (down ≤ 0, up ≥ 0) that would liquidate; infinite for none.

    NaN on a side that nobody can tell.
    """
    mine = book.packed(coin)
    alone = not book.holdings.also
    if balance.model not in STANDARD or not mine.market.index > 0.0 or not alone:
        return _told(balance.liquidation_ratio)
    down = np.expm1(np.linspace(0.0, LOWEST, NODES))
    up = np.expm1(np.linspace(0.0, HIGHEST, NODES))
    return -_first(mine, balance, down, now_ns), _first(mine, balance, up, now_ns)


def _told(ratio: float | None) -> tuple[float, float]:
    """Return the distances of the venue's one ratio: it names the side that comes first."""
    if ratio is None or not ratio > 0.0:
        return math.nan, math.nan
    return (ratio - 1.0, math.nan) if ratio < 1.0 else (math.nan, ratio - 1.0)


def _first(mine: CoinBook, balance: Balance, moves: FloatArray, now_ns: int) -> float:
    """Return the size of the first move at which nothing is left; the moves begin with none."""
    held, kept = _futures(mine, moves)
    short = kept + _shorts(mine, moves, now_ns)
    other = balance.maintenance_margin - short[0]
    left = balance.funds + held - (short + other)
    if not np.isfinite(left).all():
        return math.nan
    gone = np.flatnonzero(left <= 0.0)
    if not gone.size:
        return math.inf
    i = int(gone[0])
    if i == 0:
        return 0.0
    share = left[i - 1] / (left[i - 1] - left[i])
    return abs(float(moves[i - 1] + share * (moves[i] - moves[i - 1])))


def _futures(mine: CoinBook, moves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the profit (coin) and the maintenance margin (coin) of inverse futures by move."""
    profit, kept = np.zeros_like(moves), np.zeros_like(moves)
    for instrument, quantity in mine.futures.items():
        if instrument.is_inverse:
            coins = quantity / price_of(mine, instrument, mine.market.index)
            profit += coins * (1.0 - 1.0 / (1.0 + moves))
            kept += future_keep(mine.rules.coin, np.abs(coins) / (1.0 + moves))
    return profit, kept


def _shorts(mine: CoinBook, moves: FloatArray, now_ns: int) -> FloatArray:
    """Return the maintenance margin (coin) of the short options by move."""
    columns = mine.columns
    live = columns.inverse & (columns.quantity < 0.0) & (columns.expiry_ns > now_ns)
    if not live.any():
        return np.zeros_like(moves)
    inputs = columns.inputs[:, live]
    forward = columns.ratio[live] * mine.market.index * (1.0 + moves)[:, None]
    years = np.maximum(inputs[YEARS], 0.0)
    calls = inputs[PHI] > 0.0
    price = black76.price(calls, forward, inputs[STRIKE], years, inputs[VOL], inputs[DISCOUNT])
    kept: FloatArray = short_keep(calls, price / forward) @ -columns.quantity[live]
    return kept
