"""What happened and is worth a message: rows of the journal in, alerts out.

Pure. What the bot lives with by itself (a quote that is old for a moment, a hedge like any other)
is no message; what lasts is told by `standing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from bot.journal.runs import STOPPED
from bot.journal.tail import News
from bot.monitor.alerts.alert import Alert, Severity

ENDED: Final = "run ended"
RUN: Final = "run"
STARTED: Final = "the bot has started"


def told(news: News) -> Alert | None:
    """Return the message that a row is worth; None for what needs no person."""
    tell = _OF_KIND.get(news.kind)
    return None if tell is None else tell(news)


def reasons(listed: list[Mapping[str, Any]]) -> str:
    """Return reasons of the journal in words."""
    return "; ".join(filter(None, map(_because, listed)))


def _decision(news: News) -> Alert | None:
    """Tell that a book is outside its owner's band and its hedge was refused."""
    row = news.fields
    lower, delta, upper = row["lower"], row["delta_coin"], row["upper"]
    outside = None not in (lower, delta, upper) and not lower <= delta <= upper
    if not row["refused"] or row["kind"] == "gamma" or not outside:
        return None
    title = f"{row['coin']}: a hedge was refused, delta {delta:+.4f} ({lower:g} to {upper:g})"
    text = reasons(row["refused"])
    return Alert("refused", Severity.WARNING, row["coin"], title, text)


def _run(news: News) -> Alert | None:
    row = news.fields
    outcome = row["outcome"]
    if row["ended_ns"] is None and outcome is None:
        about = f"{row['mode']}, {row['market']}, version {row['version']}"
        return _of_run(news, STARTED, about)
    if outcome == STOPPED:
        text = "its run has ended in order; nobody hedges until the next"
        return _of_run(news, "the bot was stopped", text)
    if row["ended_ns"] is None:
        return None  # an earlier run, found interrupted: its end was told when it was noticed
    title = "the bot has ended: nobody hedges"
    return Alert(ENDED, Severity.CRITICAL, "", title, str(outcome), at_ns=news.ts_ns)


def _of_run(news: News, title: str, text: str) -> Alert:
    """Return a start or a stop: one story, of which the last word is told within a minute."""
    return Alert(RUN, Severity.INFO, "", title, text, urgent=True, at_ns=news.ts_ns)


def _command(news: News) -> Alert | None:
    row = news.fields
    if row["verb"] not in {"halt", "flatten", "target"} or not row["accepted"]:
        return None
    who, what = row["who"] or "somebody", f"{row['verb']} {row['coin']}".strip()
    text = f"{row['why'] or 'no reason given'}; {row['outcome']}"
    story, title = f"command {row['verb']}", f"{who}: {what}"
    alert = Alert(story, Severity.INFO, row["coin"], title, text, urgent=True)
    return replace(alert, at_ns=news.ts_ns)


_OF_KIND: Final[Mapping[str, Callable[[News], Alert | None]]] = {
    "decision": _decision,
    "run": _run,
    "command": _command,
}


def _because(said: Mapping[str, Any]) -> str:
    numbers = ", ".join(f"{name} {value:g}" for name, value in said["numbers"].items() if value)
    words = said["reason"].replace("_", " ")
    inside = ": ".join(part for part in (said["subject"], numbers) if part)
    return f"{words} ({inside})" if inside else words
