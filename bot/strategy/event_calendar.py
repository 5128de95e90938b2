"""Scheduled events around which the owner wants another band: releases, expiries, rollovers.

Each event asks for the policy's band to be so many times as wide from some time before it until
some time after. Where several are on, the narrowest wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.units import seconds_between


@dataclass(frozen=True, slots=True)
class ScheduledEvent:
    """One event at `at_ns`, and again every `every_s` seconds where that is set."""

    name: str
    at_ns: int
    before_s: float
    after_s: float
    factor: float
    every_s: float | None = None

    def is_on(self, now_ns: int) -> bool:
        """Tell whether a time lies in the event's span, both ends included."""
        away_s = seconds_between(self.at_ns, now_ns)
        if self.every_s is not None:
            away_s = (away_s + self.before_s) % self.every_s - self.before_s
        return -self.before_s <= away_s <= self.after_s


def factor_at(events: Iterable[ScheduledEvent], now_ns: int) -> float:
    """Return what the calendar asks of the band's width: the narrowest of what is on, else 1."""
    return min((event.factor for event in events if event.is_on(now_ns)), default=1.0)
