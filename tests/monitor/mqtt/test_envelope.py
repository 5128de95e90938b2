"""An envelope is read without trust: it is one, or it is said why not; nothing raises."""

import json

import pytest

from bot.monitor.mqtt.envelope import Envelope, Fault, Key, Refusal, canonical, order, read
from tests.monitor.mqtt.signing import SECRET, fields, mac, packed, sealed, signed

WHOLE = {
    "v": 1,
    "cmd": "target",
    "args": {"coin": "BTC", "target": "-0.25", "why": 'Müller sagt: "weniger" \\ 少なく'},
    "id": "0192f3c1-target",
    "seq": 1767000000123,
    "ts": 1767000000123,
    "exp": 1767000008123,
    "nonce": "Zm9ydHktdHdvLWJ5dGVz",
    "key_id": "desk",
}
TEXT = (
    '{"args":{"coin":"BTC","target":"-0.25","why":"Müller sagt: \\"weniger\\" \\\\ 少なく"},'
    '"cmd":"target","exp":1767000008123,"id":"0192f3c1-target","key_id":"desk",'
    '"nonce":"Zm9ydHktdHdvLWJ5dGVz","seq":1767000000123,"ts":1767000000123,"v":1}'
)
MAC = "5cbb07eff7a5e6784484b36d88bddf6949a6a7781c6c194f210c0cfb9f7c6cf9"


def refusal(payload):
    """Read what is no envelope."""
    found = read(payload)
    assert isinstance(found, Refusal)
    assert found.of is None
    return found


def test_the_example_of_the_page_is_what_is_signed_here():
    """Text and mac, byte for byte: other languages are written against it."""
    assert canonical(WHOLE).decode() == TEXT
    assert Key(SECRET).mac(TEXT.encode()) == MAC == mac(WHOLE)


def test_an_envelope_is_read_as_it_was_written():
    """In any order and with any spaces: what is signed is made anew."""
    written = json.dumps(WHOLE | {"mac": MAC}, indent=3, sort_keys=False).encode()
    found = read(written)
    assert isinstance(found, Envelope)
    assert (found.cmd, found.args, found.seq) == ("target", WHOLE["args"], WHOLE["seq"])
    assert found.signed == TEXT.encode()
    assert found.name == "desk:0192f3c1-target"
    assert Key(SECRET).signed(found)
    assert not Key(SECRET + "x").signed(found)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"NaN",
        b'{"v": NaN}',
        b'{"v": 1e999}',
        b'{"v": 1.0}',
        b'{"v": 1, "v": 1}',
        b'{"args": {"coin": "BTC", "coin": "ETH"}}',
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"9" * 16_000,
        b'"\\ud800',
    ],
)
def test_what_is_no_json_of_ours_is_refused(payload):
    """Fractions, names twice, brackets without end."""
    assert refusal(payload).fault is Fault.NOT_JSON


def test_too_large_is_refused_before_it_is_read(monkeypatch):
    """Its length alone says enough."""
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was read"))
    found = refusal(b" " * (16 * 1024 + 1))
    assert found.fault is Fault.TOO_LARGE
    assert found.why == "expected at most 16384 bytes, found 16385"


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"cmd": "PAUSE"},
        {"cmd": "pause\n"},
        {"cmd": None},
        {"args": []},
        {"args": {"coin": 1}},
        {"args": {"why": "a\x00b"}},
        {"args": {"why": "a\u202eb"}},
        {"args": {"why": "\ud800"}},
        {"args": {"\n": "x"}},
        {"id": "short"},
        {"id": "x" * 65},
        {"id": "../../etc/passwd"},
        {"id": "with/slash-and-more"},
        {"seq": 0},
        {"seq": -1},
        {"seq": 2**53},
        {"seq": "7"},
        {"ts": True},
        {"exp": None},
        {"nonce": "a b"},
        {"key_id": ""},
        {"key_id": "desk\n"},
        {"mac": "00"},
        {"mac": "A" * 64},
        {"mac": "g" * 64},
        {"extra": 1},
    ],
)
def test_what_has_not_the_form_of_an_envelope_is_refused(changed):
    """Types, characters, bounds, versions, fields beside."""
    body = sealed(fields()) | changed
    assert refusal(json.dumps(body).encode()).fault is Fault.SHAPE


@pytest.mark.parametrize("name", [*fields(), "mac"])
def test_a_field_that_is_missing_is_named(name):
    """Each of them is needed."""
    body = sealed(fields())
    del body[name]
    found = refusal(packed(body))
    assert (found.fault, found.why) == (Fault.SHAPE, found.why)
    assert f" {name}, found none" in found.why


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"', b"true"])
def test_json_that_is_no_object_is_refused(body):
    """Lists and the like."""
    assert refusal(body).fault is Fault.SHAPE


@pytest.mark.parametrize(
    "cmd,args,expected",
    [
        ("pause", {}, ("pause", "", "", {})),
        ("halt", {"coin": "ETH", "why": "news"}, ("halt", "ETH", "news", {})),
        ("target", {"coin": "BTC", "target": "-0.25"}, ("target", "BTC", "", {"target": -0.25})),
        ("target", {"coin": "BTC", "target": "0"}, ("target", "BTC", "", {"target": 0.0})),
    ],
)
def test_what_is_asked_of_the_bot(cmd, args, expected):
    """A verb, a coin or all, why, and a number where there is one."""
    envelope = read(signed(cmd, args=args))
    assert isinstance(envelope, Envelope)
    found = order(envelope)
    assert not isinstance(found, Refusal)
    assert (found.verb, found.coin, found.why, found.arguments) == expected


@pytest.mark.parametrize(
    "cmd,args",
    [
        ("pause", {"coin": "btc"}),
        ("pause", {"coin": "B T C"}),
        ("pause", {"coin": "BTC; DROP"}),
        ("pause", {"coin": "B" * 11}),
        ("pause", {"target": "1"}),
        ("pause", {"words": "x"}),
        ("pause", {"why": "x" * 201}),
        ("target", {"coin": "BTC"}),
        ("target", {"target": "1"}),
        ("target", {"coin": "BTC", "target": "NaN"}),
        ("target", {"coin": "BTC", "target": "1e9"}),
        ("target", {"coin": "BTC", "target": "+1"}),
        ("target", {"coin": "BTC", "target": "01"}),
        ("target", {"coin": "BTC", "target": "1."}),
        ("target", {"coin": "BTC", "target": "٣"}),
        ("target", {"coin": "BTC", "target": "9" * 10}),
    ],
)
def test_arguments_that_a_verb_has_not_are_refused(cmd, args):
    """Also where they are signed."""
    envelope = read(signed(cmd, args=args))
    assert isinstance(envelope, Envelope)
    found = order(envelope)
    assert isinstance(found, Refusal)
    assert found.fault is Fault.ARGUMENTS
    assert found.of is envelope


def test_a_key_shows_itself_to_nobody():
    """Neither in logs nor in tracebacks."""
    key = Key(SECRET)
    assert SECRET not in f"{key} {key!r} {[key]}"
