"""What the monitor hands on, and to whom: the newsroom's outlets.

An outlet hears at once and tells in its own time: what it is handed goes into a queue of its own
that is bounded, so that one whose broker or chat service hangs holds up nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.journal.tail import News


@dataclass(frozen=True, slots=True)
class Sight:
    """How a bot stood at one look.

    `status` is what `deltaband status --json` prints, and `loop` what the bot says of its own pace
    (see docs/metrics.md); both None while there is no journal, or none that can be read (`why`).
    `alive` tells whether a bot holds the journal, `ended` that its newest run was closed in order.
    `beat_ns` is when (wall) the loop that decides last said so, `version` which release it is.
    `final` is the last look at a run by who follows that run alone.
    """

    wall_ns: int
    alive: bool = False
    ended: bool = False
    status: Mapping[str, Any] | None = None
    loop: Mapping[str, Any] | None = None
    why: str = ""
    beat_ns: int | None = None
    version: str = ""
    final: bool = False


class Outlet(Protocol):
    """Somebody who tells people or machines what the journal says."""

    name: str

    def hear(self, news: Sequence[News]) -> None:
        """Take what is new; never waits and never fails."""
        ...

    def see(self, sight: Sight) -> None:
        """Take how things stand, about once a second; never waits and never fails."""
        ...

    async def run(self) -> None:
        """Tell, until cancelled; what it raises is reported, and it is begun again."""
        ...

    async def close(self) -> None:
        """Let what still waits leave, for a few seconds at most."""
        ...


class Steering(Protocol):
    """The journal's command queue, for an outlet that people steer through."""

    def submit(
        self,
        verb: str,
        coin: str,
        *,
        who: str,
        why: str,
        arguments: Mapping[str, Any],
        name: str | None = None,
    ) -> str:
        """Queue a command and return its id; JournalError, also where that id was used before."""
        ...

    def refused(
        self, verb: str, *, who: str, why: str, arguments: Mapping[str, Any], why_not: str
    ) -> None:
        """Write down a command that is kept from the bot; raises JournalError."""
        ...

    def outcome(self, name: str) -> tuple[bool, str] | None:
        """Return whether a command was accepted, and its outcome; None while it is not done."""
        ...

    def withdraw(self, name: str) -> bool:
        """Take back a command that no bot has taken; False when it is too late."""
        ...
