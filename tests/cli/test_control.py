"""What an operator's verbs tell a running bot, and what becomes of them without one."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from bot.cli import main
from bot.domain.records import CommandOutcome
from bot.journal.second_key import unproven
from tests.cli.conftest import fill_journal
from tests.journal.records import T0


def queued(state):
    """Return the queue as it stands on disk: verb, outcome."""
    db = sqlite3.connect(state / "demo" / "journal.sqlite")
    rows = db.execute("SELECT verb, outcome FROM commands").fetchall()
    db.close()
    return rows


def refuse(command):
    """Answer as a bot with an unresolved order does."""
    outcome = "refused: 1 orders are UNKNOWN (demo-1-7)"
    return CommandOutcome(T0, command.id, accepted=False, outcome=outcome)


@pytest.mark.parametrize("verb", ["pause", "resume", "halt"])
def test_a_verb_reaches_the_bot_with_who_and_why(deltaband, live_bot, verb):
    """The journal keeps who asked; the answer is printed with the command's id."""
    bot = live_bot()
    found = deltaband.json(verb, "btc", "--why", "checking something")
    (heard,) = bot.heard
    answered = {"instance": "demo", "accepted": True, "outcome": "PAUSED"}
    assert found == {"id": heard.id} | answered
    assert (heard.verb, heard.coin, heard.why) == (verb, "BTC", "checking something")
    user, at, host = heard.who.partition("@")
    assert (bool(user), at, host) == (True, "@", os.uname().nodename)


def test_without_a_coin_the_whole_bot_is_meant(deltaband, live_bot):
    """The empty coin is the instance; people get one line."""
    bot = live_bot()
    done = deltaband("halt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "halt accepted by demo: PAUSED\n", "")
    assert [command.coin for command in bot.heard] == [""]


@pytest.mark.parametrize("redirected", [">&-", "| true"])
def test_a_halt_whose_answer_is_lost_is_obeyed_and_0(deltaband, live_bot, redirected):
    """A closed output must neither keep a halt from its bot nor make it look refused."""
    bot = live_bot()
    line = f"set -o pipefail; {{ sleep 0.2; {sys.executable} -m bot halt {redirected}; }}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=deltaband.home, env=deltaband.env, capture_output=True, check=True
    )
    assert done.stderr == b"halt accepted by demo: PAUSED\n"
    assert [command.verb for command in bot.heard] == ["halt"]


def test_a_refused_resume_is_exit_code_1(deltaband, live_bot):
    """The bot's reason is what the user reads."""
    live_bot(refuse)
    found = deltaband.json("resume", code=1)
    assert (found["accepted"], found["outcome"]) == (
        False,
        "refused: 1 orders are UNKNOWN (demo-1-7)",
    )
    assert deltaband("resume").stderr == "error: refused: 1 orders are UNKNOWN (demo-1-7)\n"


def test_typed_words_reach_the_bot_as_they_are(deltaband, live_bot):
    """`resume COIN --confirm` asks another thing than resume, and keeps every character."""
    bot = live_bot()
    words = "hedge BTC 1.83  to 0.02"
    assert deltaband.json("resume", "btc", "--confirm", words)["accepted"] is True
    (heard,) = bot.heard
    assert (heard.verb, heard.coin, heard.why) == ("confirm", "BTC", words)


def test_wrong_words_are_exit_code_1(deltaband, live_bot):
    """With what was expected, as the bot says it."""
    outcome = "expected the words 'hedge BTC', found 'yes'"
    live_bot(lambda asked: CommandOutcome(T0, asked.id, accepted=False, outcome=outcome))
    found = deltaband.json("resume", "BTC", "--confirm", "yes", code=1)
    assert (found["accepted"], found["outcome"]) == (False, outcome)


def test_typed_words_need_their_coin(deltaband, live_bot):
    """A usage error; nothing is asked of the bot."""
    bot = live_bot()
    done = deltaband("resume", "--confirm", "hedge BTC")
    assert (done.returncode, bot.heard) == (2, [])
    assert "expected a COIN with --confirm, found none" in done.stderr


@pytest.mark.parametrize("verb", ["pause", "resume", "halt"])
def test_without_a_running_bot_nothing_is_left_behind(deltaband, verb):
    """A command that nobody hears must not surprise a later bot."""
    fill_journal(deltaband.state)
    text = f"expected a running bot on instance 'demo', found none: {verb} was not queued"
    done = deltaband(verb)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {text}\n")
    refused = {"instance": "demo", "accepted": False, "outcome": text}
    assert deltaband.json(verb, code=1) == {"id": None} | refused
    assert queued(deltaband.state) == []


