"""Readers show how the newest run stands, mark it stale, and never stand in the writer's way."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal

import orjson
import pytest

from bot.domain.errors import JournalError
from bot.domain.positions import Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import StateChange
from bot.domain.states import State
from bot.domain.units import Quantity, Unit
from bot.journal import Journal, Reader, instances
from bot.journal.schema import SCHEMA_VERSION
from tests.journal.records import (
    CALL,
    PERP,
    T0,
    changed_state,
    decision,
    fill,
    gamma_decision,
    hedge_done,
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


@pytest.fixture
def reader(journal):
    """Open a reader beside the writer."""
    with closing(Reader.open(journal.path.parents[1], "demo")) as reader:
        yield reader


def test_status_shows_the_view_where_it_is_younger_than_the_sample(journal, reader):
    """Samples are a minute apart; figures beside a market time of now must be of now."""
    young = sample(2, delta_coin=0.7, shocks={"delta_down_2": 0.5}, vega_usd=float("nan"))
    journal.record(sample(1))
    journal.view("exposure", young.ts_ns, {"BTC": young, "ETH": sample(0, coin="ETH")})
    journal.tick(T0, State.RUNNING)
    coins = reader.status()["underlyings"]
    assert (coins["BTC"]["delta_coin"], coins["BTC"]["vega_usd"]) == (0.7, None)
    assert coins["BTC"]["shocks"] == {"delta_down_2": 0.5}
    assert [one["reason"] for one in coins["BTC"]["doubts"]] == [
        str(doubt.reason) for doubt in young.doubts
    ]
    assert coins["ETH"]["measured"] is True
    journal.record(sample(3, delta_coin=0.9))
    journal.tick(T0, State.RUNNING)
    assert reader.status()["underlyings"]["BTC"]["delta_coin"] == 0.9


def test_status_has_the_promised_shape(journal, reader):
    """The newest sample of each underlying, as one JSON object."""
    journal.record(sample(0, delta_coin=9.9))
    journal.record(sample(1))
    journal.record(sample(1, coin="ETH", delta_coin=-0.4, state=State.REDUCE_DELTA_ONLY))
    journal.tick(T0 + 7, State.RUNNING)
    status = reader.status()
    top = ("instance", "mode", "market", "state", "stale", "ts_ns")
    assert [status[name] for name in top] == [
        *("demo", "paper", "synthetic", "RUNNING", False, sample(1).ts_ns)
    ]
    assert list(status["underlyings"]) == ["BTC", "ETH"]
    btc = status["underlyings"]["BTC"]
    names = (
        *("state", "numeraire", "delta_coin", "target", "lower", "upper", "gamma_coin_per_pct"),
        *("vega_usd", "theta_usd_day", "shocks", "unknown_orders"),
    )
    assert [btc[name] for name in names] == [
        *("RUNNING", "usd", 0.021, 0.0, -0.1, 0.1, -0.24, -410.0, 1150.0),
        *({"pnl_up_10pct_usd": -9400.0, "pnl_down_10pct_usd": -8800.0}, 0),
    ]
    assert status["underlyings"]["ETH"]["state"] == "REDUCE_DELTA_ONLY"
    assert orjson.loads(orjson.dumps(status)) == status


def test_change_of_state_shows_before_the_next_sample(journal, reader):
    """An underlying shows the stricter of its own state and the instance's."""
    journal.record(sample())
    journal.record(StateChange(T0, "", State.READY, State.RUNNING, ()))
    journal.record(changed_state(State.RUNNING, State.PAUSED, "BTC"))
    journal.commit()
    paused = reader.status()
    journal.record(StateChange(T0, "BTC", State.PAUSED, State.RUNNING, ()))
    journal.record(changed_state(State.RUNNING, State.HALTED))
    journal.commit()
    halted = reader.status()
    assert (paused["state"], paused["underlyings"]["BTC"]["state"]) == ("RUNNING", "PAUSED")
    assert (halted["state"], halted["underlyings"]["BTC"]["state"]) == ("HALTED", "HALTED")


def test_status_is_stale_when_the_bot_is_gone(journal, reader):
    """What was true then is shown, and marked."""
    journal.record(sample())
    journal.tick(T0, State.RUNNING)
    while_running = (reader.running(), reader.stale())
    journal.close()
    assert while_running == (True, False)
    assert (reader.running(), reader.status()["stale"]) == (False, True)


