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
from pathlib import Path
from typing import Final, Self

from bot.cli import say
from bot.cli.stops import cut_short_by_stop
from config.secrets import names_a_key

WAIT_S: Final = 10.0
PATIENCE_S: Final = 2.0
"""How long nobody wonders why a run does not end."""
FLAG: Final = "--beside"
PRIVATE: Final = "DELTABAND_"


class Beside:
    """One process beside this one."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    @classmethod
    def start(
        cls, module: str, *arguments: str, env: Mapping[str, str], fds: Sequence[int] = ()
    ) -> Self:
        """Start a module of ours with arguments and `fds` of this process; raises OSError."""
        process = subprocess.Popen(  # noqa: S603  our own interpreter and program
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=env,
            pass_fds=fds,
            start_new_session=True,
        )
        return cls(process)

    def end(self, wait_s: float = WAIT_S) -> None:
        """Let it say its last word; one that takes too long is killed, or at the next Ctrl-C."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        left_s = wait_s - PATIENCE_S
        if self._over(min(wait_s, PATIENCE_S)):
            return
        if left_s > 0.0:
            say.note(f"the monitor's last word is awaited, {left_s:g} s at most; Ctrl-C: no longer")
            with cut_short_by_stop(self.process.kill):
                self._over(left_s)
        self.process.kill()
        self.process.wait()

    def _over(self, wait_s: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(wait_s)
        return self.process.returncode is not None


def found_from(environ: Mapping[str, str], *, settings: bool = True) -> dict[str, str]:
    """Return an environment in which a child finds this program, and no key of an exchange.

    Without `settings` it has nothing of what this program is told, the broker's password included.
    """
    mine = {
        name: value
        for name, value in environ.items()
        if not (names_a_key(name) if settings else name.startswith(PRIVATE))
    }
    here = str(Path(__file__).parents[2])
    paths = [here, *filter(None, [mine.get("PYTHONPATH")])]
    return mine | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


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
