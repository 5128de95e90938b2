"""One underlying's card: the tape's stretches worked off into clocks, sums and accounts.

Everything per step: the delta at a second's end, before our own answer to it arrives, meets the
price move of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.quotes import FloatArray
from bot.lab.scorecard.bands import BandClock
from bot.lab.scorecard.books import BookPath, Parts, book_path
from bot.lab.scorecard.legs import legs
from bot.lab.scorecard.minutes import Minutes
from bot.lab.scorecard.naive import NaiveTwin
from bot.lab.scorecard.promise import Promise
from bot.lab.scorecard.rows import Rows
from bot.lab.scorecard.tally import Tally
from bot.lab.scorecard.tape import Tape


@dataclass(slots=True)
class HedgeSums:
    """Sums of (delta less target, times price move)^2 in USD^2, and the largest |delta| in coin."""

    net: float = 0.0
    book: float = 0.0
    max_abs_delta_coin: float = 0.0

    def effectiveness(self) -> float | None:
        """Return the hedgeable effectiveness; None when there was nothing to hedge."""
        return 1.0 - self.net / self.book if self.book > 0.0 else None


class CoinCard:
    """Judges one coin; `refresh` brings every figure up to the last closed second."""

    def __init__(self, promise: Promise) -> None:
        self.promise = promise
        self.tape = Tape(promise, self.refresh)
        self.tally = Tally()
        self.sums = HedgeSums()
        self.delta_clock = BandClock()
        self.gamma_clock = BandClock()
        self.hedged, self.unhedged = Parts(), Parts()
        self.naive, self.frictionless = Parts(), Parts()
        self.twin = NaiveTwin(promise)
        self.minutes = Minutes()
        self._begun = False

    @property
    def since_ns(self) -> int | None:
        """Return when judgement began: the coin's first moment of RUNNING."""
        return self.delta_clock.since_ns

    @property
    def last_ns(self) -> int:
        """Return the time of the last row that was worked off."""
        return self.delta_clock.last_ns

    def judge_from(self, ts_ns: int) -> None:
        """Begin to judge; later calls change nothing."""
        if self.since_ns is None:
            self.refresh()
            self.delta_clock.since_ns = self.gamma_clock.since_ns = ts_ns

    def refresh(self) -> None:
        """Work off the rows of the tape."""
        rows = self.tape.rows
        if rows.count > 1:
            self._work(rows)
            rows.carry()

    def _work(self, rows: Rows) -> None:
        rules = self.promise.measure
        greeks = legs(rows, rules.numeraire)
        hedged = book_path(rows, greeks, rows.all, rules)
        owner = book_path(rows, greeks, rows.owner, rules)
        naive = self.twin.follow(rows, owner, 1 if self._begun else 0)
        ideal = self._frictionless(rows, hedged)
        self._sample(rows, hedged, owner, ideal)
        self.hedged.add(hedged.parts)
        self.unhedged.add(owner.parts)
        self.naive.add(naive)
        self.frictionless.add(
            Parts(
                total=float(ideal.sum()),
                delta=self.promise.band.target * float(np.diff(rows.index[: rows.count]).sum()),
                gamma=hedged.parts.gamma,
                theta=hedged.parts.theta,
                vega=hedged.parts.vega,
            )
        )
        self._judge(rows, hedged, owner)
        self._begun = True

    def _frictionless(self, rows: Rows, hedged: BookPath) -> FloatArray:
        """Return per step what the options earn at marks, hedged to the target without cost."""
        hedge = self.promise.band.target - hedged.option_delta[:-1]
        earned: FloatArray = hedged.options + hedge * np.diff(rows.index[: rows.count])
        return earned

    def _sample(self, rows: Rows, hedged: BookPath, owner: BookPath, ideal: FloatArray) -> None:
        steps = np.zeros((rows.count, 3))
        steps[1:] = np.column_stack((hedged.steps, owner.steps, ideal))
        before = (self.hedged.total, self.unhedged.total, self.frictionless.total)
        self.minutes.add(rows.ts_ns[: rows.count], np.cumsum(steps, axis=0) + before)

    def _judge(self, rows: Rows, hedged: BookPath, owner: BookPath) -> None:
        ts_ns, band = rows.ts_ns[: rows.count], self.promise.band
        outside = np.maximum(hedged.delta - band.upper, band.lower - hedged.delta)
        self.delta_clock.add(ts_ns, np.maximum(outside, 0.0))
        gamma = self.promise.gamma
        below = -np.inf if gamma.lower is None else gamma.lower
        above = np.inf if gamma.upper is None else gamma.upper
        short = np.maximum(hedged.gamma_pct - above, below - hedged.gamma_pct)
        self.gamma_clock.add(ts_ns, np.maximum(short, 0.0))
        since_ns = self.since_ns
        if since_ns is None:
            return
        moves = np.where(ts_ns[:-1] > since_ns, np.diff(rows.index[: rows.count]), 0.0)
        self.sums.net += float(np.square((hedged.delta[:-1] - band.target) * moves).sum())
        self.sums.book += float(np.square((owner.delta[:-1] - band.target) * moves).sum())
        largest = np.abs(hedged.delta[ts_ns > since_ns]).max(initial=self.sums.max_abs_delta_coin)
        self.sums.max_abs_delta_coin = float(largest)
