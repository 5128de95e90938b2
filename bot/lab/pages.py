"""What the lab's pages share: their command, how one is printed, and the tables of markdown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

from bot.domain.errors import DeltabandError
from bot.lab.policies.compare import Saving
from greeks import arithmetic


def command(page: str, about: str, *, choices: bool = True) -> argparse.ArgumentParser:
    """Return the parser of `python -m bot.lab.<page> FOLDER`, to which a page adds its own words.

    `choices`: of coins, and of JSON instead of markdown.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bot.lab.{page}", description=about)
    parser.add_argument("folder", type=Path, help="folder of recorded chains (Parquet)")
    if choices:
        parser.add_argument(
            "--coin", action="append", default=[], help="only this coin (repeatable)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def show(page: Callable[[], str]) -> int:
    """Print what a page says; return 0, or 1 with the reason on stderr where it says none.

    It is computed once, with numpy's kernels: compiling others would take longer.
    """
    arithmetic.use(arithmetic.PLAIN)
    try:
        text = page()
    except DeltabandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def table(heads: str, rows: Iterable[str], texts: Container[int] = (0,)) -> str:
    """Return a table; the cells of its heads and of each row are parted by ` | `.

    `texts` are the columns of words, set to the left; figures are set to the right.
    """
    columns = range(heads.count("|") + 1)
    rule = "".join("---|" if column in texts else "--:|" for column in columns)
    return "\n".join([f"| {heads} |", f"|{rule}", *(f"| {row} |" for row in rows)])


def savings(heads: str, rows: Sequence[tuple[str, Sequence[Saving]]]) -> str:
    """Return a table of savings at the same deviations; each row is what it is of, and they."""
    texts = range(heads.count("|") + 1)
    names = [one.at for one in rows[0][1]]
    cells = (" | ".join([what, *(one.told for one in found)]) for what, found in rows)
    return table(" | ".join([heads, *names]), cells, texts)
