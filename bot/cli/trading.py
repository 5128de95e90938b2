"""`paper`: the daemon, its options read and judged before anything starts.

Owns the words of time and speed. A signal that comes before there is anything to stop ends the
verb as cleanly as one that comes later.
"""

import math
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError
from bot.cli.options import AsJson, ConfigFiles, Seed, Sets, load, span_s
from bot.cli.stops import on_stop


class StoppedEarlyError(KeyboardInterrupt):
    """A signal came before the run had begun."""


def pace(text: str) -> float:
    """Read how many market seconds pass in one; infinity is as fast as the machine can."""
    try:
        value = math.inf if text == "max" else float(text)
    except ValueError:
        value = math.nan
    if value > 0 and (text == "max" or math.isfinite(value)):
        return value
    raise typer.BadParameter(f"expected a number above 0 or max, found {text[:40]!r}")


def moment(text: str) -> str:
    """Read a time in ISO 8601, UTC where it names no zone, and return it in UTC."""
    try:
        read = datetime.fromisoformat(text)
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter(f"expected a time such as 2026-02-05T00:00Z, found {text[:40]!r}")


Market = Annotated[
    str | None,
    typer.Option(
        "--market",
        metavar="WHICH",
        help="synthetic, replay:FOLDER for recorded chains, or venue for the exchange's public "
        "streams.",
    ),
]
From = Annotated[
    str | None,
    typer.Option("--from", parser=moment, metavar="TIME", help="Where a replay begins, UTC."),
]
For = Annotated[
    float | None,
    typer.Option(
        "--for",
        parser=span_s,
        metavar="TIME",
        help="Market time after which the run ends: 90s, 15m, 6h, 2d. Without it: until Ctrl-C.",
    ),
]
Speed = Annotated[
    float | None,
    typer.Option(
        "--speed",
        parser=pace,
        metavar="N|max",
        help="Market seconds in one second of the clock, or max.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the account of the last run, not a fresh one.")
]

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log lines instead of a screen, debug ones too.")
]


NoDashboard = Annotated[
    bool,
    typer.Option(
        "--no-dashboard", help="Start no page beside the run (none is with --json or --speed max)."
    ),
]


def paper(  # noqa: PLR0917  typer passes options by name
    market: Market = None,
    from_time: From = None,
    for_s: For = None,
    speed: Speed = None,
    seed: Seed = None,
    resume: Resume = False,
    no_dashboard: NoDashboard = False,
    config: ConfigFiles = None,
    sets: Sets = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> int:
    """Hedge the book on paper, until Ctrl-C or for a while; without settings, the demo book.

    No key is read and no order can leave this machine.
    """

    def begin() -> int:
        said = {"market": market, "sim.seed": None if seed is None else str(seed)}
        given = {key: text for key, text in said.items() if text is not None}
        loaded = load(config, sets, given)
        if from_time is not None and loaded.settings.replay is None:
            found = loaded.settings.market
            expected = "--from: expected it beside --market replay:FOLDER"
            raise VerbError(f"{expected}, found {found}", Exit.USAGE)
        from bot.cli.paper import run_paper

        return run_paper(
            loaded,
            for_s=for_s,
            speed=speed,
            seed=seed,
            resume=resume,
            from_time=from_time,
            as_json=as_json,
            verbose=verbose,
            page=not no_dashboard,
        )

    return _stoppable(begin)


Live = Annotated[
    bool,
    typer.Option("--live", help='Send orders for real money; only together with mode = "live".'),
]


def run(
    live: Live = False,
    config: ConfigFiles = None,
    sets: Sets = None,
    for_s: For = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> int:
    """Hedge the account of the settings, in its exchange's sandbox or (with --live) for real.

    Keys come from DELTABAND_<VENUE>_KEY and _SECRET, or the files that the same with _FILE name;
    for real money from files alone.
    """

    def begin() -> int:
        loaded = load(config, list(sets or ()))
        from bot.cli.live import run_live

        return run_live(loaded, real=live, for_s=for_s, as_json=as_json, verbose=verbose)

    return _stoppable(begin)


def shadow(
    config: ConfigFiles = None,
    sets: Sets = None,
    for_s: For = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> int:
    """Hedge a copy of the account of the settings (mode sandbox or live), which is only read.

    The key needs to read positions and nothing else. Once a day: what would have been done.
    """

    def begin() -> int:
        loaded = load(config, list(sets or ()))
        from bot.cli.onlooker import run_shadow

        return run_shadow(loaded, for_s=for_s, as_json=as_json, verbose=verbose)

    return _stoppable(begin)


def _stoppable(begin: Callable[[], int]) -> int:
    """Run a daemon; a stop before it has begun ends it as cleanly as one later."""
    on_stop(_stop)
    try:
        return begin()
    except StoppedEarlyError:
        say.note("stopped before the first order")
        return Exit.FINE
    finally:
        on_stop(signal.SIG_IGN)  # the same request again, and nothing is left to stop


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End what has not begun, once: the run itself listens in its own way."""
    on_stop(signal.SIG_IGN)
    raise StoppedEarlyError
