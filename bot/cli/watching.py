"""`status --watch`: the same journal, looked at again and again until Ctrl-C.

On a terminal a picture that is drawn in place; elsewhere, or with --json, a line each second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from bot.cli import say
from bot.cli.exits import Exit
from bot.domain.errors import JournalError

if TYPE_CHECKING:
    from bot.journal import Reader
    from bot.monitor.glance import Glance

LOOK_S: Final = 1.0
DAY_S: Final = 5.0
SHOWN_HEDGES: Final = 50


def watch(reader: Reader, why_stale: Callable[[Reader], str], *, as_json: bool) -> int:
    """Show how the bot stands until somebody has seen enough."""
    look = _Look(reader, why_stale)
    try:
        if as_json or not say.for_people():
            return _lines(look, as_json=as_json)
        return _picture(look)
    except KeyboardInterrupt:
        return Exit.FINE  # Ctrl-C is how one stops to watch


class _Look:
    """Looks at a journal; the day's figures now and then, because they are many rows."""

    def __init__(self, reader: Reader, why_stale: Callable[[Reader], str]) -> None:
        self.reader, self._why_stale = reader, why_stale
        self._day: dict[str, Any] = {}
        self._day_at = float("-inf")

    def now(self) -> Glance:
        """Return what is to be seen now; raises JournalError."""
        from bot.domain.units import day_start
        from bot.journal.day import day_figures
        from bot.monitor.glance import Glance

        status = self.reader.status()
        if time.monotonic() - self._day_at >= DAY_S:
            self._day = day_figures(self.reader, day_start(status["ts_ns"]))["coins"]
            self._day_at = time.monotonic()
        why = self._why_stale(self.reader) if status["stale"] else ""
        hedges, age = self.reader.hedges(SHOWN_HEDGES), self.reader.heartbeat_age_s()
        return Glance(status, hedges, self._day, age, why)


def _picture(look: _Look) -> int:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from bot.monitor.glance import drawn

    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        while True:
            try:
                live.update(drawn(look.now()), refresh=True)
            except JournalError as error:
                live.update(Text(f"cannot read the journal: {error}", "bold red"), refresh=True)
            time.sleep(LOOK_S)


def _lines(look: _Look, *, as_json: bool) -> int:
    while True:
        seen = look.now()
        if as_json:
            say.json(dict(seen.status))
        else:
            coins = seen.status["underlyings"].items()
            parts = [f"{coin} {one['state']} delta {one['delta_coin']}" for coin, one in coins]
            stale = f" · STALE ({seen.why})" if seen.why else ""
            say.line(f"{seen.status['instance']} · {' · '.join(parts)}{stale}")
        say.flush()
        time.sleep(LOOK_S)
