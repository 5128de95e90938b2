"""`python -m tests.bench [--only GROUP] [--json FILE]`: measure, print, write rows.

The code is 0 when everything was measured, whatever the figures are. `--runs` (or BENCH_RUNS) and
`--hours` shorten the paper days.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.domain.errors import DeltabandError
from tests.bench import (
    days,
    exactness,
    hedging,
    importing,
    killing,
    models,
    options,
    policies,
    recorded,
    settling,
    smiles,
    speed,
    starting,
    watching,
    wire,
)
from tests.bench.programs import BenchError
from tests.bench.rows import Row, json_lines, table

Group = tuple[str, Callable[[], list[Row]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for and return the exit code."""
    asked = _arguments(argv)
    found: list[Row] = []
    failed = False
    if asked.json:
        asked.json.write_text("", encoding="utf-8")
    for title, measure in _groups(asked):
        print(title, flush=True)
        try:
            rows = measure()
        except (BenchError, DeltabandError, OSError) as fault:
            failed = True
            print(f"  failed: {fault}\n", flush=True)
            continue
        print(f"{table(rows)}\n", flush=True)
        found += rows
        if asked.json:
            asked.json.write_text(json_lines(found), encoding="utf-8")
    missed = [row.name for row in found if row.met is False]
    reached = sum(row.met is True for row in found)
    print(f"{reached} targets met, {len(missed)} missed: {', '.join(missed) or 'none'}")
    return 1 if failed else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=("core", "greeks", "wire", "decisions", "monitor"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write rows, one a line")
    default = os.environ.get("BENCH_RUNS", "20")
    parser.add_argument("--runs", type=_count, default=default, help="paper days (20)")
    parser.add_argument("--hours", type=float, default=days.DAY_HOURS, help="of each day (24)")
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number of runs above 0, found {text!r}")


def _groups(asked: argparse.Namespace) -> list[Group]:
    core: list[Group] = [
        ("Start", starting.start),
        ("Normal days", lambda: days.normal(asked.runs, asked.hours)),
        ("Where the time of a run goes", lambda: days.parts(asked.hours)),
        ("Crash days", lambda: days.crash(asked.runs, asked.hours)),
        ("Settlement", settling.settlement),
        ("Recorded options", recorded.study),
    ]
    greeks: list[Group] = [
        ("Agreement with the exchange", recorded.agreement),
        ("Kernels against the truth", exactness.exactness),
        ("Kernels", speed.kernels),
        ("Volatility surfaces", smiles.fits),
        ("Surfaces of recorded chains", smiles.chains),
        ("Paths and Bates's model", models.speeds),
        ("Import and first answer", importing.answers),
    ]
    wired: list[Group] = [
        ("From a quote to an order over the wire", wire.latency),
        ("Two thousand quotes a second", wire.flood),
        ("From a stop to nothing that rests", killing.killing),
    ]
    decisions: list[Group] = [
        ("The hedge instrument on every tick", hedging.choices),
        ("Rules on paired paths", policies.policies),
        ("Days beside trading to the target", lambda: days.thrift(asked.runs, asked.hours)),
        ("Option plans", options.options),
        ("Round trips of options on recorded weeks", recorded.round_trips),
    ]
    onlookers: list[Group] = [("The loop beside everybody who looks on", watching.blocked)]
    chosen = {
        "core": core,
        "greeks": greeks,
        "wire": wired,
        "decisions": decisions,
        "monitor": onlookers,
        None: core + greeks + wired + decisions + onlookers,
    }
    return chosen[asked.only]


if __name__ == "__main__":
    sys.exit(main())
