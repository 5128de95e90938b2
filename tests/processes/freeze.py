"""`python -m tests.processes.freeze N [SEED]`: the bot's process is stopped and woken N times.

SIGSTOP and SIGCONT, as a laptop's lid, a debugger or a starved machine do it: what had arrived
before is old when it is handled, and what arrived meanwhile comes all at once.
"""

import asyncio
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from bot.book.quality import Freshness
from bot.domain.units import NS_PER_S
from bot.execution.tactics import TacticRules
from tests.processes.judge import Judge, since
from tests.processes.kills import Tally, say, until
from tests.processes.sandbox import Sandbox, sandbox

SHORTEST_S, LONGEST_S = 1.0, 20.0
QUOTE_S = Freshness().quote_s
VALID_S = TacticRules().valid_s
MOMENTS = ("up", "deciding", "booked")


@dataclass
class Frozen:
    """What many freezes came to; spans are wall ns, ages seconds between a price and its order."""

    tally: Tally = field(default_factory=Tally)
    spans: list[tuple[int, int]] = field(default_factory=list)
    oldest_decided_s: float = 0.0
    oldest_booked_s: float = 0.0
    orders_after: int = 0


def judge_ages(judge: Judge, frozen: Frozen) -> None:
    """See how old the prices were that each order rested on, when decided and when booked.

    A decision may rest on a price as old as the limit, and an order counts until its validity ends.
    """
    rows = judge.rows(
        "SELECT label, created_ns, snapshot FROM intents JOIN decisions"
        " ON decisions.id = intents.decision AND decisions.run = intents.run"
    )
    decided = {label: (created, orjson.loads(seen)) for label, created, seen in rows}
    for ticket in judge.server.hub.exchange.tickets.values():
        created_ns, seen = decided[ticket.label]
        age_s = seen["quote_age_s"]
        made_ns = created_ns - round(age_s * NS_PER_S)
        booked_s = since(made_ns, ticket.created_ns)
        frozen.oldest_decided_s = max(frozen.oldest_decided_s, age_s)
        frozen.oldest_booked_s = max(frozen.oldest_booked_s, booked_s)
        if age_s > QUOTE_S or booked_s > QUOTE_S + VALID_S:
            words = f"{ticket.label} decided on a price {age_s:.2f} s old, booked at {booked_s:.2f}"
            frozen.tally.broken.append(words)
        woken = [end for _, end in frozen.spans if 0 < ticket.created_ns - end < 5 * NS_PER_S]
        frozen.orders_after += bool(woken)


async def freeze(box: Sandbox, times: int, luck: random.Random, longest_s: float) -> Frozen:
    """Stop and wake one life so many times, and judge."""
    frozen = Frozen()
    life = await box.start()
    await life.ready()
    pid = box.judge.pid(life.run or 0)
    for number in range(1, times + 1):
        await until(luck.choice(MOMENTS), box, life, luck, 0.0)
        stopped_ns = time.time_ns()
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(luck.uniform(SHORTEST_S, longest_s))
        finally:
            os.kill(pid, signal.SIGCONT)
        frozen.spans.append((stopped_ns, time.time_ns()))
        await box.booked_more(life, 0.02)
        await frozen.tally.compare(box, f"after freeze {number}")
    code, err = await life.end(signal.SIGINT)
    if code:
        frozen.tally.broken.append(f"exit code {code}: {err[-300:]}")
    frozen.tally.sum_up(box)
    judge_ages(box.judge, frozen)
    return frozen


async def main(times: int, seed: int) -> int:
    """Run what is asked for, print what it came to, and return the exit code."""
    with TemporaryDirectory() as folder:
        async with sandbox(Path(folder), seed) as box:
            frozen = await freeze(box, times, random.Random(seed), LONGEST_S)
            tally, judge = frozen.tally, box.judge
            for words in tally.broken:
                say(f"BROKEN {words}")
            asleep_s = sum(since(*span) for span in frozen.spans)
            say(
                f"{times} freezes ({asleep_s:.0f} s), {len(judge.booked())} orders,"
                f" {frozen.orders_after} within 5 s of waking,"
                f" {len(judge.duplicates())} duplicates, {len(judge.orphans())} orphans,"
                f" positions equal {tally.equal}/{tally.checks},"
                f" oldest price {frozen.oldest_decided_s:.2f} s when decided,"
                f" {frozen.oldest_booked_s:.2f} s when booked; load {os.getloadavg()[0]:.1f}"
            )
    return 1 if tally.broken else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(numbers[0], numbers[1] if len(numbers) > 1 else 1)))
