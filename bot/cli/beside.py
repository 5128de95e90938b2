"""Processes beside a daemon: started with it, ended with it however it ends, and never in its way.

The daemon holds one end of a pipe and never writes to it; the process beside it reads the other.
When the pipe closes, because the daemon is done or because it is gone, the process has said its
last word soon after. It has a session of its own, so that Ctrl-C reaches the daemon first, and it
is shown no key of an exchange.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Self

from bot.cli import say
from config import Loaded
from config.secrets import names_a_key

WAIT_S: Final = 10.0
FLAG: Final = "--beside"


class Beside:
    """One process beside this one."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    @classmethod
    def start(cls, verb: str, arguments: Sequence[str]) -> Self:
        """Start `deltaband VERB --beside` with the arguments; raises OSError."""
        process = subprocess.Popen(  # noqa: S603  our own interpreter and program
            [sys.executable, "-m", "bot", verb, FLAG, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=without_keys(os.environ),
            start_new_session=True,
        )
        return cls(process)

    def end(self, wait_s: float = WAIT_S) -> None:
        """Let it say its last word; one that takes too long is killed."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Companions:
    """What a daemon starts beside itself, as a context; that one cannot start ends no run."""

    def __init__(self, loaded: Loaded, instance: str) -> None:
        """Take what the settings were loaded from, and the instance whose journal is followed."""
        self._loaded = loaded
        self._again = (*loaded.again, "--set", f"instance={instance}")
        self._started: list[Beside] = []

    def __enter__(self) -> None:
        """Start what the settings ask for."""
        if self._loaded.settings.tells:
            self._start("monitor")

    def __exit__(self, *_: object) -> None:
        """Let each say its last word."""
        for one in self._started:
            one.end()

    def _start(self, verb: str) -> None:
        try:
            self._started.append(Beside.start(verb, self._again))
        except OSError as error:
            say.note(f"{verb} could not be started beside this run: {error}")


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the keys of exchanges, which who only reads must not have."""
    return {name: value for name, value in environ.items() if not names_a_key(name)}


def give_way() -> None:
    """Let the daemon have the processor first, on a machine where there is too little of it."""
    with suppress(OSError):
        os.nice(10)


async def until_alone(stop: asyncio.Event) -> None:
    """Set `stop` when the daemon that started this process is done, or gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with suppress(OSError):
        await reader.read()
    stop.set()
