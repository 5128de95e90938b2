"""Hedging policies on recorded books as a page: savings in markdown or one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from bot.domain.errors import BadInputError
from bot.lab import pages
from bot.lab.policies.decisions import FEW, Comparison, study
from bot.lab.recording import read


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison of a folder; return 0, or 1 with the reason on stderr."""
    parser = pages.command(
        "policy_page", "What hedging recorded options costs by policy, at equal deviation."
    )
    parser.add_argument("--perpetual", type=Path, help="hourly candles of a perpetual (CSV)")
    arguments = parser.parse_args(argv)
    return pages.show(lambda: _page(arguments))


def _page(arguments: argparse.Namespace) -> str:
    recording = read(arguments.folder, arguments.perpetual, arguments.coin)
    found = [one for record in recording.coins.values() for one in study(record)]
    if not found:
        expected = f"options that were recorded for {FEW} weeks"
        raise BadInputError(f"{arguments.folder}: expected {expected}, found none")
    if arguments.json:
        return json.dumps([asdict(one) for one in found], indent=2)
    return as_markdown(found)


def as_markdown(found: Sequence[Comparison]) -> str:
    """Return one table for each coin and kind of book: savings with their intervals."""
    return "\n\n".join(
        pages.savings(
            f"{title}: deviation of | gamma | drawn",
            [(f"{one.measure} | {one.ours} | {one.blocks} {one.block}", one.rows) for one in group],
        )
        for title, group in groupby(found, key=lambda one: one.title)
    )


if __name__ == "__main__":
    sys.exit(main())
