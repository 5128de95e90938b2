"""`deltaband` with a stop watch in each part of its loop; prints seconds by part as a last line.

The watch stops for an outer part while an inner one runs, and costs about a microsecond a call.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest import mock

from bot.cli import main, paper
from bot.engine import Engine

MARKET = ("advance", "chain", "chain_due", "instruments", "next_time")
JOURNAL = (
    "account",
    "commit",
    "equity",
    "fill",
    "intent",
    "record",
    "take_commands",
    "tick",
    "view",
)


class StopWatch:
    """Processor seconds by part; what no part claims is the loop's."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._parts = ["loop"]
        self._since = time.process_time()

    def lap(self) -> None:
        """Book the time since the last lap."""
        now = time.process_time()
        self.spent[self._parts[-1]] += now - self._since
        self._since = now

    def watch(self, part: str, subject: object, *names: str) -> None:
        """Time these methods of an object."""
        for name in names:
            setattr(subject, name, self._timed(part, getattr(subject, name)))

    def _timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.lap()
            self._parts.append(part)
            try:
                return call(*args, **kwargs)
            finally:
                self.lap()
                self._parts.pop()

        return timed


class TimedEngine(Engine):
    """An engine whose parts are watched while it runs."""

    async def run(self, until_ns: int | None) -> None:
        """Run, and print what each part took."""
        watch = StopWatch()
        watch.watch("core", self.steps.core, "handle")
        watch.watch("exchange", self.venue, "next_event", "send")
        watch.watch("market", self.venue.exchange.market, *MARKET)  # type: ignore[attr-defined]
        watch.watch("journal", self.steps.journal, *JOURNAL)
        for observer in self.steps.observers:
            watch.watch("scorecard", observer, "see", "note")
        await super().run(until_ns)
        watch.lap()
        print(json.dumps(watch.spent), file=sys.stdout)


if __name__ == "__main__":
    with mock.patch.object(paper, "Engine", TimedEngine):
        sys.exit(main())
