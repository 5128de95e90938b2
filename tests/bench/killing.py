"""How long a stop takes: from a halt to the last order and to nothing that rests, and by watchdog.

Bots in processes of their own on our exchange over loopback. One that moves its resting orders all
the time is halted by each of the three ways; a halt counts from the moment at which the command is
queued, the file is there or the signal is sent, to the last order that arrives at the exchange (or
to HALTED, whichever is later), and to the last moment at which anything of ours rests. Another one
has the watchdog beside it and an order that rests: its process is stopped with SIGSTOP, or its loop
is blocked while the process and its connections stand.
"""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bot.journal import Reader
from bot.sim.wire.auth import TRADER
from bot.sim.wire.hub import Hub, Opening
from bot.sim.wire.server import Server
from bot.sim.wire.tickets import Terms, Ticket
from tests.bench import rows
from tests.bench.programs import TOP, BenchError
from tests.bench.rows import Row
from tests.struck import struck
from tests.wire.resting import RestingBot, opening, says
from tests.wire.test_run import straddle

RUNS = 5
PATIENCE_S = 40.0
QUIET_S = 1.0  # for an order that is on its way
WAYS = ("command", "file", "signal")
BLOCKS = ("stopped", "blocked")
LAST_ORDER_MS, CANCELLED_MS, WATCHDOG_MS = 250.0, 2_000.0, 5_000.0
BUSY = "width_coin = 0.05, rest_at_edges = true }, cooldown_s = 0.0, poll_s = 0.05"
HANGING = str(TOP / "tests" / "wire" / "hanging_command.py")


class Watched(Hub):
    """An exchange that notes when an order arrived last, booked or refused, and how many did."""

    arrived_ns = arrived = 0

    def submit(self, terms: Terms, now_ns: int, connection: int) -> Ticket:
        """Note an order and book it."""
        self.arrived_ns, self.arrived = time.time_ns(), self.arrived + 1
        return super().submit(terms, now_ns, connection)

    @property
    def rests(self) -> bool:
        """Tell whether an order of ours rests."""
        return any(order.intent.label.startswith("db-") for order in self.exchange.working)


@dataclass
class Found:
    """The milliseconds of every stop, by way or block."""

    last: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    gone: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in (*WAYS, *BLOCKS)}
    )
    typed: list[float] = field(default_factory=list)
    a_minute: float = 0.0


def killing() -> list[Row]:
    """Return the milliseconds of each stop, the worst of a few where a bound is promised."""
    found = asyncio.run(_measured())
    told = []
    for way in WAYS:
        told += _pair(f"halt_{way}_last_order", found.last[way], LAST_ORDER_MS)
        told += _pair(f"halt_{way}_cancelled", found.gone[way], CANCELLED_MS)
    for block in BLOCKS:
        told += _pair(f"watchdog_{block}_cancelled", found.gone[block], WATCHDOG_MS)
    typed = rows.plain("wire.halt_command_typed_p50", median(found.typed), "ms, with its start")
    return [*told, typed, rows.plain("wire.halt_orders_before", found.a_minute, "a minute")]


def _pair(name: str, found: list[float], bound: float) -> list[Row]:
    return [
        rows.most(f"wire.{name}", max(found), f"ms, worst of {len(found)}", bound),
        rows.plain(f"wire.{name}_p50", median(found), "ms"),
    ]


async def _measured() -> Found:
    found = Found()
    with TemporaryDirectory() as folder:
        busy = Opening(seed=7, compress=30, positions=straddle("40"))
        async with _bot(Path(folder), busy, ()) as healthy:
            await _halts(healthy, found)
    with TemporaryDirectory() as folder:
        async with _bot(Path(folder), opening(), (HANGING, f"{folder}/hang")) as blocked:
            await _blocks(blocked, found)
    return found


