"""The verbs about the journal itself, against journals of real bots."""

import json
import signal
import sqlite3
import stat
import time
from contextlib import closing

import pytest

from bot.journal import Journal
from tests.cli.conftest import fill_journal
from tests.journal.records import intent, run_start


def forge(path, statement: str) -> None:
    """Change a journal from outside."""
    with closing(sqlite3.connect(path)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        assert db.execute(statement).rowcount == 1


def test_verify_tells_what_it_read(deltaband):
    """In words and in JSON; the newest link can be noted, and asked for later."""
    fill_journal(deltaband.state)
    found = deltaband.json("journal", "verify")
    link = found["newest"].pop("link")
    assert found == {
        "journal": str(deltaband.state / "demo" / "journal.sqlite"),
        "instance": "demo",
        "sound": True,
        "commits": 3,
        "rows": 2,
        "newest": {"commit": 3, "run": 1, "at": found["newest"]["at"]},
        "head": True,
    }
    done = deltaband("journal", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "demo: sound" in done.stdout
    assert "3 commits with 2 rows" in done.stdout
    assert f"link: {link}" in done.stdout
    fill_journal(deltaband.state)
    assert deltaband.json("journal", "verify", "--knows", link)["commits"] == 5
    refused = deltaband.json("journal", "verify", "--knows", "0" * 64, code=1)
    assert f"expected a commit with the link {'0' * 64}, found none" in refused["found"]
    wrong = deltaband("journal", "verify", "--knows", "abc")
    assert wrong.returncode == 2
    assert "expected a link of 64 digits" in wrong.stderr


def test_verify_names_what_was_changed(deltaband):
    """One line of error, and an object for programs."""
    fill_journal(deltaband.state)
    path = deltaband.state / "demo" / "journal.sqlite"
    forge(path, "UPDATE acts SET body = replace(body, 'stopped', 'failed') WHERE seq = 2")
    done = deltaband("journal", "verify")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path} was changed after it was written: expected commit 3 (run 1, acts 2-2)" in (
        done.stderr
    )
    assert "docs/journal.md" in done.stderr
    found = deltaband.json("journal", "verify", code=1)
    assert (found["sound"], found["journal"]) == (False, str(path))
    started = deltaband("paper", "--for", "1m", "--set", "instance=demo")
    assert started.returncode == 1
    assert "was changed after it was written" in started.stderr


def test_verify_sees_that_an_older_file_lies_there(deltaband, tmp_path):
    """By the head beside it."""
    fill_journal(deltaband.state)
    path = deltaband.state / "demo" / "journal.sqlite"
    old = path.read_bytes()
    fill_journal(deltaband.state)
    path.write_bytes(old)
    done = deltaband("journal", "verify")
    assert done.returncode == 1
    assert "journal.head knows, found an older or another journal" in done.stderr
    assert deltaband.json("journal", "verify", "--file", path, code=1)["sound"] is False
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(old)
    assert deltaband.json("journal", "verify", "--file", copy)["head"] is False


@pytest.mark.parametrize("verb", [["verify"], ["backup", "copy"]])
def test_without_a_journal_there_is_nothing_to_do(deltaband, verb):
    """Nothing is created."""
    done = deltaband("journal", *verb)
    assert done.returncode == 1
    assert "expected a journal at" in done.stderr
    assert not (deltaband.home / "copy").exists()


def test_backup_of_a_bot_at_rest(deltaband):
    """A journal like the first, in one private file, that a bot can go on with."""
    fill_journal(deltaband.state)
    copy = deltaband.home / "copy.sqlite"
    found = deltaband.json("journal", "backup", copy)
    assert found["backup"] == str(copy)
    assert found["bytes"] == copy.stat().st_size
    assert found["newest"] == deltaband.json("journal", "verify")["newest"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in deltaband.home.glob("copy*")) == ["copy.sqlite"]
    again = deltaband("journal", "backup", copy)
    assert again.returncode == 1
    assert f"expected no file at {copy} yet, found one" in again.stderr
    nowhere = deltaband("journal", "backup", deltaband.home / "no" / "copy")
    assert nowhere.returncode == 1
    assert "cannot back up to" in nowhere.stderr
    said = deltaband("journal", "backup", deltaband.home / "second")
    assert "demo: " in said.stdout
    assert "copied to" in said.stdout
    (deltaband.home / "fresh" / "demo").mkdir(parents=True)
    copy.rename(deltaband.home / "fresh" / "demo" / "journal.sqlite")
    with closing(Journal.open(deltaband.home / "fresh", "demo")) as journal:
        assert journal.begin_run(run_start(fresh=False)) == 2
        journal.intent(intent())


def test_a_changed_journal_is_not_backed_up(deltaband):
    """A copy of it would look like a good one later."""
    fill_journal(deltaband.state)
    forge(deltaband.state / "demo" / "journal.sqlite", "UPDATE acts SET run = 9 WHERE seq = 1")
    done = deltaband("journal", "backup", deltaband.home / "copy")
    assert done.returncode == 1
    assert "was changed after it was written" in done.stderr
    assert list(deltaband.home.glob("copy*")) == []


def test_a_running_bot_is_backed_up_and_verified_and_goes_on(deltaband):
    """Its commits go on meanwhile; the copy is of one moment, and the run ends well."""
    bot = deltaband.start("paper", "--seed", "7")
    try:
        _beside(deltaband, bot)
    finally:
        bot.send_signal(signal.SIGINT)
        _, err = bot.communicate(timeout=60)
    assert bot.returncode == 0, err
    assert deltaband.json("journal", "verify")["sound"]


def _beside(deltaband, bot):
    deadline = time.monotonic() + 40
    while True:
        done = deltaband("journal", "verify", "--json")
        if done.returncode == 0 and json.loads(done.stdout)["commits"] >= 20:
            break
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.3)
    copy = deltaband.home / "copy"
    first = deltaband.json("journal", "backup", copy)
    after = deltaband.json("journal", "verify", "--knows", first["newest"]["link"])
    assert bot.poll() is None
    assert 20 <= first["commits"] <= after["commits"]
    elsewhere = deltaband.json("journal", "verify", "--file", copy)
    assert elsewhere["newest"] == first["newest"]
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT outcome FROM runs").fetchall() == [(None,)]
