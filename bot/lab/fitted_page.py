"""The fitted markets as a page: Bates's model fitted again to a recording."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

from bot.domain.errors import BadInputError
from bot.domain.units import iso
from bot.lab import pages
from bot.lab.policies.fitted import FITTED, fit, snapshot
from bot.lab.recording import read
from greeks.bates import Bates

NAMES: Final = tuple(field.name for field in fields(Bates))
HEADS: Final = ("market", "snapshot", "error", "index error", *NAMES, "at a bound")


def main(argv: Sequence[str] | None = None) -> int:
    """Print one row for each market; return 0, or 1 with the reason on stderr."""
    parser = pages.command(
        "fitted_page",
        "Bates's model fitted again to the moments of the fitted markets.",
        choices=False,
    )
    folder = parser.parse_args(argv).folder
    texts = (0, 1, len(HEADS) - 1)
    return pages.show(lambda: pages.table(" | ".join(HEADS), _rows(folder), texts))


def _rows(folder: Path) -> Iterator[str]:
    """Yield the markets of a folder's coins; raise BadInputError where one cannot be fitted."""
    coins = read(folder).coins
    for market in FITTED:
        if market.coin not in coins:
            continue
        record = coins[market.coin]
        try:
            shot = snapshot(record, market.ts_ns)
            found = fit(record, shot, market.index_vol)
        except ValueError as error:
            raise BadInputError(str(error)) from error
        figures = " | ".join(f"{value:.6g}" for value in astuple(found.model))
        bounds = ", ".join(found.at_bounds) or "–"
        yield (
            f"{market.name} | {iso(shot.ts_ns)} | {found.rms:.3f} "
            f"| {found.index_error:.3f} | {figures} | {bounds}"
        )


if __name__ == "__main__":
    sys.exit(main())
