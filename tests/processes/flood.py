"""`python -m tests.processes.flood [SECONDS] [PER_SECOND]`: thousands of quotes a second, all on.

The demo book on paper in real time, where each future's quote of a market second comes a thousand
times over, a little different each time; beside it everything that looks on (see `surroundings`).
Judged from outside, as a soak is: how many quotes the core took, whether market time keeps up with
the clock, whether memory (of the bot and of its other processes), the files of log and journal or
the number of open files grow, and whether a line was dropped.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bot import wiring
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S
from bot.venues.paper import PaperVenue
from tests.processes.soak import MB, WAL_MB, Verdict, say
from tests.processes.surroundings import TOP, surroundings

SECONDS = 600.0
PER_SECOND = 5_000
READERS = 10
CHILD = "--child"
WARM_S = 60.0
LEAST = 0.98
LATE_S = 1.5
GROWTH_MB_MINUTE = 0.5


class FloodVenue(PaperVenue):
    """A paper venue whose quotes come over and over until the market moves again."""

    per_second = PER_SECOND
    told = 0

    def _move(self, now_ns: int) -> None:
        super()._move(now_ns)
        quotes = [event for event in self._ready if isinstance(event, Quote)]
        if not quotes:
            return
        gap_ns = NS_PER_S // self.per_second
        for k in range(self.per_second - len(quotes)):
            quote, at_ns = quotes[k % len(quotes)], now_ns + (k + 1) * gap_ns
            self._schedule(at_ns, _shaken(quote, k, at_ns))
        FloodVenue.told += self.per_second


def _shaken(quote: Quote, k: int, at_ns: int) -> Quote:
    """Return a quote of a moment later: prices within a few ticks, other sizes."""
    by = quote.mark * 1e-6 * ((k * 7919) % 13 - 6)
    return replace(
        quote,
        ts_ns=at_ns,
        ts_venue_ns=at_ns,
        bid=quote.bid + by,
        ask=quote.ask + by,
        mark=quote.mark + by,
        index=quote.index + by,
        bid_size=quote.bid_size * (1.0 + 1e-4 * (k % 97)),
    )


def child(per_second: int, arguments: Sequence[str]) -> int:
    """Be the bot, flooded; close with the number of quotes on standard error."""
    from bot.cli.app import main

    FloodVenue.per_second = per_second
    setattr(wiring, "PaperVenue", FloodVenue)  # noqa: B010  a name that wiring does not offer
    code = main(arguments)
    sys.stderr.write(f"{json.dumps({'quotes': FloodVenue.told})}\n")
    return code


@dataclass(frozen=True, slots=True)
class Look:
    """One look from outside: seconds since the first, bytes, counts, and how late the bot is."""

    at_s: float
    late_s: float
    memory: int
    beside: int
    files: int
    wal: int


def look(pid: int, journal: Path, begun_s: float) -> Look | None:
    """Return how a bot stands; None before it has begun or once it has ended."""
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
            row = db.execute(
                "SELECT market_ns - market_start_ns, wall_ns - started_ns"
                " FROM heartbeat JOIN runs ON run = id"
            ).fetchone()
        memory, files = _memory(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))
        beside = sum(map(_memory, _children(pid)))
        wal = journal.with_name("journal.sqlite-wal").stat().st_size
    except (OSError, KeyError, sqlite3.OperationalError):
        return None
    if row is None:
        return None
    late_s = (row[1] - row[0]) / NS_PER_S
    return Look(time.monotonic() - begun_s, late_s, memory, beside, files, wal)


def _memory(pid: int) -> int:
    lines = (Path("/proc") / str(pid) / "status").read_text(encoding="utf-8").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmRSS"].split()[0]) * 1_024


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text().split()]


def judge(looks: Sequence[Look], quotes: int, wanted: float, summary: dict[str, Any]) -> Verdict:
    """Judge a flood; what fills up in its first tenth, a minute at most, is left out."""
    verdict = Verdict()
    span_s = looks[-1].at_s
    verdict.say(
        f"{quotes:,} quotes through the core in {span_s:.0f} s, {quotes / span_s:,.0f} a second"
        f" ({wanted:,.0f} asked for)",
        good=quotes >= LEAST * wanted * span_s,
    )
    later = [one for one in looks if one.at_s >= min(WARM_S, 0.1 * span_s)]
    late = np.array([one.late_s for one in later])
    grows = float(late[-len(late) // 4 :].mean() - late[: len(late) // 4 + 1].mean())
    verdict.say(
        f"market time {late.max() - late.min():.2f} s apart from the clock's at most,"
        f" {grows:+.2f} s from the first to the last quarter (below {LATE_S:g})",
        good=grows < LATE_S,
    )
    minutes = np.array([one.at_s for one in later]) / 60.0
    for what, part in (("the bot's", "memory"), ("its other processes'", "beside")):
        sizes = np.array([getattr(one, part) for one in later]) / MB
        slope = float(np.polyfit(minutes, sizes, 1)[0])
        told = f"{what} memory {sizes.mean():.1f} MB, {slope:+.3f} MB a minute"
        if minutes[-1] - minutes[0] < 2.0:  # of seconds a slope says nothing
            verdict.say(told)
        else:
            verdict.say(f"{told} (below {GROWTH_MB_MINUTE:g})", good=slope < GROWTH_MB_MINUTE)
    files = [one.files for one in later]
    verdict.say(f"open files {min(files)} to {max(files)}", good=max(files) <= files[0] + 2)
    wal = max(one.wal for one in looks) / MB
    verdict.say(f"write-ahead log {wal:.1f} MB at most (below {WAL_MB:.1f})", good=wal < WAL_MB)
    lost = {name: summary.get(name, 0) for name in ("log_lines_failed", "log_lines_dropped")}
    verdict.say(f"log lines lost: {sum(lost.values())}", good=not sum(lost.values()))
    return verdict


def run(seconds: float, per_second: int = PER_SECOND, readers: int = READERS) -> Verdict:
    """Let a flood go for so many seconds of the clock, and judge it."""
    looks: list[Look] = []
    with TemporaryDirectory() as name, surroundings(Path(name), readers=readers) as around:
        state = Path(name) / "state"
        asked = ("paper", "--speed", "1", "--json", "--set", f"state_dir={state}")
        command = [sys.executable, "-m", "tests.processes.flood", CHILD, str(per_second), *asked]
        own = {k: v for k, v in os.environ.items() if not k.startswith("DELTABAND_")}
        own |= around.environ
        process = subprocess.Popen(
            [*command, *around.arguments], cwd=TOP, env=own, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            begun_s = None
            while process.poll() is None and (begun_s is None or looks[-1].at_s < seconds):
                time.sleep(0.5)
                journal = next(state.glob("*/journal.sqlite"), None)
                seen = None if journal is None else look(process.pid, journal, begun_s or 0.0)
                if seen is not None:
                    begun_s = begun_s or time.monotonic()
                    looks.append(replace(seen, at_s=time.monotonic() - begun_s))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise RuntimeError(f"expected the run to end in order, found {err[-2_000:]}")
        quotes = json.loads(err.splitlines()[-1])["quotes"]
        verdict = judge(looks, quotes, per_second, json.loads(out))
        verdict.say(
            f"alerts {len(around.alerts)}, metrics scraped {around.scraped} times,"
            f" {around.streamed:,} lines heard from the dashboard"
        )
    return verdict


def main(seconds: float, per_second: int) -> int:
    """Print the verdict and return the exit code."""
    verdict = run(seconds, per_second)
    for words in verdict.lines:
        say(f"BROKEN {words}" if words in verdict.broken else words)
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        sys.exit(child(int(sys.argv[2]), sys.argv[3:]))
    length, rate = (*sys.argv[1:], *(str(SECONDS), str(PER_SECOND))[len(sys.argv) - 1 :])
    sys.exit(main(float(length), int(rate)))
