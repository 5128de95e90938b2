"""How good a recording is: what was seen of each coin, what was missing, and where it is torn.

A gap is a time between two snapshots of a coin that is longer than two and a half intervals; it is
told with its reason. Shares are of option rows. `stale_s` is the time in which the venue's chain
stood still although it was asked, `perpetual_missing` the snapshots without a fresh perpetual.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np

from bot.domain.quotes import BoolArray, FloatArray
from bot.domain.units import NS_PER_S, iso

GAP: Final = 2.5


class Why(StrEnum):
    """Why a recording has a gap."""

    NOT_RUNNING = "not_running"
    CONNECTION = "connection_lost"
    SILENCE = "no_chain_from_the_venue"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a snapshot, between two that are there (or the last one and now)."""

    from_ns: int
    to_ns: int
    why: Why

    def row(self) -> dict[str, Any]:
        """Return it as it stands in a report."""
        seconds = (self.to_ns - self.from_ns) / NS_PER_S
        return {
            "from": iso(self.from_ns),
            "to": iso(self.to_ns),
            "seconds": round(seconds, 3),
            "why": str(self.why),
        }


@dataclass(slots=True)
class Quality:
    """The counts of one coin, asked every `every_ns`; `saved_ns` is the newest snapshot on disk."""

    every_ns: int
    first_ns: int = 0
    last_ns: int = 0
    saved_ns: int = 0
    snapshots: int = 0
    rows: int = 0
    one_sided: int = 0
    unquoted: int = 0
    unsized: int = 0
    crossed: int = 0
    futures: int = 0
    perpetual_missing: int = 0
    backwards: int = 0
    stale_ns: int = 0
    gaps: list[Gap] = field(default_factory=list)
    _made_ns: int = 0

    def resumes(self, last_ns: int) -> None:
        """Take the last snapshot of an earlier run of the same folder."""
        self.last_ns = last_ns

    def torn(self, now_ns: int) -> bool:
        """Tell whether a snapshot at this time lies beyond a gap."""
        return bool(self.last_ns) and now_ns - self.last_ns > GAP * self.every_ns

    def snapshot(self, now_ns: int, made_ns: int, why: Why) -> None:
        """Count a snapshot that the venue made at `made_ns`; a gap before it has this reason."""
        if self.torn(now_ns):
            reason = why if self.snapshots else Why.NOT_RUNNING
            self.gaps.append(Gap(self.last_ns, now_ns, reason))
        if self.snapshots and made_ns <= self._made_ns:
            self.stale_ns += now_ns - self.last_ns
        self.first_ns = self.first_ns or now_ns
        self.last_ns, self._made_ns = now_ns, made_ns
        self.snapshots += 1

    def options(self, bid: FloatArray, ask: FloatArray, sized: BoolArray) -> None:
        """Count the rows of a snapshot; `sized` tells which have a size behind every price."""
        has_bid, has_ask = np.isfinite(bid), np.isfinite(ask)
        self.rows += len(bid)
        self.one_sided += int((has_bid != has_ask).sum())
        self.unquoted += int((~has_bid & ~has_ask).sum())
        self.unsized += int((~sized).sum())

    def report(self, now_ns: int) -> dict[str, Any]:
        """Return everything as it stands in a report; one that is torn now ends with a gap."""
        ongoing = [Gap(self.last_ns, now_ns, Why.SILENCE)] if self._torn_now(now_ns) else []
        seen = self.rows + self.crossed
        return {
            "first": iso(self.first_ns) if self.snapshots else None,
            "last": iso(self.last_ns) if self.snapshots else None,
            "saved_ns": self.saved_ns or None,
            "snapshots": self.snapshots,
            "rows": self.rows,
            "one_sided_share": _share(self.one_sided, seen),
            "unquoted_share": _share(self.unquoted, seen),
            "crossed_share": _share(self.crossed, seen),
            "without_size_share": _share(self.unsized, seen),
            "future_rows": self.futures,
            "perpetual_missing": self.perpetual_missing,
            "clock_went_back": self.backwards,
            "stale_s": round(self.stale_ns / NS_PER_S, 3),
            "gaps": [gap.row() for gap in (*self.gaps, *ongoing)],
        }

    def _torn_now(self, now_ns: int) -> bool:
        return self.snapshots > 0 and self.torn(now_ns)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
