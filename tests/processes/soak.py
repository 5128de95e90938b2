"""`python -m tests.processes.soak [DAYS] [SEED]`: days of market time in one process, from outside.

The command as it is installed hedges its demo book on paper as fast as it can, in a process of its
own. Each half second of the clock its resident memory, descriptors, threads and files are read,
beside the market time that its journal's heartbeat names.

Memory is judged by its slope over market days, the first day left out: what an allocator keeps and
what fills up to its bound belongs to the start. Memory moves in steps that stay, so neighbouring
samples say nearly the same, and a line through all of them would be far too sure of itself. The
rest of the run is cut into six blocks (of a week: its days, each with one settlement and a same
number of listings), and the line is fitted to their means, with Student's t of four degrees of
freedom. Over a day most of such a dependence has faded; a Newey-West error would have to be told
how far it reaches, and is known to be too small where that is not small beside the whole.
"""

import math
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from bot.domain.quotes import FloatArray
from bot.domain.units import NS_PER_S
from bot.journal.wal import LONGEST_PAGES

TOP = Path(__file__).parents[2]
COMMAND = ("-m", "bot", "paper", "--speed", "max", "--json", "--set")
EVERY_S = 0.5
DAY_S = 86_400.0
HOURS = 24
BLOCKS = 6
SURE = 0.95
MB = 1e6
MEMORY_MB_DAY = 1.0
LOG_MB_DAY = 10.0
PAGE = 4_096 + 24  # of the write-ahead log, with its header
WAL_MB = 1.5 * LONGEST_PAGES * PAGE / MB


class Line(NamedTuple):
    """A slope and the bound that it is below with probability `SURE`."""

    slope: float
    bound: float


def slope(x: FloatArray, y: FloatArray, blocks: int = BLOCKS) -> Line:
    """Return the slope of y over days x, by means of blocks of time (see the module).

    A block in which nothing was seen is left out. Raises ValueError where fewer than three are
    left.
    """
    edges = np.linspace(x.min(), x.max(), blocks + 1)
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, blocks - 1)
    seen = [place == block for block in range(blocks) if (place == block).any()]
    if len(seen) < 3:
        raise ValueError(f"expected samples in three blocks of time, found {len(seen)}")
    at, mean = (np.array([part[one].mean() for one in seen]) for part in (x, y))
    away = at - at.mean()
    spread = float(away @ away)
    found = float(away @ mean) / spread
    rest = mean - mean.mean() - found * away
    free = len(seen) - 2
    error = math.sqrt(float(rest @ rest) / free / spread)
    return Line(found, found + float(student.ppf(SURE, free)) * error)


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: market days since the start, memory and files in bytes, counts, processor time."""

    day: float
    memory: int
    files: int
    threads: int
    log: int
    journal: int
    wal: int
    cpu_s: float


def by_hour(samples: Sequence[Sample]) -> tuple[FloatArray, FloatArray]:
    """Return the mean day and memory (MB) of each market hour, so that each counts the same."""
    hours: dict[int, list[Sample]] = {}
    for sample in samples:
        hours.setdefault(int(sample.day * HOURS), []).append(sample)
    rows = [hours[number] for number in sorted(hours)]
    days = [sum(one.day for one in row) / len(row) for row in rows]
    memory = [sum(one.memory for one in row) / len(row) / MB for row in rows]
    return np.array(days), np.array(memory)


@dataclass(slots=True)
class Verdict:
    """What a run came to, line by line, and which of the lines are not as they should be."""

    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def say(self, words: str, *, good: bool = True) -> None:
        """Add a line."""
        self.lines.append(words)
        if not good:
            self.broken.append(words)


def judge(samples: Sequence[Sample]) -> Verdict:
    """Judge a run of more than a day; the first market day is left out."""
    verdict = Verdict()
    first = [sample for sample in samples if sample.day < 1.0]
    later = [sample for sample in samples if sample.day >= 1.0]
    line = slope(*by_hour(later))
    verdict.say(
        f"resident memory {line.slope:+.2f} MB a market day after the first, upper 95 % bound"
        f" {line.bound:+.2f} (below {MEMORY_MB_DAY:g})",
        good=line.bound < MEMORY_MB_DAY,
    )
    last = [sample for sample in later if sample.day > later[-1].day - 1.0]
    for what, part in (("descriptors", "files"), ("threads", "threads")):
        before, after = (max(getattr(one, part) for one in some) for some in (first, last))
        verdict.say(
            f"{what}: {before} at most on the first day, {after} on the last",
            good=after <= before,
        )
    begin, end = later[0], later[-1]
    span = end.day - begin.day
    log = (end.log - begin.log) / MB / span
    verdict.say(f"log {log:.3f} MB a market day (below {LOG_MB_DAY:g})", good=log < LOG_MB_DAY)
    wal = max(sample.wal for sample in samples) / MB
    verdict.say(f"write-ahead log {wal:.1f} MB at most (below {WAL_MB:.1f})", good=wal < WAL_MB)
    verdict.say(f"journal {(end.journal - begin.journal) / MB / span:.1f} MB a market day")
    verdict.say(f"{(end.cpu_s - begin.cpu_s) / span:.0f} s of processor time a market day")
    return verdict


class Watched:
    """A run in a process of its own, seen from outside."""

    def __init__(self, folder: Path, days: float, seed: int, *options: str) -> None:
        """Start it; what it says goes to files in the folder."""
        self.log, self.out = folder / "log", folder / "out"
        self.folder, self._start_ns = folder, 0
        self._ticks = os.sysconf("SC_CLK_TCK")
        own = {k: v for k, v in os.environ.items() if not k.startswith("DELTABAND__")}
        asked = ("--for", f"{days * DAY_S:.0f}s", "--seed", str(seed), *options)
        with self.log.open("w") as log, self.out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, *COMMAND, f"state_dir={folder}", *asked],
                cwd=TOP, env=own, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
            )  # fmt: skip

    def samples(self, every_s: float = EVERY_S) -> Iterator[Sample]:
        """Look again and again until the process has ended."""
        while self.process.poll() is None:
            sample = self.look()
            if sample is not None:
                yield sample
            time.sleep(every_s)

    def look(self) -> Sample | None:
        """Return how it stands; None before its run has begun or once the process has ended."""
        journal = next(self.folder.glob("*/journal.sqlite"), None)
        day = None if journal is None else self._day(journal)
        if journal is None or day is None:
            return None
        proc = Path("/proc") / str(self.process.pid)
        try:
            status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
            used = (proc / "stat").read_text().rpartition(")")[2].split()
            return Sample(
                day=day,
                memory=int(status["VmRSS"].split()[0]) * 1_024,
                files=len(list((proc / "fd").iterdir())),
                threads=int(status["Threads"]),
                log=self.log.stat().st_size,
                journal=journal.stat().st_size,
                wal=journal.with_name("journal.sqlite-wal").stat().st_size,
                cpu_s=(int(used[11]) + int(used[12])) / self._ticks,
            )
        except (OSError, KeyError):  # it ends just now
            return None

    def _day(self, journal: Path) -> float | None:
        """Return the market days since the run's start, by the newest heartbeat."""
        try:
            with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
                row = db.execute(
                    "SELECT market_ns, market_start_ns FROM heartbeat JOIN runs ON run = id"
                ).fetchone()
        except sqlite3.OperationalError:  # its tables are not there yet
            return None
        return None if row is None else (row[0] - row[1]) / NS_PER_S / DAY_S