def test_status_is_stale_when_the_heartbeat_has_stopped(tmp_path):
    """A bot that hangs still holds its lock; its silence gives it away."""
    with closing(
        Journal.open(tmp_path, "demo", wall_ns=lambda: time.time_ns() - 60 * 10**9)
    ) as journal:
        journal.begin_run(run_start())
        journal.tick(T0, State.RUNNING)
        with closing(Reader.open(tmp_path, "demo")) as reader:
            age = reader.heartbeat_age_s()
            assert age is not None
            assert 60 <= age < 70
            assert (reader.running(), reader.stale()) == (True, True)


def test_only_the_newest_run_is_shown(journal, reader):
    """A fresh run has no samples yet, whatever the one before it had."""
    journal.record(sample())
    journal.record(hedge_done())
    journal.view("greeks", T0, [{"instrument": CALL}])
    journal.begin_run(run_start(seed=8))
    journal.commit()
    status = reader.status()
    found = (status["run"], status["underlyings"], status["state"], reader.view("greeks"))
    assert (*found, reader.run()["seed"]) == (2, {}, "BOOT", None, 8)


def test_positions_are_the_saved_account_with_its_fills(journal, reader):
    """Quantities are exact text in the instrument's own unit."""
    journal.account(T0, [Position(CALL, Quantity(Decimal("-2.0"), Unit.COIN))], [])
    journal.fill(fill())
    journal.commit()
    assert reader.positions() == [
        {"instrument": CALL, "quantity": "-2.0", "unit": "coin", "tag": "book", "account": "main"},
        {
            "instrument": PERP,
            "quantity": "-165000",
            "unit": "usd",
            "tag": "hedge",
            "account": "main",
        },
    ]


def test_position_that_was_closed_is_not_listed(journal, reader):
    """Nothing held, no row."""
    journal.account(T0, [Position(PERP, Quantity(Decimal(165_000), Unit.USD), "hedge")], [])
    journal.fill(fill())
    journal.commit()
    assert reader.positions() == []


def test_views_replace_each_other_and_are_preferred(journal, reader):
    """What the bot shows itself is newer and richer than what can be derived."""
    journal.record(sample())
    journal.commit()
    derived = reader.greeks()
    for delta in (0.4, 0.5):
        journal.view("greeks", T0, [{"instrument": CALL, "delta": delta}])
        journal.view("positions", T0, [{"instrument": CALL}])
    journal.commit()
    assert derived == [
        {
            "coin": "BTC",
            "numeraire": "usd",
            "index": 90_000.0,
            "delta_coin": 0.021,
            "gamma_coin_per_pct": -0.24,
            "vega_usd": -410.0,
            "theta_usd_day": 1_150.0,
        }
    ]
    assert reader.greeks() == [{"instrument": CALL, "delta": 0.5}]
    assert reader.positions() == [{"instrument": CALL}]


def test_hedges_and_decisions_and_equity_can_be_asked_for(journal, reader):
    """What happened last, with what is nested unfolded."""
    for n in (1, 2, 3):
        journal.record(decision(n))
        journal.record(hedge_done(n))
    journal.record(gamma_decision(4))
    journal.equity(twins(0))
    journal.equity(twins(1))
    journal.commit()
    assert [row["decision"] for row in reader.hedges(2)] == ["d2", "d3"]
    (plan,) = reader.decisions("BTC", "gamma")
    assert [item["cost_usd"] for item in plan["candidates"]] == [21.6, 36.0]
    assert plan["reasons"][0]["numbers"] == {"gamma": -0.31, "lower": -0.25}
    newest = reader.equity()
    assert newest is not None
    assert (newest["ts_ns"], newest["split"]["hedged"]["gamma_usd"]) == (twins(1).ts_ns, -112.0)
    assert reader.equity("BTC") is None


def test_without_an_instance_the_most_recently_written_is_read(tmp_path):
    """The verbs read the newest journal."""
    for name, age_s in (("old", 500), ("new", 5), ("older", 5000)):
        journal = Journal.open(tmp_path, name)
        journal.begin_run(run_start())
        journal.close()
        then = time.time() - age_s
        os.utime(journal.path, (then, then))
    assert instances(tmp_path) == ["new", "old", "older"]
    with closing(Reader.open(tmp_path)) as reader:
        assert reader.status()["instance"] == "new"


@pytest.mark.parametrize("instance", [None, "demo"])
def test_missing_journal_is_named(tmp_path, instance):
    """A reader creates nothing."""
    with pytest.raises(JournalError, match=r"expected a journal at .*found none"):
        Reader.open(tmp_path, instance)
    assert list(tmp_path.iterdir()) == []


