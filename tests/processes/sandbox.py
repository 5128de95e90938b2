"""A busy sandbox: an exchange that stays, a bot in its own process, and who starts it again.

The book is rich in gamma over every strike that the price may reach, the band is narrow and the
market fast, so that an order is nearly always under way. The exchange is served by the process that
judges: what it has booked is seen without asking it, and faults strike where they are put.
"""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain import deribit
from bot.domain.positions import Position
from bot.sim.wire.hub import Hub, Opening
from bot.sim.wire.server import Server
from tests.processes.judge import Diary, Judge
from tests.wire.test_run import Bot, straddle

COMPRESS = 30
BAND = "delta = { target = 0.0, upper = 0.02, lower = -0.02, cooldown_s = 0.0, poll_s = 0.05 }"
STRIKES = range(86_000, 100_000, 2_000)
PATIENCE_S = 120.0  # only ends what hangs
POLL_S = 0.02


def strip(size: str) -> tuple[Position, ...]:
    """Return short straddles of one expiry around the price at which the market begins."""
    pair = [one.instrument for one in straddle(size)]
    names = [name.replace("92000", str(strike)) for strike in STRIKES for name in pair]
    return tuple(Position(name, deribit.parse(name).quantity(size)) for name in names)


class Alone(Bot):
    """A bot with an interpreter of its own, as a supervisor starts it."""

    python = staticmethod(lambda: (sys.executable,))


def narrow(bot: Bot) -> None:
    """Give a bot a band that it is out of nearly always."""
    text = bot.settings.read_text(encoding="utf-8").splitlines()
    busy = [BAND if line.startswith("delta = ") else line for line in text]
    bot.settings.write_text("\n".join(busy) + "\n", encoding="utf-8")


class Life:
    """One process of the bot; `since_ns` is when the one before it died."""

    def __init__(self, process: asyncio.subprocess.Process, diary: Diary, before: int) -> None:
        """Begin to read what it says; `before` is the newest run of its predecessors."""
        self.began_ns = self.since_ns = self.died_ns = time.time_ns()
        self.process, self._diary, self._before = process, diary, before
        self._said = asyncio.create_task(process.communicate())

    @property
    def run(self) -> int | None:
        """Return the number of its run; None until it has one."""
        return self._diary.run_after(self._before)

    async def comes(self, true: Callable[[], object], poll_s: float = POLL_S) -> None:
        """Wait until something is true; AssertionError where the process ends before."""
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                if self._said.done():
                    raise AssertionError(f"the bot ended by itself: {self._said.result()[1]!r}")
                await asyncio.sleep(poll_s)

    async def ready(self) -> None:
        """Wait until its underlying is READY or further."""
        await self.comes(lambda: self.ready_ns() is not None)

    def ready_ns(self) -> int | None:
        """Return when it was READY (wall ns)."""
        run = self.run
        return None if run is None else self._diary.ready_ns(run)

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """End it by a signal: the exit code and what it said on stderr."""
        if self.process.returncode is None:
            self.process.send_signal(number)
            self.died_ns = time.time_ns()
        return await self.ended()

    async def ended(self) -> tuple[int, str]:
        """Wait for its end: the exit code and what it said on stderr."""
        _, err = await asyncio.wait_for(asyncio.shield(self._said), PATIENCE_S)
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()

    async def vanish(self) -> None:
        """Let nothing of it remain."""
        if self.process.returncode is None:
            self.process.kill()
        await self._said


class Sandbox:
    """The exchange, the bot's settings, the bot's lives, and the judge of both."""

    def __init__(self, server: Server, bot: Bot) -> None:
        """Take the parts; the exchange listens."""
        self.server, self.bot = server, bot
        self.judge = Judge(bot.folder, server)
        self.lives: list[Life] = []

    async def start(self) -> Life:
        """Start the bot, as a supervisor does as soon as it has ended."""
        last, before = self.lives[-1] if self.lives else None, self.judge.newest_run()
        life = Life(await self.bot.start(), self.judge, before)
        life.since_ns = life.began_ns if last is None else last.died_ns
        self.lives.append(life)
        return life

    async def booked_more(self, life: Life, poll_s: float = 0.001) -> None:
        """Wait until the exchange has booked one more order."""
        tickets = self.server.hub.exchange.tickets
        before = len(tickets)
        await life.comes(lambda: len(tickets) > before, poll_s)


@asynccontextmanager
async def sandbox(
    folder: Path,
    seed: int,
    *,
    fresh: bool = False,
) -> AsyncIterator[Sandbox]:
    """Serve an exchange and write a bot's settings; nothing of either outlives the block.

    `fresh` gives each life of the bot an interpreter that imports everything itself.
    """
    server = Server(Hub(Opening(seed=seed, compress=COMPRESS, positions=strip("-4"))))
    await server.start()
    bot = (Alone if fresh else Bot)(server, folder)
    narrow(bot)
    made = Sandbox(server, bot)
    try:
        yield made
    finally:
        for life in made.lives:
            await life.vanish()
        await server.stop()
        made.judge.close()
