"""A wall that is set changes nothing, unless the exchange agrees with it and not with us."""

import random
import time

import pytest

from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.venues.steady import SteadyClock, since_boot

START_NS = 1_770_000_000 * NS_PER_S
GOOD_NS = NS_PER_MS


def ns(seconds):
    """Return nanoseconds."""
    return round(seconds * NS_PER_S)


class Watch:
    """A steady clock, a wall that is set by `step` seconds, and the exchange's, which is right."""

    def __init__(self):
        self.passed_ns = 0
        self.wall_ns = self.true_ns = START_NS
        self.clock = SteadyClock(lambda: self.wall_ns, lambda: 7 + self.passed_ns)

    def wait(self, seconds, step=0.0):
        """Let time pass, and set the wall."""
        self.passed_ns += ns(seconds)
        self.true_ns += ns(seconds)
        self.wall_ns += ns(seconds + step)

    def pause(self, seconds):
        """Stop the machine; only the world goes on."""
        self.true_ns += ns(seconds)

    def reply(self, error_ns=GOOD_NS):
        """Have the exchange tell its time, and return ours."""
        self.clock.hear(self.true_ns - self.clock(), error_ns)
        return self.clock()


def test_it_is_the_wall_while_nobody_sets_it():
    """To the nanosecond, however often it is asked."""
    watch = Watch()
    for _ in range(100):
        watch.wait(0.037)
        assert watch.clock() == watch.clock() == watch.wall_ns == watch.reply()
        assert watch.clock.over_steady() == START_NS - 7


@pytest.mark.parametrize("step", [-3_600.0, -15.0, -0.5, 0.5, 15.0, 3_600.0])
def test_a_wall_that_is_set_wrongly_and_back_changes_nothing(step):
    """The exchange does not agree with it."""
    watch = Watch()
    for change in (step, 0.0, -step, 0.0):
        watch.wait(1.0, change)
        assert watch.clock() == watch.true_ns == watch.reply()


@pytest.mark.parametrize("seconds", [0.5, 15.0, 3_600.0])
def test_a_machine_that_was_paused_is_late_until_its_wall_is_right(seconds):
    """Then it goes forward at once: the exchange agrees."""
    watch = Watch()
    watch.wait(1.0)
    watch.pause(seconds)
    assert watch.reply() == watch.wall_ns == watch.true_ns - ns(seconds)
    watch.wait(1.0, seconds)
    assert watch.clock() == watch.true_ns - ns(seconds)
    assert watch.reply(error_ns=NS_PER_S) == watch.true_ns - ns(seconds)  # too rough a word
    assert watch.reply() == watch.true_ns


@pytest.mark.parametrize("step", [0.5, 15.0, 3_600.0])
def test_a_run_that_began_ahead_runs_a_tenth_slower_until_it_is_right(step):
    """Time goes on all the while, and is the wall's again after ten times the step."""
    watch = Watch()
    watch.true_ns -= ns(step)
    watch.wait(0.0, -step)
    assert watch.reply() == START_NS
    for i in range(1, 11):
        watch.wait(step)
        assert watch.reply() == pytest.approx(START_NS + ns(i * 0.9 * step), abs=ns(0.251))
    assert watch.clock() - watch.true_ns <= ns(0.25)


def test_what_is_hardly_apart_is_left_alone():
    """A time service that nudges the wall by a quarter of a second is not followed."""
    watch = Watch()
    watch.true_ns += ns(0.2)
    watch.wait(1.0, 0.2)
    assert watch.reply() == START_NS + NS_PER_S


def test_it_never_goes_back_whatever_is_done_and_said():
    """And never stands still while time passes."""
    luck = random.Random(5)
    watch = Watch()
    before = watch.clock()
    for _ in range(2_000):
        seconds = luck.expovariate(20.0)
        watch.wait(seconds, luck.choice((0.0, 0.0, luck.gauss(0.0, 10.0))))
        watch.clock.hear(luck.choice((0, watch.wall_ns - watch.clock())), GOOD_NS)
        now = watch.clock()
        assert now - before >= 0.9 * ns(seconds) - 2
        before = now


def test_the_clock_of_the_machine_is_the_kernel_s_that_nobody_sets():
    """It counts a suspended machine, where the kernel has such a clock."""
    kernel = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    before = time.clock_gettime_ns(kernel)
    assert before <= since_boot() <= time.clock_gettime_ns(kernel)
