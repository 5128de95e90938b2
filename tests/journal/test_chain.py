"""The chain: whatever is done to a journal behind its bot's back is found, in the file alone."""

import sqlite3
import time
from contextlib import closing
from decimal import Decimal

import pytest

from bot.domain.errors import JournalError
from bot.domain.orders import OrderState as S
from bot.domain.positions import Balance, Position
from bot.domain.records import CommandOutcome, Doubt, Parked, Standing, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S, Quantity, Unit
from bot.journal import Durability, Journal, Reader
from bot.journal.acts import PLACES
from bot.journal.chain import bound, last
from bot.journal.schema import CHAINED
from bot.journal.verification import verify
from tests.journal.records import (
    ABOVE,
    CALL,
    PERP,
    T0,
    changed_state,
    decision,
    fill,
    hedge_done,
    intent,
    moved,
    run_start,
    sample,
)

AMOUNT = Quantity(Decimal(1_000), Unit.USD)


def busy_run(journal: Journal, first: int) -> None:
    """Leave at least two rows in every chained table and some in all that changes."""
    journal.begin_run(run_start(fresh=False))
    for n in range(first, first + 5):
        journal.record(decision(n))
        journal.intent(intent(n))
        journal.commit()
        journal.record(moved(n, S.INTENDED, S.SENT, "sent"))
        journal.fill(fill(n))
        journal.record(hedge_done(n))
        journal.record(Doubt(T0 + n, "BTC", ABOVE, active=bool(n % 2)))
        held = Position(PERP, Quantity(Decimal(1_000 * n), Unit.USD), "hedge")
        journal.account(T0 + n, [held], [Balance("BTC", 5.0, 5.1, 0.4, 0.2)])
        journal.record(changed_state(State.RUNNING, State.PAUSED, "BTC", n))
        journal.record(sample(n))
        journal.tick(T0 + n, State.RUNNING)
    journal.record(Standing(T0, "BTC", Word.OFF, None, active=True, because=ABOVE))
    journal.record(Parked(T0, "BTC", Position(CALL, AMOUNT), AMOUNT.value, T0, T0 + 1))
    with closing(Reader.open(journal.path.parents[1], "demo")) as reader:
        asked = reader.submit("pause", "BTC", who="ann", why="news")
        reader.withdraw(reader.submit("resume", "BTC", who="ann"))
        reader.submit("halt", who="nobody has taken it yet")
        reader.submit("resume", who="mqtt:unproven", why_not="expected a key, found none")
        # A halt that the run before took and never answered comes again.
        assert len(journal.take_commands()) == (2 if first == 1 else 3)
    journal.record(CommandOutcome(T0, asked, accepted=True, outcome="PAUSED"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write the journal of two runs and return its bytes."""
    folder = tmp_path_factory.mktemp("written")
    for first in (1, 6):
        with closing(Journal.open(folder, "demo", durability=Durability.BATCH)) as journal:
            busy_run(journal, first)
            journal.end_run({"fills": 5})
    return (folder / "demo" / "journal.sqlite").read_bytes()


@pytest.fixture
def path(written, tmp_path):
    """Return a copy of that journal, which knows no head."""
    (tmp_path / "demo").mkdir()
    copy = tmp_path / "demo" / "journal.sqlite"
    copy.write_bytes(written)
    return copy


def forge(path, *statements: str) -> None:
    """Change a journal as somebody does who knows SQLite, but not the chain."""
    with closing(sqlite3.connect(path)) as db, db:
        triggers = db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert db.execute(statement).rowcount != 0, statement


def check(path) -> None:
    """Verify the whole journal."""
    with closing(sqlite3.connect(path)) as db:
        verify(db, path)


def test_what_a_bot_writes_verifies(path):
    """Every commit with rows of ours has its link, and nothing else has one."""
    with closing(sqlite3.connect(path)) as db:
        found = verify(db, path)
        counts = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in CHAINED}
        links = db.execute("SELECT count(*), max(run) FROM chain").fetchone()
    assert min(counts.values()) >= 2
    assert found.rows == sum(counts.values())
    assert (found.commits, found.of, found.end.run) == (links[0], links[0], links[1])
    # birth, and twice: a beginning, five orders, five times between them, an end
    assert found.commits == 1 + 2 * (1 + 5 + 5 + 1)


def test_a_link_is_what_it_always_was():
    """Another text for the same rows would break every journal that exists."""
    row = (1, None, "db-é'\"-1\n", -0.0, 1e16, 5e-324, 0.1, 2**63 - 1, None, None)
    found = bound("0" * 64, (7, 2, T0), '{"fills":1}', [("fills", [row, (2, "b")])])
    assert found == "9979eeff826545e838c17280daa68b7e87e54c066153ab36ab2f8c1bfad67888"
    assert found == bound("0" * 64, (7, 2, T0), '{"fills":1}', [("fills", [row[:8], (2, "b")])])


def test_tables_are_bound_in_one_order():
    """A table that is chained later must not change what older commits are bound with."""
    assert list(CHAINED) == sorted(CHAINED)


@pytest.mark.parametrize("table", [*CHAINED, "chain"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET run = 2", "DELETE FROM {}"])
def test_rows_of_the_chain_cannot_be_changed_or_removed(path, table, deed):
    """SQLite itself refuses, whoever asks."""
    with (
        closing(sqlite3.connect(path)) as db,
        pytest.raises(sqlite3.IntegrityError, match=f"a row of {table} is never changed"),
    ):
        db.execute(deed.format(table))


@pytest.mark.parametrize("table", CHAINED)
@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM {0} WHERE seq = 2",
        "DELETE FROM {0} WHERE seq = (SELECT max(seq) FROM {0})",
        "DELETE FROM {0}",
        "UPDATE {0} SET run = 7 - run WHERE seq = 2",
        "UPDATE {0} SET seq = -seq WHERE seq = 2",
        "UPDATE {0} SET seq = seq + 1000 WHERE seq = (SELECT max(seq) FROM {0})",
    ],
)
def test_a_row_that_was_changed_removed_or_moved_is_found(path, table, deed):
    """First, middle or last, in whatever table."""
    forge(path, deed.format(table))
    with pytest.raises(JournalError, match="was changed after it was written"):
        check(path)


@pytest.mark.parametrize("table", CHAINED)
@pytest.mark.parametrize("seq", ["-5", "0", "999", "-9223372036854775808"])
def test_a_row_that_was_put_in_is_found(path, table, seq):
    """Before the first, or after the last."""
    with closing(sqlite3.connect(path)) as db:
        info = db.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE name != 'seq'")
        unique = {"label": "'x'", "trade_id": "'x'", "id": "'x'"}
        names = [name for (name,) in info]
    values = ", ".join(unique.get(name, f'"{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    forge(
        path,
        f"INSERT INTO {table} (seq, {columns}) SELECT {seq}, {values} FROM {table} WHERE seq = 2",
    )
    with pytest.raises(JournalError, match="was changed after it was written"):
        check(path)


def test_two_rows_that_changed_places_are_found(path):
    """The order of what was done is part of it."""
    swap = "UPDATE fills SET seq = {} WHERE seq = {}"
    forge(path, swap.format(100, 1), swap.format(1, 2), swap.format(2, 100))
    with pytest.raises(JournalError, match="was changed after it was written"):
        check(path)


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM chain WHERE seq = 1",
        "DELETE FROM chain WHERE seq = 9",
        "DELETE FROM chain WHERE seq = (SELECT max(seq) FROM chain)",
        "DELETE FROM chain",
        "UPDATE chain SET at_ns = at_ns + 1 WHERE seq = 9",
        "UPDATE chain SET run = run + 1 WHERE seq = 9",
        "UPDATE chain SET link = upper(link) WHERE seq = 9",
        "UPDATE chain SET upto = '{}' WHERE seq = 9",
        "UPDATE chain SET upto = '{' WHERE seq = 9",
        "UPDATE chain SET upto = '[]' WHERE seq = 9",
        'UPDATE chain SET upto = \'{"fills":"a"}\' WHERE seq = 9',
        "UPDATE chain SET seq = 900 WHERE seq = 9",
        (
            "INSERT INTO chain SELECT seq + 1, run, at_ns, upto, link FROM chain"
            " WHERE seq = (SELECT max(seq) FROM chain)"
        ),
        "INSERT INTO chain SELECT seq - 1, run, at_ns, upto, link FROM chain WHERE seq = 1",
        "UPDATE meta SET value = value + 1 WHERE key = 'created_ns'",
        "DELETE FROM meta WHERE key = 'created_ns'",
    ],
)
def test_a_chain_that_was_changed_is_found(path, deed):
    """Links, their order, their ends, and whose journal it is."""
    forge(path, deed)
    with pytest.raises(JournalError, match="was changed after it was written"):
        check(path)


@pytest.mark.parametrize(
    "deed,found",
    [
        ("DELETE FROM sticky", "sticky BTC"),
        ("UPDATE sticky SET state = 'HALTED'", "sticky BTC"),
        ("INSERT INTO sticky SELECT 'ETH', run, ts_ns, state, reasons FROM sticky", "sticky ETH"),
        ("DELETE FROM standing", "standing BTC off"),
        ("UPDATE standing SET until_ns = 1", "standing BTC off"),
        ("UPDATE parked SET held = '7'", f"parked 1 {CALL}"),
        ("UPDATE runs SET outcome = 'failed' WHERE id = 1", "runs 1"),
        ("UPDATE runs SET settings = '{}' WHERE id = 2", "runs 2"),
        ("UPDATE commands SET who = 'bob' WHERE outcome = 'PAUSED'", "commands "),
        ("UPDATE commands SET done_ns = NULL WHERE outcome = 'PAUSED'", "commands "),
        ("UPDATE commands SET outcome = 'withdrawn' WHERE outcome = 'PAUSED'", "commands "),
        ("DELETE FROM commands WHERE outcome = 'PAUSED'", "commands "),
        ("UPDATE commands SET done_ns = 1, accepted = 1 WHERE verb = 'halt'", "commands "),
        ("UPDATE commands SET accepted = 1 WHERE outcome = 'withdrawn'", "commands "),
        ("UPDATE commands SET accepted = 1 WHERE who = 'mqtt:unproven'", "commands "),
        ("UPDATE commands SET outcome = 'PAUSED' WHERE who = 'mqtt:unproven'", "commands "),
        (
            (
                "UPDATE commands SET accepted = 0, outcome = 'refused at the door: never'"
                " WHERE outcome = 'PAUSED'"
            ),
            "commands ",
        ),
    ],
)
def test_what_stands_is_what_its_newest_act_says(path, deed, found):
    """A halt that somebody lifts in the file, a word that nobody gave."""
    with closing(sqlite3.connect(path)) as db:
        assert all(db.execute(f"SELECT 1 FROM {place}").fetchone() for place in PLACES)
    forge(path, deed)
    with pytest.raises(JournalError, match=f"the newest act left it, found {found}.*otherwise"):
        check(path)


def test_a_column_of_a_later_version_changes_no_link(path):
    """Where it is appended, and NULL in what is there."""
    forge(path, "ALTER TABLE fills ADD COLUMN liquidity TEXT")
    check(path)


def test_the_first_bad_commit_is_named_and_what_to_do(path):
    """With its run and rows, so that one can look at them."""
    with closing(sqlite3.connect(path)) as db:
        (upto,) = db.execute(
            "SELECT min(seq) FROM chain WHERE json_extract(upto, '$.intents') = 3"
        ).fetchone()
    forge(path, "UPDATE intents SET price = '1' WHERE seq > 2")
    with pytest.raises(JournalError) as caught:
        check(path)
    text = str(caught.value)
    assert f"expected commit {upto} (run 1, " in text
    assert "intents 3-3" in text
    assert "do not trade on it" in text


@pytest.mark.parametrize(
    "deed", ["DELETE FROM chain WHERE seq = {}", "UPDATE chain SET seq = -1 WHERE seq = {}"]
)
def test_a_link_that_is_missing_is_named(path, deed):
    """Where the next one would only be told not to fit."""
    forge(path, deed.format(9))
    with pytest.raises(JournalError, match=r"expected commit (9|1) in the chain, found (10|-1):"):
        check(path)


def test_a_changed_journal_is_not_traded_on(path):
    """The bot does not start, twice; a reader still shows what is there."""
    forge(path, "UPDATE fills SET price = '1' WHERE seq = 9")
    for _ in range(2):
        with pytest.raises(JournalError, match="was changed after it was written"):
            Journal.open(path.parents[1], "demo")
    with closing(Reader.open(path.parents[1], "demo")) as reader:
        assert reader.run()["outcome"] == "stopped"


def test_a_start_reads_the_newest_commits_only(path, monkeypatch):
    """It takes as long for an old journal as for a young one; the verb reads them all."""
    monkeypatch.setattr("bot.journal.verification.AT_START", 5)
    forge(path, "UPDATE fills SET price = '1' WHERE seq = 2")
    Journal.open(path.parents[1], "demo").close()
    with pytest.raises(JournalError, match=r"fills 2-2"):
        check(path)
    with closing(sqlite3.connect(path)) as db:
        assert verify(db, path, 5).commits == 5
        assert (last(db).seq, verify(db, path, 5).of) == (25, 25)
    forge(path, "UPDATE fills SET price = '1' WHERE seq = 10")
    with pytest.raises(JournalError, match="was changed after it was written"):
        Journal.open(path.parents[1], "demo")


def test_a_commit_that_fails_leaves_no_link(tmp_path):
    """And the next one follows from the last that is on disk."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
        journal._db.execute(f"PRAGMA max_page_count = {pages}")
        for n in range(100):
            journal.intent(intent(n))
        with pytest.raises(JournalError, match="found it full"):
            journal.commit()
        journal._db.execute("PRAGMA max_page_count = 10000")
        journal.commit()
    check(journal.path)


def test_a_command_that_came_too_late_has_its_act(tmp_path):
    """It is refused while the commands are taken, in a commit of its own."""
    now = [T0]
    with closing(Journal.open(tmp_path, "demo", wall_ns=lambda: now[0])) as journal:
        journal.begin_run(run_start())
        with closing(Reader.open(tmp_path)) as reader:
            reader.submit("resume", who="ann")
            now[0] = time.time_ns() + 90 * NS_PER_S
            before = journal._chain.end.seq
            assert journal.take_commands() == ()
        assert journal._chain.end.seq == before + 1
    check(journal.path)


def test_samples_alone_make_no_link(tmp_path):
    """Heartbeats, views and samples are no deeds."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        before = journal._chain.end
        journal.record(sample())
        journal.view("greeks", T0, [])
        journal.tick(T0, State.RUNNING)
        assert journal._chain.end is before
