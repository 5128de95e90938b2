"""Canaries in every field of every record, exception and nested thing: none reaches any output."""

import io
import json
import logging
from base64 import b64encode
from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from bot.domain.reasons import Because, Reason
from bot.monitor import Banner, LogFile, Logs, Scope, Screen, Voices
from bot.monitor.libraries import capture
from bot.monitor.redact import Redactor
from bot.monitor.story import Story
from tests.journal.records import decision, gamma_decision, hedge_done
from tests.monitor.test_catalogue import every_item

CANARY = "kA9xZq7canaryw3Vb2Nn5"
UNKNOWN = "unknownCanary0123456789"
BANNER = Banner(
    *("0.1.0", "demo", "paper", "synthetic", "60", 7, 0, "journal.sqlite"),
    (Scope("BTC", "usd", 0.0, -0.1, 0.1, None, None, "auto", "5 BTC excluded"),),
)


class Outputs:
    """Every way out: JSON, readable lines, a narrow and a wide screen, a file."""

    def __init__(self, folder: Path, *secrets: str) -> None:
        """Open them all."""
        self.streams = [io.StringIO() for _ in range(4)]
        json_, readable, narrow, wide = self.streams
        self.path = folder / "bot.jsonl"
        file = LogFile(self.path, max_bytes=1 << 24, keep=1)
        shown: dict[str, Any] = {"secrets": secrets, "wait": True, "per_min": 10**6}
        told = {"lowest": "debug", **shown}
        self.voices = [
            Voices(Logs(json_, json=True, **told), Logs(file, **told), "bot.jsonl"),
            Voices(Logs(readable, json=False, **told)),
            *(Voices(Screen(narrow, width=30, **shown)), Voices(Screen(wide, width=300, **shown))),
        ]

    def text(self) -> str:
        """Return all that came out, as it is and with broken lines joined again."""
        assert not any(voice.lost() for voice in self.voices)
        whole = "\n".join([*(one.getvalue() for one in self.streams), self.path.read_text()])
        return whole + "".join(whole.split())


@pytest.fixture
def out(tmp_path) -> Outputs:
    """Return every way out, of a process that knows the canary."""
    return Outputs(tmp_path, CANARY)


def planted(value: object) -> Iterator[object]:
    """Yield a value with the canary in place of each text in it, one after the other."""
    if isinstance(value, Enum):
        return
    if isinstance(value, str):
        yield f"before {CANARY} after"
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield {CANARY if key == name else key: one for key, one in value.items()}
            yield from ({**value, name: other} for other in planted(item))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from ((*value[:place], other, *value[place + 1 :]) for other in planted(item))
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            for other in planted(getattr(value, one.name)):
                yield replace(value, **{one.name: other})


def test_a_known_secret_in_any_field_of_any_record_comes_out_nowhere(out):
    """Labels, names, evidence, subjects, figures' names: of every type, one at a time."""
    count = 0
    for item in (*every_item(), gamma_decision(), decision(refused=(Because(Reason.MARGIN, "y"),))):
        for spoiled in planted(item):
            count += 1
            for voice in out.voices:
                voice._shown._story = Story()  # nothing is left out as said before
                if not hasattr(spoiled, "fraction"):
                    voice.tell(spoiled)
    assert count > 400
    assert "canary" not in out.text()
    assert "[redacted]" in out.text()


def test_a_known_secret_in_a_banner_a_summary_or_a_name_comes_out_nowhere(out):
    """A run's first line, its last, and whatever is said between."""
    for voice in out.voices:
        for spoiled in planted(BANNER):
            voice.begin(spoiled)
        voice.say(f"event.{CANARY}", "warning", **{CANARY: 1, "note": CANARY})
        voice.finish({"journal": CANARY, "digest": CANARY, "orders": 1, CANARY: 2})
    assert "canary" not in out.text()


@dataclass
class Inner:
    """What holds a secret under a name that says nothing."""

    thing: str
    more: tuple = ()


@dataclass
class Outer:
    """What holds what holds it."""

    inner: Inner
    by_name: dict = field(default_factory=dict)


class Opaque:
    """No dataclass: what it is, only its repr tells."""

    def __init__(self, attribute: object) -> None:
        """Hold something."""
        self.attribute = attribute

    def __repr__(self) -> str:
        """Tell all of it."""
        return f"Opaque(attribute={self.attribute!r})"


Pair = namedtuple("Pair", "key secret")  # noqa: PYI024  as libraries make them


def raised(text: str) -> BaseException:
    """Return an exception with a text in message, arguments, cause, context, notes and parts."""
    first = KeyError(text, {"nested": [text]})
    group = ExceptionGroup(f"several {text}", [ValueError(text), OSError(5, text)])
    group.__cause__ = first
    last = RuntimeError(Opaque(text))
    last.__cause__ = group
    for error in (first, last):
        error.add_note(f"note {text}")
    return last


