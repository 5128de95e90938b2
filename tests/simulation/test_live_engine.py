"""The engine on a venue in the present: events as they arrive, silence noticed, a clean end."""

import asyncio
import time
from typing import ClassVar

from bot import wiring
from bot.domain.events import Event, Tick
from bot.domain.orders import OrderState
from bot.domain.records import OrderTransition, Told
from bot.domain.units import NS_PER_S
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from bot.stepper import Stepper
from bot.venues.paper import PaperVenue
from bot.venues.port import LiveVenue, Request
from tests.builders.scripted_desk import CALL, ScriptedDesk, placed
from tests.simulation.drive import book, seconds

SPEED = 60.0
STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))


class Present:
    """The paper venue as one that lives now: its clock runs whether or not anybody looks."""

    def __init__(self, venue: PaperVenue, start_ns: int) -> None:
        """Begin now, at the market's start."""
        self._venue, self._start_ns = venue, start_ns
        self._begun = time.monotonic()
        self.silent_from_ns = 1 << 62

    def now_ns(self) -> int:
        """Return the market's time, which runs 60 times as fast as the wall's."""
        return self._start_ns + round((time.monotonic() - self._begun) * SPEED * NS_PER_S)

    def next_time(self) -> int | None:
        """Return now."""
        return self.now_ns()

    def next_event(self, until_ns: int | None = None) -> Event | None:
        """Return what has arrived by now."""
        now_ns = self.now_ns()
        last_ns = now_ns if until_ns is None else min(now_ns, until_ns)
        return self._venue.next_event(min(last_ns, self.silent_from_ns))

    def send(self, request: Request, now_ns: int) -> None:
        """Send."""
        self._venue.send(request, now_ns)

    def wake_at(self, ts_ns: int) -> None:
        """Ask for a Tick."""
        self._venue.wake_at(ts_ns)

    async def start(self) -> None:
        """Nothing to connect."""

    async def wait(self, timeout_s: float) -> None:
        """Sleep until something may have arrived."""
        await asyncio.sleep(min(timeout_s, 0.005))

    async def close(self) -> None:
        """Nothing to let go of."""


class Watch:
    """What an engine saw and said."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: list[Event] = []
        self.records: list[Told] = []

    def see(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def note(self, record: Told) -> None:
        """Keep a record."""
        self.records.append(record)


class Batches(Journal):
    """A journal that remembers what each of its commits held."""

    held: ClassVar[list[list[str]]] = []

    def commit(self) -> None:
        """Commit, and remember."""
        self.held.append([sql for sql, _ in self._batch.rows])
        super().commit()


def _run(tmp_path, for_s, *, silent_after_s=None, stop_after_s=None):
    settings = book(*STRADDLE, band=0.2)
    journal = Journal.open(tmp_path, settings.instance, durability=Durability.BATCH)
    market = wiring.market(settings, 7)
    paper = wiring.paper(settings, market, seed=7)
    journal.begin_run(RunStart("paper", "synthetic", 7, "test", market.start_ns, {}, fresh=True))
    venue, watch, control = Present(paper.venue, market.start_ns), Watch(), Control()
    assert isinstance(venue, LiveVenue)
    if silent_after_s is not None:
        venue.silent_from_ns = market.start_ns + seconds(silent_after_s)
    engine = Engine(
        paper.core,
        venue,
        journal,
        control,
        speed=None,
        observers=(watch,),
        views=lambda _: (),
        account=lambda: ((), ()),
    )

    async def run():
        if stop_after_s is not None:
            asyncio.get_running_loop().call_later(stop_after_s / SPEED, control.request_stop)
        await engine.run(market.start_ns + seconds(for_s))

    try:
        asyncio.run(run())
    finally:
        journal.close()
    return paper, watch


def test_events_are_taken_as_they_arrive_and_the_book_is_hedged(tmp_path):
    """The same core as on paper, on the clock's time, and nothing works at its end."""
    paper, watch = _run(tmp_path, 90.0)
    ended = [r for r in watch.records if isinstance(r, OrderTransition)]
    assert any(r.after is OrderState.FILLED for r in ended)
    times = [event.ts_ns for event in watch.events]
    assert times == sorted(times)
    assert paper.venue.exchange.working == ()


