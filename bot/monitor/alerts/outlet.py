"""The outlet that tells people: what happened, what stands, and the day's report, by channels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from bot.domain.errors import JournalError
from bot.domain.units import DAY_NS, NS_PER_S, day_start, iso
from bot.journal.following import Following
from bot.journal.reader import Reader
from bot.journal.tail import News
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.channels import PROBE, Channel
from bot.monitor.alerts.days import Days
from bot.monitor.alerts.doubts import Doubts
from bot.monitor.alerts.events import ENDED, RUN, STARTED, told
from bot.monitor.alerts.patience import Patience
from bot.monitor.alerts.standing import Standing
from bot.monitor.alerts.troubles import Trouble
from bot.monitor.outlet import Sight
from bot.monitor.reach import Reach
from bot.monitor.report import as_html, as_text, build

REPORT_AFTER_NS: Final = 120 * NS_PER_S
"""After 08:00 UTC, so that the settlement and the step over it are in the day."""
LOOK_S: Final = 0.5
GONE: Final = "gone"
LEAVING_S: Final = 6.0


class Alerts:
    """Tells people by every channel; `name` is the outlet's."""

    name = "alerts"

    def __init__(
        self,
        channels: Sequence[Channel],
        following: Following,
        reach: Reach,
        days: Days,
        *,
        cooldown_s: float,
        remind_s: float,
        report: bool,
    ) -> None:
        """Take the channels, the journal that the report is read from, and the habits.

        `reach` knows who cannot be told, `days` which report was sent.
        """
        self._channels, self._following = tuple(channels), following
        self._reach, self._say = reach, reach
        self._patience, self._standing = Patience(cooldown_s), Standing(remind_s, cooldown_s)
        self._report, self._days = report, days
        self._doubts = Doubts()
        self._looked = self._alive = False
        self._failing: set[str] = set()
        self._lost: dict[str, int] = {}  # by channel, when it was last told of it

    def hear(self, news: Sequence[News]) -> None:
        """Queue what the news are worth."""
        now_ns = time.time_ns()
        for one in news:
            self._doubts.hear(one)
        # Before the first look all is of earlier: but for the run, what stands of it is told.
        new = [one for one in news if self._looked or one.kind == RUN]
        for alert in filter(None, map(told, new)):
            if alert.kind == ENDED:
                self._end(alert, now_ns)
            else:
                self._let(alert, now_ns)

    def see(self, sight: Sight) -> None:
        """Queue what stands and lasts, and the report of a day that has ended."""
        if not self._looked:
            self._begin()
        self._looked, self._alive = True, sight.alive and not sight.ended
        for alert in self._standing.see(sight, self._reach.unreached, self._doubts.troubles()):
            self._send(alert)
        self._tell_late(self._patience.due(sight.wall_ns))
        if self._report and sight.status is not None:
            self._see_day(int(sight.status["ts_ns"]))

    async def run(self) -> None:
        """Watch the channels: one that fails is reported on the others."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._watch()

    async def close(self) -> None:
        """Tell what had to wait, and give all of it a few seconds to leave."""
        self._tell_late(self._patience.rest(time.time_ns()))
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                while not all(one.idle for one in self._channels):  # noqa: ASYNC110  threads
                    await asyncio.sleep(0.05)
        for one in self._channels:
            one.close()

    def _begin(self) -> None:
        """Take over what the run doubts already."""
        reader = self._following.reader()
        if reader is not None:
            with suppress(JournalError):  # who follows says so
                self._doubts.begin(reader)

    def _end(self, alert: Alert, now_ns: int) -> None:
        """Tell of an end that was not in order; of one that is tried again and again, patiently."""
        if self._standing.stands(GONE):
            self._let(replace(alert, severity=Severity.WARNING), now_ns)
            return
        self._standing.is_told(Trouble(GONE, "", alert.severity, alert.title), now_ns)
        self._send(alert)

    def _tell_late(self, alerts: Iterable[Alert]) -> None:
        """Send what had to wait, but for what is so no more: how a dead bot began is no news."""
        for alert in alerts:
            if alert.kind != RUN or (alert.title == STARTED) is self._alive:
                self._send(alert)

    def _let(self, alert: Alert, now_ns: int) -> None:
        stamped = replace(alert, at_ns=alert.at_ns or now_ns)
        let = self._patience.let(stamped, now_ns)
        if let is not None:
            self._send(let)

    def _send(self, alert: Alert, *to: Channel, but: Channel | None = None) -> None:
        stamped = replace(alert, at_ns=alert.at_ns or time.time_ns())
        for channel in to or self._channels:
            if channel is not but:
                channel.put(stamped)

    def _watch(self) -> None:
        for channel in self._channels:
            now_s, known = time.monotonic(), channel.name in self._failing
            if known and channel.failing is None:
                self._back(channel)
            elif known and channel.resting(now_s):
                self._send(Alert(PROBE, Severity.INFO, "", "alerts arrive here again"), channel)
            elif channel.fails(now_s) and not known:
                self._failing.add(channel.name)
                self._say("alerts.channel_failed", "error", **_about(channel))
                title = f"alerts: channel {channel.name} takes nothing"
                text = "what it was to tell reaches nobody there; the bot trades on"
                self._send(Alert("channel", Severity.CRITICAL, "", title, text), but=channel)

    def _back(self, channel: Channel) -> None:
        """Tell a channel what it missed, as far as that stands, and the others that it is back."""
        self._failing.discard(channel.name)
        missed = channel.lost - self._lost.get(channel.name, 0)
        self._lost[channel.name] = channel.lost
        self._say("alerts.channel_back", **_about(channel))
        lost = f"{missed} {'message was' if missed == 1 else 'messages were'} lost"
        text = f"{lost} there"
        title = f"alerts: channel {channel.name} takes messages again"
        self._send(Alert("channel back", Severity.INFO, "", title, text), but=channel)
        if missed:
            worst, stands = self._standing.now()
            title = f"alerts: {lost} on this channel"
            nothing = "nothing stands that was to be told" if self._alive else "no bot runs"
            text = f"what stands now:\n{stands}" if stands else nothing
            self._send(Alert("channel back", worst, "", title, text), channel)

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
                page = Alert("report", Severity.INFO, "", title, as_text(report), as_html(report))
                self._send(page)
                return


def _about(channel: Channel) -> dict[str, Any]:
    return {"channel": channel.name, "lost": channel.lost}
