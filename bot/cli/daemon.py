"""What every daemon of ours does alike: its signals, its voice on this terminal, its version."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Coroutine, Mapping
from contextlib import suppress
from importlib import metadata
from typing import Any, TypeVar

from bot.cli import memory, say
from bot.core import Core
from bot.domain.errors import JournalError
from bot.domain.states import State
from bot.domain.units import iso
from bot.engine import Control
from bot.journal import Journal
from bot.monitor import Logs, Screen, Voice
from bot.wiring.kernels import choose
from config import Settings

T = TypeVar("T")


def run_connected(running: Coroutine[Any, Any, T]) -> T:
    """Run what lives on connections, on the quicker event loop where the system has it."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows
        return asyncio.run(running)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(running)


async def with_signals(running: Awaitable[None], control: Control) -> None:
    """Await a run; SIGINT and SIGTERM end it cleanly (again is the same), SIGUSR1 halts."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, control.request_stop)
    loop.add_signal_handler(signal.SIGUSR1, control.request_halt)
    try:
        await running
    finally:
        # What comes after the loop (summary, journal) must not be cut short by a repeated request.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


def voice(*, as_json: bool, verbose: bool, unpaced: bool = False) -> Voice:
    """Return who tells: a screen for people, lines for everything else; `unpaced` may not drop."""
    lowest = "debug" if verbose else "info"
    if as_json:
        quiet = unpaced and not verbose
        return Logs(sys.stderr, wait=unpaced, lowest="warning" if quiet else lowest)
    if sys.stdout.isatty() and not verbose:
        return Screen(sys.stdout, wait=unpaced)
    return Logs(sys.stdout, wait=unpaced, lowest=lowest)


def end_badly(journal: Journal, error: Exception) -> None:
    """Say what belongs to an error, and journal it as the end of its run where that can be done."""
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
