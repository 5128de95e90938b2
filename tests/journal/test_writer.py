"""The writer: what is on disk when, what outlives a run, and who may write."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from dataclasses import fields
from decimal import Decimal
from itertools import pairwise

import pytest

from bot.domain.errors import JournalError
from bot.domain.orders import OrderState as S
from bot.domain.positions import Balance, Position
from bot.domain.records import Doubt
from bot.domain.states import State
from bot.domain.units import Quantity, Unit
from bot.journal import Durability, Journal, Reader
from bot.journal.rows import TABLES
from tests.journal.records import (
    ABOVE,
    CALL,
    PERP,
    T0,
    changed_state,
    decision,
    fill,
    gamma_decision,
    hedge_done,
    intent,
    moved,
    paid,
    run_start,
    sample,
    twins,
)


@pytest.fixture
def journal(tmp_path):
    """Open a journal and begin a run."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    yield journal
    journal.close()


def rows(journal: Journal, sql: str) -> list[tuple]:
    """Read the journal's file as another program would."""
    with sqlite3.connect(journal.path) as db:
        found = db.execute(sql).fetchall()
    db.close()
    return found


def test_files_and_folder_are_private_to_their_owner(journal):
    """The folder is 0700 and every file in it 0600, those of SQLite's log too."""
    journal.record(decision())
    journal.commit()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journal.path.parent.iterdir()}
    assert modes == {
        "journal.sqlite": 0o600,
        "journal.sqlite-wal": 0o600,
        "journal.sqlite-shm": 0o600,
        "journal.lock": 0o600,
        "journal.head": 0o600,
        "journal.reserve": 0o600,
    }
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_existing_loose_modes_are_tightened(tmp_path):
    """A folder and a file that others could read are closed to them at opening."""
    Journal.open(tmp_path, "demo").close()
    folder = tmp_path / "demo"
    folder.chmod(0o755)
    (folder / "journal.sqlite").chmod(0o644)
    Journal.open(tmp_path, "demo").close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "journal.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "durability,level", [(Durability.FULL, 2), (Durability.BATCH, 1)], ids=["full", "batch"]
)
def test_pragmas_are_those_of_a_journal(tmp_path, durability, level):
    """WAL, the asked durability, foreign keys, and no trust in a schema's own functions."""
    journal = Journal.open(tmp_path, "demo", durability=durability)
    names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "busy_timeout")
    found = [journal._db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    journal.close()
    assert found == ["wal", level, 1, 0, 500]


def test_every_table_is_strict(journal):
    """A text never becomes a number silently."""
    found = rows(journal, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    ours = {name: strict for name, strict in found if not name.startswith("sqlite_")}
    assert set(ours.values()) == {1}
    assert len(ours) == 24


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_field_of_a_record_has_its_column(journal, kind):
    """No record loses a field on its way to disk."""
    table = TABLES[kind].sql.split()[2]
    columns = [name for (name,) in rows(journal, f"SELECT name FROM pragma_table_info('{table}')")]
    assert columns == ["seq", "run", *(field.name for field in fields(kind))]


def test_what_is_recorded_is_on_disk_after_commit_and_not_before(journal):
    """A batch is one transaction that the engine asks for."""
    journal.record(decision())
    journal.intent(intent())
    before = rows(journal, "SELECT label FROM intents")
    journal.commit()
    assert (before, rows(journal, "SELECT label, decision FROM intents")) == (
        [],
        [("demo-1-1", "d1")],
    )


def test_one_of_each_record_is_read_back_as_written(journal):
    """Figures keep their bits, exact amounts their digits, and nested values their names."""
    journal.record(decision())
    journal.record(hedge_done())
    journal.record(paid(1, average=float("nan")))
    journal.record(moved(1, S.INTENDED, S.SENT, "sent"))
    journal.record(Doubt(T0, "BTC", ABOVE, active=True))
    journal.fill(fill())
    journal.equity(twins())
    journal.commit()
    assert rows(journal, "SELECT delta_coin, snapshot ->> '$.age_s' FROM decisions") == [
        (1.8342, 0.25)
    ]
    assert rows(journal, "SELECT decision, fee_usd, seconds FROM hedges") == [("d1", 82.5, 0.4)]
    assert rows(journal, "SELECT label, post_only, mid, average, slippage_bps FROM paid") == [
        ("demo-1-1", 0, 90_000.0, None, 0.0556)
    ]
    assert rows(journal, "SELECT label, before, after, evidence FROM transitions") == [
        ("demo-1-1", "intended", "sent", "sent")
    ]
    assert rows(journal, "SELECT because ->> '$.reason', active FROM doubts") == [
        ("delta_above_owner", 1)
    ]
    assert rows(journal, "SELECT quantity, unit, price, fee FROM fills") == [
        ("-165000", "usd", "89999.5", 0.00091667)
    ]
    assert rows(journal, "SELECT hedged_usd, split ->> '$.naive.fees_usd' FROM equity") == [
        (-52.0, -9.0)
    ]


def test_figure_that_is_not_a_number_is_null(journal):
    """NaN cannot be stored as a number; it must not look like one."""
    journal.record(sample(delta_coin=float("nan"), shocks={"pnl": float("nan")}))
    journal.commit()
    assert rows(journal, "SELECT delta_coin, shocks FROM exposure") == [(None, '{"pnl":null}')]


def test_same_trade_twice_is_one_fill(journal):
    """The venue may say it again, also after a restart."""
    journal.fill(fill())
    journal.commit()
    journal.fill(fill())
    journal.commit()
    assert [item.trade_id for item in journal.fills()] == ["BTC-1"]


def test_fresh_account_may_use_the_same_labels_and_trade_ids_again(journal):
    """A run of the same seed names its orders alike."""
    for _ in range(2):
        journal.intent(intent())
        journal.fill(fill())
        journal.commit()
        journal.begin_run(run_start())
    assert rows(journal, "SELECT ledger, label FROM intents") == [(1, "demo-1-1"), (2, "demo-1-1")]


def test_label_used_twice_on_one_account_is_refused(journal):
    """Two orders of one name could not be told apart, so the second is never sent."""
    journal.intent(intent())
    journal.commit()
    journal.intent(intent())
    for deed in (journal.commit, journal.close):
        with pytest.raises(JournalError, match=r"UNIQUE constraint failed: intents.ledger"):
            deed()
    Journal.open(journal.path.parents[1], "demo").close()


def test_recording_before_a_run_is_refused(tmp_path):
    """Every row belongs to a run."""
    journal = Journal.open(tmp_path, "demo")
    with pytest.raises(JournalError, match="expected a run to be begun"):
        journal.record(decision())
    journal.close()


def test_orders_without_an_end_are_what_a_resumed_run_must_resolve(journal):
    """Filled and refused orders are done; bare, sent, working and unknown ones are not."""
    ends = {1: (), 2: (S.SENT,), 3: (S.SENT, S.UNKNOWN), 4: (S.SENT, S.FILLED), 5: (S.REJECTED,)}
    for n, steps in ends.items():
        journal.intent(intent(n))
        for before, after in zip((S.INTENDED, *steps), steps, strict=False):
            journal.record(moved(n, before, after))
    journal.commit()
    journal.begin_run(run_start(fresh=False))
    assert [(item.intent.label, item.state) for item in journal.open_intents()] == [
        ("demo-1-1", S.INTENDED),
        ("demo-1-2", S.SENT),
        ("demo-1-3", S.UNKNOWN),
    ]
    assert journal.open_intents()[0].intent == intent(1)


@pytest.mark.parametrize("evidence", ["acknowledged", "traded", "none"])
def test_what_the_venue_once_had_is_remembered_over_later_doubts(journal, evidence):
    """An order that worked, or traded, and of which nothing was heard afterwards."""
    journal.intent(intent())
    first = (S.WORKING,) if evidence == "acknowledged" else ()
    steps = (S.INTENDED, S.SENT, *first, S.UNKNOWN)
    for before, after in pairwise(steps):
        journal.record(moved(1, before, after))
    if evidence == "traded":
        journal.fill(fill(1))
    journal.commit()
    (one,) = journal.open_intents()
    assert (one.state, one.booked) == (S.UNKNOWN, evidence != "none")


def test_fresh_account_has_no_orders_of_the_one_before(journal):
    """A simulated exchange that is gone cannot be asked."""
    journal.intent(intent())
    journal.commit()
    journal.begin_run(run_start())
    assert journal.open_intents() == ()


def test_saved_account_and_later_fills_give_the_positions(journal):
    """What the bot traded since the last saving is folded into its own tag."""
    book = Position(CALL, Quantity(Decimal("-2.0"), Unit.COIN))
    hedge = Position(PERP, Quantity(Decimal(10_000), Unit.USD), "hedge")
    balance = Balance("BTC", 5.0, 5.1, 0.4, 0.2)
    journal.fill(fill(1))
    journal.account(T0, [book, hedge], [balance])
    journal.fill(fill(2))
    journal.commit()
    journal.begin_run(run_start(fresh=False))
    saved = journal.last_account()
    assert saved is not None
    assert (saved.ts_ns, saved.positions, saved.balances) == (T0, (book, hedge), (balance,))
    assert saved.fills_since == (fill(2),)
    expected = Position(PERP, Quantity(Decimal(-155_000), Unit.USD), "hedge")
    assert saved.positions_now() == (book, expected)


def test_pause_and_halt_outlive_a_restart_until_they_are_left(tmp_path):
    """The way up after a restart does not wipe out an operator's word; leaving the state does."""
    with_states = Journal.open(tmp_path, "demo")
    with_states.begin_run(run_start())
    with_states.record(changed_state(State.RUNNING, State.PAUSED, "BTC"))
    with_states.record(changed_state(State.RUNNING, State.HALTED))
    with_states.close()
    again = Journal.open(tmp_path, "demo")
    after_restart = again.last_states()
    again.begin_run(run_start(fresh=False))
    again.record(changed_state(State.BOOT, State.RECONCILING, "BTC"))
    again.commit()
    on_the_way_up = again.last_states()
    again.record(changed_state(State.PAUSED, State.RUNNING, "BTC"))
    again.commit()
    assert after_restart == {"": State.HALTED, "BTC": State.PAUSED}
    assert on_the_way_up == after_restart
    assert again.last_states() == {"": State.HALTED}
    again.close()


def test_tick_commits_what_waits_and_says_that_the_bot_lives(journal):
    """Samples alone are on disk without an order to carry them; it lives once a second."""
    journal.record(sample())
    journal.tick(T0, State.RUNNING)
    assert rows(journal, "SELECT count(*) FROM exposure") == [(1,)]
    journal.record(sample(1))
    journal.tick(T0 + 1, State.HALTED)
    assert rows(journal, "SELECT count(*) FROM exposure") == [(2,)]
    assert rows(journal, "SELECT run, market_ns, state FROM heartbeat") == [(1, T0, "RUNNING")]


def test_ended_run_has_summary_outcome_and_digest(journal):
    """The end says what the run came to; NaN in it becomes null."""
    journal.record(gamma_decision())
    journal.end_run({"orders": 3, "breach_p99_s": float("nan")})
    expected = ('{"orders":3,"breach_p99_s":null}', "stopped", journal.digest.hexdigest())
    assert rows(journal, "SELECT summary, outcome, digest FROM runs") == [expected]


def test_run_that_never_ended_is_marked_by_the_next(journal):
    """A crash has no outcome of its own."""
    journal.begin_run(run_start(fresh=False))
    assert rows(journal, "SELECT id, ledger, outcome FROM runs") == [
        (1, 1, "interrupted"),
        (2, 1, None),
    ]
    last = journal.last_run()
    assert last is not None
    assert (last.id, last.market, last.seed, last.market_ns) == (2, "synthetic", 7, T0)


def test_second_bot_of_an_instance_is_refused_by_name(tmp_path):
    """The lock is the kernel's, between processes, and the message says who has it."""
    script = f"""
        import sys
        from pathlib import Path
        from bot.journal import Journal
        journal = Journal.open(Path({str(tmp_path)!r}), "demo")
        print("open", flush=True)
        sys.stdin.read()
    """
    other = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    try:
        with pytest.raises(
            JournalError, match=rf"instance 'demo', found it held by pid {other.pid} "
        ):
            Journal.open(tmp_path, "demo")
        Journal.open(tmp_path, "another").close()
    finally:
        other.communicate("")
    Journal.open(tmp_path, "demo").close()


def test_committed_rows_survive_a_kill(tmp_path):
    """What was committed is there after SIGKILL, nothing after it, and all is sound."""
    script = f"""
        import sys
        from pathlib import Path
        from bot.journal import Journal
        from tests.journal.records import decision, intent, run_start
        journal = Journal.open(Path({str(tmp_path)!r}), "demo")
        journal.begin_run(run_start())
        for n in range(200):
            journal.record(decision(n))
            journal.intent(intent(n))
            journal.commit()
        journal.intent(intent(1000))
        print("committed", flush=True)
        sys.stdin.read()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "committed\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    journal = Journal.open(tmp_path, "demo")
    assert [item.intent.label for item in journal.open_intents()] == [
        f"demo-1-{n}" for n in range(200)
    ]
    journal.close()
    reader = Reader.open(tmp_path, "demo")
    assert reader.run()["outcome"] is None
    reader.close()


def test_closing_leaves_one_whole_file(journal):
    """After a clean end nothing of the log remains in the folder."""
    journal.record(decision())
    journal.close()
    journal.close()
    names = sorted(path.name for path in journal.path.parent.iterdir())
    assert names == ["journal.head", "journal.lock", "journal.reserve", "journal.sqlite"]
    assert rows(journal, "SELECT id FROM decisions") == [("d1",)]
