"""What every daemon of ours does alike: its signals, its voice on this terminal, its version."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

from bot.cli import memory, notify, say
from bot.cli.stops import listening
from bot.core import Core
from bot.domain.errors import JournalError
from bot.domain.states import State
from bot.domain.units import iso
from bot.engine import Control, Supervisor
from bot.journal import Journal
from bot.monitor import LogFile, Logs, Screen, Voice, Voices
from bot.wiring.kernels import choose
from config import Settings
from config.secrets import exposed

T = TypeVar("T")
BYTES_PER_MB: Final = 1_000_000


def run_connected(running: Coroutine[Any, Any, T]) -> T:
    """Run what lives on connections, on the quicker event loop where the system has it."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows
        return asyncio.run(running)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(running)


async def with_signals(running: Awaitable[None], control: Control) -> None:
    """Await a run; what asks it to stop ends it cleanly (again is the same), SIGUSR1 halts."""
    with listening(control.request_stop, {signal.SIGUSR1: control.request_halt}):
        await running


def voice(
    settings: Settings,
    run: int,
    *,
    as_json: bool,
    verbose: bool,
    unpaced: bool = False,
    secrets: Iterable[str] = (),
) -> Voices:
    """Return who tells of a run: a screen for people, lines for everything else, and a log file.

    `unpaced` may not drop. `secrets` are never told, nor those of the environment.
    """
    lines = _Lines(settings, run, known(secrets), wait=unpaced)
    lowest = "debug" if verbose else "info"
    shown: Logs | Screen
    if as_json:
        quiet = unpaced and not verbose
        shown = lines.on(sys.stderr, "warning" if quiet else lowest)
    elif sys.stdout.isatty() and not verbose:
        limit = settings.logs.lines_per_min
        shown = Screen(sys.stdout, wait=unpaced, secrets=lines.secrets, per_min=limit)
    else:
        shown = lines.on(sys.stdout, lowest)
    file = log_file(settings)
    voices = Voices(shown)
    if file is not None:
        voices = Voices(shown, lines.on(file, settings.logs.level), str(file.path))
    voices.capture()
    return voices


def known(secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what logs must never show: these secrets, and those of the environment."""
    return (*secrets, *(secret.reveal() for secret in exposed(os.environ)))


def log_file(settings: Settings) -> LogFile | None:
    """Return the file that the settings name, if they do."""
    terms = settings.logs
    if terms.file is None:
        return None
    path = Path(str(terms.file).replace("{instance}", settings.instance))
    return LogFile(path, max_bytes=round(terms.max_mb * BYTES_PER_MB), keep=terms.keep)


class _Lines:
    """What all log lines of a run have in common."""

    def __init__(
        self, settings: Settings, run: int, secrets: tuple[str, ...], *, wait: bool
    ) -> None:
        self.secrets = secrets
        self._settings, self._run, self._wait = settings, run, wait

    def on(self, stream: TextIO | LogFile, lowest: str) -> Logs:
        """Return lines on a stream or file, from a level on; a person knows which run it is."""
        logs = Logs(
            stream,
            lowest=lowest,
            secrets=self.secrets,
            wait=self._wait,
            per_min=self._settings.logs.lines_per_min,
        )
        if isinstance(stream, LogFile) or not stream.isatty():
            logs.bind(instance=self._settings.instance, run=self._run)
        return logs


def end_badly(journal: Journal, voice: Voice, error: Exception) -> None:
    """Log an error with what belongs to it, and journal it as the end of its run if possible."""
    voice.say("run.failed", "error", found=f"{type(error).__name__}: {error}")
    for note in getattr(error, "__notes__", ()):
        say.note(note)
    with suppress(JournalError):
        journal.end_run({}, outcome=f"failed: {error}")


def tell_kept(voice: Voice, states: Mapping[str, State], core: Core) -> None:
    """Say what an earlier run left standing: without it, a bot that sends nothing looks healthy."""
    for coin, state in states.items():
        voice.say("state.kept", "warning", coin=coin or "all", state=str(state), lift="resume")
    for coin, until_ns in core.floor.machine.off_until.items():
        until = {} if until_ns is None else {"until": iso(until_ns)}
        voice.say("state.kept", "warning", coin=coin, state="off", lift=f"on {coin}", **until)
    for coin, usual in core.verbs.targets.settings.items():
        band = core.rules[coin].delta.owner
        if band != usual:
            stands, lift = f"target {band.target:g}", f"target {coin} {usual.target:g}"
            voice.say("state.kept", "warning", coin=coin, state=stands, lift=lift)


def supervisor(settings: Settings, mode: str, core: Core) -> Supervisor:
    """Return who starts this daemon again when it hangs, to be told how it stands in one line."""

    def status() -> str:
        machine = core.floor.machine
        coins = ", ".join(f"{coin} {machine.at(coin)}" for coin in core.rules)
        return f"{settings.instance} ({mode}): {core.state}; {coins}"

    return notify.supervisor(status)


def lost_lines(voice: Voice) -> dict[str, int]:
    """Return how many log lines found no room, and how many could not be written or told."""
    if not isinstance(voice, Voices):
        return {}
    lost = voice.lost()
    return {why: lost.get(f"log_lines_{why}", 0) for why in ("dropped", "failed")}


def prepare(settings: Settings) -> None:
    """Have memory and arithmetic ready before prices come; a person hears what takes a while."""
    memory.give_back()
    choose(settings.kernels, say.note if say.for_people() else None)


def version() -> str:
    """Return the installed version, which every run is journalled with."""
    try:
        return metadata.version("deltaband")
    except metadata.PackageNotFoundError:
        return "not installed"
