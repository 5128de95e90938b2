"""What cannot be a journal is refused, and a failing disk stops sending but loses nothing."""

import resource
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing

import pytest

from bot.domain.errors import JournalBusyError, JournalError
from bot.domain.states import State
from bot.journal import Journal, Reader
from bot.journal.schema import SCHEMA_VERSION
from bot.journal.writer import HEARTBEAT_S
from tests.journal.records import T0, decision, intent, run_start, sample, twins
from tests.struck import struck


def write(tmp_path, content: bytes) -> None:
    """Put a file where the journal of `demo` lies."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "journal.sqlite").write_bytes(content)


def alter(tmp_path, sql: str, *values: str) -> None:
    """Change a closed journal of `demo` from outside."""
    with closing(sqlite3.connect(tmp_path / "demo" / "journal.sqlite")) as db, db:
        db.execute(sql, values)


def held_by_others(journal: Journal) -> bool:
    """Tell whether another process held the file at the last attempt."""
    return journal.busy


def refused(tmp_path, message: str) -> None:
    """Assert that opening fails so, twice: a refusal must not repair, break or lock anything."""
    for _ in range(2):
        with pytest.raises(JournalError, match=message):
            Journal.open(tmp_path, "demo")


@pytest.fixture
def closed(tmp_path):
    """Write a journal of `demo` that has ended, and return its state folder."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    for n in range(300):
        journal.record(decision(n))
        journal.intent(intent(n))
    journal.end_run({})
    journal.close()
    return tmp_path


@pytest.mark.parametrize("version", ["0", "1", str(SCHEMA_VERSION + 1), f"{SCHEMA_VERSION}.0"])
def test_other_schema_version_is_refused(closed, version):
    """A journal of another release that no step leads on from is not guessed at."""
    struck("F73")
    alter(closed, "UPDATE meta SET value = ? WHERE key = 'schema_version'", version)
    refused(
        closed,
        f"expected a journal of schema_version {SCHEMA_VERSION}, found {version} in .*:"
        " use the release that wrote it",
    )


def test_journal_of_another_instance_is_refused(closed):
    """A copied folder must not mix two books."""
    struck("F73")
    (closed / "demo").rename(closed / "copy")
    with pytest.raises(JournalError, match="of instance 'copy', found that of 'demo'"):
        Journal.open(closed, "copy")


def test_file_that_is_no_database_is_refused(tmp_path):
    """Any other file stays as it is."""
    struck("F73")
    write(tmp_path, b"instance,delta\ndemo,0.1\n" * 100)
    refused(tmp_path, "expected a SQLite database, found another kind of file")
    assert (tmp_path / "demo" / "journal.sqlite").read_bytes().startswith(b"instance,delta")


def test_database_of_another_program_is_refused(tmp_path):
    """A database without our tables is not made into a journal."""
    struck("F73")
    (tmp_path / "demo").mkdir()
    alter(tmp_path, "CREATE TABLE trades (id INTEGER)")
    refused(tmp_path, "to be a journal, found a database without its tables")


def test_damaged_page_is_found_at_opening(closed):
    """Bytes that the disk has changed are noticed before anything is believed."""
    struck("F73")
    path = closed / "demo" / "journal.sqlite"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    refused(closed, r"found it damaged|damaged \(SQLITE_CORRUPT")


def test_truncated_file_is_found_at_opening(closed):
    """A copy that was cut short is noticed."""
    struck("F73")
    path = closed / "demo" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // 4096 * 4096])
    refused(closed, r"found it damaged|damaged \(SQLITE_CORRUPT")


def test_birth_that_was_cut_short_is_begun_again(tmp_path):
    """A kill between the making of the file and its tables leaves no instance unusable."""
    struck("F73")
    write(tmp_path, b"")
    with closing(sqlite3.connect(tmp_path / "demo" / "journal.sqlite")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    journal = Journal.open(tmp_path, "demo")
    assert journal.begin_run(run_start()) == 1
    journal.close()


def test_folder_below_a_file_cannot_be_made(tmp_path):
    """The message names what is in the way."""
    (tmp_path / "state").write_text("a file")
    with pytest.raises(JournalError, match=r"cannot prepare .*found (Not a directory|File exists)"):
        Journal.open(tmp_path / "state", "demo")


def test_journal_that_is_a_link_is_refused(tmp_path):
    """A link could lead what is private anywhere."""
    struck("F73")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "journal.sqlite").symlink_to(tmp_path / "elsewhere")
    refused(tmp_path, "cannot open .*Too many levels of symbolic links")
    assert not (tmp_path / "elsewhere").exists()


