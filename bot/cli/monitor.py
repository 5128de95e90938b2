"""`monitor`: the process that tells others how a bot stands. SIGINT, SIGTERM and SIGHUP end it.

Owns its voice and its lock; what it tells whom is in `bot.monitor`. A daemon whose settings name
somebody to tell starts one by itself.
"""

import asyncio
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.cli import beside, say
from bot.cli.exits import Exit, VerbError
from bot.cli.options import ConfigFiles, Sets, load
from bot.cli.stops import listen

if TYPE_CHECKING:
    from bot.journal.lock import Lock
    from bot.monitor import Logs
    from config import Settings

_TEST_S: Final = 20.0
_AGAIN_S: Final = 1.0

AsLines = Annotated[bool, typer.Option("--json", help="Log JSON lines on a terminal too.")]
TestAlerts = Annotated[
    bool, typer.Option("--test-alerts", help="Send a test message by every alert channel, and end.")
]
WithBot = Annotated[
    bool,
    typer.Option(
        beside.FLAG, help="Follow the run that starts this, until its end of stdin closes."
    ),
]


def monitor(
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsLines = False,
    test_alerts: TestAlerts = False,
    with_bot: WithBot = False,
) -> int:
    """Tell others how a bot stands, until Ctrl-C: by MQTT, metrics and alerts, as settings say.

    It reads the bot's journal and has no other tie to it: whatever hangs here, trading goes on.
    `run`, `paper` and `shadow` start one by themselves where none is running; one that is started
    by hand, or as a service, outlives the bot and tells of its death.
    """
    loaded = load(config, list(sets or ()))
    from bot.cli.daemon import run_connected
    from bot.monitor import Logs
    from bot.wiring.told_secrets import known_secrets

    settings = loaded.settings
    if test_alerts:
        return _test(settings)
    if not settings.tells:
        raise VerbError(
            "expected [mqtt] url, [metrics] listen or [alerts] in the settings, found nobody to"
            " tell",
            Exit.USAGE,
        )
    known = known_secrets(settings, os.environ)
    if with_bot:
        beside.give_way()
    lowest = "warning" if with_bot else "info"
    stream = sys.stderr if with_bot else sys.stdout
    logs = Logs(stream, json=True if as_json else None, lowest=lowest, secrets=known)
    try:
        run_connected(_follow(settings, logs, with_bot))
    finally:
        logs.close()
    return Exit.FINE


def _test(settings: "Settings") -> int:
    """Send a message by every channel of [alerts], and say which took it."""
    from bot.monitor.alerts import Alert, Severity
    from bot.wiring.monitoring import alert_channels

    channels = alert_channels(settings)
    if not channels:
        expected = "expected an address in [alerts] urls or urls_file"
        raise VerbError(f"{expected}, found none", Exit.USAGE)
    text = "This is a test: nothing has happened."
    for channel in channels:
        channel.put(Alert("test", Severity.INFO, "", "alerts reach you here", text))
    deadline = time.monotonic() + _TEST_S
    while not all(one.sent or one.failing for one in channels) and time.monotonic() < deadline:
        time.sleep(0.05)
    for channel in channels:
        say.line(f"{channel.name}: {'took the message' if channel.sent else 'took nothing'}")
        channel.close()
    return Exit.FINE if all(one.sent for one in channels) else Exit.ERROR


async def _follow(settings: "Settings", logs: "Logs", with_bot: bool) -> None:
    """Follow the journal until a signal, or until the bot that started this is gone."""
    stop = asyncio.Event()
    listen(stop.set)
    lock = await _be_the_only_one(settings, logs, stop, wait=not with_bot)
    if lock is None:
        return
    try:
        await _tell(settings, logs, stop, with_bot)
    finally:
        lock.release()


async def _be_the_only_one(
    settings: "Settings", logs: "Logs", stop: asyncio.Event, *, wait: bool
) -> "Lock | None":
    """Return the right to tell of an instance, `wait`ing for it; None where another has it.

    One beside a bot does not wait: another that runs as a service tells of this bot, too.
    """
    from bot.domain.errors import JournalError
    from bot.journal.lock import MONITOR, Lock

    folder = settings.state_dir / settings.instance
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    only = f"to be the only monitor of instance {settings.instance!r}"
    waits = False
    while not stop.is_set():
        try:
            return Lock(folder / MONITOR, only, "this one waits for its end")
        except JournalError as error:
            if not wait:
                return None
            if not waits:
                logs.say("monitor.waits", "warning", found=str(error))
            waits = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _AGAIN_S)
    return None


async def _tell(settings: "Settings", logs: "Logs", stop: asyncio.Event, with_bot: bool) -> None:
    from bot.journal.following import Following
    from bot.monitor.newsroom import Newsroom
    from bot.wiring.monitoring import outlets

    following = Following(settings.state_dir, settings.instance)
    told = outlets(settings, os.environ, following, logs.say)
    room = Newsroom(following, told, logs.say, whole_run=with_bot)
    logs.say("monitor.started", instance=settings.instance, tells=[one.name for one in told])
    alone = asyncio.create_task(beside.until_alone(stop)) if with_bot else None
    try:
        await room.run(stop)
    finally:
        if alone is not None:
            alone.cancel()
    logs.say("monitor.stopped")
