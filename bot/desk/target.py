"""An operator's `target`: the owner's band is moved as a whole, and stays there over restarts.

The band keeps its width; only where it lies changes. A word stands as long as it lies elsewhere
than the settings say. One step goes no further than MOST_WIDTHS of its narrower sides: who slips a
digit should not own a hundred coins for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.domain.reasons import Because
from bot.domain.records import Standing, Word
from bot.strategy.bands import Band

MOST_WIDTHS: Final = 50.0


@dataclass(slots=True)
class Targets:
    """Where owners' bands lie, by coin; `settings` is where they lay before any word."""

    floor: Floor
    rules: Mapping[str, DeskRules]
    settings: dict[str, Band] = field(init=False)

    def __post_init__(self) -> None:
        """Remember the bands of the settings."""
        self.settings = {coin: rules.delta.owner for coin, rules in self.rules.items()}

    def refusal(self, coin: str, level: float | None) -> str | None:
        """Return why a target cannot be moved to a level, or None."""
        owner = self.rules[coin].delta.owner
        if level is None or not math.isfinite(level):
            found = "none" if level is None else f"{level}"
            return f"expected a delta in {coin} with target, found {found}"
        most = MOST_WIDTHS * owner.narrower
        if abs(level - owner.target) > most:
            reach = f"from {owner.target - most:g} to {owner.target + most:g} {coin}"
            return (
                f"expected a target {reach} ({MOST_WIDTHS:g} half-widths a step), found {level:g}"
            )
        return None

    def move(self, coin: str, level: float, now_ns: int, because: Because) -> tuple[Standing, Band]:
        """Move a coin's band to a target; return the word that stands now, and the band."""
        rules, usual = self.rules[coin], self.settings[coin]
        band = usual if level == usual.target else moved(usual, level)
        rules.delta = replace(rules.delta, owner=band)
        self.floor.levels.pop(coin, None)  # the policy's band inside it is chosen anew
        figures = {"target_coin": band.target, "lower_coin": band.lower, "upper_coin": band.upper}
        because = replace(because, numbers={**because.numbers, **figures})
        active = band is not usual
        return Standing(now_ns, coin, Word.TARGET, None, active=active, because=because), band

    def recall(self, word: Standing, now_ns: int) -> Standing | None:
        """Take over a word of an earlier run, also where the settings have moved since.

        Return its end where the settings now say the same: they are free to move on from there.
        """
        level = word.because.numbers.get("target_coin", math.nan)
        if not math.isfinite(level):
            return None
        stands, _ = self.move(word.coin, level, now_ns, word.because)
        return None if stands.active else stands


def moved(band: Band, target: float) -> Band:
    """Return a band with its sides as far from another target."""
    return Band(target - (band.target - band.lower), target, target + (band.upper - band.target))
