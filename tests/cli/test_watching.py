"""`status --watch`: the same journal again and again, and what it says of what is not well."""

import json
import re
import signal
import time

import pytest

from bot.domain.reasons import Because, Reason
from bot.domain.records import Standing, StateChange, Word
from bot.domain.states import State
from bot.domain.units import iso
from bot.journal import Journal
from bot.journal.lock import MONITOR, Lock
from tests.cli.conftest import fill_journal
from tests.journal.records import T0, run_start, sample

NOBODY = "NOBODY IS TOLD how it stands: no monitor follows it"


def watched(deltaband, *args, **env):
    """Return the first line of a watch off a terminal, which Ctrl-C ends in order."""
    process = deltaband.start("status", "--watch", *args, **env)
    line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return line


def drawn(deltaband):
    """Return what the live screen shows in its first second: two pictures, the first one whole."""
    process = deltaband.start(
        "status", "--watch", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="160", LINES="40"
    )
    shown = ""
    while shown.count("equity") < 2 and (line := process.stdout.readline()):
        shown += line
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown + rest)


def waiting(deltaband, *args):
    """Start a watch in an interpreter of its own: what it says on stderr is there at once."""
    verb = ["status", "--watch", *args]
    program = f"import sys; from bot.cli.app import main; sys.exit(main({verb!r}))"
    return deltaband.start_program(program)


@pytest.fixture
def running(deltaband):
    """Return a starter of bots that live as long as the test, and have said so once."""
    journals = []

    def start(*records, settings=None):
        journal = Journal.open(deltaband.state, "demo")
        journals.append(journal)
        journal.begin_run(run_start(settings=settings or {}))
        for record in records:
            journal.record(record)
        journal.tick(T0, State.RUNNING)
        return journal

    yield start
    for journal in journals:
        journal.close()


@pytest.mark.parametrize("told", [{}, {"metrics": {"listen": "127.0.0.1:9464"}}])
def test_a_watch_says_that_nobody_is_told(deltaband, running, told):
    """Where the settings name somebody and no monitor follows, on a screen and off it."""
    running(sample(1), settings=told)
    for seen in (watched(deltaband), drawn(deltaband)):
        assert (NOBODY in seen) is bool(told)
    assert json.loads(watched(deltaband, "--json"))["monitor"] is (False if told else None)
    monitor = Lock(deltaband.state / "demo" / MONITOR, "the only one", "")
    for seen in (watched(deltaband), drawn(deltaband)):
        assert NOBODY not in seen
    monitor.release()


def test_a_watch_says_all_that_status_says_of_what_stands(deltaband, running):
    """Why and since when, until when, and that delta is outside."""
    said, until = Because(Reason.OPERATOR, "ann: lunch"), T0 + 600_000_000_000
    journal = running(
        sample(1, delta_coin=0.8343),
        StateChange(T0, "BTC", State.RUNNING, State.PAUSED, (said,)),
        Standing(T0, "BTC", Word.OFF, until, active=True, because=said),
        Standing(T0, "BTC", Word.HOLD, until, active=True, because=said),
    )
    journal.view("connection", T0, {"lost_ns": {"account": T0}})
    journal.commit()
    status = deltaband("status").stdout
    line, screen = watched(deltaband), drawn(deltaband)
    for words in (
        "delta +0.8343 is OUTSIDE its band -0.1 to 0.1",
        f"PAUSED since {iso(T0)}: operator(ann: lunch)",
        f"hedging is snoozed until {iso(until)} (ann: lunch)",
        f"what is traded by hand is held until {iso(until)} (ann: lunch)",
    ):
        assert f"BTC: {words}\n" in status
        assert words in line
        assert words in screen
    for seen in (status, line, screen):
        assert f"DISCONNECTED since {iso(T0)}: account" in seen


def test_a_watch_says_that_a_dead_bot_was(deltaband):
    """Neither it nor a coin of it is RUNNING."""
    fill_journal(deltaband.state)
    assert watched(deltaband).startswith("demo · BTC was RUNNING delta 0.021 · STALE (no bot")
    screen = drawn(deltaband)
    assert "demo · paper · synthetic · was RUNNING · " in screen
    assert re.search("BTC +was RUNNING  index 90,000.00", screen)


def test_a_coin_that_is_not_measured_has_no_delta_in_a_watch(deltaband, running):
    """Off a terminal, too, that is a dash."""
    running(settings={"underlying": {"BTC": {"numeraire": "usd"}}})
    assert watched(deltaband) == "demo · BTC RUNNING delta –\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_watch_looks_again_and_again_until_it_is_stopped(deltaband, as_json):
    """Off a terminal it is a line each second; Ctrl-C is how one stops to watch."""
    fill_journal(deltaband.state)
    process = deltaband.start("status", "--watch", *(("--json",) if as_json else ()))
    lines = [process.stdout.readline() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    for line in lines:
        if as_json:
            assert json.loads(line)["underlyings"]["BTC"]["state"]
        else:
            assert line.startswith("demo · BTC ")
            assert "STALE (no bot is running" in line


@pytest.mark.parametrize(
    "args, whose, where", [((), "any instance", "*"), (("--instance", "other"), "other", "other")]
)
def test_a_watch_waits_for_the_first_run(deltaband, live_bot, args, whose, where):
    """Whoever starts it before the bot wants to see the bot, not an error."""
    process = waiting(deltaband, *args)
    try:
        path = deltaband.state / where / "journal.sqlite"
        assert process.stderr.readline() == (
            f"waiting for the first run of {whose}, its journal at {path}; Ctrl-C ends\n"
        )
        Journal.open(deltaband.state, "other").close()  # a bot that has not begun a run yet
        time.sleep(1.5)
        assert process.poll() is None
        live_bot(instance="other")
        assert process.stdout.readline().startswith("other · BTC RUNNING delta 0.021")
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_watch_is_ended_while_it_waits(deltaband, as_json):
    """By Ctrl-C, as ever; what a program reads has nothing of the waiting."""
    process = waiting(deltaband, *(("--json",) if as_json else ()))
    assert "waiting for the first run" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_watch_does_not_wait_for_what_is_no_journal(deltaband):
    """It would wait for ever."""
    fill_journal(deltaband.state)
    (deltaband.state / "demo" / "journal.sqlite").write_bytes(b"not a database, just text" * 40)
    done = deltaband("status", "--watch")
    assert (done.returncode, done.stdout) == (1, "")
    assert "expected a SQLite database, found another kind of file" in done.stderr
