"""Options that could be traded for gamma: what each brings per coin, and what it costs.

Two-sided, believable rows of the newest chain only, and nothing that the owner excludes. Cost is
half the spread plus the taker fee, in USD per coin; gamma is in the book's numeraire and delta is
the one that the book trades (see `book.kinds`), so that what is bought is what is measured
afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from bot.book.book import Book, CoinBook
from bot.book.columns import seconds_left
from bot.book.kinds import listed_shift
from bot.book.measure import EXPIRING_S
from bot.book.numeraire import option_figures
from bot.book.quality import tradable_rows, usable_rows
from bot.book.shocks import DELTA_MOVES, PNL_MOVES
from bot.domain.instruments import FeeTier
from bot.domain.quotes import Chain
from bot.domain.units import SECONDS_PER_DAY, SECONDS_PER_YEAR
from bot.strategy.gamma import GammaPolicy
from greeks import black76

# Nothing that is, or is about to be, inside its settlement window is traded for gamma.
MIN_LEFT_S = 3_600.0
# However tight the market: a price is never refused for being a few steps of the grid away.
MIN_TICKS = 3
# However wide the market: nobody pays, or gives away, more than this share of the model value.
MAX_SHARE = 0.5
# So many options are looked at for each thing that they may bring, beside what is held.
MOST_EACH = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """One option per coin of quantity.

    `delta` coin, `gamma` coin per 1 %, `theta_usd_day` and `vega_usd` (per point) USD, `cost_usd`
    half spread and fee, `vol` the venue's volatility, `spread_vol` the whole spread in volatility
    (0.01 = one point). Prices,
    `tick` (at the mark) and `vega_price` (per 1.00 of volatility) are in the option's own unit;
    `mark` is the model value at the venue's volatility. `shock_pnl_usd` and `shock_delta` map moves
    of the index to the gain of a delta-hedged coin and to the change of its delta.
    """

    name: str
    days: float
    expiring: bool
    delta: float
    gamma: float
    vega_usd: float
    theta_usd_day: float
    bid: float
    ask: float
    mark: float
    bid_size: float
    ask_size: float
    lot: float
    min_quantity: float
    tick: float
    vega_price: float
    cost_usd: float
    vol: float
    spread_vol: float
    shock_pnl_usd: Mapping[float, float]
    shock_delta: Mapping[float, float]

    @property
    def cost_per_gamma(self) -> float:
        """Return USD per coin-per-1 % of gamma; infinite where there is no gamma."""
        return self.cost_usd / self.gamma if self.gamma > 0.0 else float("inf")

    def tolerance(self, spread_vol: float) -> float:
        """Return how far from the mark a price may be where a spread of `spread_vol` is allowed.

        Half the spread times vega, in the option's own unit: at most half the mark, and never less
        than three steps of the price grid.
        """
        away = min(0.5 * spread_vol * self.vega_price, MAX_SHARE * self.mark)
        return max(away, MIN_TICKS * self.tick)

    def shock_usd(self, move: float) -> float:
        """Return the gain of one delta-hedged coin of this option in a relative move, USD."""
        return self.shock_pnl_usd.get(move, 0.0)


def candidates(
    book: Book,
    coin: str,
    now_ns: int,
    tier: FeeTier,
    policy: GammaPolicy | None = None,
    *,
    wings: bool = False,
) -> tuple[Candidate, ...]:
    """Return every tradable option of a coin's newest chain, in listing order.

    With a policy only what is held, and those that may be bought under it (`wings`: of any delta)
    and do most for what they cost.
    """
    mine = book.packed(coin)
    chain = mine.market.chain
    if chain is None or not np.isfinite(mine.market.index):
        return ()
    left_s = seconds_left(chain.listing.expiry_ns, now_ns)
    with np.errstate(invalid="ignore"):
        valued = (chain.mark > 0.0) & np.isfinite(chain.mark)
    good = tradable_rows(chain) & usable_rows(chain) & valued & (left_s > MIN_LEFT_S)
    held = set(mine.columns.names)
    if policy is not None:
        days = left_s / SECONDS_PER_DAY
        inside = (days >= policy.min_days) & (days <= policy.max_days)
        good &= inside | np.array([name in held for name in chain.listing.names], dtype=np.bool_)
    rows = np.flatnonzero(good)
    listed = [(r, mine.market.instruments.get(chain.listing.names[r])) for r in rows]
    barred = mine.rules.scope.exclude
    kept = [(r, i) for r, i in listed if i is not None and i.name not in barred]
    if not kept:
        return ()
    rows = np.array([r for r, _ in kept])
    inverse = np.array([i.is_inverse for _, i in kept])
    index = mine.market.index
    forward = chain.forward[rows] * (index / chain.index)
    first = np.stack(_first(chain, rows, forward, left_s[rows]))
    figures = option_figures(mine.rules.numeraire, first, forward, index, inverse)
    usd = np.where(inverse, index / forward, 1.0)
    names = [i.name for _, i in kept]
    lean = listed_shift(
        mine.rules.greeks, mine.columns, mine.slopes, rows, names, first[3] * usd, index, now_ns
    )
    delta = figures.delta + lean
    unit_usd = np.where(inverse, index, 1.0)
    half_spread = 0.5 * (chain.ask[rows] - chain.bid[rows]) * unit_usd
    with np.errstate(divide="ignore", over="ignore"):
        spread_vol = 2.0 * half_spread / (first[3] * usd)
    gains = _shock_gains(chain, rows, forward, left_s[rows], usd, first)
    chosen = list(range(len(kept)))
    if policy is not None:
        owned = np.array([name in held for name in names])
        brings = [figures.gamma, first[3], *(gains.values() if wings else ())]
        chosen = _worth_a_look(policy, owned, delta, spread_vol, brings, half_spread, wings=wings)
    swings = {
        move: _moved_delta(mine, chain, rows, forward, left_s[rows], inverse, move) - figures.delta
        for move in DELTA_MOVES
    }
    shown = {move: gain.tolist() for move, gain in gains.items()}
    swung = {move: swing.tolist() for move, swing in swings.items()}
    found = []
    for k in chosen:
        row, instrument = kept[k]
        reference = 1.0 if instrument.is_inverse else index
        price, mark = float(chain.ask[row]), float(chain.mark[row])
        fee = instrument.fees.per_coin(price, reference, maker=False, tier=tier) * unit_usd[k]
        found.append(
            Candidate(
                name=instrument.name,
                days=float(left_s[row]) / SECONDS_PER_DAY,
                expiring=bool(left_s[row] < EXPIRING_S),
                delta=float(delta[k]),
                gamma=float(figures.gamma[k]),
                vega_usd=float(first[3, k] * usd[k]) / 100.0,
                theta_usd_day=float(first[4, k] * usd[k]) / 365.0,
                bid=float(chain.bid[row]),
                ask=price,
                mark=mark,
                bid_size=float(chain.bid_size[row]),
                ask_size=float(chain.ask_size[row]),
                lot=float(instrument.lot),
                min_quantity=float(instrument.min_quantity),
                tick=float(instrument.ticks.at(Decimal(repr(mark)))),
                vega_price=float(first[3, k] * usd[k] / unit_usd[k]),
                cost_usd=float(half_spread[k]) + float(fee),
                vol=float(chain.vol[row]),
                spread_vol=float(spread_vol[k]),
                shock_pnl_usd={move: gain[k] for move, gain in shown.items()},
                shock_delta={move: swing[k] for move, swing in swung.items()},
            )
        )
    return tuple(found)


def _worth_a_look(
    policy: GammaPolicy,
    held: np.ndarray,
    delta: np.ndarray,
    spread_vol: np.ndarray,
    brings: list[np.ndarray],
    half_spread: np.ndarray,
    *,
    wings: bool,
) -> list[int]:
    """Return which rows are held, or do much of something for what they cost.

    A chain has hundreds of rows, and each takes the loop a while.
    """
    size = np.abs(delta)
    fits = (size >= policy.min_abs_delta) & (size <= policy.max_abs_delta)
    fits = (fits | wings) & (spread_vol <= policy.max_spread_vol)
    chosen = held.copy()
    for one in brings:
        score = np.where(fits & (one > 0.0), one / half_spread, -np.inf)
        best = np.argsort(-score, kind="stable")[:MOST_EACH]
        chosen[best[np.isfinite(score[best])]] = True
    found: list[int] = np.flatnonzero(chosen).tolist()
    return found


def _first(
    chain: Chain, rows: np.ndarray, forward: np.ndarray, left_s: np.ndarray
) -> black76.First:
    return black76.first(
        chain.listing.is_call[rows],
        forward,
        chain.listing.strike[rows],
        left_s / SECONDS_PER_YEAR,
        chain.vol[rows],
    )


def _moved_delta(
    mine: CoinBook,
    chain: Chain,
    rows: np.ndarray,
    forward: np.ndarray,
    left_s: np.ndarray,
    inverse: np.ndarray,
    move: float,
) -> np.ndarray:
    """Return the delta of one coin of each row after a move, coin, volatility held."""
    moved = np.stack(_first(chain, rows, forward * (1.0 + move), left_s))
    index = mine.market.index * (1.0 + move)
    return option_figures(mine.rules.numeraire, moved, forward * (1.0 + move), index, inverse).delta


def _shock_gains(
    chain: Chain,
    rows: np.ndarray,
    forward: np.ndarray,
    left_s: np.ndarray,
    usd: np.ndarray,
    first: np.ndarray,
) -> dict[float, np.ndarray]:
    """Return the delta-hedged USD gain of each row at the measured shocks, volatility held."""
    gains = {}
    for move in PNL_MOVES:
        moved = _first(chain, rows, forward * (1.0 + move), left_s).price
        gains[move] = usd * (moved - first[0] - first[1] * forward * move)
    return gains
