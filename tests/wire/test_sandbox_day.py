"""A day in the sandbox: the bot's process against the exchange's, each killed again and again.

The suite plays a short one. `DELTABAND_SANDBOX_KILLS=10` kills each side ten times.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bot.cli.exits import Exit
from bot.sim.wire.state import StateFile
from tests.wire.test_run import TOP, Bot, straddle

KILLS = int(os.environ.get("DELTABAND_SANDBOX_KILLS", "2"))
SEED = int(os.environ.get("DELTABAND_SANDBOX_SEED", "1"))
PAUSES_S = (1.5, 2.5)
AFTERMATH_S = 6.0


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
            *("--port", str(self.port), "--compress", "240", "--state", str(self.state)),
            env=os.environ | {"PYTHONPATH": str(TOP)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        said = await asyncio.wait_for(self.process.stdout.readline(), 20)
        self.addresses = json.loads(said)
        self.port = int(self.addresses["rest"].rpartition(":")[2])

    async def end(self, number: signal.Signals) -> int:
        """End it by a signal and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 20)


async def test_a_day_with_kills_of_both_sides_ends_with_the_same_positions(tmp_path):
    """No order twice, none forgotten, none working; whoever died and however often."""
    luck = random.Random(SEED)
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
        await asyncio.sleep(luck.uniform(*PAUSES_S))
        if victim == "exchange":
            assert await exchange.end(signal.SIGKILL) == -signal.SIGKILL
            await exchange.start()
        else:
            process = await _alive(bot, process)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            process = await bot.start()
    process = await _alive(bot, process)
    await asyncio.sleep(AFTERMATH_S)
    process.send_signal(signal.SIGINT)
    out, err = (text.decode() for text in await asyncio.wait_for(process.communicate(), 20))
    assert process.returncode == 0, err
    assert json.loads(out)["unknown_orders"] == 0
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


async def _alive(bot: Bot, process: asyncio.subprocess.Process) -> asyncio.subprocess.Process:
    """Start a bot again that found no exchange when it started, as a supervisor does."""
    if process.returncode is None:
        return process
    _, err = await process.communicate()
    assert process.returncode == Exit.VENUE, err.decode()
    return await bot.start()
