"""Who listens to which instance: one look for all of them, for as long as somebody does.

Journals are looked at and figures computed on threads of their own; here only what they found is
kept and handed on. A listener is woken by news and takes what he lacks by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from bot.journal.lock import held
from bot.journal.reader import instances
from bot.monitor.dashboard.compute import Compute
from bot.monitor.dashboard.history import ATTRIBUTION, EQUITY, HEDGES, MARGIN, POINTS
from bot.monitor.dashboard.orders import DONE
from bot.monitor.dashboard.parts import Parts, Seen
from bot.monitor.dashboard.series import Series, settle
from bot.monitor.dashboard.watch import Look, Watch

LOOK_S: Final = 0.25
COMPUTE_S: Final = 2.0
PULSE_S: Final = 2.0
LINGER_S: Final = 20.0
SERIES: Final = {
    "points": (POINTS, 2_400, False),
    "hedges": (HEDGES, 500, True),
    "equity": (EQUITY, 1_200, False),
    "margins": (MARGIN, 600, False),
    "attribution": (ATTRIBUTION, 3_000, True),
    "done": (DONE, 200, True),
}


class Feed:
    """One instance: what is known of it, and the task that looks while somebody listens."""

    def __init__(self, state_dir: Path, instance: str) -> None:
        """Know nothing yet."""
        self.parts = Parts()
        self.listeners = 0
        self._watch, self._compute = Watch(state_dir, instance), Compute()
        self._reading = ThreadPoolExecutor(1, thread_name_prefix=f"look {instance}")
        self._computing = ThreadPoolExecutor(1, thread_name_prefix=f"compute {instance}")
        self._book: tuple[int, int, int] | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._inputs: dict[str, Any] = {}
        self._computed_at = float("-inf")
        self._figured: asyncio.Future[dict[str, Any]] | None = None

    def begin(self) -> None:
        """Look from now on."""
        self.listeners += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def end(self) -> None:
        """One listener less; the task ends by itself when there are none for a while."""
        self.listeners -= 1

    async def news(self, timeout_s: float) -> None:
        """Wait until something is new, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._news.wait()

    async def close(self) -> None:
        """End the task and let go of the journal."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.get_running_loop().run_in_executor(self._reading, self._watch.close)
        self._reading.shutdown(wait=False)
        self._computing.shutdown(wait=False)

    async def _run(self) -> None:
        lonely = 0.0
        while lonely < LINGER_S:
            begun = time.monotonic()
            try:
                await self._turn(begun)
            except Exception as fault:  # noqa: BLE001  the next look may be able to
                self._put({"uncomputed": f"{type(fault).__name__}: {fault}"})
            await asyncio.sleep(max(0.02, LOOK_S - (time.monotonic() - begun)))
            lonely = 0.0 if self.listeners else lonely + LOOK_S
        await asyncio.get_running_loop().run_in_executor(self._reading, self._watch.close)

    async def _turn(self, begun: float) -> None:
        """Look once, take what was computed meanwhile, and ask for more where inputs are new."""
        loop = asyncio.get_running_loop()
        self._take(await loop.run_in_executor(self._reading, self._watch.look))
        if self._figured is not None and self._figured.done():
            figured, self._figured = self._figured, None
            self._put(figured.result())
        due = begun - self._computed_at >= COMPUTE_S
        if self._figured is None and self._inputs and due:
            inputs, self._inputs = self._inputs, {}
            self._computed_at = begun
            self._figured = loop.run_in_executor(self._computing, self._figures, inputs)

    def _figures(self, inputs: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._compute.parts(inputs)
        except Exception as fault:  # noqa: BLE001  a figure that cannot be had is a word on the page
            return {"uncomputed": f"{type(fault).__name__}: {fault}"}

    def _take(self, look: Look) -> None:
        if look.book is not None and look.book != self._book:
            self._book = look.book
            self.parts.begin_anew()
            self._compute = Compute()
            for name, (columns, most, events) in SERIES.items():
                self.parts.series[name] = Series(columns, most, events=events)
        for name, coins in look.fresh.items():
            series = self.parts.series[name]
            most = SERIES[name][1]
            for coin, rows in coins.items():
                whole = rows if SERIES[name][2] else settle(rows, most)
                series.extend(coin, whole[-most:])
        self._inputs |= look.inputs
        self._put(look.parts, told=any(look.fresh.values()))

    def _put(self, parts: dict[str, Any], *, told: bool = False) -> None:
        fresh = [self.parts.put(name, body) for name, body in parts.items()]
        if any(fresh) or told:
            self._news.set()
            self._news = asyncio.Event()


class Hub:
    """All instances below a state folder, or those that are named."""

    def __init__(self, state_dir: Path, named: tuple[str, ...] = ()) -> None:
        """Show the `named` instances, or every one that has a journal."""
        self._dir, self._named = state_dir, named
        self._feeds: dict[str, Feed] = {}

    def listed(self) -> list[dict[str, Any]]:
        """Return the instances, the most recently written first, and which of them run."""
        names = list(self._named) or instances(self._dir)
        return [{"name": name, "running": held(self._dir / name)} for name in names]

    def knows(self, instance: str) -> bool:
        """Tell whether an instance may be looked at."""
        return instance in {one["name"] for one in self.listed()}

    async def listen(self, instance: str) -> AsyncGenerator[bytes, None]:
        """Yield what a listener lacks, each time as one JSON object, and a pulse in between."""
        feed = self._feeds.get(instance) or self._feeds.setdefault(
            instance, Feed(self._dir, instance)
        )
        feed.begin()
        seen = Seen()
        told: list[dict[str, Any]] = []
        pulsed = float("-inf")
        try:
            while True:
                pulse = time.monotonic() - pulsed >= PULSE_S
                if pulse:
                    pulsed, listed = time.monotonic(), self.listed()
                    if listed != told:
                        told = listed
                        yield _message(b'{"instances":%s}' % orjson.dumps(listed))
                news = feed.parts.news(seen)
                if news is not None or pulse:
                    yield _message(news or b"{}")
                await feed.news(PULSE_S)
        finally:
            feed.end()

    async def wait(self) -> AsyncGenerator[bytes, None]:
        """Say that there is nothing to show until there is; then the stream ends."""
        problem = f"no bot has run below {self._dir} yet"
        body = {"instances": [], "now": {"stale": True, "problem": problem}}
        while not self.listed():
            yield _message(orjson.dumps(body))
            await asyncio.sleep(PULSE_S)

    async def close(self) -> None:
        """Let go of everything."""
        for feed in self._feeds.values():
            await feed.close()


def _message(news: bytes) -> bytes:
    """Return a message with the time of ours, by which a page tells ages."""
    return b'{"at":%d,"parts":%s}' % (time.time_ns() // 1_000_000, news)
