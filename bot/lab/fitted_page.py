"""The fitted markets as a page: Bates's model fitted again to a recording."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

from bot.domain.errors import DeltabandError
from bot.domain.units import iso
from bot.lab.policies.fitted import FITTED, fit, snapshot
from bot.lab.recording import read
from greeks import arithmetic
from greeks.bates import Bates

NAMES: Final = tuple(field.name for field in fields(Bates))


def main(argv: Sequence[str] | None = None) -> int:
    """Print one row for each market; return 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.lab.fitted_page",
        description="Bates's model fitted again to the moments of the fitted markets.",
    )
    parser.add_argument("folder", type=Path, help="folder of recorded chains (Parquet)")
    arguments = parser.parse_args(argv)
    arithmetic.use(arithmetic.PLAIN)
    lines = [
        f"| market | snapshot | error | index error | {' | '.join(NAMES)} | at a bound |",
        f"|---|---|--:|--:|{'--:|' * len(NAMES)}---|",
    ]
    try:
        coins = read(arguments.folder).coins
        for market in FITTED:
            if market.coin not in coins:
                continue
            record = coins[market.coin]
            shot = snapshot(record, market.ts_ns)
            found = fit(record, shot, market.index_vol)
            figures = " | ".join(f"{value:.6g}" for value in astuple(found.model))
            bounds = ", ".join(found.at_bounds) or "–"
            lines.append(
                f"| {market.name} | {iso(shot.ts_ns)} | {found.rms:.3f} "
                f"| {found.index_error:.3f} | {figures} | {bounds} |"
            )
    except (DeltabandError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
