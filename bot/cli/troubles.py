"""What is wrong with a connection, told while it happens: one line for each kind of flaw a minute.

What a venue lists and we leave out by design is for those who read debug lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from bot.domain.units import NS_PER_S
from bot.venues.deribit.flaws import Flaw

if TYPE_CHECKING:
    from bot.domain.events import Event
    from bot.domain.records import Told
    from bot.venues.deribit.flaws import Flaws, Noted
    from bot.venues.deribit.terms import Health

LOOK_NS: Final = NS_PER_S
QUIET_NS: Final = 60 * NS_PER_S
_BY_DESIGN: Final = frozenset({"combo", "spot", "unknown_kind", "unknown_settlement", "inactive"})
# What a person must mend: no order leaves until then.
_ERRORS: Final = frozenset({"fault_of_ours", "key_rights", "wrong_environment"})


class Sayer(Protocol):
    """The part of a voice that is needed here."""

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Hear an event outside the records."""
        ...


class Connected(Protocol):
    """The part of a venue that is looked at."""

    @property
    def flaws(self) -> Flaws:
        """Return what was wrong so far."""
        ...

    def health(self) -> Health:
        """Return how the connection is doing."""
        ...


class Troubles:
    """Observer of an engine: reads its venue's flaws and epochs, and tells a voice what is new."""

    def __init__(self, venue: Connected, voice: Sayer) -> None:
        """Start with nothing told; what is there already counts as new."""
        self._venue, self._voice = venue, voice
        self._looked_ns = 0
        self._read = 0
        self._waiting: dict[Flaw, tuple[int, Noted]] = {}
        self._told_ns: dict[Flaw, int] = {}
        self._epochs: tuple[int, int] | None = None
        self._lost_ns: int | None = None

    def see(self, event: Event) -> None:
        """Look, now and then."""
        self.look(event.ts_ns)

    def note(self, record: Told) -> None:
        """Leave what the core says to others."""

    def look(self, now_ns: int) -> None:
        """Tell what is new, at most once a second; cheap where nothing is."""
        if now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        self._collect()
        health = self._venue.health()
        began_ns, failed = self._lost_ns, 0
        back = self._is_back(health)
        if back and Flaw.CONNECTION_LOST in self._told_ns:  # what followed were tries to come back
            failed, _ = self._waiting.pop(Flaw.CONNECTION_LOST, (0, None))
        for flaw, (count, noted) in list(self._waiting.items()):
            if now_ns - self._told_ns.get(flaw, -QUIET_NS) >= QUIET_NS:
                self._told_ns[flaw] = now_ns
                del self._waiting[flaw]
                self._voice.say(
                    f"venue.{flaw}", _level(flaw), subject=noted.subject, said=noted.sentence,
                    times=count,
                )  # fmt: skip
        if back:
            self._told_ns.pop(Flaw.CONNECTION_LOST, None)
            self._voice.say(
                "venue.reconnected", "warning", public=health.public_epoch,
                account=health.account_epoch, failed_tries=failed,
                down_s=0.0 if began_ns is None else (now_ns - began_ns) / NS_PER_S,
            )  # fmt: skip

    def _is_back(self, health: Health) -> bool:
        """Tell whether every connection stands, and some did not at the last look or between."""
        if health.lost_ns:
            self._lost_ns = min(health.lost_ns.values())
            return False
        before, was_lost = self._epochs, self._lost_ns is not None
        self._epochs, self._lost_ns = (health.public_epoch, health.account_epoch), None
        return was_lost or before not in (None, self._epochs)

    def _collect(self) -> None:
        """Take in what was noted since the last look; only the newest are kept with their words."""
        flaws = self._venue.flaws
        total = sum(flaws.counts.values())
        fresh = min(total - self._read, len(flaws.newest))
        self._read = total
        for noted in list(flaws.newest)[len(flaws.newest) - fresh :]:
            count, _ = self._waiting.get(noted.flaw, (0, noted))
            self._waiting[noted.flaw] = (count + 1, noted)


def _level(flaw: Flaw) -> str:
    if flaw in _BY_DESIGN:
        return "debug"
    return "error" if flaw in _ERRORS else "warning"
