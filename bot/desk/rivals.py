"""Another bot like this one on the same account: two hedges for one exposure.

Each finds the other by its labels (see `labels`), in an underlying that it hedges itself. The one
that began later halts that underlying, sticky until `resume`; the elder goes on, so that somebody
hedges, and says so for as long as the other is active. Both reach the same answer alone. This is
one of two automatic halts (see `stops`): a bot that goes on, reducing or not, would trade the same
delta again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.desk.floor import Floor
from bot.desk.reconcile import Reconciler
from bot.domain.commands import Command, Note
from bot.domain.events import RivalSeen
from bot.domain.labels import is_elder
from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt
from bot.domain.units import seconds_between

QUIET_S = 60.0
AGAIN_S = 15.0


@dataclass(slots=True)
class Rivals:
    """Judges what is seen of other bots.

    By coin: when a younger one was last `seen`, and when that was last `told`.
    """

    floor: Floor
    reconciler: Reconciler
    seen: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)

    def saw(self, event: RivalSeen, coin: str) -> list[Command]:
        """Halt a coin that an elder bot hedges; warn of a younger one, again while it trades."""
        now_ns, because = event.ts_ns, Because(Reason.ANOTHER_BOT, event.label)
        if is_elder(event.label, self.floor.names.stem):
            changes = self.floor.machine.operator(coin, "halt", now_ns, because)
            cancels = self.reconciler.cancel_all(now_ns, coin) if changes else []
            return [*map(Note, changes), *cancels]
        self.seen[coin] = now_ns
        self.floor.notices[coin] = because
        told_ns = self.told.get(coin)
        if told_ns is not None and seconds_between(told_ns, now_ns) < AGAIN_S:
            return []
        self.told[coin] = now_ns
        return [Note(Doubt(now_ns, coin, because, active=True))]

    def tick(self, now_ns: int) -> list[Command]:
        """Take the warning back once a younger bot has been quiet for QUIET_S."""
        commands: list[Command] = []
        for coin, seen_ns in list(self.seen.items()):
            if seconds_between(seen_ns, now_ns) >= QUIET_S:
                del self.seen[coin], self.told[coin]
                over = Doubt(now_ns, coin, self.floor.notices.pop(coin), active=False)
                commands.append(Note(over))
        return commands
