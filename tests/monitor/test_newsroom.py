"""The newsroom hands on what a journal says, and outlives everybody that it tells."""

import asyncio
from contextlib import closing
from typing import Any

import pytest

from bot.domain.errors import JournalError
from bot.domain.records import CommandOutcome
from bot.domain.states import State
from bot.journal import Journal
from bot.journal.following import Following
from bot.monitor import newsroom
from bot.monitor.newsroom import CommandQueue, Newsroom
from bot.monitor.outlet import Sight
from tests.journal.records import T0, changed_state, decision, run_start, sample


class Listener:
    """An outlet that keeps what it hears."""

    def __init__(self, name="listener", faults=0):
        self.name, self.faults = name, faults
        self.news: list[Any] = []
        self.sights: list[Any] = []
        self.closed, self.runs = False, 0

    def hear(self, news):
        """Take news."""
        self.news += news

    def see(self, sight):
        """Take a sight."""
        self.sights.append(sight)

    async def run(self):
        """Fail as often as was asked for, then wait."""
        self.runs += 1
        if self.runs <= self.faults:
            raise RuntimeError("the broker is made of cheese")
        await asyncio.Event().wait()

    async def close(self):
        """Take note."""
        self.closed = True


class Said(list):
    """What was told."""

    def __call__(self, event, level="info", **fields):
        """Keep what is told."""
        self.append((event, level, fields))


@pytest.fixture
def journal(tmp_path):
    """Open a journal with a run that decides."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    journal.tick(T0, State.RUNNING)
    yield journal
    journal.close()


async def until(condition, patience_s=10.0):
    """Wait until something holds."""
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110  what is waited for knows no event
            await asyncio.sleep(0.02)


async def test_outlets_hear_and_see_what_the_journal_says(journal, tmp_path):
    """News once, sights again and again, and a last look at the end."""
    said, one, other = Said(), Listener("one"), Listener("other")
    room, stop = Newsroom(Following(tmp_path, "demo"), (one, other), said), asyncio.Event()
    task = asyncio.create_task(room.run(stop))
    await until(lambda: one.sights)
    journal.record(decision(1))
    journal.commit()
    await until(lambda: one.news and other.news)
    journal.end_run({})
    stop.set()
    await task
    for listener in (one, other):
        assert [news.kind for news in listener.news] == ["decision", "run"]
        first, last = listener.sights[0], listener.sights[-1]
        assert first.status["underlyings"]["BTC"]["measured"]
        assert (first.alive, first.ended) == (True, False)
        assert last.ended
        assert listener.closed
    assert said == []


async def test_a_journal_that_comes_later_is_seen_and_one_that_breaks_is_told_once(tmp_path):
    """Until there is one, a sight says so; a file that cannot be read is told once."""
    said, one = Said(), Listener()
    room = Newsroom(Following(tmp_path, "demo"), (one,), said)
    room.look(0.0)
    assert one.sights[-1].status is None
    assert "found none yet" in one.sights[-1].why
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        room.look(2.0)
        (*_, newest) = one.sights
        assert newest.status["instance"] == "demo"
        journal.record(changed_state(State.BOOT, State.RUNNING))
        journal.commit()
        room.look(2.1)
        assert [news.kind for news in one.news] == ["run", "state"]
        journal.path.rename(tmp_path / "elsewhere")
        (tmp_path / "demo" / "journal.head").unlink()
        room.look(4.0)
        assert "found it gone: moved or removed" in one.sights[-1].why
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        room.look(6.0)
    assert [news.kind for news in one.news] == ["run", "state", "run"]


async def test_a_fault_of_an_outlet_is_told_and_it_begins_again(journal, tmp_path, monkeypatch):
    """Others hear on meanwhile."""
    monkeypatch.setattr(newsroom, "AGAIN_S", 0.05)
    said, broken, sound = Said(), Listener("broken", faults=2), Listener("sound")
    room, stop = Newsroom(Following(tmp_path, "demo"), (broken, sound), said), asyncio.Event()
    task = asyncio.create_task(room.run(stop))
    await until(lambda: broken.runs == 3)
    journal.record(decision(1))
    journal.commit()
    await until(lambda: sound.news)
    stop.set()
    await task
    failed = ("monitor.outlet_failed", "error")
    assert [(event, level) for event, level, _ in said] == [failed]  # the same again is no news
    assert said[0][2] == {"outlet": "broken", "found": "RuntimeError: the broker is made of cheese"}


@pytest.mark.usefixtures("journal")
async def test_an_outlet_that_does_not_close_is_left_behind(tmp_path, monkeypatch):
    """The monitor's own end does not hang on a broker's."""
    monkeypatch.setattr(newsroom, "CLOSING_S", 0.1)

    class Stuck(Listener):
        async def close(self):
            """Wait for ever."""
            await asyncio.Event().wait()

    stuck, sound = Stuck("stuck"), Listener("sound")
    room, stop = Newsroom(Following(tmp_path, "demo"), (stuck, sound), Said()), asyncio.Event()
    stop.set()
    async with asyncio.timeout(10.0):
        await room.run(stop)
    assert sound.closed
    assert isinstance(sound.sights[-1], Sight)


def test_commands_go_through_the_journal_and_nothing_waits_for_a_bot_that_is_gone(
    journal, tmp_path
):
    """A command that nobody is there to take is refused rather than queued."""
    with closing(Following(tmp_path, "demo")) as following:
        queue = CommandQueue(following)
        name = queue.submit("pause", "BTC", who="mqtt:desk", why="lunch", arguments={})
        assert queue.outcome(name) is None
        journal.take_commands()
        journal.record(CommandOutcome(T0, name, accepted=True, outcome="paused"))
        journal.commit()
        assert queue.outcome(name) == (True, "paused")
        journal.close()
        with pytest.raises(JournalError, match="expected a running bot, found none"):
            queue.submit("resume", "BTC", who="mqtt:desk", why="", arguments={})


def test_a_bot_that_ends_between_two_questions_is_not_gone(journal, tmp_path, monkeypatch):
    """It writes down its end and then lets go: who asks in the other order sees neither."""
    following, listener = Following(tmp_path, "demo"), Listener()
    room = Newsroom(following, (listener,), Said())
    reader = following.reader()
    assert reader is not None
    run = type(reader).run

    def ends_meanwhile(self):
        found = run(self)
        if found["outcome"] is None:
            journal.end_run({})
            journal.close()
        return found

    monkeypatch.setattr(type(reader), "run", ends_meanwhile)
    room.look(0.0)
    (sight,) = listener.sights
    following.close()
    assert sight.alive or sight.ended


async def test_a_bot_that_is_killed_is_gone_although_its_lock_goes_last(journal, tmp_path):
    """The pipe of a killed process may close a moment before its lock."""
    listener, stop = Listener(), asyncio.Event()
    room = Newsroom(Following(tmp_path, "demo"), (listener,), Said(), whole_run=True)
    task = asyncio.create_task(room.run(stop))
    await until(lambda: listener.sights)
    stop.set()
    await asyncio.sleep(0.1)
    journal._lock.release()
    await task
    assert [sight.alive for sight in listener.sights][-1] is False
    assert not listener.sights[-1].ended
