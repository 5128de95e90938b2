"""The tests of tasks, of the dead-man switch and of connections fail of the bugs they are for."""

import pytest

from tests.wire.planted import CATALOGUE, fails

# One for each invariant; `make mutants` lets all of them loose.
FEW = (
    "end-of-a-task-is-a-note",
    "dead-man-switch-is-not-armed",
    "given-up-is-not-hung-up",
)


@pytest.mark.parametrize("name", FEW)
def test_the_judge_fails_of_the_bug_and_of_nothing_else(name):
    """Without the bug the same test passes."""
    bug = CATALOGUE[name]
    assert fails("", bug.judge) == ""
    assert bug.shows in fails(name, bug.judge)
