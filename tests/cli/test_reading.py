"""What the reading verbs show, against journals that a real writer wrote."""

import math
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.positions import Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import MarginSample, Parked, Standing, StateChange, Word
from bot.domain.states import State
from bot.domain.units import Quantity, Unit, iso
from bot.journal import Journal
from bot.journal.lock import MONITOR, Lock
from bot.monitor.reach import NAME as REACH
from tests.cli.conftest import fill_journal
from tests.journal.records import T0, changed_state, run_start, sample

STATUS_KEYS = {
    "instance",
    "mode",
    "market",
    "state",
    "stale",
    "ts_ns",
    "underlyings",
    "disconnected",
}
COIN_KEYS = {
    *("state", "numeraire", "delta_coin", "target", "lower", "upper", "gamma_coin_per_pct"),
    *("vega_usd", "theta_usd_day", "shocks", "unknown_orders"),
}
LEGS = [
    {"instrument": "BTC-12JAN26-92000-C", "quantity": -1.0, "unit": "coin", "hedged": True},
    {"instrument": "BTC-PERPETUAL", "quantity": -165000.0, "unit": "usd", "hedged": True},
]


def test_status_has_the_promised_shape(deltaband):
    """Scripts rely on these names, for the instance and for each underlying."""
    fill_journal(deltaband.state)
    found = deltaband.json("status")
    assert STATUS_KEYS - set(found) == set()
    assert COIN_KEYS - set(found["underlyings"]["BTC"]) == set()
    assert (found["instance"], found["mode"], found["market"]) == ("demo", "paper", "synthetic")
    assert found["ts_ns"] == T0 + 60_000_000_000
    assert found["underlyings"]["BTC"]["delta_coin"] == 0.021


@pytest.mark.parametrize("told", [{}, {"mqtt": {"url": "mqtt://127.0.0.1"}}, {"alerts": {}}])
def test_status_says_whether_those_are_told_whom_the_settings_name(deltaband, told):
    """A bot whose monitor is missing looks healthy to everybody who waits to be told."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start(settings=told))
    journal.record(sample(1))
    journal.tick(T0, State.RUNNING)
    named = bool(told.get("mqtt"))
    try:
        assert ("NOBODY IS TOLD" in deltaband("status").stdout) is named
        assert deltaband.json("status")["monitor"] is (False if named else None)
        monitor = Lock(deltaband.state / "demo" / MONITOR, "the only one", "")
        assert "NOBODY IS TOLD" not in deltaband("status").stdout
        assert deltaband.json("status")["monitor"] is (True if named else None)
        (deltaband.state / "demo" / REACH).write_text(f'{{"alerts 1 (Slack)": {T0}}}')
        line = "NOT TOLD since 2026-01-05T06:30:00.000Z: alerts 1 (Slack)"
        assert (line in deltaband("status").stdout) is named
        assert deltaband.json("status")["unreached"] == ({"alerts 1 (Slack)": T0} if named else {})
        monitor.release()
        assert "NOT TOLD" not in deltaband("status").stdout  # of whoever that was
    finally:
        journal.close()


def test_what_others_wrote_moves_no_cursor_of_a_reader(deltaband):
    """A journal of an older release, or an exchange, may say anything; a terminal would obey it."""
    nasty = Because(Reason.OPERATOR, "\x1b[2J\x07desk", {})
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    journal.record(StateChange(T0, "BTC", State.RUNNING, State.PAUSED, (nasty,)))
    journal.view("positions", T0, [{"instrument": "\x1b[2Jleg\nnext", "quantity": 1.0}])
    journal.close()
    for verb, shown in (("status", "?[2J?desk"), ("positions", "?[2Jleg?next")):
        for env in ({}, {"FORCE_COLOR": "1", "COLUMNS": "200"}):
            out = deltaband(verb, **env).stdout
            assert shown in out
            assert not {"\x1b[2J", "\x07"} & {
                out[i : i + n] for i in range(len(out)) for n in (1, 4)
            }


def test_a_run_that_is_over_is_stale_while_its_bot_still_holds_the_journal(deltaband):
    """What comes after a run, such as its monitor's last word, takes seconds."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    journal.tick(T0, State.RUNNING)
    assert not deltaband.json("status")["stale"]
    journal.end_run({})
    found = deltaband("status").stdout
    journal.close()
    assert "STALE (the last run: stopped)" in found


