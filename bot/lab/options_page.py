"""Options bought against short gamma on recorded chains as a page: markdown or one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Final

from bot.domain.errors import BadInputError
from bot.lab import pages
from bot.lab.options_study.trips import Comparison, Paid, Study, study
from bot.lab.recording import read

PAID: Final = (
    "limit | costs | of options | of their hedge | carry | coins "
    "| worst loss | its deviation | root mean square"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the study of a folder; return 0, or 1 with the reason on stderr."""
    parser = pages.command(
        "options_page",
        "What buying gamma back costs on recorded chains, where shocks hurt equally.",
    )
    arguments = parser.parse_args(argv)
    return pages.show(lambda: _page(arguments))


def _page(arguments: argparse.Namespace) -> str:
    found = Study([], [])
    for record in read(arguments.folder, coins=arguments.coin).coins.values():
        one = study(record)
        found.comparisons.extend(one.comparisons)
        found.paid.extend(one.paid)
    if not found.paid:
        expected = "a week of options beside a perpetual"
        raise BadInputError(f"{arguments.folder}: expected {expected}, found none")
    if arguments.json:
        rows = {name: [asdict(one) for one in part] for name, part in found._asdict().items()}
        return json.dumps(rows, indent=2)
    return as_markdown(found)


def as_markdown(found: Study) -> str:
    """Return savings with their intervals, then what every method paid a week."""
    return "\n\n".join([*_savings(found.comparisons), *_paid(found.paid)])


def _savings(found: Sequence[Comparison]) -> Iterator[str]:
    for title, group in groupby(found, key=lambda one: one.title):
        yield pages.savings(
            f"{title}: equal deviation of | saves | beside",
            [(f"{one.measure} | {one.ours} | {one.beside}", one.rows) for one in group],
        )


def _paid(found: Sequence[Paid]) -> Iterator[str]:
    for title, group in groupby(found, key=lambda p: (p.coin, p.straddles, p.bucket)):
        yield pages.table(
            f"{title[0]}, {title[1]:g} coins a straddle, {title[2]}: USD a week | {PAID}",
            (
                f"{one.method} | {one.limit:g} | {one.spreads + one.hedges:,.0f} "
                f"| {one.spreads:,.0f} | {one.hedges:,.0f} | {one.carry:,.0f} | {one.coins:,.1f} "
                f"| {one.worst:,.0f} | {one.deviation:,.0f} | {one.squares:,.0f}"
                for one in group
            ),
        )


if __name__ == "__main__":
    sys.exit(main())
