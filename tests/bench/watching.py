"""What the bot's loop feels of everybody who looks on: how long it is blocked, with and without.

Paired runs of the demo book at its own speed, the bot on one core, everything else on another: a
monitor that tells a broker, alerts and metrics that are scraped, a log file, ten readers of the
dashboard and a browser. A probe in the bot's loop sleeps two milliseconds again and again; by how
much it oversleeps, something blocked the loop.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.bench import rows
from tests.bench.programs import TOP, BenchError
from tests.bench.rows import Row
from tests.processes.surroundings import Surroundings, surroundings

PAIRS = 5
READERS = 10
RUN_S = 12.0
SLEEP_S = 0.002
CHILD = "--child"
MOST = 1.5
BOT, OTHERS = {0}, {1}


def child(file: str, arguments: Sequence[str]) -> int:
    """Be the bot with a probe in its loop; leave what it felt in a file."""
    from bot.cli.app import main
    from bot.engine import Engine

    felt: list[float] = []
    run = Engine.run

    async def probed(engine: Engine, until_ns: int | None) -> None:
        probe = asyncio.create_task(_probe(felt))
        try:
            await run(engine, until_ns)
        finally:
            probe.cancel()

    setattr(Engine, "run", probed)  # noqa: B010  in the place of a method of the bot
    code = main(arguments)
    begun = len(felt) // 5  # the first hedges, imports and the first plan for options
    Path(file).write_text(json.dumps(felt[begun:]), encoding="utf-8")
    return code


async def _probe(felt: list[float]) -> None:
    while True:
        asked = time.perf_counter()
        await asyncio.sleep(SLEEP_S)
        felt.append(time.perf_counter() - asked - SLEEP_S)


def blocked() -> list[Row]:
    """Return for how long the loop is blocked, and how much longer where everybody looks on."""
    if not os.sched_getaffinity(0) >= OTHERS | BOT:
        return rows.skipped("watching", "needs two cores")
    pairs = []
    for number in range(PAIRS):
        first = bool(number % 2)  # whichever comes first has the colder caches
        measured = {watched: _measured(watched=watched) for watched in (first, not first)}
        pairs.append((measured[False], measured[True]))
    ratios = [_high(watched) / _high(alone) for alone, watched in pairs]
    alone, watched = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    return [
        rows.plain("watching.alone_p99", _high(alone) * 1e3, "ms"),
        rows.plain("watching.watched_p99", _high(watched) * 1e3, "ms"),
        rows.plain("watching.alone_max", float(alone.max()) * 1e3, "ms"),
        rows.plain("watching.watched_max", float(watched.max()) * 1e3, "ms"),
        rows.most("watching.p99_ratio", median(ratios), "times", MOST),
    ]


def _high(felt: Any) -> float:
    return float(np.percentile(felt, 99.0))


def _measured(*, watched: bool) -> Any:
    with TemporaryDirectory() as name:
        folder = Path(name)
        if not watched:
            return _felt(folder, Surroundings())
        with (
            _pinned(OTHERS),
            surroundings(folder, readers=READERS) as around,
            _monitor(folder, around),
        ):
            return _felt(folder, around)


@contextmanager
def _pinned(cores: set[int]) -> Iterator[None]:
    """Let what is started from here run on some cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _monitor(folder: Path, around: Surroundings) -> Iterator[None]:
    """Run a monitor of its own, as a desk would: the bot starts none beside it."""
    process = _start(folder, around, "-m", "bot", "monitor")
    deadline = time.monotonic() + 30.0
    while not (folder / "state" / "demo" / "monitor.lock").exists():
        if time.monotonic() > deadline or process.poll() is not None:
            raise BenchError("expected a monitor that runs, found none")
        time.sleep(0.05)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


def _felt(folder: Path, around: Surroundings) -> Any:
    """Run the bot on its core and return what the probe felt, in seconds."""
    file = folder / "felt.json"
    with _pinned(BOT):
        process = _start(
            folder, around, "-m", "tests.bench.watching", CHILD, str(file), "paper", "--json"
        )
    time.sleep(RUN_S)
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise BenchError("expected the run to end, found that it goes on") from None
    if process.returncode:
        raise BenchError(f"expected a run that ends in order, found {err[-500:]}")
    return np.array(json.loads(file.read_text(encoding="utf-8")))


def _start(folder: Path, around: Surroundings, *command: str) -> subprocess.Popen[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("DELTABAND_")}
    return subprocess.Popen(
        [sys.executable, *command, "--set", f"state_dir={folder / 'state'}", *around.arguments],
        cwd=TOP,
        env=own | around.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


if __name__ == "__main__":
    assert sys.argv[1] == CHILD
    sys.exit(child(sys.argv[2], sys.argv[3:]))
