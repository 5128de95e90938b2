"""A day in the sandbox: the bot's process against the exchange's, each killed again and again.

The suite plays a short one. `DELTABAND_SANDBOX_KILLS=10` kills each side ten times,
`DELTABAND_SANDBOX_DAY_S=360` plays on until that many seconds of the wall have passed, each of them
four minutes of the market. Kills fall into a start, a while after it, or close behind an order that
has just been decided: which of them it is depends on the seed, not on how quick this machine is.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli.exits import Exit
from bot.domain.errors import JournalError
from bot.domain.orders import TERMINAL
from bot.journal import Reader
from bot.sim.wire.state import StateFile
from tests.wire.test_run import TOP, Bot, straddle

KILLS = int(os.environ.get("DELTABAND_SANDBOX_KILLS", "2"))
SEED = int(os.environ.get("DELTABAND_SANDBOX_SEED", "1"))
DAY_S = float(os.environ.get("DELTABAND_SANDBOX_DAY_S", "0"))
COMPRESS = 240
MOMENTS = ("starting", "up", "ordering", "ordering")
LONGEST_S = {"starting": 2.0, "up": 2.0, "ordering": 0.1}
ORDER_S = 20.0  # an order of unknown fate keeps the next one back for longer than ten seconds
AFTERMATH_S = 6.0
PATIENCE_S = 60.0  # only ends what hangs


class Alone(Bot):
    """A bot whose process is the one that the journal names and that is killed."""

    python = staticmethod(lambda: (sys.executable,))


@dataclass
class ExchangeProcess:
    """`deltaband exchange` with a state file, always on the port that it had first."""

    folder: Path
    port: int = 0
    addresses: dict[str, Any] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    @property
    def state(self) -> Path:
        """Return the state file."""
        return self.folder / "exchange.db"

    async def start(self) -> None:
        """Start it and wait until it listens."""
        held = [f"--position={p.instrument}={p.quantity.value}" for p in straddle("-5")]
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "exchange", "--json", "--seed", "9", *held),
            *("--port", str(self.port), "--compress", str(COMPRESS), "--state", str(self.state)),
            env=os.environ | {"PYTHONPATH": str(TOP)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        said = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
        self.addresses = json.loads(said)
        self.port = int(self.addresses["rest"].rpartition(":")[2])

    async def end(self, number: signal.Signals) -> int:
        """End it by a signal and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@pytest.fixture
async def sides(tmp_path):
    """Return an exchange that listens and a bot of it; neither outlives a test that fails."""
    exchange = ExchangeProcess(tmp_path)
    await exchange.start()
    server: Any = SimpleNamespace(
        rest_url=exchange.addresses["rest"], ws_url=exchange.addresses["ws"]
    )
    bot = Alone(server, tmp_path)
    yield exchange, bot
    for process in (exchange.process, *bot.started):
        if process is not None and process.returncode is None:
            process.kill()
            await process.communicate()


async def test_a_day_with_kills_of_both_sides_ends_with_the_same_positions(sides):
    """No order twice, none forgotten, none working; whoever died and however often."""
    exchange, bot = sides
    luck, began = random.Random(SEED), time.monotonic()
    process = await bot.start()
    victims = ["bot", "exchange"] * KILLS
    luck.shuffle(victims)
    for victim in victims:
        moment = luck.choice(MOMENTS)
        if moment != "starting":
            process = await _up(bot, process)
        if moment == "ordering":
            await _next_order(bot)
        await asyncio.sleep(luck.uniform(0.0, LONGEST_S[moment]))
        if victim == "exchange":
            assert await exchange.end(signal.SIGKILL) == -signal.SIGKILL
            await exchange.start()
        else:
            process = await _alive(bot, process)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            process = await bot.start()
    process = await _up(bot, process)
    await asyncio.sleep(max(AFTERMATH_S, began + DAY_S - time.monotonic()))
    process.send_signal(signal.SIGINT)
    told = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    out, err = (text.decode() for text in told)
    assert process.returncode == 0, err
    assert json.loads(out)["mode"] == "sandbox"
    assert {fate for fate in _fates(bot).values() if fate not in TERMINAL} == set()
    assert await exchange.end(signal.SIGTERM) == 0

    with closing(StateFile(exchange.state)) as file:
        saved = file.saved
    assert saved is not None
    holdings = saved.facts["exchange"]["account"]["holdings"]
    booked = {name: float(size) for name, (size, _) in holdings.items() if float(size)}
    labels = Counter(ticket["terms"]["label"] for ticket in saved.tickets.values())
    assert bot.held() == booked
    assert "BTC-PERPETUAL" in booked
    assert saved.trades
    assert [label for label, count in labels.items() if count > 1] == []
    assert [one["state"] for one in saved.tickets.values() if one["state"] == "working"] == []


def _fates(bot: Bot) -> dict[str, str]:
    """Return what the bot's journal says last of each order that it has decided."""
    where = f"file:{bot.folder}/sand/journal.sqlite?mode=ro"
    newest = "SELECT label, after FROM transitions ORDER BY seq"
    with closing(sqlite3.connect(where, uri=True)) as journal:
        fates = {str(row[0]): "decided" for row in journal.execute("SELECT label FROM intents")}
        return fates | dict(journal.execute(newest).fetchall())


async def _next_order(bot: Bot) -> None:
    """Wait until the bot has decided one more order, or would have had time to."""
    before, until = len(_fates(bot)), time.monotonic() + ORDER_S
    while len(_fates(bot)) == before and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def _up(bot: Bot, process: asyncio.subprocess.Process) -> asyncio.subprocess.Process:
    """Wait until the bot runs on the exchange; start it again where it found none."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            process = await _alive(bot, process)
            if _beats(bot, process.pid):
                return process
            await asyncio.sleep(0.05)


def _beats(bot: Bot, pid: int) -> bool:
    """Tell whether the journal's newest run is this process and has said that it lives."""
    try:
        reader = Reader.open(bot.folder, "sand")
    except JournalError:
        return False  # it has not got that far
    with closing(reader):
        return reader.heartbeat_age_s() is not None and reader.run()["pid"] == pid


async def _alive(bot: Bot, process: asyncio.subprocess.Process) -> asyncio.subprocess.Process:
    """Start a bot again that found no exchange when it started, as a supervisor does."""
    if process.returncode is None:
        return process
    _, err = await process.communicate()
    assert process.returncode == Exit.VENUE, err.decode()
    return await bot.start()
