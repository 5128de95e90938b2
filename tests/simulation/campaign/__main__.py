"""`python -m tests.simulation.campaign SEEDS HOURS`: run seeds, print what they came to.

SEEDS is `first:last` (both included) or one number, HOURS the market hours of each. The code is 0
where nothing was broken and every fault has struck.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulation.campaign.world import Outcome, World


def say(words: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def play(seed: int, hours: float) -> Outcome:
    """Return what a seed came to; its journal is written in memory where the system has that."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        return World(seed, hours, Path(folder)).run()


def main() -> int:
    """Run what is asked for and return the exit code."""
    first, _, last = sys.argv[1].partition(":")
    seeds = range(int(first), int(last or first) + 1)
    hours = float(sys.argv[2])
    begun = time.monotonic()
    found: list[Outcome] = []
    with ProcessPoolExecutor(cpu_count()) as pool:
        for outcome in pool.map(play, seeds, [hours] * len(seeds)):
            found.append(outcome)
            for words in outcome.broken:
                say(f"seed {outcome.seed} ({outcome.name}): {words}")
    hits: Counter[str] = sum((o.hits for o in found), Counter())
    kills: Counter[str] = sum((o.kills for o in found), Counter())
    say(", ".join(f"{code} {count}" for code, count in sorted(hits.items())))
    say(", ".join(f"killed {where}: {count}" for where, count in sorted(kills.items())))
    took = time.monotonic() - begun
    broken = sum(len(o.broken) for o in found)
    say(
        f"{sum(o.hours for o in found):g} hours, {sum(hits.values())} faults,"
        f" {sum(kills.values())} crash points, {sum(o.orders for o in found)} orders,"
        f" {broken} violations ({took:.0f} s)"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
