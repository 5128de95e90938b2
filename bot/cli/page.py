"""The dashboard beside a paper run: a process of its own that ends with it, and is never missed.

The run binds a free loopback port itself, so that the address is known before the page is ready and
a browser that is quick waits for it. What starts it is inherited; keys to exchanges are not.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from bot.cli import say
from bot.cli.beside import Beside, found_from
from config import Settings

PATIENCE_S: Final = 2.0


class PageBeside:
    """A dashboard of one instance; `url` is empty where none could be started."""

    def __init__(self, settings: Settings, *, wanted: bool) -> None:
        """Know what to show, and whether anything is to be shown at all."""
        self.url, self._wanted = "", wanted
        self._state_dir, self._instance = settings.state_dir, settings.instance
        self._beside: Beside | None = None

    def __enter__(self) -> Self:
        """Start it and say where it is; what goes wrong is no fault of the run's."""
        if self._wanted:
            with suppress(OSError, subprocess.SubprocessError):
                self._start()
        if self.url:
            say.note(f"dashboard: {self.url}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        beside, self._beside = self._beside, None
        if beside is not None:
            beside.end(PATIENCE_S)

    @property
    def pid(self) -> int | None:
        """Return the process, None where there is none."""
        return None if self._beside is None else self._beside.process.pid

    def _start(self) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
            number, folder = listening.fileno(), str(self._state_dir.absolute())
            shown = (folder, self._instance, str(number))
            module = "bot.monitor.dashboard"
            env = found_from(os.environ, settings=False)
            self._beside = Beside.start(module, *shown, env=env, fds=(number,))
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
