"""Outages: one line when the broker is lost, one when it is back, and how long to wait between.

A connection counts as back once it has stood for a few seconds, so that one that comes and goes is
one outage. The wait doubles, with chance in it so that many bots do not come back at once, and is
short again only after a connection that held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.monitor.newsroom import Say

FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0
STEADY_S: Final = 3.0
HELD_S: Final = 60.0


class Outages:
    """Knows since when a broker is lost."""

    def __init__(
        self,
        broker: str,
        say: Say,
        clock_s: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """Speak of a broker by a name; `chance` is from 0 to 1."""
        self._broker, self._say = broker, say
        self._clock_s, self._chance = clock_s, chance
        self._wait_s = FIRST_S
        self._lost_at: float | None = None
        self._came_at: float | None = None
        self._ever = False
        self._reason = ""
        self._dropped = 0

    def came(self, dropped: int) -> None:
        """Hear that a connection stands, and how many events have found no room until now."""
        now = self._clock_s()
        self._came_at = now if self._came_at is None else self._came_at
        stood = now - self._came_at
        if stood >= HELD_S:
            self._wait_s = FIRST_S
        if not self._ever:
            self._ever = True
            if self._lost_at is None:
                self._say("mqtt.connected", broker=self._broker)
        if self._lost_at is not None and stood >= STEADY_S:
            self._say(
                "mqtt.back",
                "warning",
                broker=self._broker,
                found=self._reason,
                lasted_s=round(now - self._lost_at - stood, 1),
                dropped_events=dropped - self._dropped,
            )
            self._lost_at = None
        if self._lost_at is None:
            self._dropped = dropped

    def went(self, reason: str) -> float:
        """Hear that a connection failed or was lost; return for how many seconds to wait."""
        now = self._clock_s()
        self._came_at, self._reason = None, reason
        if self._lost_at is None:
            self._lost_at = now
            self._say("mqtt.lost", "warning", broker=self._broker, found=reason)
        wait_s, self._wait_s = self._wait_s, min(self._wait_s * 2, LONGEST_S)
        return wait_s * (0.5 + 0.5 * self._chance())