def test_status_names_a_coin_that_is_not_measured_yet(deltaband):
    """With its state: a coin that is left out would look like one that nobody hedges."""
    both = {"underlying": {"ETH": {"numeraire": "coin"}, "BTC": {"numeraire": "usd"}}}
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start(settings=both))
    journal.record(sample(1))
    journal.record(changed_state(State.RUNNING, State.PAUSED, "ETH"))
    journal.tick(T0, State.RUNNING)
    journal.end_run({})
    journal.close()
    found = deltaband.json("status")["underlyings"]
    assert list(found) == ["BTC", "ETH"]
    assert set(found["ETH"]) == set(found["BTC"])
    eth = found["ETH"]
    assert (eth["state"], eth["measured"], eth["numeraire"]) == ("PAUSED", False, "coin")
    assert (eth["delta_coin"], eth["shocks"]) == (None, {})
    assert found["BTC"]["measured"] is True
    text = deltaband("status").stdout
    assert "ETH: not measured yet" in text
    assert "BTC: not measured yet" not in text
    assert "PAUSED" in text
    assert [row["coin"] for row in deltaband.json("greeks")["rows"]] == ["BTC"]


def test_status_before_the_first_sample_names_every_coin(deltaband):
    """A bot that is starting has a state and no figures."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start(settings={"underlying": {"BTC": {"numeraire": "usd"}}}))
    journal.end_run({})
    journal.close()
    assert deltaband.json("status")["underlyings"]["BTC"]["state"] == "BOOT"
    assert "BTC: not measured yet" in deltaband("status").stdout


def test_status_of_an_ended_bot_is_stale_and_fine(deltaband):
    """What stands in the journal is shown, and marked as old."""
    fill_journal(deltaband.state)
    assert deltaband.json("status")["stale"] is True
    text = deltaband("status").stdout
    assert "STALE (no bot is running; the last run: stopped)" in text
    assert " · was RUNNING · " in text.splitlines()[0]
    (row,) = (line for line in text.splitlines() if line.startswith("state"))
    assert row.split() == ["state", "was", "RUNNING"]
    assert deltaband.json("status")["underlyings"]["BTC"]["state"] == "RUNNING"


def test_status_of_a_running_bot_is_fresh(deltaband, live_bot):
    """A bot that holds its journal and beats is no memory."""
    live_bot()
    assert deltaband.json("status")["stale"] is False
    assert " · RUNNING · " in deltaband("status").stdout.splitlines()[0]
    done = deltaband("status")
    assert (done.returncode, "STALE" in done.stdout) == (0, False)


def test_status_says_that_delta_is_outside_its_band(deltaband):
    """In words; of a bot that is gone it was."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1, delta_coin=0.8343))
    journal.record(sample(1, coin="ETH"))
    journal.tick(T0, State.RUNNING)
    said = "delta +0.8343 is OUTSIDE its band -0.1 to 0.1"
    assert f"BTC: {said}\n" in deltaband("status").stdout
    assert "ETH: delta" not in deltaband("status").stdout
    journal.end_run({})
    journal.close()
    assert "BTC: delta +0.8343 was OUTSIDE its band" in deltaband("status").stdout


def test_status_says_since_when_a_connection_is_lost(deltaband):
    """A person sees at once why nothing is hedged."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.view("connection", T0, {"lost_ns": {"account": T0}})
    journal.commit()
    assert deltaband.json("status")["disconnected"] == {"account": T0}
    assert f"DISCONNECTED since {iso(T0)}: account" in deltaband("status").stdout
    journal.close()
    assert deltaband.json("status")["disconnected"] == {}


def test_status_says_why_and_since_when_something_does_not_run(deltaband):
    """Of the coin and of everything, also where an earlier run left it so."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    other = Because(Reason.ANOTHER_BOT, "db-other-1-1")
    journal.record(StateChange(T0, "BTC", State.RUNNING, State.HALTED, (other,)))
    journal.end_run({})
    for _ in range(2):
        (why,) = deltaband.json("status")["underlyings"]["BTC"]["why"]
        assert (why["state"], why["since"]) == ("HALTED", iso(T0))
        said = f"BTC: HALTED since {iso(T0)}: another_bot(db-other-1-1)"
        assert said in deltaband("status").stdout
        journal.begin_run(run_start())
        journal.record(sample(1))
        journal.commit()
    journal.record(StateChange(T0, "BTC", State.HALTED, State.RECONCILING, ()))
    journal.commit()
    assert deltaband.json("status")["underlyings"]["BTC"]["why"] == []
    journal.close()


