"""A live engine tells its core how late it is and how far the clocks are apart."""

import pytest

from bot.domain.events import HostSeen, Tick
from bot.domain.units import NS_PER_S
from bot.engine import Control, Engine
from bot.journal import Durability, Journal, RunStart
from tests.builders.scripted_desk import ScriptedDesk
from tests.journal.test_second_key import Deaf


class Eye:
    """An observer that keeps what the engine says of its host."""

    def __init__(self):
        """Begin with nothing seen."""
        self.seen = []

    def see(self, event):
        """Keep a look at the host."""
        if isinstance(event, HostSeen):
            self.seen.append(event)

    def note(self, record):
        """Let a record pass."""


@pytest.fixture
def engine(tmp_path):
    """Return an engine that is asked by hand, with its eye."""
    desk = ScriptedDesk().started()
    journal = Journal.open(tmp_path, "demo", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "test", desk.now_ns, {}, fresh=True))
    eye = Eye()
    made = Engine(
        desk.core,
        Deaf(),
        journal,
        Control(),
        speed=None,
        observers=(eye,),
        views=lambda _: (),
        account=lambda: ((), ()),
    )
    yield made, eye, desk.now_ns
    journal.close()


def looks(engine, lags, gap_s=2.0):
    """Let events be decided on so many seconds late; return what was told of it."""
    made, eye, now_ns = engine
    for n, lag_s in enumerate(lags):
        at_ns = now_ns + round(n * gap_s * NS_PER_S)
        made._watch_host(Tick(at_ns - round(lag_s * NS_PER_S)), at_ns)
    return [round(one.lag_s, 3) for one in eye.seen]


def test_what_had_arrived_before_the_engine_began_is_not_late(engine):
    """A start takes its time, and what comes meanwhile waits for it."""
    made, eye, now_ns = engine
    made._event_start = now_ns + 5 * NS_PER_S
    made._watch_host(Tick(now_ns), now_ns + 5 * NS_PER_S)
    assert eye.seen == []
    made._watch_host(Tick(now_ns + 2 * NS_PER_S), now_ns + 7 * NS_PER_S)
    assert [one.lag_s for one in eye.seen] == [2.0]
    assert [one.ts_ns for one in eye.seen] == [now_ns + 2 * NS_PER_S]


def test_a_machine_that_keeps_up_is_not_spoken_of(engine):
    """Nothing is told while nothing matters."""
    assert looks(engine, [0.0, 0.1, 0.25]) == []


def test_lateness_is_told_and_that_it_is_over(engine):
    """Once more when it is, and then no longer."""
    assert looks(engine, [0.0, 0.3, 0.4, 0.1, 0.1]) == [0.3, 0.4, 0.1]


def test_lateness_that_stops_orders_is_told_at_once(engine):
    """Before the event that is late is decided on; what follows within a second is not repeated."""
    assert looks(engine, [0.0, 1.5, 1.6, 1.7], gap_s=0.1) == [1.5]


def test_a_clock_that_drifts_is_told_though_decisions_are_quick(engine):
    """What the venue's replies say of it, with what is uncertain."""
    made, eye, _ = engine
    made.control.clock = lambda: (-1.5, 0.1)
    assert looks(engine, [0.0, 0.0]) == [0.0, 0.0]
    assert {(one.ahead_s, one.error_s) for one in eye.seen} == {(-1.5, 0.1)}
