"""`watchdog`: the process that stops a bot from outside. SIGINT, SIGTERM and SIGHUP end it.

Owns its connection, its voice and its lock; what it does is in `bot.watchdog`.
"""

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exits import Exit, VerbError
from bot.cli.options import ConfigFiles, Sets, load
from bot.cli.stops import listen

if TYPE_CHECKING:
    from bot.monitor import Voices
    from config import Settings

NO_PAPER = (
    'expected mode = "sandbox" or "live" for this verb, found "paper": a paper bot\'s orders rest'
    " in its own process and end with it, so there is nothing at an exchange to cancel"
)

AsLines = Annotated[bool, typer.Option("--json", help="Log JSON lines on a terminal too.")]


def watchdog(config: ConfigFiles = None, sets: Sets = None, as_json: AsLines = False) -> int:
    """Watch a bot on an exchange from outside, until Ctrl-C.

    When its decisions stop for watchdog.after_s, or the file HALT appears, its orders are cancelled
    over a connection of its own. A bot that hangs is halted as well. Start it beside `run`, with
    the same settings; its key may be one of its own, DELTABAND_<VENUE>_WATCHDOG_KEY and _SECRET (or
    _FILE).
    """
    loaded = load(config, list(sets or ()))
    if loaded.settings.mode == "paper":
        raise VerbError(NO_PAPER, Exit.USAGE)
    from bot.cli.daemon import known, run_connected
    from bot.journal.lock import Lock
    from bot.monitor import Logs, Voices
    from bot.wiring.live import stopping_key, words_of

    settings = loaded.settings
    key, own_key = stopping_key(settings, os.environ)
    secrets = known(words_of(key))
    folder = settings.state_dir / settings.instance
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    only = f"to be the only watchdog of instance {settings.instance!r}"
    lock = Lock(folder / "watchdog.lock", only, "one is enough")
    lines = Logs(
        sys.stdout, json=True if as_json else None, secrets=secrets, instance=settings.instance
    )
    logs = Voices(lines)
    logs.capture()
    try:
        run_connected(_watch(settings, logs, own_key=own_key))
    finally:
        logs.close()
        lock.release()
    return Exit.FINE


async def _watch(settings: "Settings", logs: "Voices", *, own_key: bool) -> None:
    """Connect, and watch until a signal."""
    from bot.journal.halt import NAME
    from bot.journal.pulse import PulseReader
    from bot.venues.deribit.terms import VenueUnreachableError
    from bot.venues.steady import SteadyClock
    from bot.watchdog import Watchdog
    from bot.wiring.live import canceller

    stop = asyncio.Event()
    listen(stop.set)

    def changed(to: str) -> None:
        logs.say(f"watchdog.{to}", "info" if to == "connected" else "warning")

    pulse = PulseReader(settings.state_dir, settings.instance)
    hand = canceller(settings, os.environ, SteadyClock(), changed=changed)
    dog = Watchdog(
        settings.instance,
        settings.state_dir / settings.instance / NAME,
        pulse.feel,
        hand.sweep,
        logs.say,
        after_s=settings.watchdog.after_s,
    )
    try:
        try:
            await hand.open()
        except VenueUnreachableError as error:
            logs.say("watchdog.cannot_connect", "error", found=str(error))
        logs.say(
            "watchdog.started",
            instance=settings.instance,
            after_s=settings.watchdog.after_s,
            own_key=own_key,
            connected=hand.ready,
        )
        await dog.watch(stop, hand.must_live)
    finally:
        pulse.close()
        await hand.close()
    logs.say("watchdog.stopped")