def test_disk_with_too_little_room_is_refused_before_the_start(tmp_path):
    """Beginning on an almost full disk would end in the middle of a hedge."""
    with pytest.raises(
        JournalError, match=r"expected at least 1000000000000000 MB free .*found \d"
    ):
        Journal.open(tmp_path, "demo", min_free_bytes=10**21)


def test_full_disk_stops_sending_and_loses_nothing_that_must_be_kept(tmp_path):
    """The commit before a send fails, samples are dropped; with room again the rest is written."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    for n in range(100):
        journal.record(decision(n))
        journal.intent(intent(n))
    for _ in range(2):
        with pytest.raises(JournalError, match="expected room on the disk, found it full"):
            journal.commit()
    journal.record(sample())
    journal.equity(twins())
    journal.view("greeks", 0, [])
    assert journal.dropped == 3
    journal._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    journal.commit()
    journal.record(sample())
    journal.close()
    with closing(sqlite3.connect(journal.path)) as db:
        tables = ("intents", "decisions", "exposure")
        counts = [db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]
    assert counts == [100, 100, 1]


def test_disk_error_of_the_operating_system_is_a_journal_error(tmp_path):
    """A real limit on the size of files makes a real write fail in another process."""
    script = f"""
        import resource, sys
        from pathlib import Path
        from bot.domain.errors import JournalError
        from bot.journal import Journal
        from tests.journal.records import decision, intent, run_start
        journal = Journal.open(Path({str(tmp_path)!r}), "demo")
        journal.begin_run(run_start())
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        sent = 0
        try:
            for n in range(2000):
                journal.record(decision(n))
                journal.intent(intent(n))
                journal.commit()
                sent += 1
        except JournalError as error:
            print(error)
        print(sent)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    message, sent = ran.stdout.splitlines()
    assert "cannot write" in message
    assert "(SQLITE_FULL" in message or "(SQLITE_IOERR" in message
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400_000
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start(fresh=False))
    assert [item.intent.label for item in journal.open_intents()] == [
        f"demo-1-{n}" for n in range(int(sent))
    ]
    journal.close()


def test_file_held_by_another_program_is_a_journal_error_and_ends_with_it(tmp_path, monkeypatch):
    """A foreign write transaction delays the journal, then refuses the send; nothing is lost."""
    monkeypatch.setattr("bot.journal.database.WRITER_BUSY_MS", 50)
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    journal.intent(intent())
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalBusyError, match="found it held by another process"):
            journal.commit()
        assert held_by_others(journal)
        other.execute("ROLLBACK")
    journal.commit()
    assert not held_by_others(journal)
    assert [item.intent.label for item in journal.open_intents()] == ["demo-1-1"]
    journal.close()


def test_a_held_file_only_delays_the_heartbeat_and_the_commands(tmp_path):
    """Neither ends a run: they come when the file is free, each once."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    reader = Reader.open(tmp_path, "demo")
    reader.submit("pause", who="ann", why="test")
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        journal.tick(T0, State.RUNNING)
        assert held_by_others(journal)
        assert journal.take_commands() == ()
        other.execute("ROLLBACK")
    assert reader.heartbeat_age_s() is None
    (command,) = journal.take_commands()
    assert command.verb == "pause"
    time.sleep(HEARTBEAT_S)
    journal.tick(T0, State.RUNNING)
    assert not held_by_others(journal)
    assert reader.heartbeat_age_s() is not None
    reader.close()
    journal.close()


@pytest.mark.parametrize(
    "deed, found",
    [("removed", "moved or removed under the bot"), ("replaced", "found another file there")],
)
def test_a_journal_that_is_taken_away_under_a_running_bot_is_noticed(tmp_path, deed, found):
    """What is written to a file without a name is nowhere: no journal, no order."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    journal.tick(T0, State.RUNNING)
    journal.path.rename(tmp_path / "gone")
    if deed == "replaced":
        journal.path.touch()
    time.sleep(HEARTBEAT_S)
    with pytest.raises(JournalError, match=found):
        journal.tick(T0, State.RUNNING)
