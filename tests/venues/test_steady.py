"""A wall that is set: time goes on, forward at once, back by running slower."""

import random

import pytest

from bot.domain.units import NS_PER_S
from bot.venues.steady import SteadyClock

START_NS = 1_770_000_000 * NS_PER_S


class Watch:
    """A steady clock, and a wall that is set by `step` seconds."""

    def __init__(self):
        self.passed_ns = 0
        self.wall_ns = START_NS

    def wait(self, seconds, step=0.0):
        """Let time pass, and set the wall."""
        self.passed_ns += round(seconds * NS_PER_S)
        self.wall_ns += round((seconds + step) * NS_PER_S)

    def clock(self):
        """Return a clock on both."""
        return SteadyClock(lambda: self.wall_ns, lambda: 7 + self.passed_ns)


def test_it_is_the_wall_while_nobody_sets_it():
    """To the nanosecond, however often it is asked."""
    watch = Watch()
    clock = watch.clock()
    for _ in range(100):
        watch.wait(0.037)
        assert clock() == clock() == watch.wall_ns
        assert clock.over_steady() == START_NS - 7


@pytest.mark.parametrize("step", [0.001, 0.5, 15.0, 3_600.0])
def test_a_wall_set_forward_is_followed_at_once(step):
    """As after a process that stood still for as long."""
    watch = Watch()
    clock = watch.clock()
    watch.wait(1.0, step)
    assert clock() == watch.wall_ns
    assert clock.over_steady() == START_NS - 7 + round(step * NS_PER_S)


@pytest.mark.parametrize("step", [0.001, 0.5, 15.0, 3_600.0])
def test_a_wall_set_back_is_caught_up_with_by_nine_seconds_in_ten(step):
    """Time goes on all the while, and is the wall's again after ten times the step."""
    watch = Watch()
    clock = watch.clock()
    watch.wait(0.0, -step)
    assert clock() == START_NS
    for i in range(1, 11):
        watch.wait(step)
        assert clock() == START_NS + round(i * 0.9 * step * NS_PER_S)
    assert clock() == watch.wall_ns
    watch.wait(1.0)
    assert clock() == watch.wall_ns


def test_it_never_goes_back_whatever_is_done_to_the_wall():
    """And never stands still while time passes."""
    luck = random.Random(5)
    watch = Watch()
    clock = watch.clock()
    before = clock()
    for _ in range(2_000):
        seconds = luck.expovariate(20.0)
        watch.wait(seconds, luck.choice((0.0, 0.0, luck.gauss(0.0, 10.0))))
        now = clock()
        assert now - before >= 0.9 * seconds * NS_PER_S - 2
        before = now
