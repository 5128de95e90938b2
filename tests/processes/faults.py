"""`python -m tests.processes.faults SECONDS [SEED] [--keep]`: a bot whose connections fail always.

Three loops strike: one ends the account's connection as soon as it stands, one now and then that of
prices, both by the kind that has struck least; one bends what comes over them. Every so often
everything is left in peace until both sides agree. Only what has really struck is counted: an order
that was never sent has lost no reply. SIGINT and SIGTERM end it early and in order. `--keep` adds
the run to docs/processes.md; what was broken leaves the bot's journal and words in a folder.
"""

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import ClassVar

from bot.sim.wire.faults import Faults
from bot.sim.wire.session import Session
from tests.processes import page
from tests.processes.kills import say
from tests.processes.sandbox import POLL_S, Life, Sandbox, sandbox
from tests.simulation.campaign.__main__ import commit

PEACE_EVERY_S = 45.0
PEACE_S = 60.0
SAY_EVERY = 5
LONGEST_HALF_OPEN_S = 8.0
STRIKE_S = 4.0  # for an order to come that a fault waits for
APART_S = {"account": 0.2, "public": 4.0, "bent": 0.07}
# What a counter of a plan does, by what it is called here.
COUNTERS = {
    "dropped before booking": "drop_before_booking",
    "dropped after booking": "drop_after_booking",
    "10028 and closed": "too_many",
    "garbage bytes": "garbage",
    "refused": "refuse_dials",
    "reply lost": "lose_replies",
    "reply late": "late_replies",
    "event lost": "lost_events",
    "event twice": "repeated_events",
    "half a frame": "truncated",
    "a page as a frame": "html",
    "stray error": "error_frames",
    "HTTP 429": "http_429",
    "HTTP 503": "http_503",
}
AT_AN_ORDER = ("dropped before booking", "dropped after booking")
ENDING = ("half-open", "refused", "cut", "garbage bytes")
# Each loop of the nemesis draws from its own: what ends the account's connection, what ends that of
# prices, and what bends what comes over them.
DRAWN = {
    "account": (*ENDING, *AT_AN_ORDER, "10028 and closed"),
    "public": ENDING,
    "bent": (
        *("reply lost", "reply late", "event lost", "event twice", "half a frame"),
        *("a page as a frame", "stray error", "silent", "HTTP 429", "HTTP 503"),
    ),
}
OF_ACCOUNT = {"reply lost", "reply late", "event lost", "event twice"}
SELDOM = {  # they hold up what the others need
    "reply lost",
    "silent",
    "HTTP 429",
    "HTTP 503",
}
KINDS = (*COUNTERS, "half-open", "silent", "cut")


class Counted(Faults):
    """A plan that counts what has struck, with every plan that was copied from it."""

    struck: ClassVar[Counter[str]] = Counter()

    def take(self, name: str) -> bool:
        """Spend one of a counter and count it."""
        taken = super().take(name)
        self.struck[name] += taken
        return taken


@dataclass
class Nemesis:
    """Who makes things fail; `own` counts the kinds that no counter of a plan counts."""

    box: Sandbox
    luck: random.Random
    own: Counter[str] = field(default_factory=Counter)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put plans that count in place of those that do not."""
        hub = self.box.server.hub
        Counted.struck.clear()
        hub.dial_faults, hub.rest_faults = Counted(), Counted()

    @property
    def struck(self) -> Counter[str]:
        """Return how often each kind has struck."""
        counted = {kind: Counted.struck[name] for kind, name in COUNTERS.items()}
        return Counter({kind: counted.get(kind, self.own[kind]) for kind in KINDS})

    def rage(self) -> None:
        """Begin."""
        loops = (self._end("account"), self._end("public"), self._bend())
        self.tasks = [asyncio.create_task(loop) for loop in loops]

    async def rest(self) -> None:
        """Leave everything in peace."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        hub = self.box.server.hub
        for session in tuple(self.box.server.sessions.values()):
            if session.faults.stalled:
                session.drop()
            session.faults.clear()
        hub.dial_faults.clear()
        hub.rest_faults.clear()

    def _kind(self, of: str) -> str:
        """Return the kind that has struck least, or any; orders are struck more often."""
        if of == "account" and self.luck.random() < 0.4:
            return self.luck.choice(AT_AN_ORDER)
        if of == "bent" or self.luck.random() < 0.2:
            return self.luck.choice(DRAWN[of])
        struck = self.struck
        return min(DRAWN[of], key=lambda one: (struck[one], self.luck.random()))

    def _session(self, of: str) -> Session | None:
        """Return the account's connection, armed, or one of prices that are listened to."""
        account = of == "account"
        for one in self.box.server.sessions.values():
            stands = one.cancel_on_disconnect if account else one.token is None and one.channels
            if stands and not one.faults.stalled:
                return one
        return None

    async def _end(self, of: str) -> None:
        """End one connection after the other as soon as it stands."""
        while True:
            await asyncio.sleep(self.luck.uniform(0.0, 2.0 * APART_S[of]) or POLL_S)
            session = self._session(of)
            if session is None:
                continue
            kind = self._kind(of)
            if kind in {"cut", "half-open"}:
                self.own[kind] += 1
            if kind == "half-open":
                session.faults.stalled = session.faults.silent = True
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.luck.uniform(0.2, LONGEST_HALF_OPEN_S)):
                        await session.ended.wait()
            elif kind == "refused":
                self.box.server.hub.dial_faults.refuse_dials += self.luck.randint(1, 2)
            elif kind != "cut":
                setattr(session.faults, COUNTERS[kind], 1)
                with suppress(TimeoutError):
                    async with asyncio.timeout(STRIKE_S):
                        await session.ended.wait()
                setattr(session.faults, COUNTERS[kind], 0)
                continue
            session.drop()

    async def _bend(self) -> None:
        """Lose, delay, repeat, halve and replace what comes over the connections."""
        while True:
            await asyncio.sleep(self.luck.uniform(0.0, 2.0 * APART_S["bent"]))
            kind = self._kind("bent")
            if kind in SELDOM and self.luck.random() < 0.8:
                continue
            if kind.startswith("HTTP"):
                setattr(self.box.server.hub.rest_faults, COUNTERS[kind], 1)
                continue
            session = self._session("account" if kind in OF_ACCOUNT else "public")
            if session is None:
                continue
            if kind == "silent":
                self.own[kind] += 1
                session.faults.silent = True
                await asyncio.sleep(self.luck.uniform(0.5, 3.0))
                session.faults.silent = False
                continue
            setattr(session.faults, COUNTERS[kind], 1)
            session.faults.reply_delay_s = self.luck.uniform(0.1, 3.0)


