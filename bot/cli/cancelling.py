"""`cancel-all`: halts a bot and cancels at the exchange itself, whether the bot answers or not.

Halts by the file HALT, which needs nobody's answer and holds for a bot that is started later; then
cancels over a connection of its own, and looks again until nothing is listed.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.cli import say
from bot.cli.control import Why, operator
from bot.cli.exits import Exit, VerbError, complain
from bot.cli.options import AsJson, ConfigFiles, Instance, Sets, load
from bot.cli.typed import must_type

if TYPE_CHECKING:
    from bot.journal import Reader
    from bot.venues.deribit.canceller import OpenOrder, Swept
    from config import Settings

_PATIENCE_S: Final = 3.0
_POLL_S: Final = 0.05

Everything = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Every order in the hedged underlyings, whoever placed it; asks for typed words.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for the words.")]


def cancel_all(
    everything: Everything = False,
    yes: Yes = False,
    why: Why = "",
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Halt the bot by the file HALT and cancel its orders at the exchange, with or without it.

    With --all every order in the hedged underlyings, also a person's. The bot trades again after
    the file was removed and `resume`. Exit code 1 where an order was left, 3 where the exchange
    could not be reached (the bot is halted all the same).
    """
    settings = load(config, list(sets or ())).settings
    if settings.mode == "paper":
        found = 'expected the settings of a sandbox or live bot (-c FILE), found mode = "paper"'
        raise VerbError(f"{found}, whose orders `halt` cancels", Exit.USAGE)
    where = instance or settings.instance
    coins = tuple(settings.underlying)
    if everything and not yes:
        must_type(f"cancel all {' '.join(coins)}", "--yes")
    what = "cancel-all --all" if everything else "cancel-all"
    file = _halt(settings.state_dir / where, f"{what}{': ' if why else ''}{why}")
    from bot.cli.daemon import run_connected
    from bot.domain.labels import is_of

    def wanted(order: "OpenOrder") -> bool:
        return order.coin in coins if everything else is_of(order.label, where)

    swept = run_connected(_sweep(settings, file, wanted))
    return _report(where, file, swept, as_json=as_json)


def _halt(folder: Path, why: str) -> Path:
    """Put the HALT file into an instance's folder, new or not."""
    from bot.journal.halt import NAME, raise_halt

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    raise_halt(folder / NAME, time.time_ns(), operator(), why)
    return folder / NAME


async def _sweep(
    settings: "Settings", file: Path, wanted: "Callable[[OpenOrder], bool]"
) -> "Swept":
    from bot.venues.deribit.requests import NoAnswerError, NotSentError
    from bot.venues.deribit.terms import VenueUnreachableError
    from bot.venues.steady import SteadyClock
    from bot.wiring.live import canceller

    hand = canceller(settings, os.environ, SteadyClock())
    try:
        await hand.open()
        return await hand.sweep(wanted)
    except (VenueUnreachableError, NoAnswerError, NotSentError) as error:
        done = f"{file} halts the bot, nothing is known to be cancelled"
        raise VerbError(f"{error}; {done}", Exit.VENUE) from error
    finally:
        await hand.close()


def _report(instance: str, file: Path, swept: "Swept", *, as_json: bool) -> int:
    bot = _bot(file.parent)
    count, left = len(swept.cancelled), [order.venue_id for order in swept.left]
    outcome = f"{count} orders cancelled; {bot}; {file} keeps it halted until it is removed"
    if left:
        outcome = f"expected no open order, found {len(left)} ({', '.join(left)}); {outcome}"
    if as_json:
        rows = asdict(swept)
        about = {"instance": instance, "accepted": not left, "outcome": outcome, "file": str(file)}
        say.json(about | rows)
    elif not left:
        for order in swept.cancelled:
            say.line(f"{order.venue_id}  {order.instrument}  {order.label or '(no label)'}")
        say.line(f"cancel-all on {instance}: {outcome}")
    say.flush()
    if left:
        complain(outcome)
    return Exit.ERROR if left else Exit.FINE


def _bot(folder: Path) -> str:
    """Say how the bot of a folder stands, once it has had time to see the file."""
    from bot.domain.errors import JournalError
    from bot.journal import Reader

    try:
        reader = Reader.open(folder.parent, folder.name)
    except JournalError:
        return "no bot has run there"
    try:
        return _stands(reader)
    except JournalError as fault:
        return f"the bot's journal cannot be read ({fault})"
    finally:
        reader.close()


def _stands(reader: "Reader") -> str:
    from bot.domain.states import State

    deadline = time.monotonic() + _PATIENCE_S
    while reader.running():
        if reader.status()["state"] is State.HALTED:
            return "the bot is HALTED"
        if time.monotonic() > deadline:
            return "the bot has not said that it is HALTED"
        time.sleep(_POLL_S)
    return "no bot runs"
