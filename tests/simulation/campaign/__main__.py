"""`python -m tests.simulation.campaign SEEDS HOURS [--keep]`: run seeds, print what they came to.

SEEDS is `first:last` (both included) or one number, HOURS the market hours of each. The code is 0
where nothing was broken. `--keep` adds the run to docs/simulation.md, under the commit of now.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.wiring.kernels import choose
from tests.simulation.campaign.outcome import Outcome
from tests.simulation.campaign.page import PAGE, Run, written
from tests.simulation.campaign.world import World


def say(words: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def play(seed: int, hours: float) -> Outcome:
    """Return what a seed came to; its journal is written in memory where the system has that."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        return World(seed, hours, Path(folder)).run()


def timed(seed: int, hours: float) -> tuple[Outcome, float]:
    """Return what a seed came to and the processor seconds that it took."""
    begun = time.process_time()
    return play(seed, hours), time.process_time() - begun


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.campaign")
    parser.add_argument("seeds", type=_seeds, help="first:last, both included")
    parser.add_argument("hours", type=float, help="market hours of each")
    parser.add_argument("--keep", action="store_true", help="add the run to docs/simulation.md")
    asked = parser.parse_args(argv)
    begun = time.monotonic()
    found: list[Outcome] = []
    busy_s = 0.0
    with ProcessPoolExecutor(cpu_count(), initializer=choose, initargs=("auto",)) as pool:
        for outcome, took_s in pool.map(timed, asked.seeds, [asked.hours] * len(asked.seeds)):
            found.append(outcome)
            busy_s += took_s
            for words in outcome.broken:
                say(f"seed {outcome.seed} ({outcome.name}): {words}")
    run, hits = _run(asked.seeds, asked.hours, found)
    say(", ".join(f"{code} {count}" for code, count in sorted(hits.items())))
    kills: Counter[str] = sum((o.kills for o in found), Counter())
    say(", ".join(f"killed {where}: {count}" for where, count in sorted(kills.items())))
    took_s, market_s = time.monotonic() - begun, run.hours * 3_600.0
    say(
        f"{run.hours:g} hours, {run.faults} faults, {run.kills} crash points,"
        f" {run.broken} violations ({market_s / took_s:.0f} times real time in {took_s:.0f} s,"
        f" {market_s / busy_s:.0f} per processor second)"
    )
    if asked.keep:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), run, hits), encoding="utf-8")
    return 1 if run.broken else 0


def _seeds(text: str) -> range:
    first, _, last = text.partition(":")
    try:
        seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = range(0)
    if not seeds:
        raise argparse.ArgumentTypeError(f"expected first:last, found {text!r}")
    return seeds


def _run(seeds: range, each: float, found: Sequence[Outcome]) -> tuple[Run, Counter[str]]:
    hits: Counter[str] = sum((o.hits for o in found), Counter())
    run = Run(
        f"{seeds[0]}:{seeds[-1]}",
        each,
        sum(o.hours for o in found),
        sum(count for code, count in hits.items() if code.startswith("F")),
        sum(sum(o.kills.values()) for o in found),
        sum(o.orders for o in found),
        sum(len(o.broken) for o in found),
        commit(),
    )
    return run, hits


def commit() -> str:
    """Return the commit that runs; it is dirty if anything but the pages has been changed."""
    found = _git("describe", "--always") or "unknown"
    others = ":(exclude)docs"
    return f"{found}-dirty" if _git("status", "--porcelain", "-uno", "--", ".", others) else found


def _git(*words: str) -> str:
    said = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return said.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