def test_of_several_bots_that_run_the_one_that_is_meant_is_named(deltaband, live_bot):
    """The newest journal would be a coin toss: nobody is stopped, or read, by chance."""
    bots = [live_bot(), live_bot(instance="other")]
    expected = "expected --instance, which says who is meant, found 2 bots that run: demo, other"
    for verb in ("halt", "status"):
        done = deltaband(verb)
        assert (done.returncode, done.stdout) == (2, "")
        assert expected in done.stderr
    assert [bot.heard for bot in bots] == [[], []]
    assert deltaband("halt", "--instance", "demo").stdout == "halt accepted by demo: PAUSED\n"
    assert [len(bot.heard) for bot in bots] == [1, 0]


def test_the_bot_that_runs_is_meant_and_not_the_newest_journal(deltaband, live_bot):
    """What ended a moment ago cannot be stopped."""
    live_bot()
    fill_journal(deltaband.state, "ended")
    assert deltaband("halt").stdout == "halt accepted by demo: PAUSED\n"


def test_a_stop_stays_queued_for_a_bot_that_runs_and_does_not_look(deltaband, live_bot):
    """Stopping late is better than not at all; the exit code says that it is not done."""
    live_bot(None)
    done = deltaband("halt")
    assert done.returncode == 1
    assert done.stderr == (
        "error: expected an answer within 3 s, found none: halt stays queued and is obeyed as soon"
        " as the bot looks\n"
    )
    assert queued(deltaband.state) == [("halt", None)]


def test_a_resume_is_withdrawn_from_a_bot_that_does_not_look(deltaband, live_bot):
    """What loosens must not happen at another moment than was meant."""
    live_bot(None)
    found = deltaband.json("resume", code=1)
    assert found["outcome"].endswith("(the bot runs but did not look): resume was withdrawn")
    assert queued(deltaband.state) == [("resume", "withdrawn")]


def test_a_halt_is_withdrawn_when_its_bot_ends_first(deltaband, live_bot):
    """A bot that ends in those seconds has stopped trading; the next one is not halted."""
    bot = live_bot(None)
    process = deltaband.start("halt")
    _wait_for_command(deltaband.state)
    bot.end()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "(the bot has ended): halt was withdrawn" in err) == (1, True)
    assert queued(deltaband.state) == [("halt", "withdrawn")]


def test_a_taken_command_without_an_answer_is_not_called_done(deltaband, live_bot):
    """Absence of an answer is no evidence of either."""
    live_bot(lambda _: None)
    found = deltaband.json("halt", code=1)
    assert found["accepted"] is False
    assert found["outcome"].endswith("stands in `deltaband status`")


def test_an_interrupted_wait_withdraws_and_is_130(deltaband, live_bot):
    """Ctrl-C takes the command back where that is still possible."""
    live_bot(None)
    process = deltaband.start("resume")
    _wait_for_command(deltaband.state)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "resume was withdrawn\n")
    assert queued(deltaband.state) == [("resume", "withdrawn")]


def _wait_for_command(state):
    deadline = time.monotonic() + 10
    while not queued(state):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    "words,for_s",
    [
        (("off", "btc"), None),
        (("on", "btc"), None),
        (("hedge", "btc"), None),
        (("snooze", "btc", "--for", "30m"), 1_800.0),
        (("hold", "btc", "--for", "90s"), 90.0),
        (("hold", "btc", "--for", "0s"), 0.0),
    ],
)
def test_a_verb_of_one_coin_reaches_the_bot_with_its_time(deltaband, live_bot, words, for_s):
    """The time travels as a number of seconds, beside the reason."""
    bot = live_bot()
    assert deltaband.json(*words, "--why", "trying")["accepted"] is True
    (heard,) = bot.heard
    assert (heard.verb, heard.coin, heard.why) == (words[0], "BTC", "trying")
    assert heard.event(T0).for_s == for_s


def test_a_snooze_without_a_coin_is_of_all(deltaband, live_bot):
    """As with pause."""
    bot = live_bot()
    assert deltaband.json("snooze", "--for", "1h30m")["accepted"] is True
    (heard,) = bot.heard
    assert (heard.coin, heard.arguments) == ("", {"for_s": 5_400.0})


