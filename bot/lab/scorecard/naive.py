"""The naive twin: the owner's book and a fixed threshold.

Every second it looks at its delta, and whenever that is further from the target than the owner's
band is wide on its narrower side, it trades the naive instrument back to the target at the touch,
at once and in full, and pays the taker fee. It never buys options.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.quotes import FloatArray
from bot.lab.scorecard.books import BookPath, Parts, funding_paid
from bot.lab.scorecard.promise import Promise
from bot.lab.scorecard.rows import Rows, worth


@dataclass(slots=True)
class NaiveTwin:
    """What the twin holds of futures column 0 (its own unit) and how often it traded."""

    promise: Promise
    quantity: float = 0.0
    trades: int = 0

    def follow(self, rows: Rows, owner: BookPath, first: int) -> Parts:
        """Return the twin's profit and loss over a stretch; it looks at rows from `first` on.

        `first` is 1 where row 0 was looked at before, as the last row of the stretch before.
        """
        band, instrument = self.promise.band, rows.terms.futures[0]
        width = min(band.upper - band.target, band.target - band.lower)
        count, usd = rows.count, bool(rows.terms.futures_usd[0])
        mark, index = rows.mark[:count, 0], rows.index[:count]
        per_coin = mark if usd else index / mark
        held = np.full(count, self.quantity)
        costs = np.zeros(count)
        fees = np.zeros(count)
        at = first
        while at < count:
            away = owner.delta[at:] - band.target + self.quantity / per_coin[at:]
            beyond = np.abs(away) > width
            if not beyond.any():
                break
            at += int(beyond.argmax())
            away_now = float(owner.delta[at]) - band.target + self.quantity / float(per_coin[at])
            size = _lots(-away_now * float(per_coin[at]), float(instrument.lot))
            price = float(rows.ask[at] if size > 0.0 else rows.bid[at])
            if size and price > 0.0:
                self.quantity += size
                self.trades += 1
                held[at:] = self.quantity
                costs[at], fees[at] = self._cost(rows, at, size, price)
            at += 1
        return self._parts(rows, owner, held, costs, fees)

    def _cost(self, rows: Rows, at: int, size: float, price: float) -> tuple[float, float]:
        """Return what a trade loses against the mark at once, and its fee (USD)."""
        instrument, tier = rows.terms.futures[0], self.promise.tier
        mark, index = float(rows.mark[at, 0]), float(rows.index[at])
        fee = abs(instrument.coins(size, price)) * instrument.fees.per_coin(
            price, price, maker=False, tier=tier
        )
        if instrument.is_inverse:
            return size * (1.0 / mark - 1.0 / price) * index, fee / price * index
        return size * (price - mark), fee

    def _parts(
        self, rows: Rows, owner: BookPath, held: FloatArray, costs: FloatArray, fees: FloatArray
    ) -> Parts:
        """Return the owner's parts with the twin's own hedge, which it held from each row on."""
        count, index = rows.count, rows.index[: rows.count]
        usd, mark = rows.terms.futures_usd[:1], rows.mark[:count, :1]
        start = held[:-1, None]
        gain = worth(usd, start, mark[1:]) - worth(usd, start, mark[:-1])
        earned = gain[:, 0] * (index[1:] if usd[0] else 1.0)
        per_coin = mark[:-1, 0] if usd[0] else index[:-1] / mark[:-1, 0]
        before = np.zeros((count, len(rows.terms.futures)))
        before[1:, 0] = held[:-1]
        funding = -float(funding_paid(rows, before).sum())
        paid, cost = float(fees.sum()), float(costs.sum())
        own = owner.parts
        moved = float((held[:-1] / per_coin) @ np.diff(index))
        return Parts(
            total=own.total + float(earned.sum()) + funding - paid - cost,
            delta=own.delta + moved,
            gamma=own.gamma,
            theta=own.theta,
            vega=own.vega,
            fees=own.fees - paid,
            funding=own.funding + funding,
            trading=own.trading - cost,
            basis=own.basis + float(earned.sum()) - moved,
        )


def _lots(size: float, lot: float) -> float:
    return round(size / lot) * lot
