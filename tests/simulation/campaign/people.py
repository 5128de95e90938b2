"""The operators of a campaign: what they say, and when; they like the worst moments."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Protocol

from bot.domain.units import NS_PER_S
from bot.journal import queue
from tests.simulation.campaign.streams import stream
from tests.simulation.campaign.truth import Tap

NEVER_NS = 2**62
LONGEST_WAIT_NS = 60 * NS_PER_S
STOPPED_PER_HOUR = 50.0
SPEECHES = (
    ("pause",),
    ("pause",),
    ("halt",),
    ("halt",),
    ("halt", "resume"),
    ("resume", "halt"),
)


class Room(Protocol):
    """Where operators sit."""

    @property
    def tap(self) -> Tap:
        """Return the exchange."""
        ...

    @property
    def now_ns(self) -> int:
        """Return the time."""
        ...

    @property
    def file(self) -> Path:
        """Return the journal's file."""
        ...

    @property
    def locked(self) -> bool:
        """Tell whether somebody holds the journal's file."""
        ...

    def doom(self, within: int) -> None:
        """Let the process die at one of so many effects that come next."""
        ...

    def heed(self, verb: str) -> None:
        """Hear that a word was put in."""
        ...


def gap_ns(chance: Random, per_hour: float) -> int:
    """Return the time to what happens so often."""
    if not per_hour:
        return NEVER_NS
    return round(chance.expovariate(per_hour) * 3_600) * NS_PER_S


class Operators:
    """`words` counts what they have said. A stop is lifted sooner or later."""

    def __init__(self, seed: int, per_hour: float, now_ns: int) -> None:
        """Choose when they speak first."""
        self.words: Counter[str] = Counter()
        self._chance, self._per_hour = stream(seed, "words"), per_hour
        self._next_ns = now_ns + gap_ns(self._chance, per_hour)
        self._for_rest, self._stopped = True, False

    def speak(self, room: Room, now_ns: int) -> None:
        """Say something if it is time, or as soon as an order rests; sometimes it kills the bot."""
        if room.locked or now_ns < self._next_ns:
            return
        waits = self._for_rest and now_ns < self._next_ns + LONGEST_WAIT_NS
        if waits and not room.tap.exchange.working:
            return
        self._utter(room)
        if self._chance.random() < 0.4:
            room.doom(4)

    def mourn(self, room: Room, gone_s: float) -> None:
        """Say something to a bot that has just died, now and then; it hears that later."""
        often = 0.8 if gone_s > 60.0 else 0.3
        if self._per_hour and not room.locked and self._chance.random() < often:
            self._utter(room)

    def say(self, room: Room, verb: str) -> None:
        """Put a word into the queue, if there is one yet."""
        if not room.file.exists():
            return
        self.words[verb] += 1
        name = f"w{sum(self.words.values())}"
        asked = queue.Command(name, verb, "", {}, "owner", "a campaign asked", room.now_ns)
        with closing(sqlite3.connect(room.file, isolation_level=None)) as base:
            queue.submit(base, asked)
        room.heed(verb)

    def _utter(self, room: Room) -> None:
        spoken = self._chance.choice(SPEECHES)
        if self._stopped and self._chance.random() < 0.7:
            spoken = ("resume",)
        self._stopped = spoken[-1] != "resume"
        for verb in spoken:
            self.say(room, verb)
        often = STOPPED_PER_HOUR if self._stopped else self._per_hour
        self._next_ns = room.now_ns + gap_ns(self._chance, often)
        self._for_rest = self._chance.random() < 0.6
