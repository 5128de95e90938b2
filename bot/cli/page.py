"""The dashboard beside a paper run: a process of its own that ends with it, and is never missed.

The run binds a free loopback port itself, so that the address is known before the page is ready and
a browser that is quick waits for it. What starts it is inherited; keys to exchanges are not. The
page's process holds one end of a pipe: however the run ends, it hears.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bot.cli import say
from config import Settings

PRIVATE: Final = "DELTABAND_"
PATIENCE_S: Final = 2.0


class PageBeside:
    """A dashboard of one instance; `url` is empty where none could be started."""

    def __init__(self, settings: Settings, *, wanted: bool) -> None:
        """Know what to show, and whether anything is to be shown at all."""
        self.url, self._wanted = "", wanted
        self._state_dir, self._instance = settings.state_dir, settings.instance
        self._process: subprocess.Popen[bytes] | None = None
        self._leash = -1

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
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1
        if self._process is None:
            return
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def pid(self) -> int | None:
        """Return the process, None where there is none."""
        return None if self._process is None else self._process.pid

    def _start(self) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
            ours, theirs = os.pipe()[::-1]
            try:
                fds = (listening.fileno(), theirs)
                self._process = subprocess.Popen(  # noqa: S603  our own program
                    [
                        *(sys.executable, "-m", "bot.monitor.dashboard"),
                        *(str(self._state_dir.absolute()), self._instance),
                        *map(str, fds),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment(),
                    pass_fds=fds,
                    start_new_session=True,  # a Ctrl-C is for the run, which ends it in its time
                )
            except BaseException:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
            self._leash = ours
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/"


def _environment() -> dict[str, str]:
    """Return an environment in which the child finds this program and none of its secrets."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(PRIVATE)}
    here = str(Path(__file__).parents[2])
    paths = [here, *filter(None, [mine.get("PYTHONPATH")])]
    return mine | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
