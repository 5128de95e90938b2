"""The report as one HTML page that a mail client shows: no script, no address, no picture."""

from __future__ import annotations

from html import escape
from typing import Final

from bot.monitor.report.build import Report
from bot.monitor.report.page import Section, headline, sections

_STYLE: Final = (
    "body{font:14px/1.45 system-ui,sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem;"
    "color-scheme:light dark}h1{font-size:1.05rem}h2{font-size:1rem;margin:1.4rem 0 .4rem}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "td,th{padding:.15rem .9rem .15rem 0;text-align:right;font-weight:normal;white-space:nowrap}"
    "th{border-bottom:1px solid #8888}td:first-child,th:first-child{text-align:left}"
    "p{margin:.3rem 0}.t{overflow-x:auto}"
)


def as_html(report: Report) -> str:
    """Return the page as an HTML document."""
    title = escape(headline(report))
    body = "".join(map(_section, sections(report)))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>deltaband: {title}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{title}</h1>{body}</body></html>\n"
    )


def _section(section: Section) -> str:
    table = ""
    if section.rows:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in section.header)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
            for row in section.rows
        )
        whole = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
        table = f'<div class="t"><table>{whole}</table></div>'
    notes = "".join(f"<p>{escape(note)}</p>" for note in section.notes)
    return f"<h2>{escape(section.title)}</h2>{table}{notes}"
