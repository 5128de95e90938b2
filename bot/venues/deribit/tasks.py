"""Background work that is owned: started, noted when it fails, ended with its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from bot.venues.deribit.flaws import Flaw, Flaws, shown


class Tasks:
    """The tasks of one owner."""

    def __init__(self, clock: Callable[[], int], flaws: Flaws) -> None:
        self._clock, self._flaws = clock, flaws
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Run something in the background; an error of ours that ends it is noted."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End everything and wait for the end."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._flaws.note(self._clock(), Flaw.FAULT_OF_OURS, "task", shown(error))
