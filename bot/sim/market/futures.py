"""Perpetuals second by second and dated futures every few: quotes, depth and aggressive flow.

The perpetual stands at the index times one plus its basis, a tick wide in quiet times. After jumps
the spread widens and the depth thins. Aggressive volume grows with activity and with the size of
the second's move and takes the move's side, so that resting orders are filled when it hurts. Depth
and flow are chosen, not fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from bot.domain.deribit import COINS
from bot.domain.quotes import FloatArray, Quote
from bot.sim.market import params
from bot.sim.market.params import CARRY, STRESS
from bot.sim.market.path import Block
from bot.sim.ports import FutureMove

TICKS_PER_STRESS: Final = 6.0
TICKS_PER_BUSY: Final = 1.5  # beyond half as busy again as usual
BUSY_FROM: Final = 1.5
GAP_TICKS: Final = 2.0
DEPTH_LOG_SD: Final = 0.4
FLOW_LOG_SD: Final = 1.0
FLOW_LEAN: Final = 0.8
MOST_SHOCK: Final = 20.0
DATED_SHARE: Final = 0.3  # of the perpetual's depth
DATED_HALF: Final = 1e-4  # of the price
DATED_GAP: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """One coin's hour of perpetual, as lists, because one row is read at a time."""

    name: str
    coin: str
    bid: list[float]
    ask: list[float]
    bid_size: list[float]
    ask_size: list[float]
    mark: list[float]
    index: list[float]
    funding: list[float]
    depth: list[float]
    gap: list[float]
    bought: list[float]
    sold: list[float]

    def move(self, row: int, ts_ns: int, first_row: int) -> FutureMove:
        """Return where the perpetual stands at a row, with what was traded from `first_row` on."""
        quote = Quote(
            self.name,
            self.coin,
            ts_ns,
            ts_ns,
            self.bid[row],
            self.ask[row],
            self.bid_size[row],
            self.ask_size[row],
            self.mark[row],
            self.index[row],
            self.funding[row],
        )
        if first_row == row:
            bought, sold = self.bought[row], self.sold[row]
        else:
            bought = sum(self.bought[first_row : row + 1])
            sold = sum(self.sold[first_row : row + 1])
        return FutureMove(quote, self.depth[row], self.gap[row], bought, sold)


def tape(
    coin: str, row: int, block: Block, chance: np.random.Generator, depth_share: float = 1.0
) -> Tape:
    """Return the perpetual's hour of a coin (row of the block), its depth times `depth_share`."""
    terms, own = COINS[coin], params.COINS[coin]
    tick = float(terms.future_tick)
    price, stress = block.price[row], block.stress[row]
    mark = price * (1.0 + block.basis[row])
    busy = np.maximum(block.busy[row] - BUSY_FROM, 0.0)
    ticks = 1.0 + np.floor(TICKS_PER_STRESS * stress + TICKS_PER_BUSY * busy)
    bid = np.round(np.floor(mark / tick - 0.5 * (ticks - 1.0)) * tick, 2)
    ask = np.round(bid + ticks * tick, 2)
    depth_usd = own.depth_usd * depth_share / (1.0 + STRESS.depth_power * stress + busy)
    lot = float(terms.future_lot_usd)
    noise = np.exp(DEPTH_LOG_SD * chance.standard_normal((2, len(price))))
    bid_size, ask_size = np.maximum(np.rint(depth_usd * noise / lot), 1.0) * lot
    bought, sold = _flow(own.flow_usd_s, block.shock[row], block.busy[row], chance)
    return Tape(
        name=f"{coin}-PERPETUAL",
        coin=coin,
        bid=bid.tolist(),
        ask=ask.tolist(),
        bid_size=bid_size.tolist(),
        ask_size=ask_size.tolist(),
        mark=np.round(mark, 4).tolist(),
        index=price.tolist(),
        funding=funding_8h(block.basis[row]).tolist(),
        depth=depth_usd.tolist(),
        gap=(GAP_TICKS * tick * (1.0 + STRESS.depth_power * stress)).tolist(),
        bought=bought.tolist(),
        sold=sold.tolist(),
    )


def funding_8h(basis: FloatArray) -> FloatArray:
    """Return the funding rate (fraction per 8 h): the basis beyond the venue's dead band."""
    band = CARRY.funding_dead_band
    result: FloatArray = np.maximum(basis - band, 0.0) + np.minimum(basis + band, 0.0)
    return result


def dated(
    name: str, coin: str, ts_ns: int, mark: float, index: float, stress: float, flow: float
) -> FutureMove:
    """Return where a dated future stands; `flow` is what each side traded, in USD."""
    tick = float(COINS[coin].future_tick)
    ticks = max(round(2.0 * DATED_HALF * (1.0 + stress) * mark / tick), 1)
    bid = round(round(mark / tick - 0.5 * ticks) * tick, 2)
    lot = float(COINS[coin].future_lot_usd)
    calm = 1.0 + STRESS.depth_power * stress
    depth = params.COINS[coin].depth_usd * DATED_SHARE / calm
    size = max(round(depth / lot), 1) * lot
    quote = Quote(
        name, coin, ts_ns, ts_ns, bid, round(bid + ticks * tick, 2), size, size, mark, index
    )
    return FutureMove(quote, depth, DATED_GAP * mark * calm, flow, flow)


def _flow(
    mean_usd: float, shock: FloatArray, busy: FloatArray, chance: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return what aggressive buyers and sellers traded in each second, USD."""
    size = np.minimum(np.abs(shock), MOST_SHOCK)
    luck = np.exp(FLOW_LOG_SD * chance.standard_normal(len(shock)) - 0.5 * FLOW_LOG_SD**2)
    total = mean_usd * busy * luck * (0.5 + 0.63 * size)  # the mean |shock| is 0.8
    share = ndtr(
        FLOW_LEAN * np.clip(shock, -MOST_SHOCK, MOST_SHOCK)
        + 0.5 * chance.standard_normal(len(shock))
    )
    return total * share, total * (1.0 - share)
