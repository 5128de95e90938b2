"""Order books: a snapshot, then changes in an unbroken chain of ids, and nothing crossed.

A book that misses a change, or crosses, is dropped whole: its owner subscribes again and gets a new
snapshot. Until then there is no book, which is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.venues.deribit.fields import ABSURD, Row, rows, time_ns
from bot.venues.deribit.flaws import Flaw, FlawedError, shown

DELETE: Final = "delete"
ACTIONS: Final = frozenset({"new", "change", DELETE})


class Continuity:
    """Whether each message of a book follows the one before."""

    def __init__(self) -> None:
        self._last: int | None = None

    def follows(self, data: Row) -> bool:
        """Take a snapshot or change; return False where a change does not follow the last one."""
        change_id = data.get("change_id")
        whole = isinstance(change_id, int) and not isinstance(change_id, bool)
        follows = whole and (
            data.get("type") == "snapshot"
            or (self._last is not None and data.get("prev_change_id") == self._last)
        )
        self._last = change_id if follows and isinstance(change_id, int) else None
        return follows


@dataclass(frozen=True, slots=True)
class Depth:
    """A book at one moment, best price first: (price, size) in the instrument's units."""

    ts_ns: int
    ts_venue_ns: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


class OrderBook:
    """One instrument's book; `apply` raises FlawedError when it can no longer be believed."""

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        self._continuity = Continuity()
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._received_ns = self._made_ns = 0
        self.whole = False

    def apply(self, data: Row, received_ns: int) -> None:
        """Take a snapshot or change. Raises FlawedError: drop the book and subscribe again."""
        try:
            self._apply(data, received_ns)
        except FlawedError:
            self.drop()
            raise

    def drop(self) -> None:
        """Forget everything."""
        self._bids.clear()
        self._asks.clear()
        self.whole = False

    def depth(self, levels: int = 20, ahead_ns: int = 0) -> Depth | None:
        """Return the best levels, None while there is no whole book."""
        if not self.whole:
            return None
        bids = sorted(self._bids.items(), reverse=True)[:levels]
        asks = sorted(self._asks.items())[:levels]
        return Depth(self._received_ns, self._made_ns - ahead_ns, tuple(bids), tuple(asks))

    def _apply(self, data: Row, received_ns: int) -> None:
        if not self._continuity.follows(data):
            found = f"{shown(data.get('prev_change_id'))} before {shown(data.get('change_id'))}"
            raise FlawedError(
                Flaw.BOOK_GAP, self.instrument, f"expected the next change, found {found}"
            )
        if data.get("type") == "snapshot":
            self.drop()
        made_ns = time_ns(data, "timestamp")
        for side, key in ((self._bids, "bids"), (self._asks, "asks")):
            for level in rows(data.get(key), key):
                action, price, size = _level(level)
                if action == DELETE:
                    side.pop(price, None)
                else:
                    side[price] = size
        if self._bids and self._asks and max(self._bids) >= min(self._asks):
            raise FlawedError(
                Flaw.CROSSED,
                self.instrument,
                f"expected bid below ask, found {max(self._bids)} and {min(self._asks)}",
            )
        self._received_ns, self._made_ns, self.whole = received_ns, made_ns, True


def as_levels(data: Row) -> Row:
    """Return a grouped book, whose levels are pairs, in the triples of the other channels."""
    sides = {
        key: [["new", *pair] if len(pair) == 2 else pair for pair in _lists(data.get(key))]  # noqa: PLR2004
        for key in ("bids", "asks")
    }
    return {**data, **sides}


def _lists(value: object) -> list[list[object]]:
    return [pair for pair in value if isinstance(pair, list)] if isinstance(value, list) else []


def _level(level: object) -> tuple[str, float, float]:
    """Return one level; raises FlawedError unless it is [action, price above zero, size]."""
    if isinstance(level, list) and len(level) == 3:  # noqa: PLR2004
        action, price, size = level
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (price, size))
        known = isinstance(action, str) and action in ACTIONS
        if known and numbers and 0.0 < price < ABSURD and 0.0 <= size < ABSURD:
            return str(action), float(price), float(size)
    raise FlawedError(
        Flaw.NOT_A_NUMBER, "level", f"expected [action, price, size], found {shown(level)}"
    )