@contextmanager
def watched(folder: Path, days: float, seed: int, *options: str) -> Iterator[Watched]:
    """Start a run; nothing of it outlives the block."""
    run = Watched(folder, days, seed, *options)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()


def say(words: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main(days: float, seed: int) -> int:
    """Let a run go, print each market day and the verdict, and return the exit code."""
    samples: list[Sample] = []
    with TemporaryDirectory() as folder, watched(Path(folder), days, seed) as run:
        for sample in run.samples():
            if samples and int(sample.day) > int(samples[-1].day):
                say(row(samples, int(samples[-1].day)))
            samples.append(sample)
        code = run.process.wait()
        if code or not samples or samples[-1].day < 0.99 * days:
            words = run.log.read_text(encoding="utf-8")[-2_000:]
            say(f"BROKEN the run ended with code {code}, {len(samples)} looks: {words}")
            return 1
    say(row(samples, int(samples[-1].day)))
    verdict = judge(samples)
    for words in verdict.lines:
        say(f"BROKEN {words}" if words in verdict.broken else words)
    return 1 if verdict.broken else 0


def row(samples: Sequence[Sample], day: int) -> str:
    """Return one market day in a line."""
    those = [sample for sample in samples if int(sample.day) == day]
    memory = [sample.memory / MB for sample in those]
    end = those[-1]
    return (
        f"day {day + 1}: memory {sum(memory) / len(memory):.1f} MB"
        f" ({min(memory):.1f} to {max(memory):.1f}), {end.files} descriptors, {end.threads}"
        f" threads, log {end.log / MB:.3f}, WAL {end.wal / MB:.1f}, journal"
        f" {end.journal / MB:.1f} MB, {end.cpu_s:.0f} s of processor time"
    )


if __name__ == "__main__":
    days, seed = (*sys.argv[1:], *("7", "7")[len(sys.argv) - 1 :])
    sys.exit(main(float(days), int(seed)))
