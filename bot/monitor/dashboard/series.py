"""Rows over time, a column for each figure, bounded however long a bot has run.

Where there are too many rows they are thinned, older ones more: of each stretch of time the lowest
and the highest stay, so that no excursion is lost. Who has the rows so far is given the new ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

Row = tuple[Any, ...]

MOST: Final = 2_400
KEPT: Final = 4_000
MS: Final = 1_000_000
AGES: Final = (86_400_000, 3_600_000)


def thin(rows: Sequence[Row], most: int, place: int = 1) -> list[Row]:
    """Return at most `most` rows: the first, the last, and of each stretch its two extremes.

    The first column is time and rises; `place` is the column whose extremes count.
    """
    if len(rows) <= most:
        return list(rows)
    start, end = rows[0][0], rows[-1][0]
    buckets = max(1, (most - 2) // 2)
    width = max(1e-9, (end - start) / buckets)
    extremes: dict[int, tuple[int, int]] = {}
    for i, row in enumerate(rows):
        if row[place] is None:
            continue
        bucket = min(buckets - 1, int((row[0] - start) / width))
        low, high = extremes.get(bucket, (i, i))
        low = i if row[place] < rows[low][place] else low
        high = i if row[place] > rows[high][place] else high
        extremes[bucket] = (low, high)
    kept = {0, len(rows) - 1} | {i for pair in extremes.values() for i in pair}
    return [rows[i] for i in sorted(kept)]


def settle(rows: Sequence[Row], most: int, place: int = 1) -> list[Row]:
    """Return at most `most` rows: a third of them for the last hour, for the last day, and before.

    The finer a line was told, the nearer it is: a long run's last hour is drawn like a short one's.
    """
    if len(rows) <= most:
        return list(rows)
    end, kept, begin = rows[-1][0], list[Row](), 0
    for age in (*AGES, -1):
        cut = bisect_left(rows, end - age, lo=begin, key=lambda row: row[0])
        kept += thin(rows[begin:cut], most // 3, place) if cut > begin else []
        begin = cut
    return kept


class Series:
    """Rows by coin. `count` grows with every row, and is what a reader remembers."""

    def __init__(self, columns: Sequence[str], most: int = MOST, *, events: bool = False) -> None:
        """Begin empty; the first column is the time in ms, `most` the rows of a coin that stay.

        `events` are single things that happened, of which the newest stay, not a line.
        """
        self.columns: Final = tuple(columns)
        self.count = 0
        self._most, self._events = most, events
        self._rows: dict[str, list[Row]] = {}
        self._tail: deque[tuple[int, str, Row]] = deque(maxlen=KEPT)

    def add(self, coin: str, row: Row) -> None:
        """Add a row; of a line one that is not later than the last of its coin is left out."""
        rows = self._rows.setdefault(coin, [])
        if rows and not self._events and row[0] <= rows[-1][0]:
            return
        rows.append(row)
        self.count += 1
        self._tail.append((self.count, coin, row))
        if len(rows) > self._most * 3 // 2:
            if self._events:
                del rows[: len(rows) - self._most]
                return
            self._rows[coin] = settle(rows, self._most)

    def extend(self, coin: str, rows: Iterable[Row]) -> None:
        """Add rows in the order of their time."""
        for row in rows:
            self.add(coin, row)

    def newest(self, coin: str) -> Row | None:
        """Return the last row of a coin."""
        rows = self._rows.get(coin)
        return rows[-1] if rows else None

    def told(self, since: int | None) -> bytes:
        """Return as JSON what a reader lacks who has `since` rows; None has nothing."""
        first = self._tail[0][0] if self._tail else self.count + 1
        if since is None or since + 1 < first:
            return self._json(full=True, rows=self._rows)
        fresh: dict[str, list[Row]] = {}
        for number, coin, row in reversed(self._tail):
            if number <= since:
                break
            fresh.setdefault(coin, []).append(row)
        return self._json(full=False, rows={coin: rows[::-1] for coin, rows in fresh.items()})

    def _json(self, *, full: bool, rows: dict[str, list[Row]]) -> bytes:
        coins = {
            coin: dict(zip(self.columns, map(list, zip(*mine, strict=True)), strict=True))
            for coin, mine in rows.items()
        }
        return orjson.dumps({"full": full, "coins": coins})


def ms(ts_ns: int) -> int:
    """Return a time in ms, which is what a page draws."""
    return ts_ns // MS


def short(figure: float | None, digits: int = 7) -> float | None:
    """Return a figure with so many digits that matter: a page needs no more."""
    return None if figure is None else float(f"{figure:.{digits}g}")
