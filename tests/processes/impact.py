"""`python -m tests.processes.impact [HOURS]`: the same orders, whoever looks on and however badly.

The demo book on paper, as fast as it goes, once alone and once in each of the surroundings (see
that module). A run's digest covers every decision, intent and fill, in their order: equal digests
are equal orders. The runs' intents are compared row by row as well.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.processes.surroundings import TOP, Surroundings, surroundings

READERS = 10

CASES: dict[str, dict[str, Any] | None] = {
    "alone": None,
    "broker well": {},
    "broker stopped": {"broker": "stopped"},
    "broker hung": {"broker": "hung"},
    "broker refuses the login": {"broker": "refusing"},
    "webhook never answers": {"webhook": False},
    "log disk full": {"full_disk": True},
    "ten readers and a browser": {"readers": READERS},
    "all of it at once": {
        "broker": "hung",
        "webhook": False,
        "full_disk": True,
        "readers": READERS,
    },
}
INTENTS = (
    "SELECT label, instrument, quantity, price, created_ns, decision FROM intents ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: its digest, its intents in their order, and who looked on."""

    digest: str
    intents: list[tuple[Any, ...]]
    hedges: int
    around: Surroundings


def run(case: str, hours: float, seed: int = 7) -> Ran:
    """Let the demo book be hedged in one of the surroundings."""
    ways = CASES[case]
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = nullcontext(Surroundings()) if ways is None else surroundings(folder, **ways)
        with made as around:
            state = folder / "state"
            asked = ("--speed", "max", "--for", f"{hours * 3_600:.0f}s", "--seed", str(seed))
            command = [sys.executable, "-m", "bot", "paper", "--json", *asked]
            command += ["--set", f"state_dir={state}", *around.arguments]
            own = {k: v for k, v in os.environ.items() if not k.startswith("DELTABAND_")}
            own |= around.environ
            done = subprocess.run(
                command,
                cwd=TOP,
                env=own | around.environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-2_000:]
            summary = json.loads(done.stdout)
            (journal,) = state.glob("*/journal.sqlite")
            with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
                intents = db.execute(INTENTS).fetchall()
    return Ran(summary["digest"], intents, summary["hedge_cycles"], around)


def rows(hours: float) -> Iterator[tuple[str, Ran, bool]]:
    """Yield each case with its run, and whether it sent what the bot alone sends."""
    alone = run("alone", hours)
    for case in CASES:
        ran = alone if case == "alone" else run(case, hours)
        yield case, ran, (ran.digest, ran.intents) == (alone.digest, alone.intents)


def main(hours: float) -> int:
    """Print a row for each case and return the exit code."""
    bad = 0
    for case, ran, same in rows(hours):
        bad += not same
        word = "the same orders" if same else "OTHER ORDERS"
        sys.stdout.write(f"{case}: {len(ran.intents)} orders, digest {ran.digest[:12]}, {word}\n")
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 24.0))
