"""Runs that cannot go on, and those that nobody would be told of: both say so where one looks."""

import json
import time

import pytest

from bot.journal.database import FILE

WAIT_S = 60.0


def lines(text):
    """Return the log lines of a stream that holds them beside what is for people."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_a_run_whose_journal_is_taken_away_says_so_in_its_log(deltaband):
    """Whoever reads the log of a night finds there why nobody hedges."""
    run = deltaband.start("paper", "--no-dashboard", "--seed", "7")
    path, deadline = deltaband.state / "demo" / FILE, time.monotonic() + WAIT_S
    while not path.exists() or "RUNNING" not in deltaband("status").stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    path.rename(path.with_name("elsewhere"))
    out, error = run.communicate(timeout=WAIT_S)
    last = lines(out)[-1]
    assert run.returncode == 1
    assert (last["event"], last["level"]) == ("run.failed", "error")
    assert "moved or removed under the bot" in last["found"]
    assert "moved or removed under the bot" in error


def test_what_is_told_in_the_clear_or_without_a_password_is_warned_of(deltaband):
    """A broker of this machine needs neither."""
    far = ("--set", 'mqtt.url="mqtt://broker.example"', "--set", 'mqtt.username="bot"')
    checked = deltaband("config", "check", *far)
    assert checked.returncode == 0
    warned = [line for line in checked.stderr.splitlines() if "mqtt." in line]
    assert [line.split(": ")[1] for line in warned] == ["mqtt.url", "mqtt.username"]
    assert "expected mqtts:// beyond this machine, found mqtt://broker.example" in warned[0]
    near = ("--set", 'mqtt.url="mqtt://127.0.0.1"', "--set", 'mqtt.username="bot"')
    known = deltaband("config", "check", *near, DELTABAND_MQTT_PASSWORD="a-long-password")
    assert "mqtt." not in known.stderr


def test_files_that_keep_others_from_being_told_are_said_before_and_at_the_start(deltaband):
    """They end no run: a book is hedged all the same."""
    gone = deltaband.home / "gone"
    sets = [
        *("--set", f'alerts.urls_file="{gone}-1"', "--set", 'mqtt.url="mqtt://127.0.0.1:1"'),
        *("--set", f'mqtt.command_key_file="{gone}-2"'),
        *("--set", f'dashboard.token_file="{gone}-3"'),
    ]
    checked = deltaband("config", "check", *sets)
    named = ("alerts.urls_file", "mqtt.command_key_file", "dashboard.token_file")
    assert checked.returncode == 0
    warned = [line for line in checked.stderr.splitlines() if "warning: " in line]
    assert [line.split(": ")[1] for line in warned] == list(named)
    assert all("found " in line and "what needs it does not start" in line for line in warned)
    run = deltaband("paper", "--speed", "max", "--for", "60s", "--seed", "7", "-v", *sets)
    odd = [one["what"] for one in lines(run.stdout + run.stderr) if one["event"] == "settings.odd"]
    assert run.returncode == 0
    assert [what.split(": ")[0] for what in odd] == list(named)


def test_a_file_without_an_address_is_warned_of_wherever_one_looks(deltaband):
    """Whoever forgot to fill it waits for messages that nobody sends."""
    urls = deltaband.home / "urls"
    urls.write_text("\n# addresses come here\n", encoding="utf-8")
    urls.chmod(0o600)
    sets = ("--set", f"alerts.urls_file={urls}")
    text = f"alerts.urls_file: expected an address, found none in {urls}: nobody is told by it"
    checked = deltaband("config", "check", *sets)
    assert (checked.returncode, checked.stderr.count(f"warning: {text}")) == (0, 1)
    found = json.loads(deltaband("doctor", "--json", *sets).stdout)
    told = [one for one in found["checks"] if one["check"] == "told"]
    assert [(one["verdict"], one["found"]) for one in told] == [("warn", text)]
    run = deltaband("paper", "--speed", "max", "--for", "60s", "--seed", "7", "-v", *sets)
    odd = [one["what"] for one in lines(run.stdout + run.stderr) if one["event"] == "settings.odd"]
    assert odd == [text]


def test_an_address_that_is_none_is_warned_of_before_the_night(deltaband):
    """And never repeated: it may be a token."""
    urls = deltaband.home / "urls"
    urls.write_text("json://127.0.0.1:1\nnonsense secrettoken123456\n", encoding="utf-8")
    urls.chmod(0o600)
    sets = ("--set", f"alerts.urls_file={urls}")
    checked = deltaband("config", "check", *sets)
    assert checked.returncode == 0
    assert "expected addresses that apprise knows, found address 2, of no kind" in checked.stderr
    assert "secrettoken" not in checked.stdout + checked.stderr
    urls.write_text("json://127.0.0.1:1\n", encoding="utf-8")
    assert "alerts" not in deltaband("config", "check", *sets).stderr
