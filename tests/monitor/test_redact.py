"""Canaries: no secret comes out in any form, and what is no secret stays readable."""

import io
import json
import logging
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Reason
from bot.monitor.libraries import capture
from bot.monitor.logs import Logs
from bot.monitor.redact import MASK, Redactor
from tests.struck import struck

CANARY = 'kA9/x+Zq"7&w=é-CANARY'


def lines(stream: io.StringIO) -> list[dict]:
    """Return the JSON lines that were written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        quote(CANARY, safe=""),
        quote(CANARY),
        quote_plus(CANARY),
        quote(CANARY, safe="").replace("%2F", "%2f").replace("%C3%A9", "%c3%a9"),
        json.dumps(CANARY)[1:-1],
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
        b64encode(CANARY.encode()).decode(),
        urlsafe_b64encode(CANARY.encode()).decode(),
        b64encode(f"id:{CANARY}".encode()).decode(),
        b64encode(f"k:{CANARY}:x".encode()).decode(),
    ],
)
def test_known_secret_is_cut_in_every_form_it_travels_in(form):
    """The neighbours stay, and nothing of the secret does."""
    struck("F75")
    assert Redactor([CANARY]).text(f"before {form} after") == f"before {MASK} after"


@given(st.binary(max_size=5), st.binary(max_size=5), st.text("abcXYZ019+/=", min_size=8))
def test_secret_inside_any_base64_is_cut(before, after, secret):
    """Whatever it was joined with before it was coded, the code of it is gone."""
    struck("F75")
    coded = b64encode(before + secret.encode() + after).decode()
    left = Redactor([secret]).text(f"<{coded}>")
    assert MASK in left
    assert len(left.replace(MASK, "")) <= len("<>") + 8


@pytest.mark.parametrize(
    "text,expected",
    [
        ("Authorization: Bearer abc.def-123", f"Authorization: {MASK}"),
        ("{'Authorization': 'Bearer abc', 'x': 1}", f"{{'Authorization': {MASK}, 'x': 1}}"),
        ("sent bearer abcdef123 there", f"sent bearer {MASK} there"),
        ("deri-hmac-sha256 id=Abc,ts=1,sig=99,nonce=7", f"deri-hmac-sha256 {MASK}"),
        ("GET /order?symbol=BTC&signature=99ff&x=1", f"GET /order?symbol=BTC&signature={MASK}&x=1"),
        ('{"refresh_token": "a b c", "n": 1}', f'{{"refresh_token": {MASK}, "n": 1}}'),
        (r"{\"access_token\":\"abc\",\"n\":1}", rf"{{\"access_token\":{MASK},\"n\":1}}"),
        ("listenKey=pqia91ma19a5s61cv6a81va65s", f"listenKey={MASK}"),
        ("DELTABAND_DERIBIT_SECRET=hunter2 make", f"DELTABAND_DERIBIT_SECRET={MASK} make"),
        ("wss://user:hunter2@example.com/ws", f"wss://{MASK}@example.com/ws"),
        ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", MASK),
        ("apiKey: 'x\\'y' left", f"apiKey: {MASK}y' left"),
    ],
)
def test_pattern_of_a_secret_is_cut_amid_other_text(text, expected):
    """Secrets that nobody told us about give themselves away by what stands before them."""
    struck("F75")
    assert Redactor().text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "delta_above_owner(BTC: delta_coin=1.8342, upper=0.1)",
        "order deltaband-demo-1-17: sent → unknown",
        "basic settings of the design are fine",
        "https://www.deribit.com/api/v2/public/ticker?instrument_name=BTC-PERPETUAL",
    ],
)
def test_ordinary_text_stays(text):
    """A log that is cut to pieces helps nobody."""
    assert Redactor(["hunter2-hunter2"]).text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("secret", "apiKey", "api_key", "client_secret", "Authorization", "password", "mac"),
        *("refresh_token", "listenKey", "private_key", "DELTABAND_OKX_SECRET", "Set-Cookie"),
    ],
)
def test_field_that_is_called_like_a_secret_loses_its_value(name):
    """Also when the value is a number or nested, and at any depth."""
    for value in ("abc", 123, {"inner": "abc"}, ["abc"]):
        assert Redactor().value({"a": [{name: value}]}) == {"a": [{name: MASK}]}


def test_empty_secret_shows_that_it_is_empty():
    """A missing key is worth seeing."""
    assert Redactor().value({"secret": "", "token": None}) == {"secret": "", "token": None}


def test_numbers_stay_numbers_and_words_words():
    """Redaction changes no figure."""
    value = {"x": 1.5, "n": 3, "ok": True, "none": None, "why": Reason.COOLDOWN, "list": (1, 2)}
    expected = {"x": 1.5, "n": 3, "ok": True, "none": None, "why": "cooldown", "list": [1, 2]}
    assert Redactor().value(value) == expected


def test_bottomless_value_is_cut():
    """What refers to itself cannot be searched to the end."""
    loop: dict[str, object] = {}
    loop["self"] = loop
    assert MASK in str(Redactor().value(loop))


def test_canary_reaches_no_log_line_by_any_way():
    """Fields, names, texts, nested values, bound fields, exceptions, causes and other libraries."""
    stream = io.StringIO()
    logs = Logs(stream, json=True, secrets=[CANARY], wait=True, bound=CANARY)
    root = logging.getLogger("root-of-test")
    root.propagate = False
    release = capture(logs, root)

    def fails(secret_argument: str) -> None:
        keys: dict[str, str] = {}
        try:
            keys[secret_argument]
        except KeyError as error:
            text = f"headers {{'Authorization': 'Bearer {secret_argument}'}}"
            raise RuntimeError(text) from error

    try:
        fails(CANARY)
    except RuntimeError as error:
        logs.say("venue.failed", "error", exc_info=error)
        root.error("from a library: %s", CANARY, exc_info=error)
    root.warning("bad format %d", CANARY)
    release()
    logs.say(f"event.{CANARY}", body={"deep": [{CANARY: CANARY.encode()}]}, url=quote(CANARY))
    logs.say("numbers", apiKey="unknown-to-us", signature="unknown-to-us")
    logs.close()
    text = stream.getvalue()
    found = lines(stream)
    assert [line["event"] for line in found] == [
        *("venue.failed", "library.logged", "library.logged", f"event.{MASK}", "numbers")
    ]
    assert "CANARY" not in text
    assert "unknown-to-us" not in text
    assert "kA9" not in text
    assert [item["type"] for item in found[0]["exception"]] == ["RuntimeError", "KeyError"]
    assert any(line.endswith(" fails") for line in found[0]["exception"][0]["lines"])
    assert logs.failed == 0


def test_canary_reaches_no_readable_line():
    """A terminal is no safer place than a file."""
    stream = io.StringIO()
    logs = Logs(stream, json=False, secrets=[CANARY], wait=True)
    logs.say("venue.failed", "error", body={"x": CANARY}, exc_info=ValueError(CANARY))
    assert "venue.failed" in stream.getvalue()
    assert "CANARY" not in stream.getvalue()