def test_a_silent_venue_is_noticed_by_ticks(tmp_path):
    """Quotes stop; time goes on for the core, at least every half second, and doubt is told."""
    paper, watch = _run(tmp_path, 60.0, silent_after_s=20.0)
    last = max(i for i, e in enumerate(watch.events) if not isinstance(e, Tick))
    ticks = [event.ts_ns for event in watch.events[last + 1 :]]
    assert len(ticks) > 20
    assert str(paper.core.floor.machine.at("BTC")) == "REDUCE_DELTA_ONLY"


class Nowhere:
    """A venue where nothing comes from and everything vanishes."""

    def next_time(self) -> int | None:
        """Return that nothing ever happens."""
        return None

    def next_event(self, until_ns: int | None = None) -> Event | None:  # noqa: ARG002  the port's
        """Return nothing."""
        return None

    def send(self, request: Request, now_ns: int) -> None:
        """Lose it."""

    def wake_at(self, ts_ns: int) -> None:
        """Sleep on."""


def test_the_account_is_on_disk_with_the_first_order_at_the_latest(tmp_path):
    """Positions come last and are hedged at once: a kill then leaves something to go on from."""
    script = ScriptedDesk(positions={CALL.name: "-1"})
    script.listed()
    script.told()
    script.wait(0.5).market()
    assert placed(script.told())
    Batches.held.clear()
    journal = Batches.open(tmp_path, "demo", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "test", script.now_ns, {}, fresh=True))
    steps = Stepper(
        ScriptedDesk(positions={CALL.name: "-1"}).core,
        Nowhere(),
        journal,
        script.now_ns,
        views=lambda _: (),
        account=lambda: ((), ()),
    )
    for event in script.events:
        steps.step(event)
    tables = [[sql.split()[2] for sql in batch] for batch in Batches.held]
    journal.close()
    assert "intents" in tables[-1]
    assert any("accounts" in batch for batch in tables)


class Ear(Nowhere):
    """A venue and an observer that write down in which order they hear of things."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.heard: list[str] = []

    def send(self, request: Request, now_ns: int) -> None:  # noqa: ARG002  the port's
        """Hear of a request."""
        self.heard.append("sent")

    def see(self, event: Event) -> None:  # noqa: ARG002  the observer's
        """Hear of an event."""
        self.heard.append("seen")

    def note(self, record: Told) -> None:  # noqa: ARG002  the observer's
        """Hear of a record."""
        self.heard.append("told")


def test_orders_leave_before_anything_is_told_and_that_before_the_next_event(tmp_path):
    """Observers stand in nobody's way and hear everything in its order."""
    script = ScriptedDesk(positions={CALL.name: "-1"})
    script.listed()
    script.told()
    script.wait(0.5).market()
    assert placed(script.told())
    ear = Ear()
    journal = Journal.open(tmp_path, "demo", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "test", script.now_ns, {}, fresh=True))
    steps = Stepper(
        ScriptedDesk(positions={CALL.name: "-1"}).core,
        ear,
        journal,
        script.now_ns,
        observers=(ear,),
        views=lambda _: (),
        account=lambda: ((), ()),
    )
    for event in script.events:
        steps.step(event)
    assert ear.heard[-1] == "sent"
    so_far = len(ear.heard)
    steps.step(Tick(script.now_ns + 1))
    later = ear.heard[so_far:]
    assert later[0] == "told"
    assert later.index("told") < later.index("seen")
    journal.close()


def test_a_stop_ends_a_live_run_at_once(tmp_path):
    """Nobody waits for the market's next move."""
    begun = time.monotonic()
    _run(tmp_path, 3_600.0, stop_after_s=12.0)
    assert time.monotonic() - begun < 10.0
