"""The day's report: once for each day that was watched, whoever was there at its end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.domain.states import State
from bot.domain.units import DAY_NS, NS_PER_S, day_start
from bot.journal import Journal
from bot.journal.following import Following
from bot.monitor.alerts.days import NAME, Days
from bot.monitor.alerts.outlet import Alerts
from bot.monitor.outlet import Sight
from bot.monitor.reach import Reach
from tests.journal.records import T0, explained, run_start

DAY = day_start(T0)
MORNING = DAY + DAY_NS + 180 * NS_PER_S


class Kept:
    """A channel that keeps what it is given."""

    name, failing, lost, idle = "kept", None, 0, True

    def __init__(self):
        self.got = []

    def put(self, alert):
        """Keep it."""
        self.got.append(alert)

    def close(self):
        """Nothing runs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an instance's folder with a journal of which one day was watched for a while."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        for n in range(40):
            journal.record(explained(n))
        journal.tick(T0, State.RUNNING)
        journal.commit()
    return tmp_path / "demo"


class Monitor:
    """What one process of a monitor tells of the days; `said` is its log."""

    def __init__(self, folder: Path) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []
        self.channel = Kept()
        habits: dict[str, Any] = {"cooldown_s": 900.0, "remind_s": 300.0, "report": True}
        channels: list[Any] = [self.channel]
        following = Following(folder.parent, folder.name)
        reach = Reach(None, self._say)
        self.alerts = Alerts(channels, following, reach, Days(folder), **habits)

    def look(self, *market_ns: int) -> list[str]:
        """Return the reports' titles once the bot has shown these times."""
        for ts_ns in market_ns:
            status = {"ts_ns": ts_ns, "stale": False, "disconnected": {}, "underlyings": {}}
            status["state"] = "RUNNING"
            self.alerts.see(Sight(ts_ns, alive=True, status=status, beat_ns=ts_ns))
        return [one.title for one in self.channel.got if one.kind == "report"]

    def _say(self, event, level="info", **fields):
        self.said.append((event, level, fields))


TITLE = "the day until 2026-01-05 08:00 UTC"


def test_a_day_is_told_once_two_minutes_after_its_end(folder):
    """Not before, and not again."""
    monitor = Monitor(folder)
    end = DAY + DAY_NS
    assert monitor.look(T0, end, end + 119 * NS_PER_S) == []
    assert monitor.look(end + 120 * NS_PER_S) == [TITLE]
    assert monitor.look(MORNING, MORNING + NS_PER_S) == [TITLE]
    (report,) = (one for one in monitor.channel.got if one.kind == "report")
    assert "gamma + theta" in report.text
    assert "<table" in report.html


@pytest.mark.parametrize("late_days", [0, 3])
def test_a_day_that_ended_while_no_monitor_ran_is_told_by_the_next(folder, late_days):
    """The newest that was watched; the empty days after it are no news."""
    assert Monitor(folder).look(T0) == []
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600
    late = Monitor(folder)
    assert late.look(MORNING + late_days * DAY_NS) == [TITLE]
    assert Monitor(folder).look(MORNING + late_days * DAY_NS) == []


def test_a_first_look_has_nothing_to_report(folder):
    """Whoever begins to follow an old journal was not asked about its past."""
    assert Monitor(folder).look(MORNING) == []
    assert (folder / NAME).read_text() == "2026-01-05T08:00:00.000Z\n"


@pytest.mark.parametrize("content", [b"", b"yesterday", b"\xff\xfe", b"9" * 500])
def test_a_memory_that_says_nothing_is_written_anew(folder, content):
    """No report is made of it, and none after it is lost."""
    (folder / NAME).write_bytes(content)
    monitor = Monitor(folder)
    assert monitor.look(T0) == []
    assert monitor.look(MORNING) == [TITLE]


def test_a_report_waits_for_its_journal(folder):
    """It is not lost where the file is away at that moment."""
    monitor = Monitor(folder)
    monitor.look(T0)
    away = folder.rename(folder.with_name("away"))
    assert monitor.look(MORNING) == []
    away.rename(folder)
    assert monitor.look(MORNING + NS_PER_S) == [TITLE]


def test_where_nothing_can_be_written_the_report_is_told_and_so_is_that(folder):
    """Once: this process remembers."""
    (folder / f"{NAME}.new").mkdir()
    monitor = Monitor(folder)
    assert monitor.look(T0, T0 + NS_PER_S) == []
    assert monitor.look(MORNING, MORNING + NS_PER_S) == [TITLE]
    assert [event for event, *_ in monitor.said] == ["alerts.day_not_kept"] * 2


def test_a_market_that_begins_anew_has_no_day_behind_it(folder):
    """The clock of a replay goes back."""
    monitor = Monitor(folder)
    assert monitor.look(MORNING + 30 * DAY_NS, T0) == []
    assert monitor.look(MORNING) == [TITLE]
