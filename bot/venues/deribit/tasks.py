"""Background work that is owned: started, noted when it fails, ended with its owner.

Some of it stands for as long as its owner does: a connection that dials again, a loop that polls.
Where such a task ends, something that the rest relies on is gone, and `must_live` says so to
whoever drives the owner: a run ends on it, cancels what works and is started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from bot.domain.errors import TaskEndedError
from bot.venues.deribit.flaws import Flaw, Flaws, shown


class Tasks:
    """The tasks of one owner."""

    def __init__(self, clock: Callable[[], int], flaws: Flaws) -> None:
        self._clock, self._flaws = clock, flaws
        self._running: set[asyncio.Task[None]] = set()
        self._dead = ""
        self._closing = False

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Run something in the background; an error of ours that ends it is noted."""
        self._run(work, self._ended)

    def keep(self, work: Coroutine[object, object, None]) -> None:
        """Run something that must not end before its owner does."""
        self._run(work, self._died)

    def must_live(self) -> None:
        """Raise TaskEndedError where what must not end has ended."""
        if self._dead:
            raise TaskEndedError(self._dead)

    def _run(
        self,
        work: Coroutine[object, object, None],
        ended: Callable[[asyncio.Task[None]], None],
    ) -> None:
        name = getattr(work, "__qualname__", None)
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(ended)

    async def close(self) -> None:
        """End everything and wait for the end."""
        self._closing = True
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._flaws.note(self._clock(), Flaw.FAULT_OF_OURS, "task", shown(error))

    def _died(self, task: asyncio.Task[None]) -> None:
        self._ended(task)
        if not self._closing:
            error = None if task.cancelled() else task.exception()
            why = "its end" if error is None else shown(error)
            self._dead = self._dead or f"expected {task.get_name()} to go on, found {why}"
