"""The command: print fits beside the parameters that stand, and recorded beside generated."""

from __future__ import annotations

import sys
from math import isfinite
from pathlib import Path
from typing import Final

from bot.domain.errors import DeltabandError
from bot.lab.calibrate import observed
from bot.lab.calibrate.compare import Comparison, compare
from bot.lab.calibrate.figures import Figure, fit

USAGE: Final = "usage: python -m bot.lab.calibrate FOLDER [DAYS-OF-MODEL]"
MODEL_SEED: Final = 5
MODEL_DAYS: Final = 30
OFF: Final = 1
WRONG_USE: Final = 2


def main(arguments: list[str]) -> int:
    """Print both tables; return 1 where a parameter is off or a file is bad, 2 on misuse."""
    folder, *rest = arguments or [""]
    if not folder or rest[1:] or not all(word.isdigit() for word in rest):
        sys.stderr.write(USAGE + "\n")
        return WRONG_USE
    days = int(rest[0]) if rest else MODEL_DAYS
    try:
        seen = observed.recorded(Path(folder))
    except DeltabandError as error:
        sys.stderr.write(f"{error}\n")
        return OFF
    figures = fit(seen)
    sys.stdout.write(_fits(figures))
    if days:
        model = observed.generated(MODEL_SEED, "normal", days)
        sys.stdout.write("\n" + _comparisons(compare(seen, model), days))
    return 0 if all(figure.within for figure in figures) else OFF


def _fits(figures: tuple[Figure, ...]) -> str:
    lines = [f"{'parameter':32}{'fitted':>11}{'params.py':>11}{'difference':>12}{'allowed':>10}"]
    for one in figures:
        mark = "" if one.within else "  off"
        lines.append(
            f"{one.name:32}{one.fitted:11.5f}{one.set_to:11.5f}"
            f"{one.set_to - one.fitted:12.5f}{one.tolerance:10.5f}{mark}"
        )
    return "\n".join(lines) + "\n"


def _comparisons(rows: tuple[Comparison, ...], days: int) -> str:
    title = f"model: {days} d normal"
    lines = [f"{'property':38}{'recorded':>12}{title:>24}"]
    lines += [f"{row.name:38}{_number(row.recorded):>12}{_number(row.model):>24}" for row in rows]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.4f}" if isfinite(value) else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
