"""What is worth telling: joins what belongs together, finds jumps, leaves out what was just said.

A refusal or doubt that repeats for the same reasons is told once a minute of market time, with the
number of those left out; what somebody has to look at is told each time. An index that moves 2 %
within a minute is told as a jump.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, TypeAlias

from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.records import Decision, Doubt, ExposureSample, HedgeDone, OrderTransition
from bot.domain.units import NS_PER_S, seconds_between
from bot.journal.equity import TwinPnl
from bot.monitor.levels import PAGED
from bot.monitor.telling import Item, Moved, Telling

QUIET_NS: Final = 60 * NS_PER_S
JUMP: Final = 0.02
JUMP_WINDOW_NS: Final = 60 * NS_PER_S
_REMEMBERED: Final = 1_000
_UNDER_WAY: Final = 100  # decisions whose hedge is still to be told; many never are filled

Key: TypeAlias = tuple[object, ...]


class Story:
    """The thread through what is told; one per listener."""

    def __init__(self) -> None:
        self._decisions: OrderedDict[str, Decision] = OrderedDict()
        self._causes: OrderedDict[str, str] = OrderedDict()
        self._said: OrderedDict[Key, tuple[int, int]] = OrderedDict()
        self._index: dict[str, deque[tuple[int, float]]] = {}

    def hear(self, item: Item, pnl: TwinPnl | None = None) -> tuple[Telling, ...]:
        """Return what is to be told of an item, oldest first: nothing, it, or a jump and it."""
        moved = self._jump(item)
        before = () if moved is None else (Telling(moved),)
        if isinstance(item, Decision) and not item.refused:
            self._decisions[item.id] = item
            if len(self._decisions) > _UNDER_WAY:
                self._decisions.popitem(last=False)
        decision = self._decisions.pop(item.decision, None) if isinstance(item, HedgeDone) else None
        cause = self._cause(item)
        repeated = self._repeats(item)
        if repeated is None:
            return before
        return (*before, Telling(item, decision, pnl, repeated, cause))

    def _cause(self, item: Item) -> str:
        """Return the decision that an order or a fill goes back to; an intent names it."""
        if isinstance(item, Intent):
            self._causes[item.label] = item.decision
            if len(self._causes) > _REMEMBERED:
                self._causes.popitem(last=False)
            return item.decision
        return self._causes.get(item.label, "") if isinstance(item, (OrderTransition, Fill)) else ""

    def _repeats(self, item: Item) -> int | None:
        same = _sameness(item)
        if same is None:
            return 0
        key, now_ns = same
        last_ns, count = self._said.get(key, (None, 0))
        if last_ns is not None and 0 <= now_ns - last_ns < QUIET_NS:
            self._said[key] = (last_ns, count + 1)
            return None
        self._said[key] = (now_ns, 0)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        return count

    def _jump(self, item: Item) -> Moved | None:
        if not isinstance(item, (Decision, HedgeDone, ExposureSample)) or not item.index > 0:
            return None
        seen = self._index.setdefault(item.coin, deque(maxlen=_REMEMBERED))
        while seen and item.ts_ns - seen[0][0] > JUMP_WINDOW_NS:
            seen.popleft()
        jumped = next(
            ((t, x) for t, x in reversed(seen) if abs(item.index / x - 1.0) >= JUMP), None
        )
        if jumped is not None:
            seen.clear()
        seen.append((item.ts_ns, item.index))
        if jumped is None:
            return None
        then_ns, before = jumped
        seconds = seconds_between(then_ns, item.ts_ns)
        return Moved(item.ts_ns, item.coin, before, item.index, seconds)


def _sameness(item: Item) -> tuple[Key, int] | None:
    if isinstance(item, Decision) and item.refused:
        why = tuple((because.reason, because.subject) for because in item.refused)
        return ("refused", item.coin, item.kind, why), item.ts_ns
    if isinstance(item, Doubt) and item.because.reason not in PAGED:
        because = item.because
        return ("doubt", item.coin, because.reason, because.subject, item.active), item.ts_ns
    return None
