"""Is every planted bug caught? `python -m tests.simulation.campaign.mutants [NAME...]` tells.

Each bug is let loose in one seed after the other until a monitor sees one of the invariants broken
that the bug breaks. Before that the same seeds must be clean without any. What no simulation can
show is planted under tests of the wire, which must fail of it (`tests/wire/planted.py`). The code
is 0 where all is so and, with every bug asked for, each invariant has caught one. `--keep` writes
the whole list to docs/simulation.md, under the commit of now.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.wiring.kernels import choose
from tests.simulation.campaign.__main__ import commit, say
from tests.simulation.campaign.outcome import Outcome
from tests.simulation.campaign.page import PAGE, Caught, replanted
from tests.simulation.campaign.planted import CATALOGUE, Ground, Mutant
from tests.simulation.campaign.world import World
from tests.wire import planted as wire

TWICE = "I15"
INVARIANTS = tuple(f"I{number}" for number in range(1, 29))


def play(seed: int, hours: float, mutant: Mutant | None = None) -> Outcome:
    """Return what a seed came to, with a bug until that is seen, or without one."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        if mutant is None:
            return World(seed, hours, Path(folder)).run()
        with mutant.planted():
            world = World(seed, hours, Path(folder), lambda broken: bool(mutant.seen(broken)))
            return world.run()


def hunt(name: str, where: Ground | None = None) -> Caught:
    """Return how a bug was caught on its own ground or another; without a code: it was not.

    A bot that breaks of its bug is none that goes on with it: `where` says of what it broke.
    """
    mutant = CATALOGUE[name]
    ground, broke = where or mutant.where, ""
    for seed in ground.seeds:
        outcome = play(seed, ground.hours, mutant)
        code = mutant.seen(outcome.broken)
        twice = TWICE in mutant.breaks and not code
        if twice and play(seed, ground.hours, mutant).trace != outcome.trace:
            code = TWICE
        if code:
            return Caught(name, mutant.words, code, f"seed {seed}, {ground.hours:g} h")
        broke = next((w.strip() for w in outcome.broken if w.startswith("bot ")), broke)
    return Caught(name, mutant.words, "", broke.rpartition("\n")[2])


def control(seed: int, hours: float) -> list[str]:
    """Return what is broken in a seed without any bug."""
    return play(seed, hours).broken


def grounds(names: Iterable[str]) -> list[tuple[int, float]]:
    """Return the seeds and hours in which these bugs are hunted, each once."""
    all_of_them = (CATALOGUE[name].where for name in names)
    return sorted({(seed, where.hours) for where in all_of_them for seed in where.seeds})


def by_invariant(caught: Iterable[Caught]) -> dict[str, list[str]]:
    """Return the names of the bugs that each invariant has caught."""
    names: dict[str, list[str]] = {code: [] for code in INVARIANTS}
    for one in caught:
        if one.code:
            names[one.code].append(one.name)
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.campaign.mutants")
    parser.add_argument("names", nargs="*", metavar="NAME", help="some bugs instead of all")
    parser.add_argument("--keep", action="store_true", help="write the list to docs/simulation.md")
    asked = parser.parse_args(argv)
    whole = [*CATALOGUE, *wire.CATALOGUE]
    if strange := set(asked.names) - set(whole):
        parser.error(f"expected names of planted bugs, found {', '.join(sorted(strange))}")
    if asked.keep and asked.names:
        parser.error("expected no names beside --keep, which keeps the whole list")
    begun = time.monotonic()
    names = asked.names or whole
    with ProcessPoolExecutor(cpu_count(), initializer=choose, initargs=("auto",)) as pool:
        false = _without(pool, names)
        found = list(_hunted(pool, names))
    missed = [one for one in found if not one.code]
    by = by_invariant(found)
    for code, theirs in by.items():
        if theirs or not asked.names:
            say(f"{code}: {', '.join(theirs) or 'none'}")
    blind = not asked.names and not all(by.values())
    took = time.monotonic() - begun
    say(f"{len(names) - len(missed)} of {len(names)} planted bugs caught ({took:.0f} s)")
    if missed or false or blind:
        return 1
    if asked.keep:
        rows = sorted(found, key=lambda one: names.index(one.name))
        PAGE.write_text(replanted(PAGE.read_text("utf-8"), rows, commit()), encoding="utf-8")
    return 0


def _without(pool: Executor, names: Sequence[str]) -> bool:
    """Tell whether anything is seen although there is no bug, and say what."""
    seeds = grounds(name for name in names if name in CATALOGUE)
    judges = sorted({wire.CATALOGUE[name].judge for name in names if name in wire.CATALOGUE})
    tested = [pool.submit(wire.fails, "", judge) for judge in judges]
    broken = list(pool.map(control, *zip(*seeds, strict=True))) if seeds else []
    false = [words for one in broken for words in one]
    false += [words for test in tested if (words := test.result())]
    for words in false:
        say(f"without a bug: {words}")
    return bool(false)


def _hunted(pool: Executor, names: Sequence[str]) -> Iterator[Caught]:
    """Return what became of each bug as soon as it is known, and say it."""
    hunts = [pool.submit(hunt, name) for name in names if name in CATALOGUE]
    hunts += [pool.submit(_judged, name) for name in names if name in wire.CATALOGUE]
    for done in as_completed(hunts):
        one = done.result()
        say(f"{one.name}: {f'caught by {one.code}, ' if one.code else 'MISSED '}{one.where}")
        yield one


def _judged(name: str) -> Caught:
    """Return how a bug of the wire was caught by its judge."""
    bug = wire.CATALOGUE[name]
    failed = wire.fails(name, bug.judge)
    if bug.shows in failed:
        return Caught(name, bug.words, bug.breaks, bug.judge)
    return Caught(name, bug.words, "", failed)


if __name__ == "__main__":
    sys.exit(main())
