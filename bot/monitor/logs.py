"""Structured logs: one JSON object per line off a terminal, a readable line on one.

Every event passes the redactor last of all. Exceptions are told by type, message and the lines
they passed through, never with the values of variables. What libraries log through the standard
library comes out here too, in the same shape and through the same redactor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final, TextIO, TypeAlias

import orjson

from bot.domain.text import printable
from bot.journal.equity import TwinPnl
from bot.journal.rows import to_json
from bot.monitor.flood import MINUTE_NS, PER_MIN, Flood
from bot.monitor.levels import LEVELS, level
from bot.monitor.narrate import narrate
from bot.monitor.redact import Redactor
from bot.monitor.sink import Outlet, Sink
from bot.monitor.story import Story
from bot.monitor.telling import Banner, Item, happened_ns

Event: TypeAlias = MutableMapping[str, Any]
Render: TypeAlias = Callable[[Event], str]

_RANK: Final = {name: rank for rank, name in enumerate(LEVELS)}
_CAUSES: Final = 5  # how far back a chain of exceptions is told


class Logs:
    """A voice that writes log lines to one stream; `failed` counts what could not be told."""

    def __init__(
        self,
        stream: TextIO | Outlet,
        *,
        json: bool | None = None,
        lowest: str = "info",
        secrets: Iterable[str] = (),
        wait: bool = False,
        per_min: int = PER_MIN,
        **bound: object,
    ) -> None:
        """Write events of `lowest` and above; JSON by default where the stream is no terminal.

        `wait` writes in place (see `Sink`), and then no wall clock has a say in what is written;
        `per_min` limits each event (see `Flood`); `bound` fields are on every line.
        """
        import structlog

        if lowest not in LEVELS:
            raise ValueError(f"expected a level of {', '.join(LEVELS)}, found {lowest!r}")
        self.failed = 0
        self.sink = Sink(stream, wait=wait)
        self._lowest = _RANK[lowest]
        self._story = Story()
        self._market_ns = 0
        self._told = Flood(per_min, lambda: self._market_ns)
        self._said = self._told if wait else Flood(per_min, time.monotonic_ns)
        self._redactor = Redactor(secrets)
        terminal = _is_terminal(stream)
        as_json = not terminal if json is None else json
        self._render = _json_line if as_json else _readable(colours=terminal)
        self._log = structlog.wrap_logger(
            _Lines(self.sink),
            wrapper_class=structlog.BoundLogger,
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                _exceptions,
                self._redacted,
            ],
        ).bind(**bound)

    def bind(self, **bound: object) -> None:
        """Put fields such as the run on every line from now on."""
        self._log = self._log.bind(**bound)

    def begin(self, banner: Banner) -> None:
        """Log what run this is."""
        self.say("run.started", **orjson.loads(to_json(banner)))

    def tell(self, item: Item, pnl: TwinPnl | None = None) -> None:
        """Log what happened, if it matters enough."""
        try:
            self._follow(happened_ns(item))
            self._tell_suppressed()
            for telling in self._story.hear(item, pnl):
                if _RANK[level(telling.item)] >= self._lowest:
                    event, rank, fields = narrate(telling)
                    if self._told.admits(event, rank):
                        self._emit(event, rank, fields)
        except Exception:  # noqa: BLE001  a line that cannot be told must not stop a hedge
            self.failed += 1

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Log an event outside the records; `exc_info` may hold an exception."""
        if _RANK.get(level, len(LEVELS)) < self._lowest:
            return
        try:
            self._tell_suppressed()
            if self._said.admits(event, level):
                self._emit(event, level, fields)
        except Exception:  # noqa: BLE001  see tell
            self.failed += 1

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Log what the run came to."""
        self._tell_suppressed(end=True)
        self.say("run.finished", summary=summary)

    def close(self) -> None:
        """Give waiting lines a moment to leave."""
        self._tell_suppressed(end=True)
        self.sink.close()

    def _follow(self, now_ns: int) -> None:
        """Keep the newest market time; what is late does not set it back, a clock that was does."""
        if not 0 <= self._market_ns - now_ns < MINUTE_NS:
            self._market_ns = now_ns

    def _tell_suppressed(self, *, end: bool = False) -> None:
        if _RANK["warning"] < self._lowest:
            return
        try:
            for flood in (self._told, self._said):
                for past in flood.due(end=end):
                    fields = {"of": past.event, "lines": past.lines, "seconds": past.seconds}
                    self._emit("log.suppressed", "warning", fields)
        except Exception:  # noqa: BLE001  see tell
            self.failed += 1

    def _emit(self, event: str, level: str, fields: Mapping[str, object]) -> None:
        # The names of the line itself are taken.
        taken = {"event", "level", "time"}
        free = {f"{name}_" if name in taken else name: item for name, item in fields.items()}
        self._log.msg(event, level=level, **free)

    def _redacted(self, _: object, __: str, event: Event) -> tuple[tuple[str], dict[str, bool]]:
        clean = self._redactor.value(event)
        if not isinstance(clean, dict):
            raise TypeError(f"expected the redactor to keep the event's shape, found {type(clean)}")
        debug = clean.get("level") == "debug"
        return (self._redactor.exact(self._render(clean)),), {"debug": debug}


class _Lines:
    """What structlog calls a logger: the last step, onto the sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def msg(self, line: str, *, debug: bool) -> None:
        self._sink.write(line, debug=debug)


def told(error: BaseException) -> list[dict[str, Any]]:
    """Return an exception and its causes: type, message and the lines passed, no variables."""
    chain: list[dict[str, Any]] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < _CAUSES:
        frames = extract_tb(seen.__traceback__)
        lines = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        link = {"type": type(seen).__name__, "message": _words(seen), "lines": lines}
        notes = [str(note) for note in getattr(seen, "__notes__", ())]
        parts = [f"{type(one).__name__}: {_words(one)}" for one in _members(seen)]
        more = {"notes": notes, "parts": parts}
        chain.append(link | {name: items for name, items in more.items() if items})
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return chain


def _members(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions[:_CAUSES] if isinstance(error, BaseExceptionGroup) else ()


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001  an exception that cannot say what it is
        return f"no words for it ({type(fault).__name__})"


def _exceptions(_: object, __: str, event: Event) -> Event:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = told(error)
    return event


def _json_line(event: Event) -> str:
    first = {name: event[name] for name in ("time", "level", "event")}
    return to_json(first | dict(event))


def _readable(*, colours: bool) -> Render:
    import structlog

    forced = bool(os.environ.get("FORCE_COLOR"))
    plain = bool(os.environ.get("NO_COLOR"))
    renderer = structlog.dev.ConsoleRenderer(
        colors=(colours or forced) and not plain, timestamp_key="time", pad_event_to=24
    )

    def render(event: Event) -> str:
        chain = event.pop("exception", ())
        event = {name: printable(x) if isinstance(x, str) else x for name, x in event.items()}
        tail = [
            printable(f"  {item['type']}: {'; '.join(_said(item))} ({', '.join(item['lines'])})")
            for item in chain
        ]
        return "\n".join([str(renderer(None, "", event)), *tail])

    return render


def _said(item: Mapping[str, Any]) -> tuple[str, ...]:
    return (item["message"], *item.get("notes", ()), *item.get("parts", ()))


def _is_terminal(stream: TextIO | Outlet) -> bool:
    if isinstance(stream, Outlet):
        return False
    try:
        return stream.isatty()
    except (ValueError, OSError):
        return False
