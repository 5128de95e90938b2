"""The watchdog: a process beside the bot that stops it from outside when its decisions stop.

It watches two things: the journal's heartbeat, which the loop that decides writes, and the HALT
file. Whichever way a stop comes, it cancels the bot's orders at the venue over a connection of its
own, which was opened long before, and looks for more of them as long as the stop stands.

    the heartbeat stops, the process lives     HALT file, then cancel: it may wake up at any time
    the heartbeat stops, the process is gone   cancel; what is started next reconciles as ever
    the HALT file is there                     cancel, as the bot itself does

It never trades, never ends a process and never lifts a halt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bot.domain.errors import DeltabandError
from bot.domain.labels import is_of
from bot.journal.halt import raise_halt, said
from bot.journal.pulse import Pulse
from bot.venues.deribit.canceller import OpenOrder, Swept

POLL_S: Final = 0.1
AGAIN_S: Final = 2.0
# A pause of our own (a machine that slept, a process that was stopped) is no silence of the bot.
LONGEST_LOOK_S: Final = 0.5


class Say(Protocol):
    """How it tells what it sees and does."""

    def __call__(self, event: str, level: str = "info", **fields: object) -> None:
        """Tell an event."""
        ...


@dataclass(slots=True)
class Silence:
    """How long a bot has been silent, in seconds in which somebody listened."""

    heard: Pulse | None = None
    for_s: float = 0.0
    looked_s: float = 0.0

    def listen(self, pulse: Pulse | None, now_s: float) -> float:
        """Return for how long the decisions of a run that has not ended have been silent."""
        gap_s = min(now_s - self.looked_s, LONGEST_LOOK_S) if self.heard is not None else 0.0
        self.looked_s = now_s
        before, self.heard = self.heard, pulse
        idle = pulse is None or pulse.ended or pulse.beat_ns is None
        self.for_s = 0.0 if idle or _beat(before) != _beat(pulse) else self.for_s + gap_s
        return self.for_s


def _beat(pulse: Pulse | None) -> tuple[int, int | None] | None:
    return None if pulse is None else (pulse.run, pulse.beat_ns)


class Watchdog:
    """Watches one instance until it is told to stop.

    `feel` returns the bot's pulse, `sweep` cancels the orders that are wanted, `say` tells.
    """

    def __init__(
        self,
        instance: str,
        halt_file: Path,
        feel: Callable[[], Pulse | None],
        sweep: Callable[[Callable[[OpenOrder], bool]], Awaitable[Swept]],
        say: Say,
        *,
        after_s: float,
    ) -> None:
        self.instance, self.halt_file, self.after_s = instance, halt_file, after_s
        self._feel, self._sweep, self._say = feel, sweep, say
        self._silence = Silence()
        self._silent = self._halted = self._failing = False
        self._next_s = 0.0

    async def watch(self, stop: asyncio.Event, must_live: Callable[[], None]) -> None:
        """Watch until `stop`; what `must_live` raises ends it."""
        while not stop.is_set():
            must_live()
            self.look(time.monotonic())
            if self.due(time.monotonic()):
                await self.cancel()
            try:
                await asyncio.wait_for(stop.wait(), POLL_S)
            except TimeoutError:
                continue

    def look(self, now_s: float) -> None:
        """Feel the pulse and see the file once; a stop that is new is told and acted upon."""
        pulse = self._feel()
        silent_s = self._silence.listen(pulse, now_s)
        if silent_s >= self.after_s and not self._silent:
            self._silent, self._next_s = True, now_s
            self._stop(pulse, silent_s)
        elif silent_s == 0.0 and self._silent:
            self._silent = False
            self._say("watchdog.heard_again", "warning", run=None if pulse is None else pulse.run)
        there = self.halt_file.exists()
        if there and not self._halted:
            self._next_s = now_s
            self._say("watchdog.halt_file", "warning", file=str(self.halt_file), **self._words())
        self._halted = there

    def _stop(self, pulse: Pulse | None, silent_s: float) -> None:
        """Tell a silence; who may wake up from it finds the HALT file before anything else."""
        alive = pulse is not None and pulse.alive
        fields = {"silent_s": round(silent_s, 2), "alive": alive}
        self._say("watchdog.silent", "error", instance=self.instance, **fields)
        if not alive:
            return
        why = f"no decision for {silent_s:.1f} s"
        try:
            raised = raise_halt(self.halt_file, time.time_ns(), "watchdog", why)
        except OSError as error:
            self._say("watchdog.no_halt_file", "error", file=str(self.halt_file), found=str(error))
            return
        self._halted = True
        if raised:
            self._say("watchdog.halted", "error", file=str(self.halt_file), why=why)

    def due(self, now_s: float) -> bool:
        """Tell whether a stop stands and orders are to be looked for now."""
        return (self._silent or self._halted) and now_s >= self._next_s

    async def cancel(self) -> None:
        """Cancel every order of the instance, whichever of its runs sent it."""
        begun_s = time.monotonic()
        try:
            swept = await self._sweep(lambda order: is_of(order.label, self.instance))
        except (DeltabandError, OSError) as error:
            if not self._failing:
                self._say("watchdog.cannot_cancel", "error", found=str(error))
            self._failing = True
            return
        self._failing = False
        self._next_s = time.monotonic() + (POLL_S if swept.left else AGAIN_S)
        if swept.cancelled or swept.left:
            took_ms = round((time.monotonic() - begun_s) * 1e3, 1)
            labels = [order.label for order in swept.cancelled]
            left = [order.label for order in swept.left]
            level = "error" if left else "warning"
            self._say("watchdog.cancelled", level, labels=labels, left=left, took_ms=took_ms)

    def _words(self) -> dict[str, str]:
        words = said(self.halt_file)
        return {"says": words} if words else {}
