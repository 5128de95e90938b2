"""`python -m tests.processes.silence N [SEED]`: the exchange's process is stopped N times.

Its sockets stay open and take what is sent; it answers nothing, and all of it at once when it
wakes: orders too, some of which nobody is to book any more. What it holds is read from its state
file after its end.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from bot.book.quality import Freshness
from bot.domain.units import NS_PER_S
from bot.sim.wire.state import StateFile
from tests.processes.judge import Diary
from tests.processes.kills import say
from tests.processes.sandbox import Life, narrow
from tests.wire.test_run import Bot
from tests.wire.test_sandbox_day import ExchangeProcess

SHORTEST_S, LONGEST_S = 1.0, 15.0
LIMIT_S = Freshness().quote_s
NOTICED_S = LIMIT_S + 2.0  # by then a bot on a busy machine has looked
BACK_S = 30.0


@dataclass
class Silence:
    """What many silences came to."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    orders: int = 0
    noticed: int = 0
    duplicates: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def look(self, diary: Diary) -> None:
        """See that no order was decided on old prices, and that every long silence was noticed."""
        for begin_ns, end_ns in self.spans:
            old_ns = begin_ns + round(LIMIT_S * NS_PER_S)
            found = diary.rows(
                "SELECT label FROM intents WHERE created_ns > ? AND created_ns < ?", old_ns, end_ns
            )
            if found:
                self.broken.append(f"decided on old prices: {found}")
            if end_ns - begin_ns > NOTICED_S * NS_PER_S:
                state = diary.state(begin_ns + round(NOTICED_S * NS_PER_S))
                self.noticed += state != "RUNNING"
                if state == "RUNNING":
                    self.broken.append(f"unnoticed: {(end_ns - begin_ns) / NS_PER_S:.1f} s")

    def compare(self, diary: Diary, state: Path) -> None:
        """Compare what the exchange's state file and the bot's journal say at the end."""
        with closing(StateFile(state)) as file:
            saved = file.saved
        assert saved is not None
        labels = Counter(one["terms"]["label"] for one in saved.tickets.values())
        holdings = saved.facts["exchange"]["account"]["holdings"]
        booked = {name: float(size) for name, (size, _) in holdings.items() if float(size)}
        known = {row[0] for row in diary.rows("SELECT label FROM intents")}
        self.orders = sum(labels.values())
        self.duplicates = [label for label, count in labels.items() if count > 1]
        for what, found in (
            ("booked twice", self.duplicates),
            ("orphans", sorted(labels.keys() - known)),
            ("still open", diary.unresolved()),
            ("left working", [one for one in saved.tickets.values() if one["state"] == "working"]),
        ):
            if found:
                self.broken.append(f"{what}: {found}")
        if diary.held() != booked:
            self.broken.append(f"the bot holds {diary.held()}, the exchange {booked}")


async def silence(folder: Path, times: int, luck: random.Random, longest_s: float) -> Silence:
    """Stop and wake an exchange so many times under one bot, and judge."""
    result, exchange, diary = Silence(), ExchangeProcess(folder), Diary(folder)
    await exchange.start()
    assert exchange.process is not None
    addresses = exchange.addresses
    server: Any = SimpleNamespace(rest_url=addresses["rest"], ws_url=addresses["ws"])
    bot = Bot(server, folder)
    narrow(bot)
    life = Life(await bot.start(), diary, 0)
    try:
        await life.ready()
        for _ in range(times):
            await _orders(life, diary)
            await asyncio.sleep(luck.uniform(0.0, 0.5))
            begin_ns = time.time_ns()
            exchange.process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(luck.uniform(SHORTEST_S, longest_s))
            finally:
                exchange.process.send_signal(signal.SIGCONT)
            result.spans.append((begin_ns, time.time_ns()))
        await _orders(life, diary)
        until = time.monotonic() + BACK_S
        while diary.unresolved() and time.monotonic() < until:  # noqa: ASYNC110  not our process
            await asyncio.sleep(0.05)
        code, err = await life.end(signal.SIGINT)
        if code:
            result.broken.append(f"exit code {code}: {err[-300:]}")
        await exchange.end(signal.SIGTERM)
        result.look(diary)
        result.compare(diary, exchange.state)
    finally:
        await life.vanish()
        if exchange.process.returncode is None:
            exchange.process.kill()
            await exchange.process.wait()
        diary.close()
    return result


async def _orders(life: Life, diary: Diary) -> None:
    """Wait for one more order."""
    before = diary.intents()
    await life.comes(lambda: diary.intents() > before)


async def main(times: int, seed: int) -> int:
    """Run what is asked for, print what it came to, and return the exit code."""
    with TemporaryDirectory() as folder:
        found = await silence(Path(folder), times, random.Random(seed), LONGEST_S)
    for words in found.broken:
        say(f"BROKEN {words}")
    silent_s = sum(end_ns - begin_ns for begin_ns, end_ns in found.spans) / NS_PER_S
    say(
        f"{times} silences ({silent_s:.0f} s), {found.noticed} of over {NOTICED_S:g} s noticed,"
        f" {found.orders} orders, {len(found.duplicates)} duplicates,"
        f" {'positions equal' if not found.broken else 'broken'}; load {os.getloadavg()[0]:.1f}"
    )
    return 1 if found.broken else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(numbers[0], numbers[1] if len(numbers) > 1 else 1)))
