"""`report`: a trading day on one page, from the journal of a bot that runs or ran."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError
from bot.cli.options import AsJson, ConfigFiles, Instance, Sets, journal


def _date(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007  a day alone
    except ValueError:
        raise typer.BadParameter(
            f"expected a day such as 2026-02-05, found {text[:40]!r}"
        ) from None


Day = Annotated[
    str | None,
    typer.Option(
        "--day",
        parser=_date,
        metavar="DATE",
        help="The day that began at 08:00 UTC of this date; without it, the newest.",
    ),
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the page as HTML as well.")
]


def report(
    day: Day = None,
    html: Html = None,
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Show a trading day: what profit came from, what hedging cost, what expires and what then.

    A day runs from 08:00 UTC to the next. With [alerts] in the settings its page is sent each
    morning.
    """
    with journal(config, sets, instance) as reader:
        from dataclasses import asdict

        from bot.domain.units import day_start, iso, utc_ns
        from bot.monitor.report import as_html, as_text, build

        now_ns = reader.status()["ts_ns"]
        day_ns = day_start(now_ns)
        if day is not None:
            date = datetime.fromisoformat(day).replace(tzinfo=UTC)
            day_ns = utc_ns(date.year, date.month, date.day, 8)
            if day_ns > now_ns:
                begun = f"{iso(day_start(now_ns))[:10]}, the newest that has begun"
                raise VerbError(f"--day: expected a day up to {begun}, found {day}", Exit.USAGE)
        built = build(reader, day_ns)
        if html is not None:
            _write(html, as_html(built))
        if as_json:
            ends = [asdict(one) for one in built.expiring]
            say.json({"day_ns": day_ns, **built.figures, "expiring": ends})
        else:
            say.line(as_text(built).rstrip("\n"))
    return Exit.FINE


def _write(file: Path, text: str) -> None:
    """Write the page; a new file is its owner's alone, as the journal is that it comes from."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    try:
        with open(file, "w", encoding="utf-8", opener=opener) as page:
            page.write(text)
    except OSError as fault:
        found = f"{file}: {fault.strerror or fault}"
        raise VerbError(f"--html: expected a file that can be written, found {found}") from None
