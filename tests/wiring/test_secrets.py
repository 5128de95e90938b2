"""What a run on an exchange must never show is known to whoever tells of it."""

import io
import logging
import sys
from contextlib import closing

import pytest

from bot.cli import daemon
from bot.cli.live import LiveRun
from bot.journal import Journal
from bot.venues.deribit.terms import ApiKey
from bot.wiring.live import Keys, live
from bot.wiring.onlooking import shadow
from config.schema import Settings

BOOK = {"numeraire": "usd", "collateral_delta": "exclude", "delta": {"upper": 0.1, "lower": -0.1}}
TRADING = ApiKey("id-canary-1", "secret-canary-1")
ALSO = ApiKey("id-canary-2", "secret-canary-2")


@pytest.fixture
def settings():
    """Return settings of a sandbox run."""
    return Settings.model_validate(
        {"mode": "sandbox", "market": "venue", "underlying": {"BTC": BOOK}}
    )


def test_every_key_of_a_live_run_is_among_its_secrets(settings):
    """Also those of accounts that are only read, whose files the environment does not show."""
    keys = Keys(TRADING, {"fund": ALSO})
    graph = live(settings, keys, lambda: 1, epoch=1, sticky={}, left_open=frozenset())
    words = {word for key in (TRADING, ALSO) for word in (key.client_id, key.secret)}
    assert set(graph.secrets) == words


def test_the_key_of_a_shadow_is_among_its_secrets(settings):
    """It reads a real account."""
    graph = shadow(settings, TRADING, lambda: 1, seed=1, epoch=1, sticky={})
    assert set(graph.secrets) == {"id-canary-1", "secret-canary-1"}


def test_a_live_run_hands_them_to_its_voice(settings, monkeypatch, tmp_path):
    """Before anything is said."""
    handed = {}

    def voice(*_, **words):
        handed.update(words)
        raise RuntimeError("enough")

    monkeypatch.setattr(daemon, "voice", voice)
    keys = Keys(TRADING, {"fund": ALSO})
    graph = live(settings, keys, lambda: 1, epoch=1, sticky={}, left_open=frozenset())
    with (
        closing(Journal.open(tmp_path, "demo")) as journal,
        pytest.raises(RuntimeError, match="enough"),
    ):
        LiveRun(graph, journal, None).go(None, as_json=True, verbose=False)
    assert handed["secrets"] == graph.secrets


@pytest.mark.parametrize("as_json", [True, False])
def test_the_secrets_of_a_run_are_in_none_of_its_lines(settings, monkeypatch, as_json):
    """Nor in what a library logs while it lasts."""
    streams = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    secrets = (TRADING.client_id, TRADING.secret)
    voice = daemon.voice(settings, 1, as_json=as_json, verbose=False, secrets=secrets)
    voice.say("venue.said", "warning", note=f"sent {TRADING.secret}")
    logging.getLogger("ccxt").error("sent %s", TRADING.client_id)
    voice.close()
    text = "".join(stream.getvalue() for stream in streams.values())
    assert text.count("sent [redacted]") == 2
    assert "canary" not in text
