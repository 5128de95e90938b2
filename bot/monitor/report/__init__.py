"""The report of a trading day: one page of text or HTML, written from the journal alone."""

from bot.monitor.report.build import Report, build
from bot.monitor.report.html import as_html
from bot.monitor.report.text import as_text

__all__ = ["Report", "as_html", "as_text", "build"]
