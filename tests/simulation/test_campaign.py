"""A fixed, small part of the campaign; `make simulate` runs as much of it as one asks for."""

from functools import cache

from tests.simulation.campaign.__main__ import play

SEEDS = range(1, 7)
HOURS = 0.2


@cache
def outcome(seed):
    """Return what a seed came to."""
    return play(seed, HOURS)


def test_nothing_is_broken():
    """Whatever is lost, late, repeated, forged or killed."""
    assert [words for seed in SEEDS for words in outcome(seed).broken] == []


def test_the_seeds_differ_and_faults_strike():
    """A run in which nothing goes wrong would prove nothing."""
    found = [outcome(seed) for seed in SEEDS]
    assert len({one.name for one in found}) > 1
    assert sum(one.orders for one in found) > 50
    assert sum(sum(one.kills.values()) for one in found) > 5
    struck = {code for one in found for code, count in one.hits.items() if count}
    assert len(struck) > 25


def test_a_seed_is_the_same_whenever_it_is_played():
    """Orders, faults and deaths, one by one."""
    assert play(4, HOURS) == outcome(4)
