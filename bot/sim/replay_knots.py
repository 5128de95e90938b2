"""Index and perpetual of a recorded coin as functions of time, through the recorded points.

Between points both lie on straight lines in the logarithm: a model. The perpetual's own points
shape the index too, less a basis that is carried from snapshot to snapshot. Where no perpetual was
recorded (or its points lie further apart than `LONGEST_GAP_NS`) it stands at the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.domain.quotes import BoolArray, FloatArray, IntArray
from bot.sim.recorded import LONGEST_GAP_NS, PriceTrack, Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """Recorded points of index and perpetual (logarithms of USD per coin), and traded coins."""

    ts_ns: IntArray
    log_index: FloatArray
    log_perpetual: FloatArray
    volume_coin: FloatArray

    @classmethod
    def of(
        cls, track: PriceTrack, snapshots: Sequence[Snapshot], begin_ns: int, end_ns: int
    ) -> Knots:
        """Join snapshots and perpetual; without a perpetual the index stands in for it."""
        shots = [s for s in snapshots if np.isfinite(s.index) and s.index > 0.0]
        at = np.array([shot.ts_ns for shot in shots], dtype=np.int64)
        index = np.log(np.array([shot.index for shot in shots], dtype=np.float64))
        inside = (track.ts_ns >= begin_ns) & (track.ts_ns <= end_ns)
        known, price = track.ts_ns[inside], np.log(track.price[inside])
        ts_ns = np.union1d(at, known)
        if not len(known):
            return cls(ts_ns, index, index, np.zeros(len(ts_ns)))
        covered = _covered(at, known)
        basis = np.where(covered, np.interp(at, known, price) - index, 0.0)
        from_track = _covered(ts_ns, known)
        level = np.interp(ts_ns, at, index)
        carried = np.interp(ts_ns, at, basis)
        perpetual = np.where(from_track, np.interp(ts_ns, known, price), level)
        recorded = np.isin(ts_ns, at)
        log_index = np.where(from_track & ~recorded, perpetual - carried, level)
        volume = np.zeros(len(ts_ns))
        volume[np.searchsorted(ts_ns, known)] = np.nan_to_num(track.volume_coin[inside])
        return cls(ts_ns, log_index, perpetual, volume)

    def index(self, at_ns: int) -> float:
        """Return the index in USD per coin; between recorded points a model."""
        return float(np.exp(np.interp(at_ns, self.ts_ns, self.log_index)))

    def perpetual(self, at_ns: int) -> float:
        """Return the perpetual's price in USD per coin; between recorded points a model."""
        return float(np.exp(np.interp(at_ns, self.ts_ns, self.log_perpetual)))

    def volume(self, after_ns: int, upto_ns: int) -> float:
        """Return the coins traded in the perpetual in (after, upto], as far as recorded."""
        low, high = np.searchsorted(self.ts_ns, [after_ns, upto_ns], side="right")
        return float(self.volume_coin[low:high].sum())


def _covered(at: IntArray, known: IntArray) -> BoolArray:
    """Tell which times lie on a known point or between two that are not too far apart."""
    right = np.clip(np.searchsorted(known, at, side="left"), 0, len(known) - 1)
    left = np.maximum(np.searchsorted(known, at, side="right") - 1, 0)
    within = (at >= known[0]) & (at <= known[-1])
    covered: BoolArray = within & (known[right] - known[left] <= LONGEST_GAP_NS)
    return covered
