"""From nothing to READY: seconds, peak memory, and which heavy libraries came along.

The daemon is a process of its own, `python -m bot paper --json` at its own speed of 60; READY is
the instance's line in its log. The first start is not timed: it fills Python's caches and says what
was imported.
"""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench import rows
from tests.bench.programs import TOP, BenchError, run
from tests.bench.rows import Row

TIMES = 3
RUN_S = 60.0
PATIENCE_S = 60.0
HEAVY = ("ccxt", "polars")


class Daemon:
    """One paper daemon; `ready_s` and `ready_mb` are known when `ready` is set."""

    def __init__(self, state_dir: str, *python: str) -> None:
        self.ready = threading.Event()
        self.ready_s = self.ready_mb = 0.0
        self.before: list[str] = []
        command = [sys.executable, *python, "-m", "bot", "paper", "--json"]
        self._begun = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "--set", f"state_dir={state_dir}"],
            cwd=TOP,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def wait(self) -> None:
        """Wait until it is READY."""
        if not self.ready.wait(PATIENCE_S):
            self.end()
            said = " | ".join(self.before[-3:])
            raise BenchError(f"expected READY within {PATIENCE_S:g} s, found {said}")

    def run_on(self, seconds: float) -> float:
        """Let it run until `seconds` after READY and return its peak memory in MB."""
        time.sleep(max(0.0, self._begun + self.ready_s + seconds - time.monotonic()))
        return self.peak_mb()

    def end(self) -> None:
        """Ask for a clean end and wait for it."""
        self.process.terminate()
        code = self.process.wait()
        self._listener.join()
        if code:
            raise BenchError(f"expected code 0 after SIGTERM, found {code}")

    def peak_mb(self) -> float:
        """Return the largest resident memory so far in MB (10^6 bytes)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found is None:
            raise BenchError(f"expected VmHWM of process {self.process.pid}, found none")
        return int(found[1]) * 1024 / 1e6

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if self.ready.is_set():
                continue
            if _is_ready(line):
                self.ready_s = time.monotonic() - self._begun
                self.ready_mb = self.peak_mb()
                self.ready.set()
            else:
                self.before.append(line.rstrip())


def start(run_s: float = RUN_S) -> list[Row]:
    """Return medians of three starts."""
    with TemporaryDirectory() as folder:
        imported = _imported(f"{folder}/0")
        daemons = []
        try:
            for number in range(1, TIMES + 1):
                daemons.append(Daemon(f"{folder}/{number}"))
                daemons[-1].wait()
            later = [daemon.run_on(run_s) for daemon in daemons]
        finally:
            for daemon in daemons:
                daemon.end()
    help_s = median(run(["-m", "bot", "--help"]).seconds for _ in range(TIMES))
    heavy = sorted(imported.intersection(HEAVY))
    bound_mb = 350 if "numba" in imported else 250  # it compiles the arithmetic where it is
    unit = f"of {', '.join(HEAVY)}" + (f": {', '.join(heavy)}" if heavy else "")
    return [
        rows.most("start.ready_s", median(d.ready_s for d in daemons), "s", 4),
        rows.most("start.ready_mb", median(d.ready_mb for d in daemons), "MB, peak", bound_mb),
        rows.most("start.running_mb", median(later), f"MB, peak, {run_s:g} s later", bound_mb),
        rows.plain("start.help_s", help_s, "s"),
        rows.most("start.heavy_imports", len(heavy), unit, 0),
    ]


def _is_ready(line: str) -> bool:
    if '"READY"' not in line:
        return False
    said = json.loads(line)
    return bool(said.get("after") == "READY" and said.get("coin") == "")


def _imported(state_dir: str) -> set[str]:
    """Return the names of the packages that are imported until READY."""
    daemon = Daemon(state_dir, "-X", "importtime")
    daemon.wait()
    daemon.end()
    lines = [line for line in daemon.before if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
