"""The exchange's table: other addresses are this machine's, and never in live."""

import pytest

from config import ConfigError
from config.load import load
from config.schema import Settings

BOOK = {
    "underlying": {
        "BTC": {
            "numeraire": "usd",
            "collateral_delta": "exclude",
            "delta": {"target": 0.0, "upper": 0.1, "lower": -0.1},
        }
    }
}
REAL = {"market": "venue"}


def _refusal(**top):
    with pytest.raises(ValueError, match="expected") as caught:
        Settings.model_validate(BOOK | top)
    return str(caught.value)


def test_without_a_table_it_is_deribit_at_its_own_address():
    """The usual place."""
    name, venue = Settings.model_validate(BOOK).exchange()
    assert (name, venue.exchange, venue.rest_url, venue.ws_url) == (
        "deribit",
        "deribit",
        None,
        None,
    )


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "https://localhost:8443", "http://[::1]:9", "http://127.8.0.1:1"],
)
def test_an_address_of_this_machine_is_accepted(url):
    """In paper and sandbox."""
    table = {"venue": {"deribit": {"rest_url": url}}}
    assert (
        Settings.model_validate(BOOK | REAL | {"mode": "sandbox"} | table).exchange()[1].rest_url
        == url
    )


@pytest.mark.parametrize(
    "url",
    [
        *("http://10.0.0.1:8080", "http://example.com:80", "http://127.0.0.1", "ws://127.0.0.1:1"),
        *("http://127.0.0.1.example.com:80", "http://key@127.0.0.1:80", "http://127.0.0.1:80?a=b"),
        *("127.0.0.1:8080", "", "http://localhost.example:80", "http://127.0.0.1:99999"),
    ],
)
def test_any_other_address_is_refused(url):
    """A bot that can be pointed anywhere can be pointed at somebody else's machine."""
    assert "loopback" in _refusal(venue={"deribit": {"rest_url": url}})


@pytest.mark.parametrize(
    "key,url", [("rest_url", "http://127.0.0.1:1"), ("ws_url", "ws://127.0.0.1:1")]
)
def test_live_takes_no_other_address_at_all(key, url):
    """Not even of this machine."""
    said = _refusal(**REAL, mode="live", venue={"deribit": {key: url}})
    assert f"venue.deribit.{key}" in said


@pytest.mark.parametrize("venue", [{}, {"deribit": {}, "other": {}}])
def test_one_bot_talks_to_one_exchange(venue):
    """None and two are refused."""
    assert "one exchange for one bot" in _refusal(venue=venue)


def test_a_misspelt_key_is_answered_with_the_nearest(tmp_path):
    """As everywhere in the settings."""
    file = tmp_path / "book.toml"
    file.write_text("[venue.deribit]\nrest_ulr = 'http://127.0.0.1:1'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"venue\.deribit\.rest_url"):
        load([file], (), {})
