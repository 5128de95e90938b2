"""How long a measure is outside its owner's band is written down when it is inside again."""

from dataclasses import replace
from typing import Any

import pytest

from bot.desk.breaches import Breaches
from bot.domain.records import Breach
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from tests.builders.books import DAY_NS, NOW, book
from tests.builders.scripted_desk import desk_rules

RULES = desk_rules(gamma=GammaPolicy(GammaBand(-0.3, None), GammaBand(None, 0.2), action="off"))


def at(second: float, **changed: float):
    """Return a measurement of a second: flat but for what is changed."""
    flat = book().perpetual(10.0).measure()
    ts_ns = NOW + round(second * NS_PER_S)
    figures: dict[str, Any] = {"delta": 0.0, "gamma": 0.0, "gamma_expiring": 0.0} | changed
    return replace(flat, ts_ns=ts_ns, **figures)


def test_a_breach_runs_from_the_first_second_outside_to_the_first_inside():
    """Its worst moment is kept, and the state in which it began."""
    watched = Breaches(RULES)
    assert watched.see(at(0.0), State.RUNNING) == []
    assert watched.see(at(1.0, delta=0.12), State.RUNNING) == []
    assert watched.see(at(2.0, delta=0.35), State.PAUSED) == []
    assert watched.see(at(3.0, delta=0.11), State.PAUSED) == []
    (found,) = watched.see(at(4.5, delta=0.10), State.RUNNING)
    start_ns = NOW + NS_PER_S
    assert found == Breach(
        ts_ns=NOW + round(4.5 * NS_PER_S),
        start_ns=start_ns,
        coin="BTC",
        kind="delta",
        worst=found.worst,
        seconds=3.5,
        state=State.RUNNING,
        since_ns=start_ns,
        over=True,
    )
    assert found.worst == pytest.approx(0.25)
    assert watched.see(at(5.0), State.RUNNING) == []


@pytest.mark.parametrize(
    "kind,value,worst",
    [("delta", -0.4, -0.3), ("gamma", -0.5, -0.2), ("gamma_expiring", 0.25, 0.05)],
)
def test_each_measure_has_its_own_side(kind, value, worst):
    """Signed: below is negative; a side without a limit has none."""
    watched = Breaches(RULES)
    watched.see(at(0.0, **{kind: value}), State.RUNNING)
    (found,) = watched.see(at(1.0), State.RUNNING)
    assert found.kind == kind
    assert found.worst == pytest.approx(worst)
    watched.see(at(2.0, gamma=5.0, gamma_expiring=-5.0), State.RUNNING)
    assert watched.see(at(3.0), State.RUNNING) == []


def test_what_cannot_be_measured_neither_begins_nor_ends_a_breach():
    """Not knowing is not being inside."""
    watched = Breaches(RULES)
    unknown = replace(at(0.0, delta=9.0), trusted=False)
    assert watched.see(unknown, State.RUNNING) == []
    assert watched.open == {}
    watched.see(at(1.0, delta=9.0), State.RUNNING)
    assert watched.see(replace(at(2.0), trusted=False), State.RUNNING) == []
    assert watched.see(at(3.0, delta=float("nan")), State.RUNNING) == []
    (found,) = watched.see(at(4.0), State.RUNNING)
    assert found.seconds == 3.0


def test_a_long_breach_is_told_in_parts():
    """Ten minutes each, so that a bot that dies leaves out no more; the worst of each part."""
    watched = Breaches(RULES)
    told = []
    for minute in range(26):
        told += watched.see(at(60.0 * minute, delta=0.3 if minute < 12 else 0.2), State.PAUSED)
    assert [(one.seconds, one.over) for one in told] == [(600.0, False), (600.0, False)]
    assert [one.worst for one in told] == pytest.approx([0.2, 0.2])
    (last,) = watched.see(at(60.0 * 26), State.RUNNING)
    assert (last.seconds, last.over, last.since_ns) == (360.0, True, NOW)
    assert last.worst == pytest.approx(0.1)


def test_a_breach_over_0800_has_a_part_in_each_day():
    """Each day's report has its own seconds."""
    watched = Breaches(RULES)
    late_s = DAY_NS / NS_PER_S - 30.0
    watched.see(at(late_s, delta=0.3), State.PAUSED)
    (first,) = watched.see(at(late_s + 31.0, delta=0.3), State.PAUSED)
    assert (first.seconds, first.over) == (31.0, False)


def test_what_stands_at_the_end_of_a_run_is_told():
    """It goes on, and nobody watches."""
    watched = Breaches(RULES)
    watched.see(at(0.0, delta=0.3), State.HALTED)
    (left,) = watched.standing(NOW + 7 * NS_PER_S)
    assert (left.seconds, left.over, left.since_ns) == (7.0, False, NOW)
