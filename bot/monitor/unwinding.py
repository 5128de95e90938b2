"""The settlement unwind as a person follows it: its first step, its last, and one in five minutes.

Sixty equal steps of each coin would bury what else happens in that half hour. Steps between are
folded into the next one that is told, with what they cost. Pure; logs and journal keep them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.events import Settled
from bot.domain.instruments import coin_of
from bot.domain.records import HedgeDone
from bot.domain.units import NS_PER_S
from bot.monitor.telling import Telling

EVERY_NS: Final = 300 * NS_PER_S


@dataclass(slots=True)
class _Fold:
    """One coin's unwind: when it was last told of, and the steps since."""

    told_ns: int
    steps: list[Telling] = field(default_factory=list)


class Unwinding:
    """Folds the steps of settlement unwinds; one per listener."""

    def __init__(self) -> None:
        self._folds: dict[str, _Fold] = {}

    def hear(self, telling: Telling) -> tuple[Telling, ...]:
        """Return what is to be told now: it, nothing, or first what was folded before it."""
        item = telling.item
        if isinstance(item, Settled):
            coin = coin_of(item.instrument)
            return (*self._end(coin), telling)
        if not isinstance(item, HedgeDone) or item.kind != "unwind":
            return (telling,)
        fold = self._folds.get(item.coin)
        if fold is None:
            self._folds[item.coin] = _Fold(item.ts_ns)
            return (telling,)
        fold.steps.append(telling)
        if _is_last(telling):
            return self._end(item.coin)
        if item.ts_ns - fold.told_ns < EVERY_NS:
            return ()
        self._folds[item.coin] = _Fold(item.ts_ns)
        return (_folded(fold.steps),)

    def rest(self) -> tuple[Telling, ...]:
        """Return what is still folded at the end of a run."""
        return tuple(telling for coin in tuple(self._folds) for telling in self._end(coin))

    def _end(self, coin: str) -> tuple[Telling, ...]:
        fold = self._folds.pop(coin, None)
        return () if fold is None or not fold.steps else (_folded(fold.steps),)


def progress(telling: Telling) -> tuple[int, int] | None:
    """Return the number of an unwind's step and of all its steps, where its decision says so."""
    made = telling.decision
    if made is None or not made.reasons or "steps" not in made.reasons[0].numbers:
        return None
    numbers = made.reasons[0].numbers
    return int(numbers["step"]), int(numbers["steps"])


def _is_last(telling: Telling) -> bool:
    at = progress(telling)
    return at is not None and at[0] == at[1]


def _folded(steps: list[Telling]) -> Telling:
    """Return several steps as one: from where the first began to where the last ended."""
    done = [telling.item for telling in steps if isinstance(telling.item, HedgeDone)]
    first, last = done[0], done[-1]
    whole = replace(
        last,
        delta_before_coin=first.delta_before_coin,
        gamma_before_coin_per_pct=first.gamma_before_coin_per_pct,
        filled=sum(one.filled for one in done),
        fee_usd=sum(one.fee_usd for one in done),
        slippage_usd=sum(one.slippage_usd for one in done),
        orders=sum(one.orders for one in done),
    )
    return replace(steps[-1], item=whole, repeated=len(done) - 1)
