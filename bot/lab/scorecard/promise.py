"""What a run is judged by: how an owner measures an underlying, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.book.book import UnderlyingRules
from bot.domain.instruments import FeeTier
from bot.strategy.bands import Band, GammaBand


@dataclass(slots=True)
class Promise:
    """One underlying: measurement rules, owner's delta band (coin), gamma band (coin per 1 %).

    The gamma band binds what lives longer than 24 hours, as in `bot.book.exposure`. A band without
    sides promises nothing and is reported as absent. `tier` is what the naive twin and deliveries
    pay. `band` moves where an operator's target does.
    """

    measure: UnderlyingRules
    band: Band
    gamma: GammaBand = field(default_factory=GammaBand)
    tier: FeeTier = field(default_factory=FeeTier)

    @property
    def coin(self) -> str:
        """Return the coin."""
        return self.measure.coin
