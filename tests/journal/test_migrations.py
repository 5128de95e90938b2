"""A journal of an older release, built by its own tables, is brought up to date whole."""

import sqlite3
import stat
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.errors import JournalError
from bot.domain.orders import OrderState
from bot.domain.positions import Balance, Position
from bot.domain.records import CommandOutcome, Standing, Word
from bot.domain.states import State
from bot.domain.units import Quantity, Unit
from bot.journal import Journal, Reader, migrations
from bot.journal.acts import PLACES
from bot.journal.schema import OLDEST_VERSION, SCHEMA_VERSION
from bot.journal.verification import verify
from tests.journal.records import ABOVE, T0, changed_state, fill, intent, moved, run_start

HERE = Path(__file__).parent
SCRIPTS = {2: ("version_2.sql", "version_2_rows.sql"), 3: ("version_3.sql",)}


def written(tmp_path, version) -> Path:
    """Write a journal of an older version, in its log's mode, and return its path."""
    (tmp_path / "demo").mkdir(mode=0o700)
    path: Path = tmp_path / "demo" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for script in SCRIPTS[version]:
            db.executescript((HERE / script).read_text(encoding="utf-8"))
    return path


@pytest.fixture
def old(tmp_path):
    """Write a journal of version 2."""
    return written(tmp_path, 2)


def content(path) -> dict[str, list[tuple]]:
    """Return the rows of every table but those of the version."""
    with closing(sqlite3.connect(path)) as db:
        names = [n for (n,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    return {name: found for name, found in rows.items() if not name.startswith("sqlite_")}


def shape(path) -> set[tuple]:
    """Return what the file's schema says."""
    with closing(sqlite3.connect(path)) as db:
        return set(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))


def copies(path) -> list[Path]:
    """Return the copies that were made before a migration."""
    return sorted(path.parent.glob("journal.v*.sqlite"))


@pytest.mark.parametrize("version", SCRIPTS)
def test_the_old_file_has_rows_in_every_table(tmp_path, version):
    """An empty table could be lost unseen."""
    old = written(tmp_path, version)
    assert [name for name, rows in content(old).items() if not rows] == []


def test_nothing_is_lost_and_the_chain_begins(old, tmp_path):
    """Every row is as it was; the first link binds them and what stands."""
    before = content(old)
    Journal.open(tmp_path, "demo").close()
    after = content(old)
    assert {name: after[name] for name in before if name != "meta"} == {
        name: rows for name, rows in before.items() if name != "meta"
    }
    assert dict(after["meta"]) == dict(before["meta"]) | {"schema_version": str(SCHEMA_VERSION)}
    assert sorted((place, name) for _, _, place, name, _ in after["acts"]) == [
        ("commands", '["c1"]'),
        ("parked", '[1,"BTC-PERPETUAL"]'),
        ("runs", "[1]"),
        ("runs", "[2]"),
        ("standing", '["BTC","off"]'),
        ("sticky", '["ETH"]'),
    ]
    assert [row[:2] for row in after["chain"]] == [(1, 0)]


def test_a_chain_goes_on_in_a_file_that_has_one(tmp_path):
    """Nothing of the version before this one is lost, and a bot writes on."""
    old = written(tmp_path, 3)
    before = content(old)
    Journal.open(tmp_path, "demo").close()
    after = content(old)
    assert {name: after[name] for name in before if name != "meta"} == {
        name: rows for name, rows in before.items() if name != "meta"
    }
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start(fresh=False))
        journal.intent(intent(9))
        journal.end_run({})
    with closing(sqlite3.connect(old)) as db:
        assert verify(db, old).commits == len(before["chain"]) + 2