@pytest.mark.parametrize(
    "words,said",
    [
        (("off",), "expected COIN, found nothing"),
        (("on",), "expected COIN, found nothing"),
        (("hedge",), "expected COIN, found nothing"),
        (("hold", "--for", "90s"), "expected COIN, found nothing"),
        (("hold", "BTC"), "expected the option --for, found it missing"),
        (("snooze", "BTC"), "expected the option --for, found it missing"),
        (("snooze", "BTC", "--for", "0s"), "expected a time such as 90s"),
        (("hold", "BTC", "--for", "-90s"), "expected a time such as 90s"),
        (("hold", "BTC", "--for", "soon"), "expected a time such as 90s"),
    ],
)
def test_a_verb_without_what_it_needs_is_a_usage_error(deltaband, live_bot, words, said):
    """Exit code 2, and the bot is asked nothing."""
    bot = live_bot()
    done = deltaband(*words)
    assert (done.returncode, bot.heard) == (2, [])
    assert said in done.stderr


@pytest.mark.parametrize("verb,stays", [("off", True), ("on", False)])
def test_what_stops_stays_queued_and_what_loosens_does_not(deltaband, live_bot, verb, stays):
    """For a bot that runs and does not look."""
    live_bot(None)
    done = deltaband(verb, "BTC")
    assert done.returncode == 1
    assert ("stays queued" in done.stderr) is stays
    assert queued(deltaband.state) == [(verb, None if stays else "withdrawn")]


def test_a_held_journal_names_the_way_around_it(live_bot, deltaband, monkeypatch, capsys):
    """A halt must not depend on a file that somebody else holds."""
    live_bot()
    monkeypatch.setattr("bot.journal.database._GUEST_S", 0.1)
    file = deltaband.state / "demo" / "journal.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10.0)) as other:
        other.execute("BEGIN IMMEDIATE")
        code = main(["halt", "--set", f"state_dir={deltaband.state}"])
        other.execute("ROLLBACK")
    said = capsys.readouterr().err
    assert code == 1
    assert "found it held by another process" in said
    assert f"the file {file.parent / 'HALT'} or SIGUSR1 halts without the journal" in said


def second_key(home):
    """Leave a second key in a home, and return the option that names it."""
    path = home / "second.key"
    path.write_text("correct horse battery staple")
    path.chmod(0o600)
    return f"second_key_file={path}"


def test_a_review_is_proven_by_the_second_key(deltaband, live_bot):
    """The words travel as they were typed, the secret does not."""
    bot = live_bot()
    words = "reviewed BTC runaway"
    deltaband.json("resume", "btc", "--review", words, "--set", second_key(deltaband.home))
    (heard,) = bot.heard
    assert (heard.verb, heard.coin, heard.why) == ("review", "BTC", words)
    assert unproven("correct horse battery staple", heard) == ""
    assert "horse" not in str(heard)


@pytest.mark.parametrize(
    "args,expected",
    [
        (("--review", "words"), "expected a COIN with --review, found none"),
        (("BTC", "--review", "words"), "expected second_key_file in the settings, found none"),
        (("BTC", "--review", "a", "--confirm", "b"), "found both"),
    ],
)
def test_a_review_needs_a_coin_and_a_key(deltaband, live_bot, args, expected):
    """Nothing reaches the bot without."""
    bot = live_bot()
    done = deltaband("resume", *args)
    assert done.returncode == 2
    assert expected in done.stderr
    assert bot.heard == []


@pytest.mark.parametrize(
    "why,kept",
    [
        (b"gr\xfcn", "gr?n"),
        (b"\xff\xfe", "??"),
        (b"a\x1b[31mred\r\n07:00:00 fake line\a", "a?[31mred??07:00:00 fake line?"),
        ("left \u202eright".encode(), "left ?right"),
        ("🙂".encode() * 2_500, "🙂" * 199 + "…"),
        ("Mittagspause, später".encode(), "Mittagspause, später"),
    ],
    ids=["latin", "no-text", "control", "reversal", "long", "umlaut"],
)
def test_a_stop_goes_through_whatever_its_reason_is_made_of(deltaband, live_bot, why, kept):
    """A byte that is no text must not keep a bot trading, nor steer somebody's terminal."""
    bot = live_bot()
    done = deltaband("halt", "--why", os.fsdecode(why))
    assert (done.returncode, done.stderr) == (0, "")
    (command,) = bot.heard
    assert (command.verb, command.why) == ("halt", kept)