@dataclass
class Outcome:
    """What a while of faults came to."""

    struck: Counter[str]
    equal: int = 0
    checks: int = 0
    broken: list[str] = field(default_factory=list)
    words: str = ""  # what the bot said on stderr


async def turmoil(
    box: Sandbox, luck: random.Random, seconds: float, stop: asyncio.Event
) -> Outcome:
    """Let faults strike for so long or until `stop`, with peace between them, and judge."""
    nemesis = Nemesis(box, luck)
    outcome = Outcome(nemesis.struck)
    life = await box.start()
    await life.ready()
    until = time.monotonic() + seconds
    while (left_s := until - time.monotonic()) > 0.0 and not stop.is_set():
        nemesis.rage()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(PEACE_EVERY_S, left_s)):
                await stop.wait()
        await nemesis.rest()
        await compare(box, life, outcome)
        outcome.struck = nemesis.struck
        if outcome.checks % SAY_EVERY == 0:
            say(_line(box, outcome))
    code, outcome.words = await life.end(signal.SIGINT)
    if code:
        outcome.broken.append(f"exit code {code}: {outcome.words[-300:]}")
    judge = box.judge
    for what, found in (
        ("booked twice", judge.duplicates()),
        ("orphans", judge.orphans()),
        ("ends that the exchange contradicts", judge.contradictions()),
        ("still open", judge.unresolved()),
    ):
        if found:
            outcome.broken.append(f"{what}: {found}")
    return outcome


async def compare(box: Sandbox, life: Life, outcome: Outcome) -> None:
    """Compare both sides in a quiet moment, and see that the bot lives."""
    outcome.checks += 1
    if await box.judge.agree(PEACE_S):
        outcome.equal += 1
    else:
        outcome.broken.append(f"check {outcome.checks}: {box.judge.difference()}")
    if life.process.returncode is not None:
        outcome.broken.append(f"the bot ended by itself: {(await life.ended())[1][-300:]}")


def _line(box: Sandbox, outcome: Outcome) -> str:
    judge = box.judge
    return (
        f"{sum(outcome.struck.values())} faults of {len(outcome.struck)} kinds,"
        f" {len(judge.duplicates())} duplicates, {len(judge.orphans())} orphans,"
        f" {len(judge.unresolved())} orders of unknown fate,"
        f" positions equal {outcome.equal}/{outcome.checks}"
    )


def _keep_evidence(folder: Path, outcome: Outcome) -> None:
    """Leave the journal and what the bot said where somebody can look at them."""
    place = Path(mkdtemp(prefix="faults-broken-"))
    shutil.copytree(folder, place, dirs_exist_ok=True)
    (place / "stderr").write_text(outcome.words, encoding="utf-8")
    (place / "broken").write_text("\n".join(outcome.broken), encoding="utf-8")
    say(f"the bot's journal and words are in {place}")


async def main(seconds: float, seed: int, *, keep: bool) -> int:
    """Run what is asked for, print what it came to, and return the exit code."""
    begun, at, stop = time.monotonic(), commit(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with TemporaryDirectory() as folder:
        async with sandbox(Path(folder), seed) as box:
            outcome = await turmoil(box, random.Random(seed), seconds, stop)
            took_s = round(time.monotonic() - begun)
            for words in outcome.broken:
                say(f"BROKEN {words}")
            if outcome.broken:
                _keep_evidence(Path(folder), outcome)
            struck = sorted(outcome.struck.items(), key=lambda one: -one[1])
            say(", ".join(f"{kind} {count}" for kind, count in struck))
            exchange, judge = box.server.hub.exchange, box.judge
            orders = len(exchange.tickets)
            say(
                f"{orders} orders, {len(exchange.executions)} fills"
                f" ({len(judge.untold_fills())} known by positions alone),"
                f" {box.server.dialled} connections; {took_s} s, load {os.getloadavg()[0]:.1f}"
            )
            say(_line(box, outcome))
    if keep:
        equal = f"{outcome.equal} of {outcome.checks}"
        faults, broken = sum(outcome.struck.values()), len(outcome.broken)
        run = page.Run(at, seed, took_s, faults, orders, equal, broken)
        text = page.written(page.PAGE.read_text(encoding="utf-8"), run, outcome.struck)
        page.PAGE.write_text(text, encoding="utf-8")
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[1:] if not word.startswith("--")]
    which = int(numbers[1]) if len(numbers) > 1 else 1
    sys.exit(asyncio.run(main(numbers[0], which, keep="--keep" in sys.argv)))
