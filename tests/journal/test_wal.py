"""The write-ahead log: grown before it is needed, copied back between events, not by a commit."""

import sqlite3
from contextlib import closing

import pytest

from bot.domain.states import State
from bot.journal import Durability, Journal
from bot.journal.database import FILE
from bot.journal.wal import COPY_AFTER, GROWN_PAGES
from tests.journal.records import T0, decision, intent, run_start

FRAME_BYTES = 4_096 + 24


def log_bytes(journal: Journal) -> int:
    """Return the size of the log."""
    return journal.path.with_name(f"{FILE}-wal").stat().st_size


def test_the_log_is_grown_before_the_first_order_and_left_out_where_nothing_is_synced(tmp_path):
    """And it begins anew: what it was grown with is not kept."""
    synced = Journal.open(tmp_path, "synced")
    quick = Journal.open(tmp_path, "quick", durability=Durability.BATCH)
    assert log_bytes(synced) >= GROWN_PAGES * FRAME_BYTES > 4 * log_bytes(quick)
    before = log_bytes(synced)
    synced.begin_run(run_start())
    for number in range(20):
        synced.record(decision(number))
        synced.commit()
    assert log_bytes(synced) == before
    with closing(sqlite3.connect(synced.path)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (0,)
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    synced.close()
    quick.close()


@pytest.fixture
def journal(tmp_path):
    """Return a journal with a run, closed with the test."""
    found = Journal.open(tmp_path, "demo")
    found.begin_run(run_start())
    yield found
    found.close()


def order(journal: Journal, number: int) -> None:
    """Write down an order as the engine does before it sends one."""
    journal.record(decision(number))
    journal.intent(intent(number))
    journal.commit()


def database_bytes(journal: Journal) -> bytes:
    """Return the database without its log."""
    return journal.path.read_bytes()


def test_no_order_waits_for_the_log_to_be_copied_back(journal):
    """Commits leave the database itself alone, many times as long as they usually have to."""
    before = database_bytes(journal)
    for number in range(4 * COPY_AFTER):
        order(journal, number)
    assert database_bytes(journal) == before


def test_a_spare_moment_copies_the_log_back_once_it_is_worth_it(journal):
    """Not at every one of them."""
    before = database_bytes(journal)
    order(journal, 0)
    journal.tick(T0, State.RUNNING)
    assert database_bytes(journal) == before
    for number in range(1, COPY_AFTER):
        order(journal, number)
    journal.tick(T0, State.RUNNING)
    assert database_bytes(journal) != before


def test_a_reader_that_stands_in_the_way_is_not_waited_for(journal):
    """The log grows on, and nothing that was written is lost."""
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchone()
        for number in range(3 * COPY_AFTER):
            order(journal, number)
            journal.tick(T0, State.RUNNING)
        assert reader.execute("SELECT count(*) FROM intents").fetchone() == (0,)
        reader.execute("COMMIT")
        found = reader.execute("SELECT count(*) FROM intents").fetchone()
    assert found == (3 * COPY_AFTER,)
