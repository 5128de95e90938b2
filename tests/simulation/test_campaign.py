"""A fixed, small part of the campaign; `make simulate` runs as much of it as one asks for."""

from functools import cache

import pytest

from bot.domain.errors import JournalError
from bot.domain.events import Event
from bot.domain.orders import TERMINAL
from bot.stepper import Stepper
from tests.simulation.campaign.__main__ import play
from tests.simulation.campaign.world import World
from tests.struck import struck

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


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_seed_is_the_same_whenever_it_is_played(seed):
    """Orders, faults, deaths and what the bot reconciles after each, one by one."""
    again = play(seed, HOURS)
    assert again == outcome(seed)
    struck("F29", sum(again.kills.values()))


def test_a_kill_while_a_run_ends_by_itself_is_a_kill_as_any(tmp_path, monkeypatch):
    """It strikes at the first cancellation; the next life finds the order."""
    world, whole = World(3, 0.1, tmp_path), Stepper.step
    ended: list[Event] = []

    def step(self, event):
        whole(self, event)
        if not ended and any(o.state not in TERMINAL for o in self.core.floor.orders):
            ended.append(event)
            world.fate.at = world.fate.effects + 1
            raise JournalError("expected room, found the disk full")

    monkeypatch.setattr(Stepper, "step", step)
    outcome = world.run()
    assert len(ended) == 1
    assert outcome.kills["before a request leaves"] > 0
    assert outcome.broken == []
