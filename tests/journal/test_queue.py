"""An operator's command reaches the bot once, in order, and its outcome reaches the operator."""

import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing, suppress

import pytest

from bot.domain.errors import JournalBusyError, JournalError
from bot.domain.events import Operator
from bot.domain.records import CommandOutcome
from bot.domain.states import State
from bot.journal import Answer, Journal, Reader
from tests.journal.records import T0, run_start


@pytest.fixture
def journal(tmp_path):
    """Open a journal and begin a run."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    yield journal
    journal.close()


@pytest.fixture
def reader(journal):
    """Open a reader beside the writer."""
    with closing(Reader.open(journal.path.parents[1], "demo")) as reader:
        yield reader


def test_commands_are_taken_once_and_in_the_order_of_asking(journal, reader):
    """Polling again finds nothing: a command that was handed over is never handed over again."""
    reader.submit("pause", "BTC", who="ann", why="news")
    reader.submit("target", "BTC", who="ann", arguments={"target": 0.5})
    reader.submit("halt", who="bob")
    taken = journal.take_commands()
    assert [(item.verb, item.coin, item.arguments, item.who, item.why) for item in taken] == [
        ("pause", "BTC", {}, "ann", "news"),
        ("target", "BTC", {"target": 0.5}, "ann", ""),
        ("halt", "", {}, "bob", ""),
    ]
    assert journal.take_commands() == ()
    assert taken[0].event(T0) == Operator(T0, taken[0].id, "pause", "BTC", "ann", "news")


def test_loosening_taken_by_a_bot_that_died_is_not_obeyed_by_the_next(tmp_path):
    """At most once: after a crash the operator asks again."""
    with closing(Journal.open(tmp_path, "demo")) as first:
        first.begin_run(run_start())
        with closing(Reader.open(tmp_path)) as reader:
            reader.submit("resume", who="ann")
        assert len(first.take_commands()) == 1
    with closing(Journal.open(tmp_path, "demo")) as second:
        second.begin_run(run_start())
        assert second.take_commands() == ()


def test_outcome_reaches_who_waits(journal, reader):
    """The waiting process sees the answer with the next tick of the bot."""
    name = reader.submit("pause", who="ann")

    def bot_answers() -> None:
        (command,) = journal.take_commands()
        journal.record(CommandOutcome(T0, command.id, accepted=True, outcome="paused"))
        journal.tick(T0, State.PAUSED)

    before = reader.wait(name, 0.05)
    bot_answers()
    assert before == Answer(name, taken=False, done=False, accepted=False, outcome="")
    assert reader.wait(name, 1.0) == Answer(name, True, True, True, "paused")


def test_outcome_is_committed_even_between_two_heartbeats(journal, reader):
    """An operator is not kept waiting for the second to pass."""
    journal.tick(T0, State.RUNNING)
    name = reader.submit("resume", who="ann")
    journal.take_commands()
    journal.record(CommandOutcome(T0, name, accepted=False, outcome="an order is unknown"))
    journal.tick(T0, State.RUNNING)
    assert reader.answer(name) == Answer(name, True, True, False, "an order is unknown")


def test_old_resume_is_refused_and_old_halt_is_obeyed(tmp_path):
    """What loosens was meant for another moment; what tightens is never too late."""
    now = [time.time_ns()]
    with closing(Journal.open(tmp_path, "demo", wall_ns=lambda: now[0])) as journal:
        journal.begin_run(run_start())
        with closing(Reader.open(tmp_path)) as reader:
            resume = reader.submit("resume", who="ann")
            reader.submit("halt", who="ann")
            now[0] += 90 * 10**9
            assert [item.verb for item in journal.take_commands()] == ["halt"]
            answer = reader.answer(resume)
        assert (answer.done, answer.accepted) == (True, False)
        assert answer.outcome == "expected to be taken within 60 s, waited 90 s"


def test_withdrawn_command_is_not_taken(journal, reader):
    """Who gives up waiting takes the command back, unless it is too late."""
    early, late = reader.submit("resume", who="ann"), reader.submit("pause", who="ann")
    assert reader.withdraw(early)
    assert [item.id for item in journal.take_commands()] == [late]
    assert not reader.withdraw(late)
    assert reader.answer(early).outcome == "withdrawn"


def test_command_by_signal_is_in_the_same_list(journal, reader):
    """A halt by signal or file leaves the same trace as one by the queue."""
    journal.heard(Operator(T0, "signal-1", "halt", "", "SIGUSR1", ""))
    journal.record(CommandOutcome(T0, "signal-1", accepted=True, outcome="halted"))
    journal.record(CommandOutcome(T0, "never-heard", accepted=False, outcome="refused"))
    journal.commit()
    assert reader.answer("signal-1") == Answer("signal-1", True, True, True, "halted")
    assert reader.answer("never-heard") == Answer("never-heard", True, True, False, "refused")
    assert journal.take_commands() == ()


def test_command_that_was_refused_before_any_bot_is_taken_by_none(journal, reader, tmp_path):
    """It is on record with who, when and why, also where no bot runs, and never handed over."""
    before_ns = time.time_ns()
    name = reader.submit(
        "halt", who="mqtt:unproven", arguments={"fault": "bad_mac"}, why_not="expected its key"
    )
    assert journal.take_commands() == ()
    outcome = "refused at the door: expected its key"
    assert reader.answer(name) == Answer(name, True, True, False, outcome)
    (row,) = reader.rows("SELECT * FROM commands")
    assert before_ns <= row["at_ns"] == row["taken_ns"] == row["done_ns"] <= time.time_ns()
    journal.close()
    reader.submit("pause", who="mqtt:unproven", why_not="expected its key")
    with closing(Journal.open(tmp_path, "demo")) as second:  # gives back what only stops
        second.begin_run(run_start())
        assert second.take_commands() == ()


def test_an_id_is_queued_once(journal, reader):
    """Who says the same twice has said it once."""
    reader.submit("pause", who="ann", name="desk:0001")
    with pytest.raises(JournalError, match="expected rows that keep the journal's rules"):
        reader.submit("pause", who="ann", name="desk:0001")
    assert len(journal.take_commands()) == 1


def test_unknown_id_is_an_error(reader):
    """Waiting for what was never asked would last for ever."""
    with pytest.raises(JournalError, match="expected a command 'nothing'"):
        reader.wait("nothing", 1.0)


def test_other_processes_may_ask_while_the_bot_writes_without_pause(journal, tmp_path):
    """A hundred commands of another process arrive while the writer commits at full speed.

    Where it finds the file held for too long, what it has to write waits for the next time.
    """
    script = f"""
        from pathlib import Path
        from bot.journal import Reader
        reader = Reader.open(Path({str(tmp_path)!r}), "demo")
        for n in range(100):
            reader.submit("pause", who=str(n))
    """
    asking = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], env={"PYTHONPATH": ":".join(sys.path)}
    )
    watchdog = threading.Timer(120, asking.kill)
    watchdog.start()
    taken: list[str] = []
    while asking.poll() is None:
        journal.heard(Operator(T0, f"x{time.monotonic_ns()}", "pause", "", "", ""))
        with suppress(JournalBusyError):  # on a busy machine the others may hold it for long
            journal.commit()
        taken += [command.who for command in journal.take_commands()]
    watchdog.cancel()
    taken += [command.who for command in journal.take_commands()]
    assert (asking.returncode, taken) == (0, [str(n) for n in range(100)])


def test_stop_that_a_bot_took_and_never_obeyed_is_taken_by_the_next(tmp_path):
    """A bot that died amid a pause must not come back trading; what it did answer stays done."""
    with closing(Journal.open(tmp_path, "demo")) as first:
        first.begin_run(run_start())
        with closing(Reader.open(tmp_path)) as reader:
            lost, done = (reader.submit(verb, who="ann") for verb in ("pause", "halt"))
            reader.submit("resume", who="ann")
        assert len(first.take_commands()) == 3
        first.record(CommandOutcome(T0, done, accepted=True, outcome="HALTED"))
    with closing(Journal.open(tmp_path, "demo")) as second:
        second.begin_run(run_start())
        assert [command.id for command in second.take_commands()] == [lost]
        assert second.take_commands() == ()
