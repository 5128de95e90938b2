"""The daemon and the verbs together: a real paper run, looked at and steered while it runs."""

import json
import signal
import time

import pytest

from bot.domain.units import NS_PER_S
from tests.lab.conftest import chain_rows

RECORDED = """
market = "replay:recording"
instance = "recorded"

[underlying.BTC]
numeraire = "coin"
collateral_delta = "exclude"
delta = { upper = 0.5, lower = -0.5 }

[[paper.position]]
instrument = "BTC-27MAR26-70000-C"
quantity = -1.0
"""


def wait_until(deltaband, verb, met):
    """Ask a reading verb until what it says is as expected, at most 20 s."""
    deadline = time.monotonic() + 20
    while True:
        done = deltaband(verb, "--json")
        if done.returncode == 0 and met(json.loads(done.stdout)):
            return
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.2)


def in_state(state, coin):
    """Return what is expected of a fresh status: that a coin is in this state."""
    return lambda found: (
        not found["stale"] and found["underlyings"].get(coin, {}).get("state") == state
    )


@pytest.mark.slow
def test_a_paper_run_is_looked_at_and_steered(deltaband):
    """Status, positions, Greeks and plan are fresh; pause, resume and halt reach the machine."""
    bot = deltaband.start("paper", "--seed", "7")
    try:
        wait_until(deltaband, "status", in_state("RUNNING", "BTC"))
        for verb in ("positions", "greeks"):
            wait_until(deltaband, verb, lambda found: len(found["rows"]) >= 18)
        wait_until(deltaband, "plan", lambda found: found["BTC"]["source"] == "journal")
        assert deltaband.json("plan")["ETH"]["stale"] is False
        assert deltaband.json("pause", "btc")["outcome"] == "PAUSED"
        wait_until(deltaband, "status", in_state("PAUSED", "BTC"))
        assert deltaband.json("resume", "BTC")["accepted"] is True
        wait_until(deltaband, "status", in_state("RUNNING", "BTC"))
        assert "expected one of BTC, ETH, found DOGE" in deltaband("pause", "doge").stderr
        assert deltaband.json("halt")["outcome"] == "HALTED"
        wait_until(deltaband, "status", in_state("HALTED", "ETH"))
        assert deltaband.json("resume")["accepted"] is True
        wait_until(deltaband, "status", in_state("RUNNING", "ETH"))
    finally:
        bot.send_signal(signal.SIGINT)
        bot.communicate(timeout=30)
    assert bot.returncode == 0
    assert deltaband.json("status")["stale"] is True


def test_a_run_of_a_market_minute_ends_stdout_with_one_object(deltaband):
    """The options reach the run: its length, its seed, its place."""
    done = deltaband("paper", "--for", "60s", "--speed", "max", "--seed", "11", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["seed"], found["simulated_s"]) == (11, 60.0)
    assert found["journal"] == str(deltaband.state / "demo" / "journal.sqlite")
    assert deltaband.json("status")["ts_ns"] >= 60 * NS_PER_S


@pytest.fixture
def recorded(deltaband):
    """Return the command beside a recording of twelve hours and settings that replay it."""
    (deltaband.home / "recording").mkdir()
    chain_rows().write_parquet(deltaband.home / "recording" / "chain.parquet")
    (deltaband.home / "own.toml").write_text(RECORDED)
    return deltaband


def test_a_position_that_was_not_recorded_is_refused_before_the_run(recorded):
    """The nearest of its kind is named, and no run is left in the journal."""
    book = 'paper.position=[{instrument="BTC-27MAR26-71000-C",quantity=-1.0}]'
    done = recorded("paper", "-c", "own.toml", "--set", book)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: paper.position[0].instrument: expected an instrument that is listed at"
        " 2026-02-05T04:30:00.000Z (the nearest is BTC-27MAR26-70000-C),"
        " found BTC-27MAR26-71000-C [this run]\n"
    )
    assert "found none yet" in recorded("status").stderr


@pytest.mark.parametrize(
    "asked,ended,short_s,said",
    [
        (["--for", "2d"], "recording", 129_600.0, "recording.ended_before_asked_time"),
        (["--for", "12h"], "asked_time", None, None),
        (["--for", "7h"], "asked_time", None, None),
        ([], "recording", None, "recording.ended"),
    ],
)
def test_a_recording_that_ends_before_the_asked_time_says_so(recorded, asked, ended, short_s, said):
    """Half a day is no figure for two: in the summary, and in a line before it. No failure."""
    done = recorded("paper", "-c", "own.toml", *asked, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ended"] == ended
    assert found.get("short_s") == (short_s and pytest.approx(short_s, abs=1.0))
    assert found["asked_s"] == {"2d": 172_800.0, "12h": 43_200.0, "7h": 25_200.0}.get(
        asked[-1] if asked else ""
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    ends = [line for line in lines if line["event"].startswith("recording.")]
    assert [line["event"] for line in ends] == ([said] if said else [])
    if short_s is not None:
        assert ends[0]["asked_until"] == "2026-02-07T04:30:00.000Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_run_begins_is_a_clean_end(deltaband, number):
    """A daemon that is stopped while it still loads has stopped cleanly."""
    program = (
        "import os, sys, time, config\n"
        "def slow(*_, **__): os.write(1, b'loading'); time.sleep(20)\n"
        "config.load = slow\n"
        "from bot.cli import main\n"
        "sys.exit(main(['paper']))"
    )
    process = deltaband.start_program(program)
    assert process.stdout.read(7) == "loading"
    process.send_signal(number)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "stopped before the first order\n")
