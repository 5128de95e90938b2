"""Profit and loss of a book along a stretch, step by step, with its parts.

Everything is USD, and every coin that flows is valued at the index of its moment: what coin cash
gains or loses afterwards is the collateral's affair. So a USD book's options earn the change of
q*c*S (c = V/F coin), its inverse futures N*(1/F0 - 1/F1)*S1. What a settlement average has already
decided is coin on its way to the cash, and its price move is left out too. A coin book is judged
in coins: of an option's gain the whole price move of its coin value is taken off, which leaves
q*dc*S1. Counted collateral moves with the index. A settlement pays in the step into the row after
it, at the payoff, so that nothing jumps at 08:00. Over a run

    hedged total = change of equity in USD - sum of (coin cash and open profit) * dS

Parts follow a Taylor step from the Greeks at the step's start: delta, gamma and theta each second,
vega when a chain brings new volatilities. `trading` is what fills gained or lost against marks,
`basis` what futures earned beside the index's move.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from bot.book.book import UnderlyingRules
from bot.book.numeraire import Numeraire
from bot.domain.quotes import BoolArray, FloatArray
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from bot.journal.equity import Pnl
from bot.lab.scorecard.legs import Legs
from bot.lab.scorecard.rows import Rows, Side, worth

FUNDING_S = 8 * 3_600.0


@dataclass(slots=True)
class Parts:
    """A profit and loss (USD) and what explains it; `fees` and `funding` are negative when paid."""

    total: float = 0.0
    delta: float = 0.0
    gamma: float = 0.0
    theta: float = 0.0
    vega: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    trading: float = 0.0
    basis: float = 0.0

    @property
    def unexplained(self) -> float:
        """Return what no part explains: higher orders, forwards against the index, grain."""
        explained = self.delta + self.gamma + self.theta + self.vega + self.basis
        return self.total - explained - self.fees - self.funding - self.trading

    def add(self, other: Parts) -> None:
        """Add another stretch or book."""
        for part in fields(self):
            name = part.name
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def pnl(self) -> Pnl:
        """Return the parts that readers are shown."""
        return Pnl(self.total, self.gamma, self.theta, self.vega, self.fees)


@dataclass(frozen=True, slots=True, eq=False)
class BookPath:
    """A book along a stretch: delta (coin) and gamma (coin per 1 %) per row, USD per step.

    Both are in the numeraire; `gamma_pct` leaves out what expires within 24 hours. `options` is
    what options and counted collateral alone earned at marks, `option_delta` their delta.
    """

    delta: FloatArray
    option_delta: FloatArray
    gamma_pct: FloatArray
    options: FloatArray
    steps: FloatArray
    parts: Parts


def book_path(rows: Rows, legs: Legs, side: Side, rules: UnderlyingRules) -> BookPath:
    """Return the path of one side of the holdings over the written rows."""
    r, end = slice(rows.count), slice(1, rows.count)
    held, moves = side.options[r], np.diff(rows.index[r])
    in_coin = rules.numeraire is Numeraire.COIN
    collateral = rows.collateral[r]
    if not in_coin and rules.collateral_delta == "include":
        # What an open average has decided is on its way to the cash, and cash counts here.
        collateral = collateral + (held * legs.decided).sum(axis=1)
    options, trading = _options(rows, legs, held)
    options += (collateral[:-1] - _cash_like(rows, legs, side, in_coin=in_coin)) * moves
    futures = _futures(rows, side)
    trading += futures.trading - side.cost_usd[end]
    funding, fees = -funding_paid(rows, side.futures[r]), -side.fees_usd[end]
    option_delta = (held * legs.delta).sum(axis=1) + collateral
    delta = option_delta + futures.delta
    gamma_pct = (held * legs.gamma_pct * (1.0 - legs.soon)).sum(axis=1)
    if in_coin:
        bent = collateral if rules.collateral_delta == "include" else 0.0
        gamma_pct = gamma_pct - (futures.delta + bent) / 100.0
    steps = options + trading + futures.earned + funding + fees
    parts = _taylor(rows, legs, held)
    parts.total, parts.trading = float(steps.sum()), float(trading.sum())
    parts.delta = float((option_delta[:-1] + futures.through) @ moves)
    parts.basis = float((futures.earned - futures.through * moves).sum())
    parts.fees, parts.funding = float(fees.sum()), float(funding.sum())
    return BookPath(delta, option_delta, gamma_pct, options, steps, parts)


def _taylor(rows: Rows, legs: Legs, held: FloatArray) -> Parts:
    """Return gamma, theta and vega of what was held at the start of each step."""
    r, start = slice(rows.count), held[:-1]
    moves = np.diff(rows.index[r])
    years = np.diff(rows.ts_ns[r]) / (NS_PER_S * SECONDS_PER_YEAR)
    vols = np.nan_to_num(np.diff(rows.vol[r], axis=0))
    return Parts(
        gamma=float(0.5 * (start * legs.gamma[:-1]).sum(axis=1) @ moves**2),
        theta=float((start * legs.theta[:-1]).sum(axis=1) @ years),
        vega=float((start * legs.vega[:-1] * vols).sum()),
    )


def _cash_like(rows: Rows, legs: Legs, side: Side, *, in_coin: bool) -> FloatArray:
    """Return the options' coin value in each step whose price move is not the book's.

    In a coin book that is all of it, from the moment at which an option is paid for.
    """
    held = side.options[: rows.count]
    if not in_coin:
        decided: FloatArray = (held * legs.decided)[:-1].sum(axis=1)
        return decided
    coins: FloatArray = np.nansum(held[:-1] * legs.value[:-1], axis=1)
    return (coins + side.cost_usd[1 : rows.count]) / rows.index[: rows.count - 1]


def _options(rows: Rows, legs: Legs, held: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what was held earned at marks, and the worth of what was bought at each step's end."""
    end = legs.value[1:]
    bought = np.diff(held, axis=0)
    if rows.expired:
        end = end.copy()
        for ended in rows.expired:
            end[ended.row - 1, ended.column] = ended.payoff_usd
            bought[ended.row - 1, ended.column] = 0.0
    earned = np.nansum(held[:-1] * (end - legs.value[:-1]), axis=1)
    return earned, np.nansum(bought * end, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Futures:
    """Futures of a book: delta per row; per step what they earned, and what trading them cost.

    `through` is the delta that went through a step: with what was traded before the price moved.
    """

    delta: FloatArray
    through: FloatArray
    earned: FloatArray
    trading: FloatArray


def _futures(rows: Rows, side: Side) -> _Futures:
    r, end, usd = slice(rows.count), slice(1, rows.count), rows.terms.futures_usd
    held, mark, index = side.futures[r], rows.mark[r], rows.index[r]
    rate = np.where(usd, index[1:, None], 1.0)
    # Prices stand still between rows, so what was traded is measured against the mark before.
    middle = worth(usd, held[1:], mark[:-1])
    traded = worth(usd, np.diff(held, axis=0), mark[:-1]) - side.traded[end]
    earned = (worth(usd, held[1:], mark[1:]) - middle) * rate
    fade = _fade(rows)
    return _Futures(
        delta=(_delta(usd, held, mark, index) * fade).sum(axis=1),
        through=(_delta(usd, held[1:], mark[:-1], index[:-1]) * fade[:-1]).sum(axis=1),
        earned=earned.sum(axis=1),
        trading=(traded * rate).sum(axis=1),
    )


def _delta(usd: BoolArray, held: FloatArray, mark: FloatArray, index: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = np.where(usd, held / mark, held * mark / index[:, None])
    return np.where(held == 0.0, 0.0, delta)


def _fade(rows: Rows) -> FloatArray:
    """Return the share of each dated future that its settlement average has not yet taken."""
    fade = np.ones((rows.count, len(rows.terms.futures)))
    for j, future in enumerate(rows.terms.futures):
        if future.expiry_ns is not None:
            left_s = (future.expiry_ns - rows.ts_ns[: rows.count]) / NS_PER_S
            fade[:, j] = np.clip(left_s / max(future.averaging_s, 1e-9), 0.0, 1.0)
    return fade


def funding_paid(rows: Rows, held: FloatArray) -> FloatArray:
    """Return what was paid per step: the rate shown at its end, on what was held until then."""
    r = slice(1, rows.count)
    seconds = np.diff(rows.ts_ns[: rows.count]) / NS_PER_S
    rate = np.nan_to_num(rows.funding_8h[r]) * seconds[:, None] / FUNDING_S
    mark, index = rows.mark[r], rows.index[r]
    usd = _delta(rows.terms.futures_usd, held[1:], mark, index) * index[:, None]
    paid: FloatArray = (rate * usd).sum(axis=1)
    return paid
