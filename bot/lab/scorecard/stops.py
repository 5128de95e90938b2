"""For how long an operator had stopped something: a band that was left on purpose is no failure."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.records import Record, Standing, StateChange, Word
from bot.domain.states import STICKY
from bot.domain.units import NS_PER_S


@dataclass(slots=True)
class Stops:
    """Market time in which anything was paused, halted, off or snoozed; `open` names what is."""

    total_ns: int = 0
    since_ns: int = 0
    open: set[str] = field(default_factory=set)

    def note(self, record: Record) -> None:
        """Take a change of state or an operator's word."""
        if isinstance(record, StateChange):
            place, stops = f"state {record.coin}", record.after in STICKY
        elif isinstance(record, Standing) and record.word is Word.OFF:
            place, stops = f"off {record.coin}", record.active
        else:
            return
        before = bool(self.open)
        (self.open.add if stops else self.open.discard)(place)
        if self.open and not before:
            self.since_ns = record.ts_ns
        elif before and not self.open:
            self.total_ns += record.ts_ns - self.since_ns

    def seconds(self, now_ns: int) -> float:
        """Return it in seconds, with what still stands."""
        going_on = max(0, now_ns - self.since_ns) if self.open else 0
        return (self.total_ns + going_on) / NS_PER_S
