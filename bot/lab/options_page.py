"""Options bought against short gamma on recorded chains as a page: markdown or one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Final

from bot.domain.errors import DeltabandError
from bot.lab.options_study.trips import Comparison, Paid, Study, study
from bot.lab.policies.compare import Saving
from bot.lab.recording import read
from greeks import arithmetic

HALF: Final = 0.5
PAID: Final = (
    "| limit | costs | of options | of their hedge | carry | coins "
    "| worst loss | its deviation | root mean square |"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the study of a folder; return 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.lab.options_page",
        description="What buying gamma back costs on recorded chains, where shocks hurt equally.",
    )
    parser.add_argument("folder", type=Path, help="folder of recorded chains (Parquet)")
    parser.add_argument("--coin", action="append", default=[], help="only this coin (repeatable)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args(argv)
    arithmetic.use(arithmetic.PLAIN)
    try:
        recording = read(arguments.folder, coins=arguments.coin)
        found = Study([], [])
        for record in recording.coins.values():
            one = study(record)
            found.comparisons.extend(one.comparisons)
            found.paid.extend(one.paid)
    except DeltabandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not found.paid:
        sys.stderr.write(
            f"{arguments.folder}: expected a week of options beside a perpetual, found none\n"
        )
        return 1
    if arguments.json:
        page = json.dumps(
            {name: [asdict(one) for one in rows] for name, rows in found._asdict().items()},
            indent=2,
        )
    else:
        page = as_markdown(found)
    sys.stdout.write(page + "\n")
    return 0


def as_markdown(found: Study) -> str:
    """Return savings with their intervals, then what every method paid a week."""
    return "\n\n".join([*_savings(found.comparisons), *_paid(found.paid)])


def _savings(found: Sequence[Comparison]) -> Iterator[str]:
    for title, group in groupby(found, key=_title):
        tables = list(group)
        names = " | ".join(row.at for row in tables[0].rows)
        lines = [
            f"| {title}: equal deviation of | saves | beside | {names} |",
            "|---|---|---|" + "--:|" * len(tables[0].rows),
        ]
        lines += [
            f"| {one.measure} | {one.ours} | {one.beside} "
            f"| {' | '.join(_cell(row) for row in one.rows)} |"
            for one in tables
        ]
        yield "\n".join(lines)


def _paid(found: Sequence[Paid]) -> Iterator[str]:
    for title, group in groupby(found, key=lambda p: (p.coin, p.straddles, p.bucket)):
        lines = [
            f"| {title[0]}, {title[1]:g} coins a straddle, {title[2]}: USD a week {PAID}",
            "|---|" + "--:|" * 9,
        ]
        lines += [
            f"| {one.method} | {one.limit:g} | {one.spreads + one.hedges:,.0f} "
            f"| {one.spreads:,.0f} | {one.hedges:,.0f} | {one.carry:,.0f} | {one.coins:,.1f} "
            f"| {one.worst:,.0f} | {one.deviation:,.0f} | {one.squares:,.0f} |"
            for one in group
        ]
        yield "\n".join(lines)


def _title(one: Comparison) -> str:
    drawn = f"{one.blocks} blocks of {one.weeks} weeks"
    return f"{one.coin}, {one.straddles:g} coins a straddle, {one.bucket}, {drawn}"


def _cell(row: Saving) -> str:
    """Return a saving with its interval; nothing where half of the draws have none."""
    if row.reached < HALF or not isfinite(row.share):
        return "–"
    return f"{100 * row.share:.0f} % ({100 * row.low:.0f} to {100 * row.high:.0f})"


if __name__ == "__main__":
    sys.exit(main())
