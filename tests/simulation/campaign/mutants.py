"""Is every planted bug caught? `python -m tests.simulation.campaign.mutants [NAME...]` tells.

Each bug is let loose in one seed after the other until a monitor sees one of the invariants broken
that the bug breaks. Before that the same seeds must be clean without any. The code is 0 where both
is so.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulation.campaign.__main__ import say
from tests.simulation.campaign.planted import CATALOGUE, Mutant
from tests.simulation.campaign.world import Outcome, World

SEEDS = range(1, 13)
HOURS = 0.3
TWICE = "I15"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bug: the invariant that was seen broken, in which seed; `found` tells it."""

    name: str
    code: str = ""
    seed: int = 0
    found: str = ""


def play(seed: int, hours: float, mutant: Mutant | None = None) -> Outcome:
    """Return what a seed came to, with a bug until that is seen, or without one."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        if mutant is None:
            return World(seed, hours, Path(folder)).run()
        with mutant.planted():
            world = World(seed, hours, Path(folder), lambda broken: bool(mutant.seen(broken)))
            return world.run()


def hunt(name: str, seeds: range = SEEDS, hours: float = HOURS) -> Verdict:
    """Return the verdict on one bug."""
    mutant = CATALOGUE[name]
    for seed in seeds:
        outcome = play(seed, hours, mutant)
        code = mutant.seen(outcome.broken)
        if code:
            first = next(words for words in outcome.broken if words.startswith(f"{code} "))
            return Verdict(name, code, seed, first)
        if TWICE in mutant.breaks and play(seed, hours, mutant).trace != outcome.trace:
            return Verdict(name, TWICE, seed, "the same events led to other orders")
    return Verdict(name)


def control(seed: int, hours: float = HOURS) -> list[str]:
    """Return what is broken in a seed without any bug."""
    return play(seed, hours).broken


def main() -> int:
    """Run what is asked for and return the exit code."""
    begun = time.monotonic()
    names = sys.argv[1:] or list(CATALOGUE)
    with ProcessPoolExecutor(cpu_count()) as pool:
        false = [words for broken in pool.map(control, SEEDS) for words in broken]
        for words in false:
            say(f"without a bug: {words}")
        missed = []
        for verdict in pool.map(hunt, names):
            if verdict.code:
                say(f"{verdict.name}: caught by {verdict.code} at seed {verdict.seed}")
            else:
                missed.append(verdict.name)
                say(f"{verdict.name}: MISSED")
    took = time.monotonic() - begun
    caught = len(names) - len(missed)
    say(f"{caught} of {len(names)} planted bugs caught ({took:.0f} s)")
    return 1 if missed or false else 0


if __name__ == "__main__":
    sys.exit(main())
