"""A book of positions as a CSV file: `instrument,quantity[,tag[,account]]`, one position a line.

Owns reading that file into the rows of `paper.position`; the schema judges the values. Refuses a
header with other columns, rows with too few or too many cells, and quantities that are not
finite numbers, each with its line.
"""

import csv
import io
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pydantic import ValidationError

from config.errors import ConfigError, Origin, Problem, unreadable
from config.explain import explain
from config.schema import PaperPosition

_NEEDED = ("instrument", "quantity")
_ALLOWED = (*_NEEDED, "tag", "account")


def read_positions(path: Path, origin: Origin) -> list[dict[str, object]]:
    """Give the rows of the file as tables; ConfigError names every faulty line.

    Empty cells of the optional columns, empty lines and lines that start with # count as absent.
    `origin` says who named the file.
    """
    lines = _lines(path, origin)
    rows: list[dict[str, object]] = []
    problems: list[Problem] = []
    header = _header(*lines[0]) if lines else ()
    seen: set[tuple[object, object]] = set()
    for cells, here in lines[1:]:
        row = _row(header, cells, here)
        if isinstance(row, Problem):
            problems.append(row)
        elif (name := (row.get("account"), row["instrument"])) in seen:
            problems.append(Problem("instrument", "each one once", f'"{name[1]}" again', here))
        else:
            seen.add(name)
            rows.append(row)
    if not rows and not problems:
        problems.append(Problem("", "at least one position", "none", Origin("file", str(path))))
    if problems:
        raise ConfigError(tuple(problems))
    return rows


def _lines(path: Path, origin: Origin) -> list[tuple[list[str], Origin]]:
    """Split the file into the cells of each line that says something, with where it stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as fault:
        found = f"{path}: {unreadable(fault)}"
        problem = Problem("paper.positions_csv", "a readable CSV file", found, origin)
        raise ConfigError((problem,)) from fault
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[list[str], Origin]] = []
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if any(cells) and not cells[0].startswith("#"):
                lines.append((cells, Origin("file", f"{path}, line {reader.line_num}")))
    except csv.Error as fault:
        here = Origin("file", f"{path}, line {reader.line_num}")
        raise ConfigError((Problem("", "valid CSV", str(fault), here),)) from fault
    return lines


def _header(cells: list[str], here: Origin) -> tuple[str, ...]:
    names = tuple(cell.lower() for cell in cells)
    complete = all(name in names for name in _NEEDED)
    if not complete or len(set(names)) < len(names) or not set(names) <= set(_ALLOWED):
        found = f'"{",".join(cells)}"'
        raise ConfigError(
            (Problem("", "the columns instrument,quantity[,tag[,account]]", found, here),)
        )
    return names


def _row(header: tuple[str, ...], cells: list[str], here: Origin) -> dict[str, object] | Problem:
    if len(cells) != len(header):
        return Problem("", f"{len(header)} cells ({','.join(header)})", str(len(cells)), here)
    row: dict[str, object] = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    try:
        row["quantity"] = Decimal(str(row.get("quantity", "")))
    except InvalidOperation:
        return Problem("quantity", "a number", f'"{row.get("quantity", "")}"', here)
    try:
        PaperPosition.model_validate(row)
    except ValidationError as fault:
        problem = explain(fault.errors()[0], ("paper", "position", "[0]"), lambda _: here)
        return replace(problem, key=problem.key.rpartition(".")[2])
    return row
