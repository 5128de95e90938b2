"""Everything that an owner has decided about one underlying.

All desks of a coin look at the same object. Nothing of it changes while a bot runs but `delta`,
which an operator's `target` replaces (see `target`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.book.book import UnderlyingRules
from bot.execution.tactics import TacticRules
from bot.risk.limits import LimitRules
from bot.strategy.delta import DeltaPolicy
from bot.strategy.event_calendar import ScheduledEvent
from bot.strategy.gamma import GammaPolicy
from bot.strategy.hedge_cost import HedgePolicy
from bot.strategy.unwind import UnwindPolicy


@dataclass(slots=True)
class DeskRules:
    """One underlying's measurement, policies, limits and habits.

    Times in seconds of event time. `cycle_s` is the least time between two decisions that only
    quotes ask for; fills and order ends always ask. `margin_model` is the one that the owner
    expects of the account; None takes any. `hold_s` is for how long what a person trades by hand
    is left alone; `events` when the owner wants another band. `gamma_rest_s` is the least time
    between two option plans, `gamma_again_s` after one of which nothing was sent.
    """

    measure: UnderlyingRules
    delta: DeltaPolicy
    gamma: GammaPolicy
    hedge: HedgePolicy = field(default_factory=HedgePolicy)
    limits: LimitRules = field(default_factory=LimitRules)
    tactics: TacticRules = field(default_factory=TacticRules)
    unwind: UnwindPolicy = field(default_factory=UnwindPolicy)
    cycle_s: float = 0.25
    sample_s: float = 60.0
    gamma_check_s: float = 2.0
    gamma_think_s: float = 0.5
    gamma_rest_s: float = 5.0
    gamma_again_s: float = 60.0
    patience_s: float = 10.0
    margin_model: str | None = None
    hold_s: float = 0.0
    events: tuple[ScheduledEvent, ...] = ()

    @property
    def coin(self) -> str:
        """Return the coin."""
        return self.measure.coin
