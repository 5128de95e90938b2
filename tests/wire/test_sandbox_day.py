"""A day in the sandbox: the bot's process against the exchange's, each killed again and again.

The suite plays a short one. `DELTABAND_SANDBOX_KILLS=10` kills each side ten times,
`DELTABAND_SANDBOX_DAY_S=360` plays on until that many seconds of the wall have passed, each of them
four minutes of the market. A bot is killed while it starts or when it is up: which of them it is
depends on the seed and not on how quick this machine is.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bot.cli.exits import Exit
from bot.domain.errors import JournalError
from bot.journal import Reader
from bot.sim.wire.state import StateFile
from tests.wire.test_run import TOP, Bot, straddle

KILLS = int(os.environ.get("DELTABAND_SANDBOX_KILLS", "2"))
SEED = int(os.environ.get("DELTABAND_SANDBOX_SEED", "1"))
DAY_S = float(os.environ.get("DELTABAND_SANDBOX_DAY_S", "0"))
COMPRESS = 240
PAUSES_S = (0.2, 2.0)
STARTING = 0.25  # of a bot's kills come before it is up
AFTERMATH_S = 6.0
PATIENCE_S = 60.0  # only ends what hangs


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


async def test_a_day_with_kills_of_both_sides_ends_with_the_same_positions(tmp_path):
    """No order twice, none forgotten, none working; whoever died and however often."""
    luck, began = random.Random(SEED), time.monotonic()
    exchange = ExchangeProcess(tmp_path)
    await exchange.start()
    server: Any = SimpleNamespace(
        rest_url=exchange.addresses["rest"], ws_url=exchange.addresses["ws"]
    )
    bot = Bot(server, tmp_path)
    process = await bot.start()
    victims = ["bot", "exchange"] * KILLS
    luck.shuffle(victims)
    for victim in victims:
        if luck.random() >= STARTING:
            process = await _up(bot, process)
        await asyncio.sleep(luck.uniform(*PAUSES_S))
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
    assert _unknown(bot) == 0
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


def _unknown(bot: Bot) -> int:
    """Return how many orders' fate the bot does not know."""
    with closing(Reader.open(bot.folder, "sand")) as reader:
        told = reader.status()["underlyings"].values()
    return sum(one["unknown_orders"] for one in told)


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
