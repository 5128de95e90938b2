"""The book revalued at shocked index levels, and vega by tenor: figures for decisions and samples.

Volatilities are held per strike and F/S per leg. The change in value is that of the numeraire: a
dollar book's in dollars; a coin book's in coins, told in dollars at the shocked index, so that a
premium that merely changes its dollar price is no loss. Counted collateral moves with it. Where the
traded delta is not the model's, shocked deltas are the model's and what it differs by now.
"""

from __future__ import annotations

import numpy as np

from bot.book.book import Book, CoinBook
from bot.book.columns import FORWARD, seconds_left
from bot.book.exposure import Shocks
from bot.book.kinds import leg_shifts
from bot.book.legs import collateral, future_legs, settlement_averages
from bot.book.numeraire import Numeraire, option_figures

DELTA_MOVES = (-0.02, 0.02)
PNL_MOVES = (-0.10, -0.05, 0.05, 0.10)
TENORS = ((1.0, "under_1d"), (7.0, "1_7d"), (30.0, "7_30d"), (90.0, "30_90d"))
LAST_TENOR = "over_90d"


def shocks(book: Book, coin: str, now_ns: int) -> Shocks:
    """Return delta at small moves and profit or loss at large ones, volatility held per strike."""
    mine = book.packed(coin)
    index = mine.market.index
    if not np.isfinite(index):
        return Shocks()
    averages = settlement_averages(mine, now_ns)
    before = option_usd(mine, index, now_ns, averages)
    shift = _shift(mine, index, now_ns)
    settled = _settled_coin(mine, now_ns)
    linear = sum(leg.delta for leg in future_legs(mine, index, now_ns))
    linear += collateral(book, mine, index, settled)
    in_coin = mine.rules.numeraire is Numeraire.COIN
    delta = {
        move: _delta_at(mine, move, now_ns, averages)
        + shift
        + collateral(book, mine, index * (1.0 + move), settled)
        for move in DELTA_MOVES
    }
    pnl = {}
    for move in PNL_MOVES:
        after = option_usd(mine, index * (1.0 + move), now_ns, averages)
        carried = before * (1.0 + move) if in_coin else before
        pnl[move] = after - carried + linear * index * move
    # The columns' scratch holds the last shock: leave it as a plain valuation.
    mine.columns.price_at(index, now_ns, averages)
    return Shocks(delta, pnl)


def gamma_around(book: Book, coin: str, now_ns: int, gamma: float, move: float) -> float:
    """Return the root mean square of a book's gamma at the index and a relative move either way.

    Coin per 1 %, volatility held per strike. It is how fast delta drifts while the price is near,
    and not zero where gamma only changes its sign. `gamma` is the book's at the index: options
    change theirs with the price, the rest keeps its own.
    """
    mine = book.packed(coin)
    index, averages = mine.market.index, settlement_averages(mine, now_ns)
    if not mine.columns.names or not np.isfinite(index) or not np.isfinite(move):
        return abs(gamma)
    # The last one leaves the columns' scratch as a plain valuation.
    down, up, here = (
        _option_gamma(mine, index * (1.0 + away), now_ns, averages) for away in (-move, move, 0.0)
    )
    squares = (gamma**2, (gamma + down - here) ** 2, (gamma + up - here) ** 2)
    return float(np.sqrt(sum(squares) / len(squares)))


def vega_by_tenor(book: Book, coin: str, now_ns: int) -> dict[str, float]:
    """Return vega in USD per volatility point by time to expiry."""
    mine = book.packed(coin)
    names = [name for _, name in TENORS] + [LAST_TENOR]
    buckets = dict.fromkeys(names, 0.0)
    columns, index = mine.columns, mine.market.index
    if not columns.names or not np.isfinite(index):
        return buckets
    first = columns.price_at(index, now_ns, settlement_averages(mine, now_ns))
    usd = columns.quantity * np.where(columns.inverse, index / columns.inputs[FORWARD], 1.0)
    days = seconds_left(columns.expiry_ns, now_ns) / 86_400.0
    vegas = np.where(days > 0.0, np.nan_to_num(usd * first[3] / 100.0), 0.0)
    for day, vega in zip(days.tolist(), vegas.tolist(), strict=True):
        name = next((name for limit, name in TENORS if day < limit), LAST_TENOR)
        buckets[name] += vega
    return buckets


def _settled_coin(mine: CoinBook, now_ns: int) -> float:
    columns = mine.columns
    settled, _ = columns.coin_shares()
    live = np.where(columns.expiry_ns > now_ns, columns.quantity * settled, 0.0)
    return float(np.nansum(live))


def option_usd(mine: CoinBook, index: float, now_ns: int, averages: dict[int, float]) -> float:
    """Return the options' value in USD at an index; past-expiry and unknown legs count nothing."""
    columns = mine.columns
    if not columns.names:
        return 0.0
    first = columns.price_at(index, now_ns, averages)
    coins = np.where(columns.inverse, index / columns.payout, 1.0)
    live = np.where(columns.expiry_ns > now_ns, columns.quantity * first[0] * coins, 0.0)
    return float(np.nansum(live))


def _option_gamma(mine: CoinBook, index: float, now_ns: int, averages: dict[int, float]) -> float:
    columns = mine.columns
    first = columns.price_at(index, now_ns, averages)
    figures = option_figures(
        mine.rules.numeraire, first, columns.inputs[FORWARD], index, columns.inverse,
        columns.fading,
    )  # fmt: skip
    live = np.where(columns.expiry_ns > now_ns, columns.quantity * figures.gamma, 0.0)
    return float(np.nansum(live))


def _shift(mine: CoinBook, index: float, now_ns: int) -> float:
    """Return what the traded delta is above the model's at the index just valued (coin)."""
    columns = mine.columns
    usd = columns.quantity * np.where(columns.inverse, index / columns.inputs[FORWARD], 1.0)
    shifts, _ = leg_shifts(mine.rules.greeks, columns, usd * columns.first[3], index, now_ns)
    return float(np.nansum(np.where(columns.expiry_ns > now_ns, shifts, 0.0)))


def _delta_at(mine: CoinBook, move: float, now_ns: int, averages: dict[int, float]) -> float:
    columns, total = mine.columns, 0.0
    index = mine.market.index * (1.0 + move)
    if columns.names:
        first = columns.price_at(index, now_ns, averages)
        figures = option_figures(
            mine.rules.numeraire, first, columns.inputs[FORWARD], index, columns.inverse,
            columns.fading,
        )  # fmt: skip
        live = np.where(columns.expiry_ns > now_ns, columns.quantity * figures.delta, 0.0)
        total = float(np.nansum(live))
    return total + sum(leg.delta for leg in future_legs(mine, index, now_ns, move))
