"""The venue's option figures of a moment: marks, best prices, volatilities and Greeks per coin.

Conventions are Deribit's: delta N(d1) on the forward (not premium-adjusted), gamma per USD, vega
per volatility point, theta per day with the venue's cap by the price and its fade in the last day,
rho per percent. One computation per coin and market move.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.special import ndtr

from bot.domain.deribit import AVERAGING_S
from bot.domain.quotes import Chain, FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.sim.wire.exchange import ServedExchange
from greeks import implied, settlement

LEAST_YEARS: Final = 1.0 / SECONDS_PER_YEAR
_ROOT_TWO_PI: Final = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Arrays by row of the coin's chain. Prices in coin (NaN = absent), `forward` in USD."""

    chain: Chain
    moved_ns: int
    index: float
    forward: FloatArray
    mark: FloatArray
    bid: FloatArray
    ask: FloatArray
    bid_vol: FloatArray  # 1.00 = 100 %; NaN where there is no quote
    ask_vol: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray

    def row(self, name: str) -> int | None:
        """Return an option's row, None where the chain does not show it."""
        return self.chain.listing.row.get(name)


@dataclass(slots=True)
class FigureDesk:
    """Computes the figures of each coin when they are first asked for after a move."""

    exchange: ServedExchange
    _known: dict[str, Figures] = field(default_factory=dict)

    def of(self, coin: str) -> Figures | None:
        """Return a coin's figures now; None before its first chain."""
        board = self.exchange.board
        chain = board.chains.get(coin)
        if chain is None:
            return None
        known = self._known.get(coin)
        if known is None or known.moved_ns != board.moved_ns or known.chain is not chain:
            known = self._known[coin] = _figures(self.exchange, chain)
        return known


def _figures(exchange: ServedExchange, chain: Chain) -> Figures:
    board = exchange.board
    listing = chain.listing
    options = [one for name in listing.names if (one := exchange.instrument(name)) is not None]
    index = board.index.get(chain.coin, chain.index)
    forward = chain.forward * (index / chain.index)
    mark = board.option_marks(options)
    change = mark - chain.mark
    bid, ask = chain.bid + change, chain.ask + change
    for row in np.flatnonzero(mark <= 0.0):  # a mark stops at zero, the quotes behind it do not
        view = board.option_view(options[row])
        if view is not None:
            bid[row], ask[row] = view.bid, view.ask
    left_s = np.maximum((listing.expiry_ns - board.moved_ns) / NS_PER_S, 0.0)
    closing = left_s < AVERAGING_S
    years = left_s / SECONDS_PER_YEAR
    years = np.where(closing, settlement.variance_years(left_s, AVERAGING_S), years)
    years = np.maximum(years, LEAST_YEARS)
    greeks = _greeks(chain, forward, mark, years, left_s)
    both = implied.volatility(
        listing.is_call, np.stack([bid, ask]) * forward, forward, listing.strike, years
    )
    return Figures(
        chain, board.moved_ns, index, forward, mark, bid, ask, both.vol[0], both.vol[1], *greeks
    )


def _greeks(
    chain: Chain, forward: FloatArray, mark: FloatArray, years: FloatArray, left_s: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return delta, gamma, vega, theta and rho as the venue defines them."""
    strike, call, vol = chain.listing.strike, chain.listing.is_call, chain.vol
    root = np.sqrt(years)
    with np.errstate(all="ignore"):
        width = vol * root
        d1 = np.log(forward / strike) / width + 0.5 * width
        d2 = d1 - width
        density = np.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
        delta = np.where(call, ndtr(d1), ndtr(d1) - 1.0)
        decay = -forward * density * vol / (2.0 * root) / 365.0
        theta = np.maximum(decay * np.minimum(1.0, left_s / SECONDS_PER_DAY), -mark * forward)
        rho = np.where(call, ndtr(d2), -ndtr(-d2)) * strike * years / 100.0
        gamma = density / (forward * width)
        vega = forward * density * root / 100.0
    return delta, gamma, vega, theta, rho
