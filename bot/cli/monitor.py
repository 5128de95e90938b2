"""`monitor`: the process that tells others how a bot stands. SIGINT, SIGTERM and SIGHUP end it.

Owns its voice, its lock and the signs that it lives; what it tells whom is in `bot.monitor`. A
daemon whose settings name somebody to tell starts one by itself.
"""

import asyncio
import io
import os
import sys
import time
from contextlib import redirect_stderr, suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.cli import beside, say
from bot.cli.exits import Exit, VerbError, explain
from bot.cli.options import ConfigFiles, Sets, load
from bot.cli.stops import listen

if TYPE_CHECKING:
    from bot.engine import Supervisor
    from bot.journal.lock import Lock
    from bot.monitor import Voices
    from config import Loaded, Settings

_TEST_S: Final = 20.0
_AGAIN_S: Final = 1.0
_SHOWN_S: Final = 1.0
_NOBODY: Final = (
    "expected [mqtt] url, [metrics] listen or [alerts] in the settings, found nobody to tell"
)

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
    if with_bot:
        beside.give_way()
        try:
            return _run(load(config, list(sets or ())), as_json=as_json, with_bot=True)
        except Exception as fault:  # noqa: BLE001  explained, every one
            return _failed(fault, as_json=as_json)
    loaded = load(config, list(sets or ()))
    if test_alerts:
        return _test(loaded.settings)
    return _run(loaded, as_json=as_json, with_bot=False)


def _run(loaded: "Loaded", *, as_json: bool, with_bot: bool) -> int:
    from bot.cli.daemon import run_connected
    from bot.wiring.told_secrets import known_secrets

    settings = loaded.settings
    if not settings.tells:
        raise VerbError(_NOBODY, Exit.USAGE)
    logs = _voice(known_secrets(settings, os.environ), as_json=as_json, with_bot=with_bot)
    try:
        run_connected(_follow(settings, logs, with_bot))
    finally:
        logs.close()
    return Exit.FINE


def _voice(secrets: tuple[str, ...], *, as_json: bool, with_bot: bool) -> "Voices":
    """Return who tells of the monitor itself, and of what its libraries log."""
    from bot.monitor import Logs, Voices

    lowest, stream = ("warning", sys.stderr) if with_bot else ("info", sys.stdout)
    voice = Voices(Logs(stream, json=True if as_json else None, lowest=lowest, secrets=secrets))
    voice.capture()
    return voice


def _failed(fault: Exception, *, as_json: bool) -> int:
    """Say why a monitor beside a run ends in the lines that the run speaks in; return its code."""
    with redirect_stderr(io.StringIO()) as said:
        code = explain(fault)
    logs = _voice((), as_json=as_json, with_bot=True)
    for line in said.getvalue().splitlines():
        logs.say("monitor.failed", "error", found=line.removeprefix("error: "))
    logs.close()
    return code


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


async def _follow(settings: "Settings", logs: "Voices", with_bot: bool) -> None:
    """Follow the journal until a signal, or until the bot that started this is gone."""
    stop = asyncio.Event()
    listen(stop.set)
    who = _supervisor(settings, with_bot=with_bot)
    lock = await _be_the_only_one(settings, logs, stop, who, wait=not with_bot)
    if lock is None:
        return
    shown = asyncio.create_task(_show_life(lock, who))
    try:
        await _tell(settings, logs, stop, with_bot)
    finally:
        shown.cancel()
        lock.release()


def _supervisor(settings: "Settings", *, with_bot: bool) -> "Supervisor":
    """Return who starts this monitor again when it hangs; one beside a bot is the bot's."""
    from bot.cli import notify
    from bot.engine import Nobody

    return Nobody() if with_bot else notify.supervisor(lambda: f"tells of {settings.instance}")


async def _show_life(lock: "Lock", who: "Supervisor") -> None:
    """Show about once a second that this loop turns, to who looks at the lock and who watches."""
    from bot.domain.states import State

    while True:
        lock.show()
        who.beat(State.RUNNING)
        await asyncio.sleep(_SHOWN_S)


async def _be_the_only_one(
    settings: "Settings", logs: "Voices", stop: asyncio.Event, who: "Supervisor", *, wait: bool
) -> "Lock | None":
    """Return the right to tell of an instance, `wait`ing for it; None where another has it.

    One beside a bot does not wait: another that runs as a service tells of this bot, too. One that
    waits lives, as `who` hears.
    """
    from bot.domain.errors import JournalError
    from bot.domain.states import State
    from bot.journal.lock import MONITOR, Lock

    folder = settings.state_dir / settings.instance
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    only = f"to be the only monitor of instance {settings.instance!r}"
    waits = False
    while not stop.is_set():
        who.beat(State.RUNNING)
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


async def _tell(settings: "Settings", logs: "Voices", stop: asyncio.Event, with_bot: bool) -> None:
    from bot.journal.following import Following
    from bot.monitor.newsroom import Newsroom
    from bot.wiring.monitoring import outlets

    following = Following(settings.state_dir, settings.instance)
    told = outlets(settings, os.environ, following, logs.say)
    if not told:
        raise VerbError(f"{_NOBODY}: no address in {settings.alerts.urls_file}", Exit.USAGE)
    room = Newsroom(following, told, logs.say, whole_run=with_bot)
    logs.say("monitor.started", instance=settings.instance, tells=[one.name for one in told])
    alone = asyncio.create_task(beside.until_alone(stop)) if with_bot else None
    try:
        await room.run(stop)
    finally:
        if alone is not None:
            alone.cancel()
    logs.say("monitor.stopped")