class Beaten:
    """A bot on an exchange, its process, and what it takes to stop it and let it go on."""

    def __init__(self, hub: Watched, bot: RestingBot) -> None:
        """Take the parts; nothing runs yet."""
        self.hub, self.bot = hub, bot
        self.processes: list[asyncio.subprocess.Process] = []
        self.rested_ns = 0

    async def start(
        self, verb: str, *through: str, stdout: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        """Start a verb on the bot's settings."""
        keys = {
            "PYTHONPATH": str(TOP),
            "DELTABAND_DERIBIT_KEY": TRADER.client_id,
            "DELTABAND_DERIBIT_SECRET": TRADER.secret,
        }
        words = (*(through or ("-m", "bot")), verb, "-c", str(self.bot.settings), "--json")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *words),
            cwd=TOP,
            env=os.environ | keys,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    async def look(self) -> None:
        """Note the last moment at which something rests, until cancelled."""
        while True:
            if self.hub.rests:
                self.rested_ns = time.time_ns()
            await asyncio.sleep(0.001)

    async def halted(self, since_ns: int) -> tuple[int, int]:
        """Wait until a halt since then is obeyed: when it was asked for, and when HALTED."""
        sql = (
            "SELECT at_ns, done_ns FROM commands WHERE verb = 'halt' AND at_ns >= ?"
            " AND done_ns IS NOT NULL"
        )
        with sqlite3.connect(self.bot.folder / "sand" / "journal.sqlite") as db:
            await _comes(lambda: db.execute(sql, [since_ns]).fetchone(), "a halt in the journal")
            at_ns, done_ns = db.execute(sql, [since_ns]).fetchone()
        db.close()
        return at_ns, done_ns

    async def resume(self) -> None:
        """Let the bot go on until an order rests again."""
        self.bot.halt_file.unlink(missing_ok=True)
        reader = Reader.open(self.bot.folder, "sand")
        try:
            name = reader.submit("resume", who="bench", why="the next stop")
            await _comes(lambda: reader.answer(name).done, "an answer to `resume`")
            if not (answer := reader.answer(name)).accepted:
                raise BenchError(f"expected `resume` to be accepted, found {answer.outcome!r}")
        finally:
            reader.close()
        await _comes(lambda: self.hub.rests, "an order that rests")


@asynccontextmanager
async def _bot(folder: Path, terms: Opening, through: tuple[str, ...]) -> AsyncIterator[Beaten]:
    """Serve an exchange with a bot on it that has an order there; nothing outlives the block."""
    hub = Watched(terms)
    async with Server(hub) as server:
        made = Beaten(hub, RestingBot(server, folder))
        if not through:
            text = made.bot.settings.read_text(encoding="utf-8")
            busy = text.replace("width_coin = 0.2, rest_at_edges = true }", BUSY)
            made.bot.settings.write_text(busy, encoding="utf-8")
        looking = asyncio.create_task(made.look())
        try:
            await made.start("run", *through)
            await _comes(lambda: hub.rests, "an order that rests")
            yield made
        finally:
            looking.cancel()
            for process in made.processes:
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                await process.wait()


async def _halts(made: Beaten, found: Found) -> None:
    """Halt a healthy bot by every way, again and again."""
    healthy_s, orders = 0.0, 0
    for _ in range(RUNS):
        for way in WAYS:
            begun, counted = time.monotonic(), made.hub.arrived
            await asyncio.sleep(2.0 * QUIET_S)
            await _comes(lambda: made.hub.rests, "an order that rests")
            healthy_s += time.monotonic() - begun
            orders += made.hub.arrived - counted
            since_ns = time.time_ns()
            if way == "command":
                before = time.monotonic()
                await (await made.start("halt")).wait()
                found.typed.append((time.monotonic() - before) * 1e3)
            elif way == "file":
                made.bot.halt_file.touch()
            else:
                made.processes[0].send_signal(signal.SIGUSR1)
            at_ns, done_ns = await made.halted(since_ns)
            begun_ns = at_ns if way == "command" else since_ns
            await asyncio.sleep(QUIET_S)
            if made.hub.rests:
                raise BenchError("expected nothing of ours to rest, found an order")
            found.last[way].append((max(made.hub.arrived_ns, done_ns) - begun_ns) / 1e6)
            found.gone[way].append(max(made.rested_ns - begun_ns, 0) / 1e6)
            await made.resume()
    found.a_minute = orders * 60.0 / healthy_s


async def _blocks(made: Beaten, found: Found) -> None:
    """Stop a bot's process or block its loop, with the watchdog beside it, again and again."""
    dog = await made.start("watchdog", stdout=asyncio.subprocess.PIPE)
    await says(dog.stdout, "watchdog.started")
    hang, bot = made.bot.folder / "hang", made.processes[0]
    for _ in range(RUNS):
        for block in BLOCKS:
            since_ns = time.time_ns()
            try:
                if block == "stopped":
                    bot.send_signal(signal.SIGSTOP)
                else:
                    hang.touch()
                told = await says(dog.stdout, "watchdog.cancelled")
                if not told["labels"] or told["left"] or made.hub.rests:
                    raise BenchError(f"expected the order to be cancelled, found {told}")
            finally:
                hang.unlink(missing_ok=True)
                with suppress(ProcessLookupError):
                    bot.send_signal(signal.SIGCONT)
            found.gone[block].append((made.rested_ns - since_ns) / 1e6)
            struck("F68")
            struck("F69")  # what stands in that loop is of no use now
            await made.halted(since_ns)
            await made.resume()


async def _comes(true: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not true():  # noqa: ASYNC110  another process makes it true
                await asyncio.sleep(0.005)
    except TimeoutError as error:
        raise BenchError(f"expected {what} within {PATIENCE_S:g} s, found none") from error


if __name__ == "__main__":
    sys.stdout.write(f"{rows.table(killing())}\n")
