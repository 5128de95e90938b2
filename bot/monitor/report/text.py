"""The report as plain text, in columns."""

from __future__ import annotations

from bot.monitor.report.build import Report
from bot.monitor.report.page import Section, headline, sections


def as_text(report: Report) -> str:
    """Return the page as lines of text."""
    parts = [headline(report), *(_section(one) for one in sections(report))]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> str:
    lines = [section.title]
    rows = [section.header, *section.rows] if section.header else list(section.rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  " + "  ".join((first, *rest)).rstrip())
    return "\n".join([*lines, *(f"  {note}" for note in section.notes)])