def test_journal_without_a_run_says_so(tmp_path):
    """A bot that failed in its first moment left an empty journal."""
    Journal.open(tmp_path, "demo").close()
    with (
        closing(Reader.open(tmp_path)) as reader,
        pytest.raises(JournalError, match="found none yet"),
    ):
        reader.status()


def test_reader_refuses_another_version(journal, tmp_path):
    """A reader does not guess at columns either."""
    journal._db.execute("UPDATE meta SET value = '9' WHERE key = 'schema_version'")
    with pytest.raises(JournalError, match=f"schema_version {SCHEMA_VERSION}, found 9"):
        Reader.open(tmp_path, "demo")


def test_reading_during_a_write_neither_waits_nor_sees_half(journal, reader):
    """The reader's snapshot is the last commit."""
    journal.record(sample())
    journal.commit()
    journal._db.execute("BEGIN IMMEDIATE")
    journal._db.execute("DELETE FROM exposure")
    began = time.monotonic()
    underlyings = list(reader.status()["underlyings"])
    took = time.monotonic() - began
    journal._db.execute("ROLLBACK")
    assert underlyings == ["BTC"]
    assert took < 0.5


def test_reader_that_lingers_does_not_stop_the_writer(journal, reader):
    """An open read transaction delays the checkpoint at most, never a commit."""
    journal.record(sample(0))
    journal.commit()
    reader._db.execute("BEGIN")
    reader._db.execute("SELECT * FROM exposure").fetchall()
    journal.record(sample(1))
    journal.commit()
    reader._db.execute("COMMIT")
    assert reader.status()["ts_ns"] == sample(1).ts_ns


def test_reason_of_a_doubt_reaches_the_status(journal, reader):
    """A reader is told what cannot be trusted."""
    doubt = Because(Reason.STALE_CHAIN, "BTC", {"age_s": 31.0})
    journal.record(sample(doubts=(doubt,)))
    journal.commit()
    assert reader.status()["underlyings"]["BTC"]["doubts"] == [
        {"reason": "stale_chain", "subject": "BTC", "numbers": {"age_s": 31.0}}
    ]


def test_journal_on_a_read_only_disk_can_be_read_and_not_written(tmp_path):
    """A volume mounted read-only still shows the last run; a command and a bot are refused."""
    state, mounted = tmp_path / "state", tmp_path / "mounted"
    mounted.mkdir()
    journal = Journal.open(state, "demo")
    journal.begin_run(run_start())
    journal.close()
    mount = f"mount --bind {state} {mounted} && mount -o remount,ro,bind {mounted}"
    enter = ["unshare", "--mount", "sh", "-c"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*enter, mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs the right to mount (unshare)")
    script = f"""
from pathlib import Path
from bot.domain.errors import JournalError
from bot.journal import Journal, Reader
reader = Reader.open(Path({str(mounted)!r}))
print(reader.status()["run"])
ask = lambda: reader.submit("pause", who="x")
begin = lambda: Journal.open(reader.path.parents[1], "demo")
for deed in (ask, begin):
    try:
        deed()
    except JournalError as error:
        print(error)
"""
    ran = subprocess.run(
        [*enter, f"{mount} && exec {sys.executable} -c '{script.replace(chr(39), chr(34))}'"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    run, command, writer = ran.stdout.splitlines()
    assert run == "1"
    assert "expected a file that can be written, found it read-only" in command
    assert "found Read-only file system" in writer


def test_a_shadows_figures_stand_apart_from_the_shocks(journal, reader):
    """The newest preview has them whole; without one there is none."""
    shocks = {"pnl_up_10pct_usd": -9.0, "shadow_delta_coin": 0.4, "shadow_variance_ratio": 0.9}
    journal.record(sample(1, shocks=shocks))
    journal.tick(T0, State.RUNNING)
    found = reader.status()["underlyings"]["BTC"]
    assert (found["shocks"], found["shadow"]) == ({"pnl_up_10pct_usd": -9.0}, None)
    shown = {"kind": "smile", "variance_ratio": 0.9}
    journal.view("plan", T0, {"BTC": {"shadow": shown}, "ETH": {"shadow": None}})
    journal.tick(T0, State.RUNNING)
    assert reader.status()["underlyings"]["BTC"]["shadow"] == shown


def test_a_shadows_decisions_are_found_by_their_kind(journal, reader):
    """A journal of its own within the journal."""
    journal.record(decision(1))
    journal.record(decision(2, kind="shadow"))
    journal.commit()
    assert [row["id"] for row in reader.decisions("BTC", "shadow", 9)] == ["d2"]
    assert [row["id"] for row in reader.decisions("BTC", "delta", 9)] == ["d1"]
