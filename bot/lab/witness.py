"""The witness of a run: tells the voices what happened, keeps the score, journals profit and loss.

It watches the engine and never takes part. A hedge that is done is told together with what the
three twins (hedged, unhedged, naive) have made on the same path so far.
"""

from __future__ import annotations

from typing import Protocol

from bot.domain.events import Event, Filled, Settled
from bot.domain.orders import Intent
from bot.domain.records import ExposureSample, HedgeDone, Record, Told
from bot.journal import Journal
from bot.journal.equity import TwinPnl
from bot.monitor import Voice


class Judge(Protocol):
    """Who keeps the score (see `lab.scorecard`)."""

    def see(self, event: Event) -> None:
        """Take an event that is about to reach the core."""
        ...

    def note(self, record: Record) -> None:
        """Take what the core says about itself."""
        ...

    def twins(self, coin: str) -> TwinPnl:
        """Return profit and loss of a coin's book and its twins so far."""
        ...


class Witness:
    """Observer of an engine."""

    def __init__(self, judge: Judge, journal: Journal, voice: Voice | None) -> None:
        """Tell `voice` (nobody when None), keep score with `judge`."""
        self._judge = judge
        self._journal = journal
        self._voice = voice

    def see(self, event: Event) -> None:
        """Keep score, and tell of fills and settlements."""
        self._judge.see(event)
        if self._voice is None:
            return
        if isinstance(event, Filled):
            self._voice.tell(event.fill)
        elif isinstance(event, Settled):
            self._voice.tell(event)

    def note(self, record: Told) -> None:
        """Keep score, tell, and journal profit and loss beside each exposure sample."""
        if not isinstance(record, Intent):
            self._judge.note(record)
        if isinstance(record, ExposureSample):
            self._journal.equity(self._judge.twins(record.coin))
        if self._voice is None:
            return
        pnl = self._judge.twins(record.coin) if isinstance(record, HedgeDone) else None
        self._voice.tell(record, pnl)
