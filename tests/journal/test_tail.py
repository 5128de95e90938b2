"""Another process follows a bot row by row, over its deaths and over a journal that is new."""

from contextlib import closing

import pytest

from bot.domain.errors import JournalBusyError
from bot.domain.orders import OrderState
from bot.domain.records import CommandOutcome
from bot.domain.states import State
from bot.journal import Journal
from bot.journal.following import Following
from bot.journal.tail import KINDS, MOST, Tail
from tests.journal.records import (
    T0,
    changed_state,
    decision,
    fill,
    hedge_done,
    intent,
    moved,
    paid,
    run_start,
    sample,
)


@pytest.fixture
def journal(tmp_path):
    """Open a journal with a run in it."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    yield journal
    journal.close()


@pytest.fixture
def following(tmp_path):
    """Follow it."""
    with closing(Following(tmp_path, "demo")) as following:
        yield following


def an_order(journal: Journal, n: int) -> None:
    """Write down an order from its decision to its end."""
    journal.record(decision(n))
    journal.intent(intent(n))
    journal.record(moved(n, OrderState.INTENDED, OrderState.SENT))
    journal.fill(fill(n))
    journal.record(moved(n, OrderState.SENT, OrderState.FILLED, "trade"))
    journal.record(paid(n))
    journal.record(hedge_done(n))
    journal.commit()


def kinds(found) -> list[str]:
    """Return the kinds of news in their order."""
    return [news.kind for news in found]


def test_a_look_finds_what_is_new_in_the_order_in_which_it_follows(journal, following):
    """What was there before is not news; a row is news once."""
    an_order(journal, 1)
    tail = Tail()
    assert tail.news(following.reader()) == []
    an_order(journal, 2)
    found = tail.news(following.reader())
    assert sorted(kinds(found)) == sorted(
        ["decision", "intent", "order", "fill", "order", "paid", "hedge"]
    )
    assert kinds(found)[0] == "decision"
    assert found[0].fields["trades"][0]["instrument"] == "BTC-PERPETUAL"
    assert "seq" not in found[0].fields
    assert tail.news(following.reader()) == []


def test_what_is_not_committed_is_no_news(journal, following):
    """An onlooker never knows more than the disk."""
    tail = Tail()
    tail.news(following.reader())
    journal.record(decision(1))
    assert tail.news(following.reader()) == []
    journal.commit()
    assert kinds(tail.news(following.reader())) == ["decision"]


def test_the_whole_newest_run_is_news_where_that_is_asked_for(journal, following):
    """A process that its bot starts must not miss the run's beginning, nor tell an older run."""
    an_order(journal, 1)
    journal.end_run({})
    journal.begin_run(run_start(fresh=False))
    journal.record(changed_state(State.BOOT, State.RUNNING))
    journal.commit()
    found = Tail(whole_run=True).news(following.reader())
    assert [(news.kind, news.run) for news in found] == [("run", 2), ("state", 2)]


def test_commands_and_the_end_of_a_run_are_news(journal, following):
    """Their rows change in place; each change has an act."""
    tail = Tail(("command", "run"))
    tail.news(following.reader())
    name = following.reader().submit("pause", "BTC", who="ann@desk", why="lunch")
    assert [command.id for command in journal.take_commands()] == [name]
    journal.record(CommandOutcome(T0, name, accepted=True, outcome="paused"))
    journal.record(changed_state(State.RUNNING, State.PAUSED))
    journal.commit()
    (told,) = tail.news(following.reader())
    assert (told.kind, told.fields["id"], told.fields["outcome"]) == ("command", name, "paused")
    assert (told.fields["who"], told.fields["why"]) == ("ann@desk", "lunch")
    journal.end_run({"hedges": 3})
    (ended,) = tail.news(following.reader())
    assert (ended.kind, ended.fields["outcome"], ended.fields["summary"]["hedges"]) == (
        "run",
        "stopped",
        3,
    )


def test_all_of_a_new_journal_is_news(journal, following, tmp_path):
    """The folder was moved away and a bot began anew: its rows start at one again."""
    for n in range(1, 4):
        an_order(journal, n)
    tail = Tail(("decision", "run"))
    tail.news(following.reader())
    journal.close()
    (tmp_path / "demo").rename(tmp_path / "old")
    assert following.reader() is None
    with closing(Journal.open(tmp_path, "demo")) as anew:
        anew.begin_run(run_start())
        an_order(anew, 1)
        found = tail.news(following.reader())
    assert [(news.kind, news.run) for news in found] == [("run", 1), ("decision", 1)]


def test_a_journal_that_comes_back_is_no_news(journal, following, tmp_path):
    """A folder that was away for a moment must not tell everything that ever happened again."""
    tail = Tail()
    tail.news(following.reader())
    an_order(journal, 1)
    assert len(tail.news(following.reader())) == 7
    journal.end_run({})
    journal.close()
    (tmp_path / "demo").rename(tmp_path / "away")
    assert following.reader() is None
    (tmp_path / "away").rename(tmp_path / "demo")
    assert kinds(tail.news(following.reader())) == ["run"]


def test_of_a_journal_that_comes_while_somebody_waits_its_newest_run_is_news(tmp_path):
    """A monitor that was there first misses neither the beginning nor the first rows."""
    with closing(Following(tmp_path, "demo")) as following:
        tail = Tail(("run", "decision"))
        assert following.reader() is None
        tail.none_yet()
        with closing(Journal.open(tmp_path, "demo")) as journal:
            journal.begin_run(run_start())
            an_order(journal, 1)
            reader = following.reader()
            assert reader is not None
            assert [news.kind for news in tail.news(reader)] == ["run", "decision"]
            assert tail.news(reader) == []


def test_a_flood_is_read_in_parts(journal, following):
    """No look holds the file for long; nothing is left out."""
    tail = Tail(("exposure",))
    tail.news(following.reader())
    for n in range(MOST + 10):
        journal.record(sample(n))
    journal.commit()
    assert len(tail.news(following.reader())) == MOST
    assert len(tail.news(following.reader())) == 10


def test_a_kind_that_does_not_exist_is_refused():
    """The message names the kinds."""
    with pytest.raises(ValueError, match=f"expected kinds among .*{KINDS[0]}.*found .'dreams'"):
        Tail(("dreams",))


def test_a_look_that_fails_half_way_loses_nothing(journal, following, monkeypatch):
    """What it had read was handed to nobody: the next look reads it again."""
    tail = Tail()
    reader = following.reader()
    tail.news(reader)
    journal.record(changed_state(State.RUNNING, State.PAUSED))
    journal.commit()
    rows = reader.rows

    def busy(sql, *values):
        if "FROM decisions" in sql:
            raise JournalBusyError("held by another process")
        return rows(sql, *values)

    monkeypatch.setattr(reader, "rows", busy)
    with pytest.raises(JournalBusyError):
        tail.news(reader)
    monkeypatch.undo()
    assert kinds(tail.news(following.reader())) == ["state"]
