"""The promise's clock: what counts as inside, what is excused, how long a breach was."""

from itertools import pairwise

import numpy as np
import pytest

from bot.domain.units import NS_PER_S
from bot.lab.scorecard.bands import BandClock, Breach, percentile_99


def clock(flags, since_s=-1, cut=None):
    """Return a clock that saw one flag a second (1: half a coin outside), maybe in two parts."""
    distance = np.array([*flags, 0], dtype=np.float64) * 0.5
    ts_ns = np.arange(len(distance), dtype=np.int64) * NS_PER_S
    seen = BandClock(since_ns=since_s * NS_PER_S)
    cuts = [0, len(distance) - 1] if cut is None else [0, cut, len(distance) - 1]
    for first, last in pairwise(cuts):
        seen.add(ts_ns[first : last + 1], distance[first : last + 1])
    return seen


def seconds(seen):
    """Return seconds inside and outside."""
    return seen.inside_ns / NS_PER_S, seen.outside_ns / NS_PER_S


def test_time_without_a_breach_is_all_inside():
    """Nothing outside: the share is one and there is no breach."""
    seen = clock([0] * 10)
    assert (seconds(seen), seen.share(), seen.all_breaches()) == ((10, 0), 1.0, [])


@pytest.mark.parametrize("length,outside", [(1, 0), (2, 0), (3, 1), (7, 5)])
def test_the_first_two_seconds_of_a_breach_count_neither_way(length, outside):
    """They are neither inside nor outside, but they belong to the duration."""
    seen = clock([0] * 10 + [1] * length + [0] * 10)
    assert seconds(seen) == (20, outside)
    assert [breach.seconds for breach in seen.all_breaches()] == [length]


def test_only_one_breach_a_minute_is_excused():
    """A second breach within a minute counts from its first second, one after it does not."""
    flags = np.zeros(200, dtype=int)
    flags[10:12] = flags[40:42] = flags[70:72] = 1
    assert seconds(clock(flags)) == (194, 2)


def test_a_stretch_that_ends_inside_a_breach_changes_nothing():
    """Cutting the path anywhere gives the same clock."""
    flags = [0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]
    whole = clock(flags)
    for cut in range(1, 12):
        part = clock(flags, cut=cut)
        assert seconds(part) == seconds(whole) == (5, 5)
        assert part.all_breaches() == whole.all_breaches()
        assert part.excess_coin_s == whole.excess_coin_s


def test_excess_is_the_distance_outside_times_the_seconds():
    """Seven seconds outside by half a coin are 3.5 coin-seconds, excused seconds included."""
    assert clock([0, 1, 1, 1, 1, 1, 1, 1, 0]).excess_coin_s == 3.5


def test_a_breach_from_before_judgement_counts_its_whole_duration_but_only_judged_time():
    """Two of its seconds were excused before, so that every judged second is outside."""
    seen = clock([1] * 8 + [0] * 4, since_s=3)
    assert seconds(seen) == (4, 4)
    assert seen.all_breaches() == [Breach(0, 8 * NS_PER_S)]


def test_a_breach_that_ended_before_judgement_is_nobodys():
    """It is not counted at all."""
    seen = clock([1, 1, 0, 0, 0, 0], since_s=3)
    assert (seconds(seen), seen.all_breaches()) == ((2, 0), [])


def test_a_breach_that_is_still_going_on_counts_as_it_stands():
    """A run that ends outside cannot hide it."""
    seen = clock([0, 0, 1, 1, 1])
    seen.add(np.array([5, 6]) * NS_PER_S, np.array([0.5, 0.5]))
    assert [breach.seconds for breach in seen.all_breaches()] == [4]


def test_nothing_is_judged_before_a_coin_runs():
    """Without a beginning there is no share."""
    seen = BandClock()
    seen.add(np.array([0, NS_PER_S]), np.array([1.0, 1.0]))
    assert (seen.share(), seen.all_breaches(), seen.excess_coin_s) == (None, [], 0.0)


@pytest.mark.parametrize("after_s,expected", [(2, 3.0), (4, 1.0), (5, 0.0), (1, 0.0), (99, None)])
def test_recovery_is_the_time_until_inside(after_s, expected):
    """From within the breach until its end; zero inside; nothing beyond the path."""
    assert clock([0, 0, 1, 1, 1, 0, 0]).recovery_s(after_s * NS_PER_S) == expected


@pytest.mark.parametrize("count,expected", [(0, 0.0), (1, 1.0), (100, 99.0), (101, 100.0)])
def test_the_99th_percentile_is_a_nearest_rank(count, expected):
    """Of durations 1 to n it is the one at rank ceil(0.99 n)."""
    breaches = [Breach(0, (n + 1) * NS_PER_S) for n in range(count)]
    assert percentile_99(breaches) == expected


def test_of_many_breaches_the_newest_are_remembered(monkeypatch):
    """A run without an end keeps no more; the time outside counts all of them."""
    monkeypatch.setattr("bot.lab.scorecard.bands.REMEMBERED", 2)
    seen = clock([0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0])
    assert [breach.seconds for breach in seen.all_breaches()] == [3, 4]