SHAPES = [
    f"Authorization: Bearer {UNKNOWN}",
    f"{{'Authorization': 'Bearer {UNKNOWN}', 'x': 1}}",
    f"sent bearer {UNKNOWN} there",
    f"basic {b64encode(UNKNOWN.encode()).decode()}",
    f"deri-hmac-sha256 id=Abc,ts=1,sig={UNKNOWN},nonce=7",
    f"GET /order?symbol=BTC&signature={UNKNOWN}&x=1",
    f'{{"refresh_token": "{UNKNOWN}", "n": 1}}',
    f'{{\\"access_token\\":\\"{UNKNOWN}\\",\\"n\\":1}}',
    f"listenKey={UNKNOWN}",
    f"DELTABAND_DERIBIT_SECRET={UNKNOWN} make",
    f"wss://user:{UNKNOWN}@example.com/ws",
    f"-----BEGIN PRIVATE KEY-----\n{UNKNOWN}\n-----END PRIVATE KEY-----",
    f"Set-Cookie: session={UNKNOWN}; Path=/",
    f"ApiKey(client_id='x', secret='{UNKNOWN}')",
    f"password={UNKNOWN}",
]
CODED = b64encode(UNKNOWN.encode()).decode()


@pytest.mark.parametrize("text", [CANARY, *SHAPES])
def test_a_secret_in_whatever_is_handed_to_a_line_comes_out_nowhere(out, text):
    """Fields, nested and by repr, bytes, names; exceptions; what libraries log with and without."""
    things = {
        "plain": text,
        "bytes": text.encode(),
        "bytearray": bytearray(text.encode()),
        "mapping": {"deep": [{"deeper": (text,)}]},
        "by_key": {text: 1, Opaque(text): 2},
        "a_set": {text},
        "dataclass": Outer(Inner(text, ({"x": text},)), {text: Inner(text)}),
        "opaque": Opaque(Opaque([text])),
        "list_of_opaque": [Opaque(text), Inner(text)],
        "error": raised(text),
        "pair": Pair(text, text),
        "path": Path(text.replace("\n", " ")),
        "kind": type(text, (), {}) if text.isidentifier() else None,
    }
    logger = logging.getLogger("of-a-library")
    logger.propagate = False
    for voice in out.voices:
        for name, thing in things.items():
            voice.say("test.said", "warning", **{name: thing})
        voice.say("test.failed", "error", exc_info=raised(text))
        release = capture(voice, logger)
        logger.error("plain: %s", text, exc_info=raised(text))
        logger.warning("mapping: %(x)s", {"x": {"headers": text}})
        logger.warning("bad format %d", Opaque(text))
        logger.warning(Opaque(text))
        release()
    found = out.text()
    assert "anary" not in found
    assert CODED not in found


@pytest.mark.parametrize("value", [UNKNOWN, {"x": UNKNOWN}, [UNKNOWN], Inner(UNKNOWN), 12345678])
@pytest.mark.parametrize("name", ["apiKey", "client_secret", "password", "mac", "token"])
def test_a_field_that_is_called_like_a_secret_comes_out_nowhere(out, name, value):
    """At any depth, also in a dataclass or a named tuple of a library."""
    for voice in out.voices[:2]:
        voice.say("test.said", "warning", body={"deep": [{name: value}]}, **{name: value})
        voice.say("test.said", "warning", pair=Pair(value, value))
    assert "anary" not in out.text()
    assert "12345678" not in out.text()


def test_a_secret_that_a_line_end_would_cut_in_two_is_found_before(tmp_path):
    """A narrow terminal breaks what is longer than it."""
    out = Outputs(tmp_path, CANARY * 3)
    for voice in out.voices:
        voice.say("venue.said", "warning", note=CANARY * 3)
        voice.finish({"journal": CANARY * 3})
    assert "canary" not in out.text()


def test_an_exception_is_told_with_notes_parts_and_causes():
    """They say why; values of variables are not among them."""
    stream = io.StringIO()
    Logs(stream, json=True, wait=True).say("test.failed", "error", exc_info=raised("words"))
    chain = json.loads(stream.getvalue())["exception"]
    assert [one["type"] for one in chain] == ["RuntimeError", "ExceptionGroup", "KeyError"]
    assert chain[0]["notes"] == chain[2]["notes"] == ["note words"]
    assert chain[1]["parts"] == ["ValueError: words", "OSError: [Errno 5] words"]


def test_an_exception_without_words_is_told_all_the_same():
    """A fault in its own text must not lose the line."""

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

    stream = io.StringIO()
    Logs(stream, json=True, wait=True).say("test.failed", "error", exc_info=BrokenError())
    (one,) = json.loads(stream.getvalue())["exception"]
    assert (one["type"], one["message"]) == ("BrokenError", "no words for it (ValueError)")


def test_the_canary_would_be_seen(tmp_path):
    """A process that does not know it shows it everywhere."""
    out = Outputs(tmp_path)
    for voice in out.voices:
        voice.tell(hedge_done(reason=CANARY))
    assert out.text().count(CANARY) >= 2 * len(out.voices)
    assert Redactor().text(CANARY) == CANARY
