"""The monitor's loop: follows one journal and hands what it says to the outlets.

It is a process of its own and has nothing to do with the bot but the file: what hangs or dies here
is not felt there. A fault of an outlet is told once and the outlet begun again; a journal that
cannot be read is a sight like any other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Protocol

from bot.domain.errors import JournalError
from bot.journal import lock
from bot.journal.following import Following
from bot.journal.reader import Reader
from bot.journal.runs import STOPPED
from bot.journal.tail import Tail
from bot.monitor.outlet import Outlet, Sight
from bot.pace import LOOP_VIEW

POLL_S: Final = 0.2
SIGHT_S: Final = 1.0
AGAIN_S: Final = 5.0
HELD_S: Final = 60.0
"""What has run for so long and fails again is told again."""
CLOSING_S: Final = 8.0
LETTING_GO_S: Final = 1.0
"""A process that is killed closes its files one by one: its end of a pipe maybe before its lock."""


class Say(Protocol):
    """How it tells what goes on here."""

    def __call__(self, event: str, level: str = "info", **fields: object) -> None:
        """Tell an event."""
        ...


def sight_of(reader: Reader) -> Sight:
    """Return how the newest run of a journal stands now; raises JournalError."""
    alive = reader.running()  # first: a bot writes down its end, then it lets go
    run, status, loop = reader.run(), reader.status(), reader.view(LOOP_VIEW)
    _, beat_ns, _ = reader.newest_beat()
    return Sight(
        time.time_ns(),
        alive=alive,
        ended=run["outcome"] == STOPPED,
        status=status,
        loop=loop,
        beat_ns=beat_ns,
        version=run["version"],
    )


class Newsroom:
    """Follows one instance for its outlets until told to stop."""

    def __init__(
        self, following: Following, outlets: Sequence[Outlet], say: Say, *, whole_run: bool = False
    ) -> None:
        """Take the parts; `whole_run` tells of one run, from its beginning to its end."""
        self._following, self._outlets, self._say = following, tuple(outlets), say
        self._tail = Tail(whole_run=whole_run)
        self._whole_run = whole_run
        self._why = ""
        self._seen_at = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Look and tell until `stop`; then look once more and let the outlets finish."""
        tasks = [asyncio.create_task(self._kept(one), name=one.name) for one in self._outlets]
        try:
            while not stop.is_set():
                self.look(time.monotonic())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), POLL_S)
            if self._whole_run:
                await self._end_of_run()
            self._seen_at = float("-inf")
            self.look(time.monotonic(), final=self._whole_run)
            await self._close()
        finally:
            while left := [task for task in tasks if not task.done()]:
                for task in left:
                    task.cancel()
                # Again: wait_for of Python 3.11, in whatever library, can swallow a cancellation.
                await asyncio.wait(left, timeout=POLL_S)
            self._following.close()

    def look(self, now_s: float, *, final: bool = False) -> None:
        """Hand on what is new, and about once a second how things stand."""
        due = now_s - self._seen_at >= SIGHT_S
        reader = self._following.reader()
        gone = "it gone: moved or removed" if self._following.found else "none yet"
        sight = Sight(time.time_ns(), why=f"expected a journal, found {gone}")
        if reader is None:
            self._tail.none_yet()
        try:
            if reader is not None:
                news = self._tail.news(reader)
                for outlet in self._outlets if news else ():
                    outlet.hear(news)
                if due:
                    sight = self._sight()
            self._found_again()
        except JournalError as error:
            sight = Sight(time.time_ns(), alive=self._alive(), why=str(error))
            self._cannot_read(str(error))
        if due:
            self._seen_at = now_s
            sight = replace(sight, final=final)
            for outlet in self._outlets:
                outlet.see(sight)

    def _sight(self) -> Sight:
        reader = self._following.reader()
        assert reader is not None
        return sight_of(reader)

    async def _end_of_run(self) -> None:
        """Wait a moment for the run to be over, one way or the other: that is its last news."""
        deadline = time.monotonic() + LETTING_GO_S
        with suppress(JournalError):
            while self._alive() and time.monotonic() < deadline:
                reader = self._following.reader()
                if reader is None or reader.run()["outcome"] is not None:
                    return
                await asyncio.sleep(0.02)

    def _alive(self) -> bool:
        reader = self._following.reader()
        return reader is not None and lock.held(reader.path.parent)

    def _cannot_read(self, why: str) -> None:
        if why != self._why:
            self._why = why
            self._say("monitor.cannot_read", "warning", found=why)

    def _found_again(self) -> None:
        if self._why:
            self._why = ""
            self._say("monitor.reads_again")

    async def _kept(self, outlet: Outlet) -> None:
        """Run an outlet for ever: what it raises is told once, and it is begun again and again."""
        told = ""
        while True:
            began = time.monotonic()
            try:
                await outlet.run()
                found = "it ended by itself"
            except Exception as error:  # noqa: BLE001  one outlet's fault is not the others'
                found = f"{type(error).__name__}: {error}"
            if found != told or time.monotonic() - began >= HELD_S:
                self._say("monitor.outlet_failed", "error", outlet=outlet.name, found=found)
                told = found
            await asyncio.sleep(AGAIN_S)

    async def _close(self) -> None:
        endings = [asyncio.create_task(one.close()) for one in self._outlets]
        if not endings:
            return
        _, late = await asyncio.wait(endings, timeout=CLOSING_S)
        for task in late:
            task.cancel()


class CommandQueue:
    """Steering through the journal that is followed."""

    def __init__(self, following: Following) -> None:
        self._following = following

    def submit(
        self,
        verb: str,
        coin: str,
        *,
        who: str,
        why: str,
        arguments: Mapping[str, Any],
        name: str | None = None,
    ) -> str:
        """Queue a command; JournalError where no bot runs that could take it."""
        reader = self._following.reader()
        if reader is None or not reader.running():
            raise JournalError("expected a running bot, found none: nothing was queued")
        return reader.submit(verb, coin, who=who, why=why, arguments=arguments, name=name)

    def refused(
        self, verb: str, *, who: str, why: str, arguments: Mapping[str, Any], why_not: str
    ) -> None:
        """Write down a command that is kept from the bot, whether one runs or not."""
        self._journal().submit(verb, "", who=who, why=why, arguments=arguments, why_not=why_not)

    def outcome(self, name: str) -> tuple[bool, str] | None:
        """Return what became of a command; None while it is not done."""
        answer = self._journal().answer(name)
        return (answer.accepted, answer.outcome) if answer.done else None

    def withdraw(self, name: str) -> bool:
        """Take back a command that no bot has taken."""
        return self._journal().withdraw(name)

    def _journal(self) -> Reader:
        reader = self._following.reader()
        if reader is None:
            raise JournalError("expected the journal that is followed, found none")
        return reader
