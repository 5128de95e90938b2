"""A small part of the planted bugs; `make mutants` lets all of them loose."""

import pytest

from bot.execution.orders import OrderTable
from tests.simulation.campaign.mutants import control, hunt
from tests.simulation.campaign.planted import CATALOGUE

SEEDS, HOURS = range(1, 5), 0.15
FEW = (
    "hedge-of-the-wrong-sign",
    "commit-after-sending",
    "intent-is-not-journalled",
    "unknown-is-rejected",
    "lots-are-not-rounded",
)


def test_nothing_is_seen_without_a_bug():
    """An alarm that rings without need is soon ignored."""
    assert [words for seed in SEEDS for words in control(seed, HOURS)] == []


@pytest.mark.parametrize("name", FEW)
def test_bug_is_caught(name):
    """By a monitor of an invariant that the bug breaks."""
    assert hunt(name, SEEDS, HOURS).code in CATALOGUE[name].breaks


def test_bug_is_gone_afterwards():
    """What was swapped is put back."""
    before = OrderTable.tick
    with CATALOGUE["resend-without-an-answer"].planted():
        assert OrderTable.tick is not before
    assert OrderTable.tick is before


def test_every_invariant_that_can_be_seen_here_has_a_bug():
    """I25, I26 and I28 are about tasks, a venue's dead-man switch and sockets: not here."""
    broken = {code for mutant in CATALOGUE.values() for code in mutant.breaks}
    assert broken == {f"I{number}" for number in range(1, 28)} - {"I25", "I26"}
