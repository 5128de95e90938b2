"""The process of a page: on a socket that is bound already, until a signal or a leash's end.

It says nothing but what goes wrong, on standard error.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.monitor import Logs, Voices
from bot.monitor.dashboard.access import Access
from bot.monitor.dashboard.hub import Hub
from bot.monitor.dashboard.server import Server

BEHIND: Final = 10


def serve(
    state_dir: Path,
    named: tuple[str, ...],
    listening: socket.socket,
    access: Access,
    *,
    leash: int | None = None,
    as_json: bool = False,
    secrets: Iterable[str] = (),
) -> None:
    """Serve until a signal, or until whoever holds the other end of `leash` (a pipe) is gone.

    With `as_json` what goes wrong is told in JSON lines on a terminal, too; `secrets` never are.
    """
    with suppress(OSError):
        os.nice(BEHIND)  # trading goes first
    stream = sys.stderr or io.StringIO()  # none where it was closed from the start
    shape = True if as_json else None
    voice = Voices(Logs(stream, json=shape, lowest="warning", secrets=secrets))
    voice.capture()
    try:
        asyncio.run(_serve(state_dir, named, listening, access, leash))
    finally:
        voice.close()


async def _serve(
    state_dir: Path,
    named: tuple[str, ...],
    listening: socket.socket,
    access: Access,
    leash: int | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if leash is not None:
        loop.add_reader(leash, stop.set)  # it can be read when it is closed, and only then
    server = Server(Hub(state_dir, named), access)
    await server.start(listening)
    await stop.wait()
    await server.close()
