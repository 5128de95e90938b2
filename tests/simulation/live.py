"""A journalled run on the real engine, for what a bare core cannot show."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot import wiring
from bot.domain.events import Event
from bot.domain.records import Told
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from bot.stepper import Observer
from config.schema import Settings
from tests.simulation.drive import seconds


@dataclass(slots=True)
class Script:
    """An observer that does one thing when market time reaches a moment."""

    at_ns: int
    act: Callable[[], None]
    done: bool = False

    def see(self, event: Event) -> None:
        """Act once."""
        if not self.done and event.ts_ns >= self.at_ns:
            self.done = True
            self.act()

    def note(self, record: Told) -> None:
        """Ignore what the bot says."""


@dataclass(slots=True)
class Live:
    """A graph, its journal and what controls its engine."""

    paper: wiring.Paper
    journal: Journal
    control: Control

    def run(self, for_s: float, *scripts: Observer, speed: float | None = None) -> "Live":
        """Run market time from the market's start, then close the journal."""
        holdings = self.paper.core.floor.book.holdings
        engine = Engine(
            self.paper.core,
            self.paper.venue,
            self.journal,
            self.control,
            speed=speed,
            observers=scripts,
            views=lambda _: (),
            account=lambda: (tuple(holdings.positions.values()), tuple(holdings.balances.values())),
        )
        try:
            asyncio.run(engine.run(self.paper.market.start_ns + seconds(for_s)))
        finally:
            self.journal.close()
        return self


def live(settings: Settings, folder: Path, *, seed: int = 7) -> Live:
    """Open a run in a folder, sticky states of an earlier run taken over."""
    journal = Journal.open(folder, settings.instance, durability=Durability.BATCH)
    market = wiring.market(settings, seed)
    paper = wiring.paper(settings, market, seed=seed, sticky=journal.last_states())
    journal.begin_run(
        RunStart(
            mode="paper",
            market="synthetic",
            seed=seed,
            version="test",
            market_start_ns=market.start_ns,
            settings={},
            fresh=True,
        )
    )
    return Live(paper, journal, Control(halt_file=journal.path.parent / "HALT"))