def test_status_says_that_another_program_holds_the_journal(deltaband):
    """The figures are old for a reason, and it is not the bot."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    journal.commit()
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = deltaband("status").stdout
        other.execute("ROLLBACK")
    assert "STALE (another program holds the journal, no order can be sent; no heartbeat" in text
    assert "another program" not in deltaband("status").stdout
    journal.close()


def test_status_for_people_names_what_json_names(deltaband):
    """The table holds delta, its band, gamma, shocks and tenors."""
    fill_journal(deltaband.state)
    text = deltaband("status").stdout
    for said in (
        "demo · paper · synthetic · was RUNNING",
        "2026-01-05T06:31:00.000Z",
        "delta coin",
    ):
        assert said in text
    for said in ("0.0210", "-0.1000", "-0.2400", "pnl up 10pct usd", "-9,400.00", "7d"):
        assert said in text


def test_the_newest_journal_is_read_unless_another_is_named(deltaband):
    """--instance first, then an instance in the settings, then the most recently written."""
    for name in ("demo", "other", "last"):
        fill_journal(deltaband.state, name)
    for age_s, name in enumerate(("last", "other", "demo")):
        path = deltaband.state / name / "journal.sqlite"
        for file in path.parent.glob("journal.sqlite*"):
            os.utime(file, (1_767_000_000 - age_s,) * 2)
    assert deltaband.json("status")["instance"] == "last"
    assert deltaband.json("status", "--instance", "other")["instance"] == "other"
    assert deltaband.json("status", "--set", "instance=demo")["instance"] == "demo"


def test_state_dir_comes_from_a_file_too(deltaband, tmp_path):
    """-c names the settings that name the folder."""
    fill_journal(tmp_path / "elsewhere")
    (tmp_path / "own.toml").write_text('state_dir = "elsewhere"\n')
    del deltaband.env["DELTABAND__STATE_DIR"]
    assert deltaband.json("status", "-c", "own.toml")["instance"] == "demo"


@pytest.mark.parametrize("verb", ["status", "positions", "greeks", "pause", "resume", "halt"])
def test_without_a_journal_a_verb_says_so(deltaband, verb):
    """Nothing has run there: one line, exit code 1."""
    done = deltaband(verb)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: expected a journal at {deltaband.state}/*/journal.sqlite, found none:"
        " has a bot run there?\n"
    )


@pytest.mark.parametrize("verb", ["positions", "greeks"])
def test_rows_are_what_the_bot_shows(deltaband, verb):
    """The newest view, whole, with whose it is and when."""
    fill_journal(deltaband.state, views={verb: LEGS})
    found = deltaband.json(verb)
    assert found == {"instance": "demo", "stale": True, "ts_ns": found["ts_ns"], "rows": LEGS}
    text = deltaband(verb).stdout
    assert "BTC-12JAN26-92000-C" in text
    assert "-165,000" in text


def test_positions_without_a_view_are_the_saved_account(deltaband):
    """A bot that has just started has saved its account before it shows anything."""
    held = Position("BTC-12JAN26-92000-C", Quantity(Decimal("-1.5"), Unit.COIN), "straddle")
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.account(T0, [held], [])
    journal.end_run({})
    journal.close()
    (row,) = deltaband.json("positions")["rows"]
    assert row["instrument"] == "BTC-12JAN26-92000-C"
    assert (row["quantity"], row["unit"], row["tag"]) == ("-1.5", "coin", "straddle")


def test_a_book_without_positions_says_so(deltaband):
    """An empty table would look like a fault."""
    fill_journal(deltaband.state)
    assert deltaband.json("positions")["rows"] == []
    assert "no positions" in deltaband("positions").stdout


def test_greeks_without_a_view_are_the_underlyings(deltaband):
    """Figures per coin are better than none."""
    fill_journal(deltaband.state)
    (row,) = deltaband.json("greeks")["rows"]
    assert (row["coin"], row["gamma_coin_per_pct"]) == ("BTC", -0.24)


def test_status_of_a_halted_coin_shows_the_stricter_state(deltaband):
    """What the operator said stands above what the sample said."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    journal.record(changed_state(State.RUNNING, State.HALTED, "BTC"))
    journal.end_run({})
    journal.close()
    assert deltaband.json("status")["underlyings"]["BTC"]["state"] == "HALTED"


