"""Does hedging at recorded snapshots remove the risk of short options? One option at a time.

Each option is sold at its first snapshot with 20 to 35 days left and |delta| in .30 to .70 (the
venue's delta), hedged at every snapshot in the inverse future of its own expiry, and held to its
last snapshot. Everything is at marks, without fees, in coin; an option is left out when the
recording does not cover its life. `python -m bot.lab.study_page FOLDER` prints the tables;
`--json` prints data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.domain.errors import BadInputError
from bot.domain.quotes import IntArray
from bot.lab.lives import Rows
from bot.sim.recorded import LONGEST_GAP_NS, CoinRecord, Recording

SOLD_DAYS: Final = (20.0, 35.0)
SOLD_DELTA: Final = (0.30, 0.70)


@dataclass(frozen=True, slots=True)
class CoinStudy:
    """Standard deviations of one coin's profits by hedge, means of the rest; all in coin."""

    coin: str
    options: int
    unhedged_coin: float
    hedged_coin: float
    plain_coin: float
    premium_coin: float
    turnover_coin: float

    @property
    def left(self) -> float:
        """Return the share of the unhedged deviation that the right hedge leaves."""
        return self.hedged_coin / self.unhedged_coin

    @property
    def plain_factor(self) -> float:
        """Return how many times as much deviation hedging with N(d1) leaves."""
        return self.plain_coin / self.hedged_coin


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The study of every coin that has options which qualify."""

    coins: tuple[CoinStudy, ...]


def study(recording: Recording) -> StudyResult:
    """Return the figures of every coin of a recording.

    Raises BadInputError when no option of any coin was sold, held and settled inside the recording.
    """
    found = (_coin_study(record) for record in recording.coins.values())
    coins = tuple(figures for figures in found if figures is not None)
    if not coins:
        held = ", ".join(f"{c.coin}: {len(c.names)} options" for c in recording.coins.values())
        msg = (
            f"expected two options with {SOLD_DAYS[0]:g}-{SOLD_DAYS[1]:g} days left and |delta| "
            f"{SOLD_DELTA[0]:g}-{SOLD_DELTA[1]:g} that expire inside the recording, found fewer "
            f"({held})"
        )
        raise BadInputError(msg)
    return StudyResult(coins)


def _coin_study(record: CoinRecord) -> CoinStudy | None:
    """Return one coin's figures, or None with fewer than two options."""
    rows = Rows.of(record)
    lives = [rows.life(record, *one) for one in sales(record, rows)]
    lives = [life for life in lives if len(life.mark) > 1]
    if len(lives) < 2:  # noqa: PLR2004 - a deviation needs two
        return None
    return CoinStudy(
        coin=record.coin,
        options=len(lives),
        unhedged_coin=_deviation([life.unhedged()[-1] for life in lives]),
        hedged_coin=_deviation([life.hedged(life.net_delta)[-1] for life in lives]),
        plain_coin=_deviation([life.hedged(life.plain_delta)[-1] for life in lives]),
        premium_coin=float(np.mean([life.mark[0] for life in lives])),
        turnover_coin=float(np.mean([life.turnover() for life in lives])),
    )


def _deviation(values: list[float]) -> float:
    return float(np.std(np.array(values)))


def sales(record: CoinRecord, rows: Rows) -> Iterator[tuple[int, int, int]]:
    """Yield the options that are sold, in the order of their names, with their rows since then."""
    low, high = SOLD_DAYS
    near, far = SOLD_DELTA
    size = np.abs(rows.delta)
    sale = (rows.days >= low) & (rows.days <= high) & (size >= near) & (size <= far)
    for option in range(len(record.names)):
        begin, end = rows.span(option)
        sold = np.flatnonzero(sale[begin:end])
        if len(sold):
            first = begin + int(sold[0])
            if _covered(record, rows.ts_ns[first:end], int(record.expiry_ns[option])):
                yield option, first, end


def _covered(record: CoinRecord, ts_ns: IntArray, expiry_ns: int) -> bool:
    """Tell whether the recording reaches from the sale to the expiry without a gap."""
    seen = np.append(ts_ns, expiry_ns)
    return expiry_ns <= record.snapshots[-1].ts_ns and bool(np.diff(seen).max() <= LONGEST_GAP_NS)
