"""`python -m tests.processes.kills N [SEED] [--fresh] [--term]`: the bot is killed N times.

Each life ends at a moment that the seed chooses: while it starts, while it recovers, some time
after it is READY, just after it has decided an order, just after the exchange has booked one. It is
started again at once. `--fresh` gives each life an interpreter that imports everything, `--term`
ends lives by SIGTERM instead of SIGKILL.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.cli.exits import Exit
from tests.processes.judge import since, spread
from tests.processes.sandbox import Life, Sandbox, sandbox
from tests.struck import struck

MOMENTS = ("starting", "recovering", "up", "deciding", "deciding", "booked", "booked")
AT_AN_ORDER = {"deciding", "booked"}
CHECK_EVERY = 4
SAY_EVERY = 20
# A stop asked for before the bot listens ends it as a keyboard's interrupt would.
ENDS = {
    signal.SIGKILL: {-signal.SIGKILL},
    signal.SIGTERM: {Exit.FINE, Exit.INTERRUPTED, -signal.SIGTERM},
}


@dataclass
class Tally:
    """What many deaths came to, and the times from a death until READY again.

    `clear_s` of lives that began without a question; of those that had to ask the exchange about an
    order, `found_s` where all were found there and `denied_s` where one was never booked.
    """

    kills: Counter[str] = field(default_factory=Counter)
    equal: int = 0
    checks: int = 0
    questions: Counter[str] = field(default_factory=Counter)
    clear_s: list[float] = field(default_factory=list)
    found_s: list[float] = field(default_factory=list)
    denied_s: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    async def compare(self, box: Sandbox, when: str) -> None:
        """Compare both sides in a quiet moment."""
        self.checks += 1
        if await box.judge.agree():
            self.equal += 1
        else:
            self.broken.append(f"{when}: {box.judge.difference()}")

    def learn(self, box: Sandbox, life: Life) -> None:
        """Note how soon a life was READY after the death before it, and with what questions."""
        run, ready_ns = life.run, life.ready_ns()
        if run is None or ready_ns is None:
            return
        asked, denied = box.judge.questions(run), box.judge.denials(run)
        where = self.denied_s if asked & denied else self.found_s if asked else self.clear_s
        where.append(since(life.since_ns, ready_ns))

    def sum_up(self, box: Sandbox) -> None:
        """Look at everything that the exchange and the journal have at the end."""
        judge = box.judge
        fates = judge.fates()
        asked = judge.rows("SELECT DISTINCT label FROM transitions WHERE after = 'unknown'")
        self.questions = Counter(fates[row[0]] for row in asked)
        for what, found in (
            ("booked twice", judge.duplicates()),
            ("orphans", judge.orphans()),
            ("fills that the journal has not", judge.untold_fills()),
            ("ends that the exchange contradicts", judge.contradictions()),
            ("still open", judge.unresolved()),
        ):
            if found:
                self.broken.append(f"{what}: {found}")

    def line(self, box: Sandbox) -> str:
        """Return the result in one line."""
        judge = box.judge
        return (
            f"{sum(self.kills.values())} kills, {len(judge.duplicates())} duplicates,"
            f" {len(judge.orphans())} orphans, positions equal {self.equal}/{self.checks},"
            f" ready p50/p99 {spread(self.clear_s)}, with an open question that is found"
            f" {spread(self.found_s)}, that was never booked {spread(self.denied_s)}"
        )


async def until(moment: str, box: Sandbox, life: Life, luck: random.Random, start_s: float) -> None:
    """Wait for a moment of a life; `start_s` is how long its start takes."""
    if moment == "starting":
        await asyncio.sleep(luck.uniform(0.0, start_s))
        return
    if moment == "recovering":
        await life.comes(lambda: life.run is not None)
        await asyncio.sleep(luck.uniform(0.0, 0.5))
        return
    await life.ready()
    if moment == "up":
        await asyncio.sleep(luck.uniform(0.0, 2.0))
    elif moment == "deciding":
        before = box.judge.intents()
        await life.comes(lambda: box.judge.intents() > before, 0.002)
        await asyncio.sleep(luck.uniform(0.0, 0.02))
    else:
        await box.booked_more(life)
        await asyncio.sleep(luck.uniform(0.0, 0.005))


async def kill(box: Sandbox, times: int, luck: random.Random, how: signal.Signals) -> Tally:
    """End the bot so many times, start it again at once each time, and judge."""
    tally = Tally()
    life = await box.start()
    await life.ready()
    start_s = since(life.began_ns, life.ready_ns() or life.began_ns)
    for number in range(1, times + 1):
        if number % CHECK_EVERY == 0:
            await life.ready()
            await tally.compare(box, f"before kill {number}")
        moment = luck.choice(MOMENTS)
        await until(moment, box, life, luck, start_s)
        code, err = await life.end(how)
        if code not in ENDS[how]:
            tally.broken.append(f"kill {number} ({moment}): exit code {code}: {err[-300:]}")
        if how is signal.SIGTERM and (left := box.server.hub.exchange.working):
            tally.broken.append(f"stop {number} ({moment}): left working {left}")
        tally.kills[moment] += 1
        if how is signal.SIGTERM:
            struck("F78")
        elif moment in AT_AN_ORDER:
            struck("F13")
        tally.learn(box, life)
        life = await box.start()
        if number % SAY_EVERY == 0:
            say(tally.line(box))
    await life.ready()
    tally.learn(box, life)
    await tally.compare(box, "at the end")
    await life.end(signal.SIGINT)
    tally.sum_up(box)
    return tally


def say(words: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def main(times: int, seed: int, how: signal.Signals, *, fresh: bool) -> int:
    """Run what is asked for, print what it came to, and return the exit code."""
    begun, load = time.monotonic(), os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        async with sandbox(Path(folder), seed, fresh=fresh) as box:
            tally = await kill(box, times, random.Random(seed), how)
            say(", ".join(f"{where} {count}" for where, count in sorted(tally.kills.items())))
            asked = ", ".join(f"{n} {fate}" for fate, n in sorted(tally.questions.items()))
            exchange = box.server.hub.exchange
            say(
                f"{len(exchange.tickets)} orders, {len(exchange.executions)} fills,"
                f" {sum(tally.questions.values())} with an open question ({asked});"
                f" {time.monotonic() - begun:.0f} s, load {load:.1f} to {os.getloadavg()[0]:.1f}"
            )
            for words in tally.broken:
                say(f"BROKEN {words}")
            say(tally.line(box))
    return 1 if tally.broken else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    ending = signal.SIGTERM if "--term" in sys.argv else signal.SIGKILL
    times, seed = (*numbers, 200, 1)[:2] if len(numbers) != 1 else (numbers[0], 1)
    sys.exit(asyncio.run(main(times, seed, ending, fresh="--fresh" in sys.argv)))
