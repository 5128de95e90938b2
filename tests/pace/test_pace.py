"""The counts of a loop's pace, by a clock that the test turns, and the view of a real run."""

import gc
import json
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest

from bot.domain.events import PositionsReport, Tick
from bot.domain.units import NS_PER_S
from bot.engine import Control
from bot.journal import Reader
from bot.pace import BOUNDS_S, LOOP_VIEW, MINUTE_NS, Histogram, Pace
from bot.pace.feeds import POSITIONS_S, feeds, outside
from bot.pace.process import used
from bot.stepper import Stepper
from tests.simulation.drive import START_NS, book, seconds
from tests.simulation.live import Script, live

STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))


class Turned:
    """A clock that goes on when it is told to."""

    def __init__(self):
        """Begin at some time."""
        self.now_ns = 5 * NS_PER_S

    def __call__(self):
        """Return the time."""
        return self.now_ns


@pytest.mark.parametrize(
    "ns,place",
    [(0, 0), (50_000, 0), (50_001, 1), (5 * NS_PER_S, len(BOUNDS_S) - 1), (10**11, len(BOUNDS_S))],
)
def test_a_bound_belongs_to_the_durations_up_to_it(ns, place):
    """As Prometheus understands `le`."""
    histogram = Histogram()
    histogram.add(ns)
    assert histogram.counts.index(1) == place
    assert sum(histogram.counts) == 1
    assert all(low < high for low, high in pairwise(BOUNDS_S))


def test_events_are_counted_by_kind_and_the_longest_is_remembered_for_a_minute_or_two():
    """A reader that looks every quarter of a minute does not miss it."""
    clock = Turned()
    pace = Pace(clock)
    pace.took(Tick(1), 2_000_000)
    pace.took(Tick(2), 40_000_000)
    pace.took(PositionsReport(7, (), ()), 1_000)
    shown = pace.shown()
    assert shown["events"]["tick"] == {"count": 2, "seconds": 0.042}
    assert shown["events"]["positions_report"]["count"] == 1
    assert shown["steps"]["longest_s"] == 0.04
    assert shown["steps"]["sum_s"] == 0.042001
    assert pace.reported_ns == 7
    longest = []
    for _ in range(3):
        clock.now_ns += MINUTE_NS
        longest.append(pace.shown()["steps"]["longest_s"])
    assert longest == [0.04, 0.0, 0.0]


def test_a_loop_that_waits_for_nothing_has_no_lag():
    """A run as fast as it goes is late for nothing: that is no lag of zero."""
    pace = Pace(Turned())
    assert pace.shown()["lag"] is None
    pace.late(-0.5)
    pace.late(0.3)
    assert pace.shown()["lag"]["sum_s"] == 0.3
    assert pace.reported_ns == 0


def test_rubbish_is_timed_only_while_a_run_lasts():
    """What is left behind in the interpreter would slow everything down for ever."""
    before = list(gc.callbacks)
    pace = Pace(iter(range(0, 10**9, 1_000)).__next__)
    with pace.watching_rubbish():
        gc.collect()
    assert gc.callbacks == before
    assert pace.shown()["rubbish"] == {"count": 1, "seconds": 1e-6}


def test_what_the_process_uses_is_what_the_kernel_says():
    """Some tens of megabytes, some descriptors, some seconds."""
    found = used()
    assert 10e6 < found["rss_bytes"] < 10e9
    assert 3 <= found["open_fds"] < found["max_fds"]
    assert found["cpu_seconds"] > 0.0


def test_a_run_shows_its_pace_and_the_age_of_its_feeds(tmp_path):
    """Every second, in a view that stays when the run has ended."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)
    run.control.about = lambda: {"logs": {"dropped": 1, "failed": 0}}
    run.run(90.0, speed=600.0)
    with closing(Reader.open(tmp_path, run.paper.settings.instance)) as reader:
        shown = reader.view(LOOP_VIEW)
    steps, fed = shown["steps"], shown["feeds"]["BTC"]
    assert sum(steps["counts"]) == sum(row["count"] for row in shown["events"].values()) > 90
    assert shown["events"]["quote"]["count"] >= 90
    assert shown["journal"]["commits"] > 0
    assert 0.0 < shown["longest_gap_s"] < 60.0
    assert shown["logs"] == {"dropped": 1, "failed": 0}
    assert shown["outside"] == {"BTC": {"delta": 0.0, "gamma": 0.0}}
    assert fed["positions"]["limit_s"] == POSITIONS_S
    for feed in fed.values():
        assert 0.0 <= feed["age_s"] < feed["limit_s"]
        assert feed["needed"]
    assert sum(shown["lag"]["counts"]) > 0
    json.dumps(shown, allow_nan=False)


def test_feeds_grow_old_and_a_breach_is_counted_from_its_beginning(tmp_path):
    """As of the moment that the view is made for."""
    run = live(book(("BTC-12JAN26-92000-C", -10.0), band=1e-3), tmp_path)
    core = run.paper.core
    seen: list[dict[str, Any]] = []
    run.control.halt_asked = True

    def look():
        now_ns = START_NS + seconds(30)
        reported_ns = now_ns - seconds(20)
        seen.extend((feeds(core, now_ns + seconds(100), reported_ns), outside(core, now_ns)))

    run.run(60.0, Script(START_NS + seconds(30), look))
    late, left = seen
    assert late["BTC"]["quote"]["age_s"] == pytest.approx(100.0, abs=1.5)
    assert late["BTC"]["chain"]["age_s"] >= 100.0
    assert late["BTC"]["positions"]["age_s"] == 120.0
    assert 0.0 < left["BTC"]["delta"] <= 30.0


def test_a_run_in_modelled_time_reads_no_clock(tmp_path):
    """Without a pace a step takes its event and nothing else."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)
    with closing(run.journal) as journal:
        steps = Stepper(
            run.paper.core,
            run.paper.venue,
            journal,
            START_NS,
            views=lambda _: (),
            account=lambda: ((), ()),
        )
        assert steps.pace is None
        steps.step(Tick(START_NS))


def test_the_digest_does_not_know_the_pace(tmp_path):
    """The same run, with another clock in it, has the same digest."""
    digests = set()
    for name in ("one", "other"):
        run = live(book(*STRADDLE, band=0.1), tmp_path / name)
        run.control = Control()
        if name == "other":
            run.control.about = lambda: {"more": 1}
        run.run(120.0)
        digests.add(run.journal.digest.hexdigest())
    assert len(digests) == 1