def test_a_journal_of_another_version_is_refused(deltaband):
    """One line that names both versions; nothing is changed."""
    fill_journal(deltaband.state)
    with sqlite3.connect(deltaband.state / "demo" / "journal.sqlite") as db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    db.close()
    done = deltaband("status")
    assert done.returncode == 1
    assert done.stderr.startswith("error: expected a journal of schema_version ")
    assert ", found 99 in " in done.stderr


def test_a_file_that_is_no_journal_is_refused(deltaband):
    """Another kind of file is told, without a traceback."""
    fill_journal(deltaband.state)
    (deltaband.state / "demo" / "journal.sqlite").write_bytes(b"not a database, just text" * 40)
    done = deltaband("status")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "expected a SQLite database, found another kind of file" in done.stderr


def test_tables_are_drawn_for_people_alone(deltaband):
    """FORCE_COLOR draws them, a pipe gets plain text."""
    fill_journal(deltaband.state)
    assert "\x1b[" not in deltaband("status").stdout
    assert "─" in deltaband("status", FORCE_COLOR="1").stdout


def test_status_says_what_is_off_held_and_parked(deltaband):
    """In words, with until when and whose word it was; scripts find the same by name."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    said = Because(Reason.OPERATOR, "ann: lunch")
    until_ns = T0 + 600_000_000_000
    off = Standing(T0, "BTC", Word.OFF, until_ns, active=True, because=said)
    part = Position("BTC-PERPETUAL", Quantity(Decimal(-5_000), Unit.USD))
    journal.record(off)
    journal.record(replace(off, word=Word.HOLD))
    journal.record(Parked(T0, "BTC", part, Decimal(-5_000), T0, until_ns))
    journal.tick(T0, State.RUNNING)
    journal.end_run({})
    journal.close()
    until = iso(until_ns)
    text = deltaband("status").stdout
    assert f"BTC: hedging is snoozed until {until} (ann: lunch)" in text
    assert f"BTC: what is traded by hand is held until {until} (ann: lunch)" in text
    assert f"BTC: parked, not hedged before {until}: BTC-PERPETUAL -5,000 usd" in text
    btc = deltaband.json("status")["underlyings"]["BTC"]
    assert (btc["state"], btc["off"]["until"], btc["hold"]["until"]) == ("PAUSED", until, until)
    assert [row["instrument"] for row in btc["parked"]] == ["BTC-PERPETUAL"]


def test_status_says_what_is_off_until_it_is_switched_on(deltaband):
    """And with which verb."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    said = Because(Reason.OPERATOR, "ann: ")
    journal.record(Standing(T0, "BTC", Word.OFF, None, active=True, because=said))
    journal.tick(T0, State.RUNNING)
    journal.end_run({})
    journal.close()
    assert "BTC: hedging is off until `on BTC` (ann: )" in deltaband("status").stdout


