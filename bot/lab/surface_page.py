"""The study of the volatility surface as a page: tables in markdown or one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bot.lab import pages
from bot.lab.recording import read
from bot.lab.surface_study import Day, Tenor, study


def main(argv: Sequence[str] | None = None) -> int:
    """Print the study of a folder; return 0, or 1 with the reason on stderr."""
    parser = pages.command(
        "surface_page", "How well our volatility surface meets recorded chains, day by day."
    )
    arguments = parser.parse_args(argv)
    return pages.show(lambda: _page(arguments))


def _page(arguments: argparse.Namespace) -> str:
    recording = read(arguments.folder, coins=arguments.coin)
    found = {coin: study(record) for coin, record in recording.coins.items()}
    if arguments.json:
        rows = {
            coin: {
                "days": [asdict(day) for day in days],
                "tenors": [asdict(tenor) for tenor in tenors],
            }
            for coin, (days, tenors) in found.items()
        }
        return json.dumps(rows, indent=2)
    return "\n\n".join(as_markdown(coin, *tables) for coin, tables in found.items())


def as_markdown(coin: str, days: Sequence[Day], tenors: Sequence[Tenor]) -> str:
    """Return one coin's two tables."""
    by_day = pages.table(
        f"{coin} | slices | kept | error | worst | spread | inside | from marks | g | gap",
        (
            f"{day.date} | {day.slices} | {day.kept} | {day.error:.2f} | {day.worst:.2f} "
            f"| {day.spread:.2f} | {day.inside:.0%} | {day.from_marks:.2f} | {day.butterfly:.4f} "
            f"| {day.crossing:.1e}"
            for day in days
        ),
    )
    by_tenor = pages.table(
        f"{coin}, days to expiry | moves | skew dv/dk | skew-stickiness ratio",
        (
            f"{tenor.days[0]:g}–{tenor.days[1]:g} | {tenor.moves} | {tenor.skew:.3f} "
            f"| {tenor.ratio:.2f} ± {tenor.error:.2f}"
            for tenor in tenors
        ),
    )
    return f"{by_day}\n\n{by_tenor}"


if __name__ == "__main__":
    sys.exit(main())
