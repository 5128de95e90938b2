"""The outlet that tells people: rules, patience and channels together, and the day's report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from bot.domain.errors import JournalError
from bot.domain.units import DAY_NS, NS_PER_S, day_start, iso
from bot.journal.following import Following
from bot.journal.reader import Reader
from bot.journal.tail import News
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.channels import Channel
from bot.monitor.alerts.days import Days
from bot.monitor.alerts.patience import Patience
from bot.monitor.alerts.rules import Events, Standing
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Sight
from bot.monitor.report import as_html, as_text, build

REPORT_AFTER_NS: Final = 120 * NS_PER_S
"""After 08:00 UTC, so that the settlement and the step over it are in the day."""
LOOK_S: Final = 0.5
LEAVING_S: Final = 6.0


class Alerts:
    """Tells people by every channel; `name` is the outlet's."""

    name = "alerts"

    def __init__(
        self,
        channels: Sequence[Channel],
        following: Following,
        say: Say,
        days: Days,
        *,
        cooldown_s: float,
        remind_s: float,
        report: bool,
    ) -> None:
        """Take the channels, the journal that the report is read from, and the habits.

        `days` knows which report was sent.
        """
        self._channels, self._following, self._say = tuple(channels), following, say
        self._patience, self._standing = Patience(cooldown_s), Standing(remind_s)
        self._events = Events()
        self._report, self._days = report, days
        self._failing: set[str] = set()

    def hear(self, news: Sequence[News]) -> None:
        """Queue what the news are worth."""
        self._tell(alert for one in news if (alert := self._events.hear(one)) is not None)

    def see(self, sight: Sight) -> None:
        """Queue what stands and lasts, and the report of a day that has ended."""
        self._tell(self._standing.see(sight), sight.wall_ns)
        for alert in self._patience.due(sight.wall_ns):
            self._send(alert, lambda _: True)
        if self._report and sight.status is not None:
            self._see_day(int(sight.status["ts_ns"]))

    async def run(self) -> None:
        """Watch the channels: one that fails is reported on the others."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._watch()

    async def close(self) -> None:
        """Give what waits a few seconds to leave."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                while not all(one.idle for one in self._channels):  # noqa: ASYNC110  threads
                    await asyncio.sleep(0.05)
        for one in self._channels:
            one.close()

    def _tell(self, alerts: Iterable[Alert], now_ns: int | None = None) -> None:
        when_ns = time.time_ns() if now_ns is None else now_ns
        for alert in alerts:
            let = self._patience.let(alert, when_ns)
            if let is not None:
                self._send(let, lambda _: True)

    def _send(self, alert: Alert, to: Callable[[Channel], bool]) -> None:
        for channel in filter(to, self._channels):
            channel.put(alert)

    def _watch(self) -> None:
        for channel in self._channels:
            fails = channel.failing is not None
            if fails is (channel.name in self._failing):
                continue
            (self._failing.add if fails else self._failing.discard)(channel.name)
            told: dict[str, Any] = {"channel": channel.name, "lost": channel.lost}
            if fails:
                self._say("alerts.channel_failed", "error", **told)
                text = "what it was to tell reaches nobody there; the bot trades on"
                title = f"alerts: channel {channel.name} takes nothing"
                alert = Alert("channel", Severity.CRITICAL, "", title, text)
            else:
                self._say("alerts.channel_back", **told)
                title = f"alerts: channel {channel.name} takes messages again"
                text = f"{channel.lost} messages were lost there since the start"
                alert = Alert("channel back", Severity.INFO, "", title, text)
            self._send(alert, lambda one, about=channel: one is not about)  # type: ignore[misc]

    def _see_day(self, market_ns: int) -> None:
        """Send the report of the last day that was watched, once its end is two minutes ago."""
        day_ns = day_start(market_ns - REPORT_AFTER_NS)
        if due := self._days.due(day_ns):
            reader = self._following.reader()
            if reader is None:
                return  # it waits for the journal
            try:
                self._tell_day(reader, due)
            except JournalError as error:
                self._say("alerts.no_report", "warning", found=str(error))
        try:
            self._days.keep(day_ns)
        except OSError as fault:
            found = fault.strerror or str(fault)
            self._say("alerts.day_not_kept", "warning", found=found)

    def _tell_day(self, reader: Reader, days: Sequence[int]) -> None:
        """Send the page of the first of these days on which something was watched."""
        for day_ns in days:
            report = build(reader, day_ns)
            if report.figures["coins"]:
                title = f"the day until {iso(day_ns + DAY_NS)[:16].replace('T', ' ')} UTC"
                told = Alert("report", Severity.INFO, "", title, as_text(report), as_html(report))
                self._send(told, lambda _: True)
                return
