"""Who cannot be told: remembered from what outlets say, and read by whoever asks."""

import pytest

from bot.monitor.reach import NAME, Reach, unreached

BROKER = {"broker": "localhost:1"}


def test_who_takes_nothing_is_kept_until_it_does(tmp_path):
    """Since when it first did not; everything is said on."""
    clock_ns, said = [100], []
    reach = Reach(tmp_path, lambda event, *_, **__: said.append(event), lambda: clock_ns[0])
    assert unreached(tmp_path) == {}
    reach("alerts.channel_failed", "error", channel="2 (Slack)", lost=1)
    clock_ns[0] = 200
    reach("mqtt.lost", "warning", **BROKER, found="refused")
    reach("mqtt.lost", "warning", **BROKER, found="refused")
    reach("metrics.listening", host="::1", port=1)
    assert reach.unreached == unreached(tmp_path) == {"alerts 2 (Slack)": 100, "mqtt": 200}
    reach("mqtt.back", "warning", **BROKER)
    reach("alerts.channel_back", channel="1 (JSON)", lost=1)
    assert unreached(tmp_path) == {"alerts 2 (Slack)": 100}
    reach("alerts.channel_back", channel="2 (Slack)", lost=1)
    assert unreached(tmp_path) == {}
    assert len(said) == 7
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_monitor_that_starts_reaches_everybody_as_far_as_it_knows(tmp_path):
    """What the one before it could not tell is of then."""
    Reach(tmp_path, lambda *_, **__: None)("mqtt.lost", **BROKER)
    Reach(tmp_path, lambda *_, **__: None)
    assert unreached(tmp_path) == {}


@pytest.mark.parametrize("content", [None, b"", b"[1]", b'{"mqtt": "now"}', b"\xff", b"[" * 9_000])
def test_a_file_that_says_something_else_says_nothing(tmp_path, content):
    """Nor does one that is not there."""
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    assert unreached(tmp_path) == {}


def test_without_a_disk_it_is_known_all_the_same(tmp_path):
    """Metrics and the other ways still say it."""
    (tmp_path / f"{NAME}.new").mkdir()
    reach = Reach(tmp_path, lambda *_, **__: None, lambda: 5)
    reach("mqtt.lost", **BROKER)
    assert reach.unreached == {"mqtt": 5}