def test_status_shows_the_margin_used_and_how_far_liquidation_is(deltaband):
    """In shares of what margins are held against and in moves of the index, not in bare coins."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1))
    figures = (5.0, 4.8, 5.0, 1.5, 1.0, -0.25, math.inf, -1.2, -1.21)
    journal.record(MarginSample(T0, "BTC", "segregated_sm", *figures))
    journal.tick(T0, State.RUNNING)
    journal.end_run({})
    journal.close()
    margin = deltaband.json("status")["underlyings"]["BTC"]["margin"]
    assert (margin["model"], margin["funds"], margin["down"], margin["up"]) == (
        *("segregated_sm", 5.0, -0.25),
        None,
    )
    rows = dict(
        line.rsplit("  ", 1) for line in deltaband("status").stdout.splitlines() if "  " in line
    )
    shown = {name.strip(): value.strip() for name, value in rows.items()}
    assert shown["initial margin used"] == "30.0 %"
    assert shown["maintenance margin used"] == "20.0 %"
    assert shown["liquidation down"] == "-25.0 %"
    assert shown["liquidation up"] == "at no price"


def test_legs_that_count_by_the_model_are_told_as_such(deltaband):
    """They are no distrust."""
    notice = Because(Reason.DELTA_BY_MODEL, "smile", {"legs": 2.0})
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(1, doubts=(notice,)))
    journal.tick(T0, State.RUNNING)
    journal.end_run({})
    journal.close()
    text = deltaband("status").stdout
    assert "BTC: not told, so counted by the model: delta_by_model(smile: legs=2" in text
    assert "cannot be trusted" not in text


def test_report_shows_a_day_and_writes_it_as_html(deltaband, tmp_path):
    """The newest day unless one is named; a day that is none is refused."""
    fill_journal(deltaband.state)
    page = tmp_path / "day.html"
    done = deltaband("report", "--html", page)
    assert (done.returncode, done.stderr) == (0, "")
    assert "day from 2026-01-04T08:00Z to 2026-01-05T08:00Z" in done.stdout
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert deltaband.json("report", "--day", "2026-01-04")["coins"] == {}
    assert page.stat().st_mode & 0o777 == 0o600  # as the journal that it comes from


@pytest.mark.parametrize(
    "option, found, code, said",
    [
        ("--day", "4.1.2026", 2, "expected a day such as 2026-02-05, found '4.1.2026'"),
        ("--day", "2026-01-05", 2, "up to 2026-01-04, the newest that has begun, found 2026-01-05"),
        ("--html", "/nowhere/day.html", 1, "--html: expected a file that can be written, found /n"),
    ],
)
def test_report_refuses_a_day_that_is_none_and_a_file_that_cannot_be(
    deltaband, option, found, code, said
):
    """Instead of an empty page, or a fault of the system."""
    fill_journal(deltaband.state)
    refused = deltaband("report", option, found)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert said in refused.stderr


FRESH = {"age_s": 0.5, "limit_s": 2.0, "needed": True}


def show_feeds(journal, **changed):
    """Show the ages of a coin's feeds, as a bot does every second."""
    feeds = dict.fromkeys(("quote", "chain", "positions"), FRESH) | changed
    view = {"wall_ns": time.time_ns(), "feeds": {"BTC": feeds}}
    journal.view("loop", T0, view)
    journal.tick(T0, State.RUNNING)
    journal.commit()


def test_status_healthy_is_an_exit_code_and_says_what_is_not(deltaband):
    """By the same judgement as the monitor's: decisions, and feeds of what is hedged."""
    with closing(Journal.open(deltaband.state, "demo")) as journal:
        journal.begin_run(run_start())
        journal.record(sample(1))
        show_feeds(journal)
        done = deltaband("status", "--healthy")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "well")
        assert deltaband.json("status", "--healthy")["ready"] is True
        show_feeds(journal, quote=FRESH | {"age_s": 40.0})
        done = deltaband("status", "--healthy")
        assert done.returncode == 1
        assert "BTC quote: 40.0 s old, expected at most 2 s, since 20" in done.stdout
        found = deltaband.json("status", "--healthy", code=1)
        assert [one["what"] for one in found["problems"]] == ["quote"]
        show_feeds(journal)
        journal.record(changed_state(State.RUNNING, State.HALTED, "BTC"))
        journal.commit()
        done = deltaband("status", "--healthy")
        assert (done.returncode, done.stdout.splitlines()[0][:11]) == (0, "BTC: HALTED")
    done = deltaband("status", "--healthy")
    assert done.returncode == 1
    assert "bot: no bot holds the journal, since 20" in done.stdout


def test_status_healthy_without_a_journal_is_not(deltaband):
    """A container that has not begun is not well, and says why."""
    done = deltaband("status", "--healthy")
    assert done.returncode == 1
    assert "expected a journal" in done.stderr
