"""The doctor: sound where all is well, and one finding for each thing that is not."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest

from bot.cli.doctor import machine, state
from bot.cli.doctor.finding import Verdict
from bot.journal import Journal
from tests.cli.conftest import fill_journal
from tests.journal.records import run_start

CHECKS = {
    *("python", "libraries", "memory", "clock", "clock sync", "time zone", "mathematics", "speed"),
    *("settings", "state_dir", "disk", "write latency", "journal", "secrets", "told"),
}


def verdicts(found):
    """Return the worst verdict of each check."""
    order = [str(one) for one in Verdict]
    worst: dict[str, str] = {}
    for one in found["checks"]:
        worst[one["check"]] = max(worst.get(one["check"], "ok"), one["verdict"], key=order.index)
    return worst


def test_every_check_is_made_and_leaves_nothing_behind(deltaband, tmp_path):
    """On a machine where the tests run, none fails."""
    found = deltaband.json("doctor")
    assert CHECKS - set(verdicts(found)) == set()
    assert found["ok"] is True
    assert "fail" not in verdicts(found).values()
    assert list(tmp_path.iterdir()) == []


def test_people_get_a_line_for_each_check_and_a_sum(deltaband):
    """Verdict, check, finding; then how many failed."""
    done = deltaband("doctor")
    assert done.returncode == 0
    assert "write latency" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" checks: 0 failed, 0 with a warning") or (
        "warn" in done.stdout
    )


def test_colours_are_forced_and_forbidden_by_the_environment(deltaband):
    """FORCE_COLOR paints what passed green, NO_COLOR paints nothing."""
    assert "\x1b[32mok" in deltaband("doctor", FORCE_COLOR="1").stdout
    assert "\x1b[32m" not in deltaband("doctor", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_settings_that_cannot_be_used_are_a_failure(deltaband):
    """Exit code 5, every problem, and the machine is examined all the same."""
    found = deltaband.json("doctor", "--set", "limits.order_usd=-2", code=5)
    assert (found["ok"], verdicts(found)["settings"]) == (False, "fail")
    assert verdicts(found)["mathematics"] == "ok"


def test_a_damaged_journal_is_a_failure(deltaband):
    """A page of noise inside a journal is found before a bot needs it."""
    fill_journal(deltaband.state)
    path = deltaband.state / "demo" / "journal.sqlite"
    whole = bytearray(path.read_bytes())
    whole[8192:12288] = b"\xa5" * 4096
    path.write_bytes(whole)
    found = deltaband.json("doctor", code=5)
    assert verdicts(found)["journal"] == "fail"


def test_a_journal_of_another_version_is_a_failure(deltaband):
    """The bot would refuse it; so does the doctor."""
    fill_journal(deltaband.state)
    db = sqlite3.connect(deltaband.state / "demo" / "journal.sqlite")
    db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    db.commit()
    db.close()
    assert verdicts(deltaband.json("doctor", code=5))["journal"] == "fail"


def test_a_bot_that_lives_and_one_that_was_closed_are_fine(deltaband, live_bot):
    """Liveness is told from the lock and the heartbeat."""
    fill_journal(deltaband.state)
    (bot,) = [one for one in deltaband.json("doctor")["checks"] if one["check"] == "bot"]
    assert (bot["verdict"], bot["found"]) == ("ok", "not running; the last run: stopped")
    live_bot()
    (bot,) = [one for one in deltaband.json("doctor")["checks"] if one["check"] == "bot"]
    assert bot["verdict"] == "ok"
    assert bot["found"].startswith("running, heartbeat ")


def test_a_bot_that_went_without_a_word_is_a_warning(deltaband):
    """A run without an end was killed, or its machine was."""
    journal = Journal.open(deltaband.state, "demo")
    journal.begin_run(run_start())
    journal.close()
    assert verdicts(deltaband.json("doctor"))["bot"] == "warn"


def test_a_journal_open_to_others_is_a_warning(deltaband):
    """Its modes are named."""
    fill_journal(deltaband.state)
    (deltaband.state / "demo" / "journal.sqlite").chmod(0o644)
    found = deltaband.json("doctor")
    assert verdicts(found)["state_dir"] == "warn"
    assert any("mode 0644" in one["found"] for one in found["checks"])


def test_a_state_dir_that_others_may_write_to_is_a_failure(deltaband):
    """Anybody could put a journal there."""
    fill_journal(deltaband.state)
    deltaband.state.chmod(0o777)
    assert verdicts(deltaband.json("doctor", code=5))["state_dir"] == "fail"


def test_a_state_dir_that_is_a_file_is_a_failure(deltaband):
    """Where a folder is expected there must be one."""
    deltaband.state.write_text("")
    assert verdicts(deltaband.json("doctor", code=5))["state_dir"] == "fail"


def test_half_a_pair_of_keys_is_a_failure_and_no_value_is_shown(deltaband):
    """The variable is named, its content never."""
    done = deltaband("doctor", DELTABAND_DERIBIT_KEY="canary-7731")
    assert done.returncode == 5
    assert "DELTABAND_DERIBIT_SECRET" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_keys_in_the_environment_are_a_warning_and_in_private_files_fine(deltaband, tmp_path):
    """A file can be kept from other processes."""
    pair = {"DELTABAND_DERIBIT_KEY": "canary-1", "DELTABAND_DERIBIT_SECRET": "canary-2"}
    files = {}
    for name, value in pair.items():
        path = tmp_path / name
        path.write_text(value)
        path.chmod(0o600)
        files[f"{name}_FILE"] = str(path)
    for env, verdict in ((pair, "warn"), (files, "ok")):
        done = deltaband("doctor", "--json", **env)
        assert "canary" not in done.stdout
        assert f'"check":"secrets","verdict":"{verdict}"' in done.stdout


def test_a_file_that_the_monitor_could_not_use_is_a_failure(deltaband, tmp_path):
    """Each of them is named before the night; what is in it never, and nobody is told."""
    addresses, keys, word = (tmp_path / name for name in ("alerts.urls", "mqtt.keys", "word"))
    addresses.write_text("nowhere://canary-1\n")
    keys.write_text("desk canary-2\n")
    word.write_text("canary-3\n")
    for path in (addresses, keys, word):
        path.chmod(0o600)
    sets = {
        "alerts.urls_file": addresses,
        "mqtt.url": "mqtt://127.0.0.1:1",
        "mqtt.command_key_file": keys,
        "dashboard.token_file": word,
    }
    asked = [part for name, item in sets.items() for part in ("--set", f"{name}={item}")]
    found = deltaband.json("doctor", *asked, code=5)
    told = [one["found"] for one in found["checks"] if one["check"] == "told"]
    assert [one.partition(":")[0] for one in told] == [
        *("mqtt.command_key_file", "alerts", "dashboard.token_file"),
    ]
    assert "canary" not in json.dumps(found)
    addresses.write_text("json://127.0.0.1:1\n")
    keys.write_text(f"desk {'canary' * 6}\n")
    word.write_text("canary-canary-canary\n")
    found = deltaband.json("doctor", *asked)
    (told,) = (one for one in found["checks"] if one["check"] == "told")
    assert (told["verdict"], told["found"]) == ("ok", "mqtt, alerts")


def test_a_clock_of_another_age_fails(monkeypatch):
    """A machine that lost its clock would sign requests of another year."""

    class Past(datetime):
        @classmethod
        def now(cls, tz=UTC):
            return datetime(1970, 1, 1, tzinfo=tz)

    monkeypatch.setattr(machine, "datetime", Past)
    assert next(machine.clock()).verdict is Verdict.FAIL


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_time_is_the_same_in_every_zone(deltaband, zone):
    """The check passes wherever the machine stands."""
    assert verdicts(deltaband.json("doctor"))["time zone"] == "ok"
    done = deltaband("doctor", TZ=zone)
    assert "08:00 UTC is 2026-03-29T08:00:00.000Z" in done.stdout


def test_the_disk_is_timed_by_real_writes(tmp_path):
    """A finding names the median and the worst, and no file stays."""
    (found,) = state.latency(tmp_path / "not" / "there")
    assert found.found.startswith("p50 ")
    assert list(tmp_path.iterdir()) == []
