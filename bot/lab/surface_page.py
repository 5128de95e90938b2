"""The study of the volatility surface as a page: tables in markdown or one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bot.domain.errors import DeltabandError
from bot.lab.recording import read
from bot.lab.surface_study import Day, Tenor, study
from greeks import arithmetic


def main(argv: Sequence[str] | None = None) -> int:
    """Print the study of a folder; return 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.lab.surface_page",
        description="How well our volatility surface meets recorded chains, day by day.",
    )
    parser.add_argument("folder", type=Path, help="folder of recorded chains (Parquet)")
    parser.add_argument("--coin", action="append", default=[], help="only this coin (repeatable)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args(argv)
    arithmetic.use(arithmetic.PLAIN)
    try:
        recording = read(arguments.folder, coins=arguments.coin)
        found = {coin: study(record) for coin, record in recording.coins.items()}
    except DeltabandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments.json:
        page = json.dumps(
            {
                coin: {
                    "days": [asdict(day) for day in days],
                    "tenors": [asdict(tenor) for tenor in tenors],
                }
                for coin, (days, tenors) in found.items()
            },
            indent=2,
        )
    else:
        page = "\n\n".join(as_markdown(coin, *tables) for coin, tables in found.items())
    sys.stdout.write(page + "\n")
    return 0


def as_markdown(coin: str, days: Sequence[Day], tenors: Sequence[Tenor]) -> str:
    """Return one coin's two tables."""
    lines = [
        f"| {coin} | slices | kept | error | worst | spread | inside | from marks | g | gap |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {day.date} | {day.slices} | {day.kept} | {day.error:.2f} | {day.worst:.2f} "
        f"| {day.spread:.2f} | {day.inside:.0%} | {day.from_marks:.2f} | {day.butterfly:.4f} "
        f"| {day.crossing:.1e} |"
        for day in days
    ]
    lines += [
        "",
        f"| {coin}, days to expiry | moves | skew dv/dk | skew-stickiness ratio |",
        "|---|--:|--:|--:|",
    ]
    lines += [
        f"| {tenor.days[0]:g}–{tenor.days[1]:g} | {tenor.moves} | {tenor.skew:.3f} "
        f"| {tenor.ratio:.2f} ± {tenor.error:.2f} |"
        for tenor in tenors
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
