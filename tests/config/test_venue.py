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


# --- several accounts -----------------------------------------------------------------------------


def _spans(mode="sandbox", **venue):
    return BOOK | REAL | {"mode": mode, "venue": {"deribit": venue}}


def test_other_accounts_are_named_beside_the_one_that_is_traded():
    """A file's list, and text of the environment."""
    also = ["sub1", "a.b@c-d_e"]
    _, venue = Settings.model_validate(_spans(account="desk", also=also)).exchange()
    assert (venue.account, venue.also) == ("desk", ("sub1", "a.b@c-d_e"))
    sets = ["mode=sandbox", "market=venue", "venue.deribit.also=sub1,sub2"]
    sets += [f"underlying.BTC.{text}" for text in ("numeraire=usd", "collateral_delta=exclude")]
    sets += [f"underlying.BTC.delta.{text}" for text in ("upper=0.1", "lower=-0.1", "target=0")]
    assert load((), sets, {}).settings.exchange()[1].also == ("sub1", "sub2")


@pytest.mark.parametrize(
    "venue,said",
    [
        ({"also": ["main"]}, "expected accounts beside the one that is traded in, found"),
        ({"also": ["sub1", "sub1"]}, "expected names that differ in the variables of their keys"),
        ({"also": ["sub.1", "SUB-1"]}, 'of their keys, found "sub.1, SUB-1"'),
        ({"also": [f"s{i}" for i in range(9)]}, "at most 8 accounts, found a list of 9"),
        ({"also": ["a b"]}, 'expected names like ^[A-Za-z0-9_.@-]{1,64}$, found "a b"'),
        ({"also": ["ok", "line\n"]}, "expected names like"),
        ({"also": [""]}, "expected names like"),
        ({"also": ["x" * 65]}, "expected names like"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(venue, said):
    """In the book, or in the environment that their keys come from."""
    with pytest.raises(ValueError, match="also") as caught:
        Settings.model_validate(_spans(**venue))
    assert said in str(caught.value)


def test_a_simulated_account_is_one():
    """Paper has nobody to read from."""
    assert "none because mode is paper" in _refusal(venue={"deribit": {"also": ["sub1"]}})


def test_a_certificate_of_ones_own_is_refused_in_live():
    """Whoever signs it could stand between the bot and the exchange."""
    found = _refusal(**REAL, mode="live", venue={"deribit": {"ca_file": "own.pem"}})
    assert "no certificate but the public ones because mode is live" in found


def test_a_scope_names_accounts_that_there_are():
    """A misspelt one would leave the book unhedged in silence; on paper they are mere words."""
    scoped = {"BTC": BOOK["underlying"]["BTC"] | {"scope": {"accounts": ["desk", "sub2"]}}}
    wrong = _spans(account="desk", also=["sub1"]) | {"underlying": scoped}
    with pytest.raises(
        ValueError, match=r"accounts among desk, sub1 \(the nearest is sub1\), found .sub2."
    ) as caught:
        Settings.model_validate(wrong)
    assert "underlying.BTC.scope.accounts" in str(caught.value)
    Settings.model_validate(_spans(account="desk", also=["sub2"]) | {"underlying": scoped})
    Settings.model_validate({"underlying": scoped})