def test_the_copy_is_the_old_file(old, tmp_path):
    """Private, whole, and never written over."""
    before = content(old)
    Journal.open(tmp_path, "demo").close()
    (copy,) = copies(old)
    assert content(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    Journal.open(tmp_path, "demo").close()
    assert copies(old) == [copy]


def test_the_shape_is_that_of_a_new_journal(old, tmp_path):
    """What is new in this version is in its block of the schema and reaches older files too."""
    Journal.open(tmp_path, "demo").close()
    Journal.open(tmp_path, "new").close()
    assert shape(old) == shape(tmp_path / "new" / "journal.sqlite")


def test_a_bot_goes_on_in_it(old, tmp_path):
    """What it remembers is what the older release left, and all that it adds is bound."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        assert journal.last_states() == {"ETH": State.HALTED}
        assert [one.word for one in journal.standing()] == [Word.OFF]
        assert len(journal.parked()) == 1
        assert [(o.intent.label, o.state) for o in journal.open_intents()] == [
            ("db-demo-1-2", OrderState.INTENDED)
        ]
        assert journal.begin_run(run_start(fresh=False)) == 3
        assert [command.verb for command in journal.take_commands()] == ["halt"]
        journal.record(CommandOutcome(T0, "c3", accepted=True, outcome="HALTED"))
        journal.record(Standing(T0, "BTC", Word.OFF, None, active=False, because=ABOVE))
        journal.record(changed_state(State.HALTED, State.RUNNING, "ETH"))
        journal.intent(intent(3))
        journal.record(moved(3, OrderState.INTENDED, OrderState.SENT))
        journal.fill(fill(3))
        held = Position("BTC-PERPETUAL", Quantity(Decimal(10), Unit.USD))
        journal.account(T0, [held], [Balance("BTC", 1.0, 1.0, 0.0, 0.0)])
        journal.end_run({})
    with closing(sqlite3.connect(old)) as db:
        assert verify(db, old).commits == 3


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE intents SET price = '1' WHERE seq = 1",
        "UPDATE fills SET fee = 0.5",
        "UPDATE sticky SET state = 'PAUSED'",
        "UPDATE runs SET digest = 'cd' WHERE id = 1",
    ],
)
def test_what_the_older_release_wrote_is_bound_from_then_on(old, tmp_path, deed):
    """The first link covers it."""
    Journal.open(tmp_path, "demo").close()
    with closing(sqlite3.connect(old)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(deed)
    with closing(sqlite3.connect(old)) as db, pytest.raises(JournalError, match="was changed"):
        verify(db, old)


def _fails(_: sqlite3.Connection) -> None:
    raise sqlite3.OperationalError("a fault in the middle")


def _loses(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM exposure")


def _unhinges(db: sqlite3.Connection) -> None:
    db.execute("UPDATE meta SET value = '18' WHERE key = 'created_ns'")


def _orphans(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA defer_foreign_keys = ON")
    db.execute("DELETE FROM runs WHERE id = 2")
    columns = ", ".join(PLACES["runs"].columns[1:])
    db.execute(f"INSERT INTO runs SELECT 9, {columns} FROM runs")


@pytest.mark.parametrize(
    "fault,message",
    [
        (_fails, "a fault in the middle"),
        (_loses, r"to keep its rows, found others in \['exposure'\]"),
        (_unhinges, "was changed after it was written"),
        (_orphans, "to keep their run"),
    ],
)
def test_a_step_that_fails_leaves_the_file_as_it_was(old, tmp_path, monkeypatch, fault, message):
    """All or nothing, and the copy stays for whoever looks into it."""
    before, form = content(old), shape(old)

    def broken(db: sqlite3.Connection) -> None:
        migrations._to_3(db)
        fault(db)

    monkeypatch.setattr(migrations, "STEPS", {**migrations.STEPS, 2: broken})
    for tries in (1, 2):
        with pytest.raises(JournalError, match=message):
            Journal.open(tmp_path, "demo")
        assert (content(old), shape(old), len(copies(old))) == (before, form, tries)
    monkeypatch.undo()
    Journal.open(tmp_path, "demo").close()


def test_every_version_leads_on_to_this_one():
    """No step is missing between the oldest and ours."""
    assert sorted(migrations.STEPS) == list(range(OLDEST_VERSION, SCHEMA_VERSION))


def test_steps_run_in_their_order_up_to_this_version(old, monkeypatch):
    """A file may be several versions behind."""
    ran = []

    def second(db: sqlite3.Connection) -> None:
        ran.append(db.execute("SELECT count(*) FROM chain").fetchone())
        db.execute("ALTER TABLE fills ADD COLUMN liquidity TEXT")

    monkeypatch.setattr(migrations, "STEPS", {**migrations.STEPS, SCHEMA_VERSION: second})
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        migrations.migrate(db, old, "demo")
        assert ran == [(1,)]
        assert dict(db.execute("SELECT * FROM meta"))["schema_version"] == str(SCHEMA_VERSION + 1)
        verify(db, old)


@pytest.mark.usefixtures("old")
def test_another_instances_old_journal_is_refused_and_left_alone(tmp_path):
    """A copied folder is no reason to rewrite it."""
    (tmp_path / "demo").rename(tmp_path / "other")
    path = tmp_path / "other" / "journal.sqlite"
    with pytest.raises(JournalError, match="of instance 'other', found that of 'demo'"):
        Journal.open(tmp_path, "other")
    assert (copies(path), "chain" in content(path)) == ([], False)


def test_an_old_copy_in_the_place_of_a_newer_journal_is_refused(old, tmp_path):
    """The head knows a commit that it cannot have."""
    before = old.read_bytes()
    Journal.open(tmp_path, "demo").close()
    old.write_bytes(before)
    with pytest.raises(JournalError, match=r"journal.head knows, found an older or another"):
        Journal.open(tmp_path, "demo")
    assert "chain" not in content(old)


def test_a_disk_without_room_for_the_copy_is_told_before(old, tmp_path, monkeypatch):
    """Nothing is begun that cannot be finished."""
    size = old.stat().st_size

    class Full:
        f_bavail, f_frsize = 3 * size - 1, 1

    monkeypatch.setattr("bot.journal.migrations.os.statvfs", lambda _: Full)
    with pytest.raises(JournalError, match=rf"to schema_version {SCHEMA_VERSION}, found"):
        Journal.open(tmp_path, "demo", min_free_bytes=0)
    assert copies(old) == []


def test_a_reader_of_an_old_journal_says_what_to_do(old, tmp_path):
    """It changes nothing itself."""
    with pytest.raises(JournalError, match=r"found 2 in .*: start its bot with this release"):
        Reader.open(tmp_path, "demo")
    assert "chain" not in content(old)
