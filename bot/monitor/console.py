"""The screen of a run that a person watches: a banner, a line per hedge, tables, a closing summary.

Lines break between their pieces, so that 100 columns are enough, and begin with the time of day; a
line with the date stands between two days. NO_COLOR and FORCE_COLOR are honoured. Text leaves
through a `Sink`: a closed or stuck terminal is not felt by trading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, TextIO

from bot.domain.records import Decision
from bot.domain.text import printable
from bot.journal.equity import TwinPnl
from bot.monitor import figures
from bot.monitor.flood import PER_MIN, Flood
from bot.monitor.levels import LEVELS
from bot.monitor.redact import Redactor
from bot.monitor.sentences import QUIET, WARN, Piece, sentence
from bot.monitor.sink import Sink
from bot.monitor.story import Story
from bot.monitor.telling import Banner, Item, Scope, Telling, happened_ns
from bot.monitor.unwinding import Unwinding

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH: Final = 100


class Screen:
    """A voice for people. `failed` counts what could not be shown."""

    def __init__(
        self,
        stream: TextIO,
        *,
        width: int | None = None,
        secrets: Iterable[str] = (),
        wait: bool = False,
        per_min: int = PER_MIN,
    ) -> None:
        """Show on `stream`, as wide as its terminal or 100 columns.

        `wait` is as for `Sink`, `per_min` as for `Flood`.
        """
        from rich.console import Console

        self.failed = 0
        self.sink = Sink(stream, wait=wait)
        self._redactor = Redactor(secrets)
        self._story = Story()
        self._unwinding = Unwinding()
        self._flood = Flood(per_min, time.monotonic_ns)
        self._day = ""
        terminal = _is_terminal(stream)
        self._page = StringIO()
        self._console = Console(
            file=self._page,
            width=width or (Console(file=stream).width if terminal else WIDTH),
            force_terminal=True if terminal else None,
            highlight=False,
            emoji=False,
            markup=False,
        )

    def begin(self, banner: Banner) -> None:
        """Show what run this is."""
        from bot.monitor.layout import banner_lines

        with self._unfelt():
            self._day = figures.day(banner.epoch_ns)
            self._print(*banner_lines(self._clean(banner)))

    def tell(self, item: Item, pnl: TwinPnl | None = None) -> None:
        """Show what happened, if a person should know."""
        with self._unfelt():
            for heard in self._story.hear(item, pnl):
                for telling in self._unwinding.hear(heard):
                    self._show(telling)

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Show an event outside the records, from `info` on."""
        with self._unfelt():
            if level != LEVELS[0]:
                self._tell_suppressed()
                if self._flood.admits(event, level):
                    self._say(event, QUIET if level == "info" else WARN, fields)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Show what the run came to."""
        from bot.monitor.layout import closing

        with self._unfelt():
            for telling in self._unwinding.rest():
                self._show(telling)
            self._tell_suppressed(end=True)
            self._print(closing({name: self._redactor.value(summary[name]) for name in summary}))

    def close(self) -> None:
        """Give what waits a moment to leave."""
        self.sink.close()

    def _tell_suppressed(self, *, end: bool = False) -> None:
        for past in self._flood.due(end=end):
            said = {"of": past.event, "lines": past.lines, "seconds": round(past.seconds)}
            self._say("log.suppressed", WARN, said)

    def _say(self, event: str, style: str, said: Mapping[str, object]) -> None:
        from bot.monitor.layout import flow

        pairs = [(f"{name}={_shown(item)}", style) for name, item in said.items()]
        self._print(flow(self._cut([(event, style), *pairs]), self._console.width))

    def _show(self, telling: Telling) -> None:
        from bot.monitor.layout import candidates, flow

        pieces = self._cut(sentence(telling))
        if not pieces:
            return
        shown: list[RenderableType] = [flow(pieces, self._console.width)]
        if isinstance(telling.item, Decision) and telling.item.candidates:
            shown.append(candidates(telling.item, self._redactor.text))
        today = figures.day(happened_ns(telling.item))
        if self._day not in {"", today}:
            shown.insert(0, flow([(f"── {today} ──", QUIET)], self._console.width))
        self._day = today
        self._print(*shown)

    def _cut(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Redact pieces before they are set: no net catches what a line's end has cut in two."""
        return [(printable(self._redactor.text(text)), style) for text, style in pieces]

    def _clean(self, banner: Banner) -> Banner:

        def text(one: str) -> str:
            return printable(self._redactor.text(one))

        scopes = tuple(replace(one, **_texts(one, text)) for one in banner.scopes)
        return replace(banner, **_texts(banner, text), scopes=scopes)

    def _print(self, *shown: RenderableType) -> None:
        for item in shown:
            self._console.print(item)
        text = self._page.getvalue()
        self._page.seek(0)
        self._page.truncate()
        self.sink.write(self._redactor.text(text.rstrip("\n")))

    @contextmanager
    def _unfelt(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001  what cannot be shown must not stop a hedge
            self.failed += 1


def _texts(item: Banner | Scope, clean: Callable[[str], str]) -> dict[str, Any]:
    values = {field.name: getattr(item, field.name) for field in fields(item)}
    return {name: clean(value) for name, value in values.items() if isinstance(value, str)}


def _shown(item: object) -> str:
    """Return a field in words; an exception says its type as well."""
    return f"{type(item).__name__}: {item}" if isinstance(item, BaseException) else str(item)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (ValueError, OSError):
        return False
