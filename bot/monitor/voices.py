"""All that tells of a run, as one voice: what a person or a collector sees, and a file beside it.

A file that cannot be written is told on the other voice, once when it begins and once when lines
are written again; how many were lost is in the summary. Trading feels neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.monitor.libraries import capture
from bot.monitor.telling import Banner, Item

if TYPE_CHECKING:
    from bot.journal.equity import TwinPnl
    from bot.monitor.console import Screen
    from bot.monitor.logs import Logs


class Voices:
    """A voice that is shown, and one that is kept in a file."""

    def __init__(self, shown: Logs | Screen, kept: Logs | None = None, file: str = "") -> None:
        """Tell both; `file` is the name under which lines are kept."""
        self._shown, self._kept, self._file = shown, kept, file
        self._all = (shown,) if kept is None else (shown, kept)
        self._in_trouble = False
        self._release: Callable[[], None] | None = None

    def capture(self) -> None:
        """Take over what libraries log, until `close`."""
        self._release = capture(self)

    def begin(self, banner: Banner) -> None:
        """Tell what run this is."""
        for voice in self._all:
            voice.begin(banner)
        self._look()

    def tell(self, item: Item, pnl: TwinPnl | None = None) -> None:
        """Tell what happened."""
        for voice in self._all:
            voice.tell(item, pnl)
        self._look()

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Tell an event outside the records."""
        for voice in self._all:
            voice.say(event, level, **fields)
        self._look()

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Tell what the run came to, and how many lines were lost, if any."""
        self._look()
        whole = {**summary, **self.lost()}
        for voice in self._all:
            voice.finish(whole)

    def lost(self) -> dict[str, int]:
        """Return how many lines could not be told or written, and how many found no room."""
        failed = sum(voice.failed + voice.sink.failed for voice in self._all)
        dropped = sum(voice.sink.dropped for voice in self._all)
        counts = {"log_lines_failed": failed, "log_lines_dropped": dropped}
        return {name: count for name, count in counts.items() if count}

    def close(self) -> None:
        """Let what is still under way leave."""
        if self._release is not None:
            self._release()
            self._release = None
        for voice in self._all:
            voice.close()

    def _look(self) -> None:
        """Tell on the other voice that the file began to fail, or that it no longer does."""
        if self._kept is None or bool(self._kept.sink.trouble) is self._in_trouble:
            return
        self._in_trouble = not self._in_trouble
        sink, trouble = self._kept.sink, self._kept.sink.trouble
        if self._in_trouble:
            self._shown.say("log.failing", "error", file=self._file, found=trouble)
            return
        counts = {"failed": sink.failed, "dropped": sink.dropped}
        for voice in self._all:
            voice.say("log.recovered", "warning", file=self._file, **counts)
