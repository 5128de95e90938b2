"""What a benchmark says: rows of name, value, unit, target, met; as a table and as JSON lines.

A name is `group.figure`. A figure that is not reached is said as it is; `met` is None where nothing
was promised or nothing could be measured.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `target` reads as `>= 0.98`."""

    name: str
    value: float | None
    unit: str = ""
    target: str | None = None
    met: bool | None = None


def plain(name: str, value: float | None, unit: str = "") -> Row:
    """Return a figure that nothing was promised about."""
    return Row(name, value, unit)


def least(name: str, value: float | None, unit: str, bound: float) -> Row:
    """Return a figure that should reach a bound."""
    return Row(name, value, unit, f">= {bound:g}", None if value is None else value >= bound)


def most(name: str, value: float | None, unit: str, bound: float) -> Row:
    """Return a figure that should not pass a bound."""
    return Row(name, value, unit, f"<= {bound:g}", None if value is None else value <= bound)


def below(name: str, value: float | None, unit: str, bound: float) -> Row:
    """Return a figure that should stay under a bound."""
    return Row(name, value, unit, f"< {bound:g}", None if value is None else value < bound)


def skipped(group: str, why: str) -> list[Row]:
    """Return the row of a group that cannot be measured here."""
    return [Row(group, None, f"skipped: {why}")]


def table(rows: Sequence[Row]) -> str:
    """Return rows in aligned columns: name, value, unit, target, met."""
    met = {True: "met", False: "MISSED", None: ""}
    cells = [(r.name, _number(r.value), r.unit, r.target or "", met[r.met]) for r in rows]
    wide = [max(len(cell[i]) for cell in cells) for i in range(5)]
    return "\n".join(
        f"  {n:<{wide[0]}}  {v:>{wide[1]}}  {u:<{wide[2]}}  {t:<{wide[3]}}  {m}".rstrip()
        for n, v, u, t, m in cells
    )


def json_lines(rows: Iterable[Row]) -> str:
    """Return one JSON object a line."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 1_000.0 else f"{value:.4g}"
