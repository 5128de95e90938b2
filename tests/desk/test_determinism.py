"""Same events, same commands, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, stormy_run

TOP = Path(__file__).parents[2]
SCRIPT = """
import hashlib
from tests.builders.scripted_desk import stormy_run
print(hashlib.sha256(stormy_run(3, 3)[1].encode()).hexdigest())
"""


def test_a_replay_of_the_events_gives_the_same_commands():
    """Ten stormy minutes with lost replies, told to a second core."""
    events, answers = stormy_run(seed=7)
    again = ScriptedDesk(positions={CALL.name: "-5", PUT.name: "-5"})
    for event in events:
        again.handle(event)
    assert "\n".join(map(repr, again.commands)) == answers
    assert answers.count("Place(") > 10
    assert "unknown" in answers


def test_another_seed_gives_other_commands():
    """The comparison is not of nothing."""
    assert stormy_run(1, 2)[1] != stormy_run(2, 2)[1]


def test_another_process_with_another_hash_seed_gives_the_same_commands():
    """No set or dictionary order leaks into a decision."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=TOP,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(TOP)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64
