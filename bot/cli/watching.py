"""`status --watch`: the same journal, looked at again and again until Ctrl-C.

On a terminal a picture that is drawn in place; elsewhere, or with --json, a line each second.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from bot.cli import say
from bot.cli.exits import Exit
from bot.cli.options import journal, load, named_instance
from bot.cli.reading import stands, why_stale
from bot.domain.errors import JournalError

if TYPE_CHECKING:
    from bot.cli.control import Whom
    from bot.journal import Reader
    from bot.monitor.glance import Glance

LOOK_S: Final = 1.0
DAY_S: Final = 5.0
SHOWN_HEDGES: Final = 50
BIRTH_S: Final = 5.0
"""How long a journal that has just appeared may be none that can be read: its bot makes it."""


def watch(whom: Whom, *, as_json: bool) -> int:
    """Show how the bot stands until somebody has seen enough; its first run is waited for."""
    try:
        with ExitStack() as opened:
            look = _Look(_awaited(whom, opened))
            if as_json or not say.for_people():
                return _lines(look, as_json=as_json)
            return _picture(look)
    except KeyboardInterrupt:
        return Exit.FINE  # Ctrl-C is how one stops to watch


def _awaited(whom: Whom, opened: ExitStack) -> Reader:
    """Open the journal that is meant once a run has begun in it; say what is waited for, once."""
    from bot.journal.database import FILE
    from bot.journal.reader import instances

    files, sets, instance = whom
    loaded = load(files, sets)
    state_dir, named = loaded.settings.state_dir, named_instance(loaded, instance)
    wanted, absent_at = state_dir / (named or "*") / FILE, float("-inf")
    waits = False
    while True:
        try:
            if wanted.is_file() if named else instances(state_dir):
                reader = opened.enter_context(journal(files, sets, instance))
                if reader.rows("SELECT 1 FROM runs LIMIT 1"):
                    return reader
                opened.close()
            else:
                absent_at = time.monotonic()
        except JournalError:
            if time.monotonic() - absent_at > BIRTH_S:
                raise
        if not waits:
            whose = named or "any instance"
            say.note(f"waiting for the first run of {whose}, its journal at {wanted}; Ctrl-C ends")
            waits = True
        time.sleep(LOOK_S)


class _Look:
    """Looks at a journal; the day's figures now and then, because they are many rows."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._day: dict[str, Any] = {}
        self._day_at = float("-inf")

    def now(self) -> Glance:
        """Return what is to be seen now; raises JournalError."""
        from bot.domain.units import day_start
        from bot.journal.day import day_figures
        from bot.monitor.glance import Glance

        status = stands(self.reader)
        if time.monotonic() - self._day_at >= DAY_S:
            self._day = day_figures(self.reader, day_start(status["ts_ns"]))["coins"]
            self._day_at = time.monotonic()
        why = why_stale(self.reader) if status["stale"] else ""
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
            say.line(_line(seen))
        say.flush()
        time.sleep(LOOK_S)


def _line(seen: Glance) -> str:
    """Say how a bot stands in one line: each coin with what stands of it, as `status` has it."""
    from bot.monitor import wording

    status, stale = seen.status, seen.status["stale"]
    parts = [str(status["instance"])]
    for coin, one in status["underlyings"].items():
        stands_so = "; ".join(wording.of_coin(coin, one, stale=stale))
        delta = "–" if one["delta_coin"] is None else one["delta_coin"]
        text = f"{coin} {wording.stood(one['state'], stale=stale)} delta {delta}"
        parts.append(f"{text} ({stands_so})" if stands_so else text)
    parts += wording.whole(status)
    parts += [f"STALE ({seen.why})"] if seen.why else []
    return " · ".join(parts)
