"""Which doubts of a run people are told of, from its rows and in its middle."""

from contextlib import closing

import pytest

from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt
from bot.journal import Journal, Reader
from bot.journal.tail import News, Tail
from bot.monitor.alerts.alert import Severity
from bot.monitor.alerts.doubts import Doubts
from tests.journal.records import T0, run_start


def written(journal, reason, coin="BTC", *, active=True) -> None:
    """Write down a doubt."""
    journal.record(Doubt(T0, coin, Because(reason, "db-other", {"orders": 2.0}), active))


@pytest.mark.parametrize(
    "reason,severity",
    [
        (Reason.ANOTHER_BOT, Severity.CRITICAL),
        (Reason.RUNAWAY, Severity.CRITICAL),
        (Reason.UNHEDGED, Severity.CRITICAL),
        (Reason.PNL_UNEXPLAINED, Severity.WARNING),
        (Reason.STALE_QUOTE, None),
    ],
)
def test_a_doubt_is_told_where_a_person_can_do_something(tmp_path, reason, severity):
    """An old quote mends itself, or stops the coin, which is told. By a late monitor as well."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        tail, followed, late = Tail(whole_run=True), Doubts(), Doubts()
        written(journal, reason)
        journal.commit()
        with closing(Reader.open(tmp_path, "demo")) as reader:
            for one in tail.news(reader):
                followed.hear(one)
            late.begin(reader)
            for doubts in (followed, late):
                found = [one.severity for one in doubts.troubles()]
                assert found == ([] if severity is None else [severity])
            written(journal, reason, active=False)
            journal.commit()
            for one in tail.news(reader):
                followed.hear(one)
            late.begin(reader)
            assert [*followed.troubles(), *late.troubles()] == []


def test_a_doubt_says_whose_it_is_and_why():
    """Of a coin or of all; the same of another coin is another."""
    doubts = Doubts()
    because = {"reason": "another_bot", "subject": "db-other", "numbers": {"orders": 2.0}}
    for coin in ("BTC", "", "BTC"):
        doubts.hear(News("doubt", 1, 1, 0, {"coin": coin, "because": because, "active": 1}))
    first, whole = doubts.troubles()
    assert (first.title, whole.title) == ("BTC: another bot", "the bot: another bot")
    assert first.text == "another bot (db-other: orders 2)"


def test_a_run_that_begins_doubts_nothing_of_the_one_before():
    """Its own rows say what it does."""
    doubts = Doubts()
    because = {"reason": "another_bot", "subject": "", "numbers": {}}
    doubts.hear(News("doubt", 1, 1, 0, {"coin": "BTC", "because": because, "active": 1}))
    doubts.hear(News("run", 1, 1, 0, {"ended_ns": 5, "outcome": "stopped"}))
    assert list(doubts.troubles()) != []
    doubts.hear(News("run", 2, 2, 0, {"ended_ns": None, "outcome": None}))
    assert list(doubts.troubles()) == []
