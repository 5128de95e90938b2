"""A flood of one event: so many lines a minute, the rest counted and told, nothing vital lost."""

import io
import json
import time
from dataclasses import dataclass, replace

import pytest

from bot.domain.units import NS_PER_S
from bot.monitor import Logs, Screen
from bot.monitor.flood import Flood, Suppressed
from bot.monitor.levels import WHOLE
from tests.journal.records import T0, decision, hedge_done, intent


@dataclass
class Clock:
    """A clock that stands until it is set."""

    now_s: float = 0.0

    def __call__(self) -> int:
        """Return the time, ns."""
        return T0 + round(self.now_s * NS_PER_S)


def lines(stream: io.StringIO) -> list[dict]:
    """Return the lines that were written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_minute_holds_so_many_lines_and_fills_again_steadily():
    """Sixty a minute are one a second, after the first sixty."""
    clock = Clock()
    flood = Flood(60, clock)
    assert [flood.admits("x", "info") for _ in range(61)] == [True] * 60 + [False]
    clock.now_s = 2.0
    assert [flood.admits("x", "info") for _ in range(3)] == [True, True, False]
    clock.now_s = 1_000.0
    assert sum(flood.admits("x", "info") for _ in range(100)) == 60


def test_each_event_has_a_bucket_of_its_own():
    """One that floods takes nothing from the others."""
    flood = Flood(2, Clock())
    assert [flood.admits("x", "info") for _ in range(3)] == [True, True, False]
    assert flood.admits("y", "info")


@pytest.mark.parametrize(
    "event,level", [("x", "error"), *((name, "debug") for name in sorted(WHOLE))]
)
def test_errors_and_what_must_be_whole_always_pass(event, level):
    """However many there are."""
    flood = Flood(1, Clock())
    assert all(flood.admits(event, level) for _ in range(100))


def test_what_was_left_out_is_told_once_a_minute_and_at_the_end():
    """With its count, and over how long."""
    clock = Clock()
    flood = Flood(10, clock)
    for _ in range(15):
        flood.admits("x", "info")
    clock.now_s = 59.0
    assert flood.due() == ()
    clock.now_s = 60.0
    assert flood.due() == (Suppressed("x", 5, 60.0),)
    assert flood.due() == flood.due(end=True) == ()
    for _ in range(12):
        flood.admits("x", "info")
    assert flood.due(end=True) == (Suppressed("x", 2, 0.0),)


def test_a_clock_that_goes_back_grants_nothing():
    """And it goes on from there: lines are not missing until it has caught up."""
    clock = Clock(100.0)
    flood = Flood(60, clock)
    for _ in range(60):
        flood.admits("x", "info")
    clock.now_s = 50.0
    assert not flood.admits("x", "info")
    clock.now_s = 51.0
    assert [flood.admits("x", "info") for _ in range(2)] == [True, False]


def test_names_without_end_are_not_kept():
    """The oldest of a thousand go, but for what is still to be told of one."""
    flood = Flood(1, Clock())
    for _ in range(2):
        flood.admits("first", "info")
    for number in range(2_000):
        flood.admits(f"x{number}", "info")
    assert len(flood._buckets) <= 1_002
    assert flood.due(end=True) == (Suppressed("first", 1, 0.0),)


def flooded() -> list[dict]:
    """Return the lines of a thousand orders within ten seconds of market time, and then a hedge."""
    stream = io.StringIO()
    logs = Logs(stream, lowest="debug", wait=True, per_min=60)
    for number in range(1_000):
        at_ns = T0 + round(number * 0.01 * NS_PER_S)
        logs.tell(replace(intent(number), created_ns=at_ns))
    logs.tell(hedge_done(120))
    logs.finish({})
    return [{k: v for k, v in line.items() if k != "time"} for line in lines(stream)]


def test_records_are_limited_on_market_time_so_that_a_run_repeats_its_lines():
    """Ten seconds hold sixty lines and nine more; the rest is one line, before what comes next."""
    found = flooded()
    assert found == flooded()
    events = [line["event"] for line in found]
    assert events == ["order.intended"] * 69 + ["log.suppressed", "hedge.done", "run.finished"]
    told = found[69]
    assert (told["of"], told["lines"], told["level"]) == ("order.intended", 931, "warning")


def test_what_is_said_beside_the_records_goes_by_the_wall_clock():
    """A library that floods while the market stands is told of when a minute is over."""
    stream, clock = io.StringIO(), Clock()
    logs = Logs(stream, per_min=10)
    logs._said = Flood(10, clock)
    for number in range(50):
        logs.say("library.logged", "warning", message=str(number))
    logs.say("library.logged", "error", message="errors pass")
    clock.now_s = 61.0
    logs.say("library.logged", "warning", message="again")
    logs.close()
    found = lines(stream)
    assert [line.get("message") for line in found[:10]] == [str(number) for number in range(10)]
    assert [line.get("message", line.get("lines")) for line in found[10:]] == [
        *("errors pass", 40, "again")
    ]


def test_a_clock_that_is_set_back_an_hour_silences_nothing():
    """Orders after it are told; a record that is a moment late sets nothing back."""
    stream = io.StringIO()
    logs = Logs(stream, lowest="debug", wait=True, per_min=10)
    for second in (*(0,) * 10, 1, *(-3_600,) * 3, *range(-3_594, -3_300, 6)):
        logs.tell(replace(intent(), created_ns=T0 + second * NS_PER_S))
    events = [line["event"] for line in lines(stream)]
    assert events.count("order.intended") == 10 + 49
    assert logs.failed == 0


def test_a_run_that_waits_goes_by_market_time_alone(monkeypatch):
    """Else what it says would depend on how fast the machine is."""
    wall = iter(range(0, 10**18, 60 * NS_PER_S))
    monkeypatch.setattr(time, "monotonic_ns", lambda: next(wall))
    stream = io.StringIO()
    logs = Logs(stream, wait=True, per_min=10)
    for _ in range(30):
        logs.say("settings.odd", "warning", what="again")
    logs.finish({})
    logs.close()
    assert [line["event"] for line in lines(stream)] == [
        *(*("settings.odd",) * 10, "log.suppressed", "run.finished")
    ]


def test_hedges_are_told_however_many_there_are():
    """The canonical line of a cycle is never left out."""
    stream = io.StringIO()
    logs = Logs(stream, wait=True, per_min=10)
    for _ in range(100):
        logs.tell(decision())
        logs.tell(hedge_done())
    assert [line["event"] for line in lines(stream)] == ["hedge.done"] * 100


def test_a_screen_is_not_flooded_either():
    """What a library says a thousand times is shown so many times and counted."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True, per_min=10)
    for _ in range(100):
        screen.say("library.logged", "warning", message="again")
    screen.finish({})
    shown = stream.getvalue()
    assert shown.count("message=again") == 10
    assert "log.suppressed  of=library.logged  lines=90" in shown
