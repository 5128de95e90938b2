"""Hedging policies on recorded books as a page: savings in markdown or one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Final

from bot.domain.errors import DeltabandError
from bot.lab.policies.compare import Saving
from bot.lab.policies.decisions import FEW, Comparison, study
from bot.lab.recording import read
from greeks import arithmetic

HALF: Final = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison of a folder; return 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.lab.policy_page",
        description="What hedging recorded options costs by policy, at equal deviation.",
    )
    parser.add_argument("folder", type=Path, help="folder of recorded chains (Parquet)")
    parser.add_argument("--coin", action="append", default=[], help="only this coin (repeatable)")
    parser.add_argument("--perpetual", type=Path, help="hourly candles of a perpetual (CSV)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args(argv)
    arithmetic.use(arithmetic.PLAIN)
    try:
        recording = read(arguments.folder, arguments.perpetual, arguments.coin)
        found = [one for record in recording.coins.values() for one in study(record)]
    except DeltabandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not found:
        sys.stderr.write(
            f"{arguments.folder}: expected options that were recorded for {FEW} weeks, found none\n"
        )
        return 1
    if arguments.json:
        page = json.dumps([asdict(one) for one in found], indent=2)
    else:
        page = as_markdown(found)
    sys.stdout.write(page + "\n")
    return 0


def as_markdown(found: Sequence[Comparison]) -> str:
    """Return one table for each coin and kind of book: savings with their intervals."""
    lines: list[str] = []
    for title, group in groupby(found, key=_title):
        tables = list(group)
        names = [row.at for row in tables[0].rows]
        lines += [""] if lines else []
        lines.append(f"| {title}: deviation of | gamma | drawn | {' | '.join(names)} |")
        lines.append("|---|---|---|" + "--:|" * len(names))
        lines += [
            f"| {one.measure} | {one.ours} | {one.blocks} {one.block} "
            f"| {' | '.join(_cell(row) for row in one.rows)} |"
            for one in tables
        ]
    return "\n".join(lines)


def _title(one: Comparison) -> str:
    return f"{one.coin}, {one.books} {one.kind}, {one.coins:.1f} coins"


def _cell(row: Saving) -> str:
    """Return a saving with its interval; nothing where half of the draws have none."""
    if row.reached < HALF or not isfinite(row.share):
        return "–"
    return f"{100 * row.share:.0f} % ({100 * row.low:.0f} to {100 * row.high:.0f})"


if __name__ == "__main__":
    sys.exit(main())
