"""A small part of the planted bugs; `make mutants` lets all of them loose."""

import pytest

from bot.execution.orders import OrderTable
from tests.simulation.campaign.mutants import INVARIANTS, control, grounds, hunt
from tests.simulation.campaign.page import PAGE, planted
from tests.simulation.campaign.planted import CATALOGUE, Ground
from tests.wire import planted as wire

SMALL = Ground(range(1, 5), 0.15)
FEW = (
    "hedge-of-the-wrong-sign",
    "commit-after-sending",
    "intent-is-not-journalled",
    "unknown-is-rejected",
    "lots-are-not-rounded",
)
AT_THE_CAP = ("position-cap-is-ignored", "position-is-weighed-one-sided")


def test_nothing_is_seen_without_a_bug():
    """An alarm that rings without need is soon ignored."""
    seeds = [*((seed, SMALL.hours) for seed in SMALL.seeds), *grounds(AT_THE_CAP)]
    assert [words for seed, hours in seeds for words in control(seed, hours)] == []


@pytest.mark.parametrize("name", FEW)
def test_bug_is_caught(name):
    """By a monitor of an invariant that the bug breaks."""
    assert hunt(name, SMALL).code in CATALOGUE[name].breaks


@pytest.mark.parametrize("name", AT_THE_CAP)
def test_bug_is_caught_where_it_can_be_reached(name):
    """On the ground that it names; elsewhere the owner's cap is far."""
    assert hunt(name).code == "I9"
    assert hunt(name, Ground((1,), 0.05)).code == ""


def test_bug_is_gone_afterwards():
    """What was swapped is put back."""
    before = OrderTable.tick
    with CATALOGUE["resend-without-an-answer"].planted():
        assert OrderTable.tick is not before
    assert OrderTable.tick is before


def test_every_invariant_has_a_bug_where_it_can_be_seen():
    """I25, I26 and I28 are about tasks, a venue's dead-man switch and sockets: on the wire."""
    simulated = {code for mutant in CATALOGUE.values() for code in mutant.breaks}
    wired = {bug.breaks for bug in wire.CATALOGUE.values()}
    assert wired == {"I25", "I26", "I28"}
    assert simulated == set(INVARIANTS) - wired


def test_the_page_has_every_bug():
    """Each was caught by an invariant that it breaks when the list was kept."""
    kept = planted(PAGE.read_text(encoding="utf-8"))
    assert kept.keys() == CATALOGUE.keys() | wire.CATALOGUE.keys()
    for name, code in kept.items():
        breaks = CATALOGUE[name].breaks if name in CATALOGUE else {wire.CATALOGUE[name].breaks}
        assert code in breaks
