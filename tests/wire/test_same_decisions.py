"""One core, several drivers: what one driver's events lead to, they lead to in the others' cores.

The events of a run over a real connection, of a synthetic market and of a recorded crash are given
to the cores that the other wirings build. What comes out must be equal to the last byte, orders and
cancellations among it. Two things are a driver's own and are made equal: how its orders are called,
and how often its prices come (which decides when one is stale).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bot import wiring
from bot.core import Core
from bot.desk.floor import Names
from bot.domain.commands import Command, Note, Place
from bot.domain.events import Event, Filled, Tick
from bot.domain.units import utc_ns
from bot.journal.digest import canonical
from bot.lab.recording import read
from bot.sim.exchange import StartingAccount
from bot.sim.ports import Cadence, Market
from bot.sim.replay import ReplayMarket
from bot.sim.wire.hub import Opening
from bot.wiring import desks
from bot.wiring import live as live_wiring
from config.schema import Settings
from tests.sim.test_replay import CHAINS, HOURLY, recording, shot
from tests.simulation.drive import START_NS, book, seconds, start
from tests.wire.in_process import graph
from tests.wire.test_run import straddle

PATIENCE_S = 90.0  # only ends what hangs
HELD = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))
RECORDED = ("BTC-27FEB26-70000-P", "BTC-27FEB26-75000-P", "BTC-27MAR26-70000-C")


@dataclass
class Heard:
    """What a core heard, and what it answered each time."""

    core: Core
    events: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __call__(self, _: object, event: Event, commands: tuple[Command, ...]) -> None:
        """Take an event with its answer."""
        self.events.append(event)
        self.said.append(words(commands))

    @property
    def filled(self) -> int:
        """Return how many fills it has heard of."""
        return sum(isinstance(event, Filled) for event in self.events)


def words(commands: tuple[Command, ...]) -> str:
    """Return all that is decided, recorded, sent and cancelled, as text."""
    return "\n".join(
        canonical(c.record)
        if isinstance(c, Note)
        else canonical(c.intent)
        if isinstance(c, Place)
        else repr(c)
        for c in commands
    )


def by_paper(settings: Settings) -> Core:
    """Return the core of a synthetic paper run."""
    return on_paper(settings, wiring.market(unheld(settings), 1))


def by_replay(settings: Settings) -> Core:
    """Return the core of a replay; what is recorded there does not matter to it."""
    shots = (shot(START_NS + n * seconds(60), 9e4) for n in range(2))
    return on_paper(settings, ReplayMarket(recording(*shots)))


def by_live(settings: Settings) -> Core:
    """Return the core of a run on the exchange."""
    return graph(settings).core


def on_paper(settings: Settings, market: Market) -> Core:
    """Return the core of a paper run whose own account nobody asks."""
    account = StartingAccount({"BTC": 1.0}, ())
    on_it = settings.model_copy(update={"mode": "paper", "market": "synthetic"})
    return wiring.paper(on_it, market, seed=1, account=account).core


def unheld(settings: Settings) -> Settings:
    """Return the same without the owner's positions, which not every market lists."""
    empty = settings.paper.model_copy(update={"position": ()})
    return settings.model_copy(update={"paper": empty, "market": "synthetic"})


DRIVERS = {"paper": by_paper, "replay": by_replay, "live": by_live}


@pytest.fixture
def equally_often(monkeypatch) -> Callable[[Cadence], None]:
    """Return what lets every wiring expect prices as often."""
    desk_rules = desks.desk_rules

    def agree(cadence: Cadence) -> None:
        for module in (wiring, live_wiring):
            monkeypatch.setattr(
                module, "desk_rules", lambda settings, coin, _: desk_rules(settings, coin, cadence)
            )

    return agree


def hear(first: Heard, settings: Settings) -> dict[str, list[str]]:
    """Return what the core of each wiring answers to the same events, under the same name."""
    answers = {}
    for name, made in DRIVERS.items():
        core, names = made(settings), first.core.floor.names
        core.floor.names = Names(names.instance, names.epoch, names.born_ns)
        answers[name] = [words(core.handle(event)) for event in first.events]
    return answers


def agree(first: Heard, settings: Settings) -> None:
    """Hold each against the first, event by event."""
    for name, said in hear(first, settings).items():
        pairs = zip(first.events, first.said, said, strict=True)
        apart = next(((e, a, b) for e, a, b in pairs if a != b), None)
        assert apart is None, f"{name} answers otherwise"


async def test_what_a_connection_told_leads_to_the_same_orders_on_paper(serve, equally_often):
    """Prices, positions, replies and fills of a real client, on the wall's clock."""
    equally_often(live_wiring.CADENCE)
    server = await serve(Opening(seed=7, regime="normal", positions=straddle("-10")))
    settings = book(band=0.05)
    run = graph(settings, server)
    first = Heard(run.core)
    await run.venue.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while first.filled < 3:
                event = run.venue.next_event()
                if event is None:
                    await run.venue.wait(0.05)
                    event = Tick(run.venue.now_ns())
                commands = run.core.handle(event)
                first(run, event, commands)
                for command in commands:
                    if not isinstance(command, Note):
                        run.venue.send(command, event.ts_ns)
    finally:
        await run.venue.close()
    agree(first, settings)


def test_what_a_modelled_market_told_leads_to_the_same_orders_live(equally_often):
    """Twenty minutes of a short straddle."""
    settings = book(*HELD, band=0.1)
    market = wiring.market(settings, 5)
    equally_often(market.cadence)
    drive = start(settings, seed=5, market=market)
    first = Heard(drive.core)
    drive.watch = (first,)
    drive.until(market.start_ns + seconds(1_200))
    assert first.filled >= 3
    agree(first, settings)


@pytest.mark.data
def test_what_was_recorded_in_a_crash_leads_to_the_same_orders_live(data_dir, equally_often):
    """The fall of February 2026, played to the core as a replay does."""
    settings = book(*((name, -10.0) for name in RECORDED), band=0.5, collateral=200.0)
    market = ReplayMarket(
        read(data_dir / CHAINS, data_dir / HOURLY), start_ns=utc_ns(2026, 2, 4, 18)
    )
    equally_often(market.cadence)
    drive = start(settings, market=market)
    first = Heard(drive.core)
    drive.watch = (first,)
    drive.until(utc_ns(2026, 2, 6, 12))
    assert first.filled >= 3
    agree(first, settings)
