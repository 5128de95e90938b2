"""How long a stop takes: from `halt` to the last order and to nothing that rests, and by watchdog.

A bot in a process of its own on our exchange over loopback, with an order that rests at the band's
edge. A halt counts from the moment at which it is queued; what the command itself takes to start is
beside it. The watchdog counts from the moment at which the bot is stopped with SIGSTOP.
"""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bot.journal import Reader
from bot.sim.wire.auth import TRADER
from bot.sim.wire.hub import Hub
from bot.sim.wire.server import Server
from tests.bench import rows
from tests.bench.programs import TOP, BenchError
from tests.bench.rows import Row
from tests.wire.resting import RestingBot, opening

RUNS = 3
PATIENCE_S = 40.0
NO_ORDER_MS, CANCELLED_MS, WATCHDOG_MS = 250.0, 2_000.0, 5_000.0


def killing() -> list[Row]:
    """Return the milliseconds of each stop, the worst of a few runs where a bound is promised."""
    halts, dogs = asyncio.run(_measured())
    still, gone, typed = (list(column) for column in zip(*halts, strict=True))
    return [
        rows.most("wire.halt_no_new_order", max(still), "ms from queued, worst", NO_ORDER_MS),
        rows.most("wire.halt_cancelled", max(gone), "ms from queued, worst", CANCELLED_MS),
        rows.plain("wire.halt_cancelled_p50", median(gone), "ms"),
        rows.plain("wire.halt_command_p50", median(typed), "ms, the interpreter's start included"),
        rows.most("wire.watchdog_cancelled", max(dogs), "ms from SIGSTOP, worst", WATCHDOG_MS),
        rows.plain("wire.watchdog_cancelled_p50", median(dogs), "ms"),
    ]


async def _measured() -> tuple[list[tuple[float, ...]], list[float]]:
    halts, dogs = [], []
    for _ in range(RUNS):
        with TemporaryDirectory() as folder:
            halts.append(await _with_bot(Path(folder), _halt))
        with TemporaryDirectory() as folder:
            (took,) = await _with_bot(Path(folder), _stop)
            dogs.append(took)
    return halts, dogs


async def _with_bot(folder: Path, measure: Callable) -> tuple[float, ...]:
    hub = Hub(opening())
    async with Server(hub) as server:
        bot = RestingBot(server, folder)
        processes = [await _start(bot, "run")]
        try:
            await _comes(lambda: hub.exchange.working, "an order that rests")
            found: tuple[float, ...] = await measure(hub, bot, processes)
        finally:
            for process in processes:
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                await process.wait()
        return found


async def _halt(hub: Hub, bot: RestingBot, processes: list) -> tuple[float, ...]:
    """Return ms from queued to HALTED (or a later order), to nothing resting; of the command."""
    begun = time.monotonic_ns()
    command = await _start(bot, "halt")
    processes.append(command)
    await _comes(lambda: not hub.exchange.working, "the cancellation")
    gone_ns = time.time_ns()
    await command.wait()
    typed = (time.monotonic_ns() - begun) / 1e6
    await asyncio.sleep(1.0)
    with sqlite3.connect(bot.folder / "sand" / "journal.sqlite") as db:
        sql = "SELECT at_ns, done_ns FROM commands WHERE verb = 'halt'"
        ((at_ns, done_ns),) = db.execute(sql).fetchall()
        (sent_ns,) = db.execute("SELECT max(created_ns) FROM intents").fetchone()
    still_ns = max(sent_ns, done_ns) - at_ns
    return still_ns / 1e6, (gone_ns - at_ns) / 1e6, typed


async def _stop(hub: Hub, bot: RestingBot, processes: list) -> tuple[float, ...]:
    """Return ms from SIGSTOP of the bot to nothing resting."""
    dog = await _start(bot, "watchdog", stdout=asyncio.subprocess.PIPE)
    processes.append(dog)
    assert dog.stdout is not None
    while b"watchdog.started" not in (line := await dog.stdout.readline()):
        if not line:
            raise BenchError("expected a watchdog, found that it ended")
    reader = Reader.open(bot.folder, "sand")
    try:
        pid = reader.run()["pid"]
    finally:
        reader.close()
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic_ns()
    await _comes(lambda: not hub.exchange.working, "the cancellation")
    return ((time.monotonic_ns() - begun) / 1e6,)


async def _start(
    bot: RestingBot, verb: str, stdout: int = asyncio.subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    keys = {
        "DELTABAND_DERIBIT_KEY": TRADER.client_id,
        "DELTABAND_DERIBIT_SECRET": TRADER.secret,
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", verb, "-c", str(bot.settings), "--json"),
        cwd=TOP,
        env=os.environ | keys,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _comes(true: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not true():  # noqa: ASYNC110  another process makes it true
                await asyncio.sleep(0.001)
    except TimeoutError as error:
        raise BenchError(f"expected {what} within {PATIENCE_S:g} s, found none") from error
