"""The monitor that a daemon starts beside itself, and whether anybody follows the daemon at all.

A monitor holds a lock and touches its file about once a second. One that holds it and does not is
as good as none: those whom the settings name are told nothing.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, Self

from bot.cli.beside import FLAG, Beside, found_from
from bot.journal.lock import MONITOR, SILENT_S, holder, silence_s
from config import Loaded

if TYPE_CHECKING:
    from bot.cli.troubles import Sayer

LOOK_S: Final = 1.0
AGAIN_S: Final = 60.0
"""How seldom it is told again that nobody follows, and the least between two starts of one."""
WOKEN_S: Final = 5.0
"""How long one that is silent may take to show itself: the machine may have slept, and we too."""
BEGINNING_S: Final = 300.0
"""How long one that begins, last of all on a busy machine, is not taken for one that hangs."""


class Companions:
    """What a daemon starts beside itself, as a context; that one cannot start ends no run.

    `look`, called often, sees each second whether somebody who shows that he lives follows the run,
    whoever started him. Where nobody does, that is told, at most once a minute, and a monitor is
    started again unless one is expected apart; one of our own that hangs is killed before.
    """

    def __init__(self, loaded: Loaded, instance: str, *, as_json: bool = False) -> None:
        """Take what the settings were loaded from, and the instance whose journal is followed.

        `as_json` has a monitor speak in the lines that this run speaks in.
        """
        shape = ("--json",) if as_json else ()
        self._arguments = (*shape, *loaded.again, "--set", f"instance={instance}")
        self._settings = loaded.settings
        self._folder = loaded.settings.state_dir / instance
        self._beside = loaded.settings.monitor == "beside"
        self._monitor: Beside | None = None
        self._cannot = ""
        self._looked_s = time.monotonic()
        self._started_s = self._told_s = float("-inf")
        self._missing_s: float | None = None

    def __enter__(self) -> Self:
        """Start what the settings ask for."""
        if self._settings.tells and self._beside:
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let it say its last word."""
        if self._monitor is not None:
            self._monitor.end()

    def look(self, voice: Sayer) -> None:
        """Say that nobody follows the run, if so, and have one follow it; never waits."""
        now_s = time.monotonic()
        if not self._settings.tells or now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        silent_s = silence_s(self._folder, MONITOR)
        if silent_s is not None and silent_s <= SILENT_S:
            self._missing_s = None
            return
        if self._missing_s is None:
            self._missing_s = now_s
        missed_s = now_s - self._missing_s
        if missed_s >= self._patience_s(silent_s) and now_s - self._told_s >= AGAIN_S:
            self._told_s = now_s
            found, what = self._found(silent_s, now_s), self._mended(silent_s, now_s)
            voice.say("monitor.missing", "error", found=found, what=what)
        self._kill_if_hung(silent_s, now_s)

    @property
    def _runs(self) -> bool:
        """Tell whether the monitor that this run started is there, however it is."""
        return self._monitor is not None and self._monitor.process.poll() is None

    def _patience_s(self, silent_s: float | None) -> float:
        """Return how long it is no news that nobody follows: one that starts or restarts may."""
        if silent_s is not None:
            return WOKEN_S
        ended = self._monitor is not None and self._monitor.process.poll()
        return 0.0 if ended or self._cannot else AGAIN_S

    def _found(self, silent_s: float | None, now_s: float) -> str:
        if self._cannot:
            return self._cannot
        hangs = "" if silent_s is None else f"has not shown for {silent_s:.0f} s that it lives"
        if self._runs:
            begun_s = now_s - self._started_s
            return f"the one beside this run {hangs or f'has not begun in {begun_s:.0f} s'}"
        if hangs:
            return f"that of {holder(self._folder, MONITOR)} {hangs}"
        code = None if self._monitor is None else self._monitor.process.poll()
        return f"the one beside this run has ended (code {code})" if code else "no monitor runs"

    def _mended(self, silent_s: float | None, now_s: float) -> str:
        """Start another where that helps, and say what becomes of it."""
        if not self._beside:
            return 'expected apart from this run (monitor = "apart")'
        if self._runs:
            return "it is killed and another started, if that lasts"
        if silent_s is not None:
            return "it is not of this run: once it has ended, one is started"
        if now_s - self._started_s < AGAIN_S:
            return f"one is started in {AGAIN_S:.0f} s"
        self._start()
        return "one is started"

    def _kill_if_hung(self, silent_s: float | None, now_s: float) -> None:
        """Kill our own that hangs, by our clock: where all slept, nobody hung.

        Told and started again at the next look that finds it ended.
        """
        if self._monitor is None or not self._runs or self._missing_s is None:
            return
        limit_s = BEGINNING_S if silent_s is None else AGAIN_S - SILENT_S
        if now_s - self._missing_s >= limit_s:
            self._monitor.process.kill()
            self._told_s = float("-inf")

    def _start(self) -> None:
        self._cannot = ""
        self._started_s = self._missing_s = time.monotonic()
        try:
            env = found_from(os.environ)
            self._monitor = Beside.start("bot", "monitor", FLAG, *self._arguments, env=env)
        except OSError as error:
            self._monitor, self._cannot = None, f"no monitor could be started: {error}"
