"""The process of a page: on a socket that is bound already, until a signal or a leash's end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

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
) -> None:
    """Serve until a signal, or until whoever holds the other end of `leash` (a pipe) is gone."""
    with suppress(OSError):
        os.nice(BEHIND)  # trading goes first
    asyncio.run(_serve(state_dir, named, listening, access, leash))


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
