"""The door lets in what a known key signed, now, once and in order; the rest changes nothing."""

import json
import random
from typing import Any

import pytest

from bot.monitor.mqtt.door import NONCE_S, SKEW_MS, Challenged, Door, Taken
from bot.monitor.mqtt.envelope import Fault, Refusal, read
from bot.monitor.mqtt.seen import KEPT, NAME, Seen
from tests.monitor.mqtt.parts import OTHER, Clock, door_in
from tests.monitor.mqtt.signing import fields, mac, packed, sealed, signed
from tests.struck import struck

FUZZED = 10_000


@pytest.fixture
def clock():
    """Return a clock."""
    return Clock()


@pytest.fixture
def door(tmp_path, clock):
    """Return a door that has let in nothing yet."""
    return door_in(tmp_path, clock)


def command(clock, cmd="pause", **changed):
    """Return a signed command of the clock's now."""
    return signed(cmd, now_ms=clock.ms, **changed)


def judged(door, payload, verb="pause", *, retained=False):
    """Return what becomes of a payload: "taken", "challenged", or why not."""
    found = door.judge(verb, payload, retained=retained)
    if isinstance(found, Refusal):
        return found.fault
    return "taken" if isinstance(found, Taken) else "challenged"


def challenge(door, clock, **changed):
    """Ask for a nonce and return it."""
    found = door.judge("challenge", command(clock, "challenge", **changed), retained=False)
    assert isinstance(found, Challenged)
    return found.nonce


@pytest.mark.parametrize("verb", ["pause", "halt"])
def test_what_stops_needs_a_signature_alone(door, clock, verb):
    """No challenge stands before it."""
    assert judged(door, command(clock, verb), verb) == "taken"


@pytest.mark.parametrize("verb,args", [("resume", {}), ("target", {"coin": "BTC", "target": "1"})])
def test_what_can_add_risk_needs_a_fresh_challenge_once(door, clock, verb, args):
    """None, a made-up one, one used before, one too old and one of another key are refused."""

    def tried(nonce, **changed):
        return judged(door, command(clock, verb, args=args, nonce=nonce, **changed), verb)

    assert tried("") is Fault.NO_CHALLENGE
    assert tried("bWFkZS11cA") is Fault.NO_CHALLENGE
    nonce = challenge(door, clock)
    assert tried(nonce) == "taken"
    assert tried(nonce) is Fault.NO_CHALLENGE
    nonce = challenge(door, clock)
    clock.ms += round(NONCE_S * 1_000) + 1
    assert tried(nonce) is Fault.NO_CHALLENGE
    nonce = challenge(door, clock)
    assert tried(nonce, key_id="night", secret=OTHER) is Fault.NO_CHALLENGE
    nonce = challenge(door, clock)
    clock.ms += 9_000
    assert tried(nonce) == "taken"


def test_a_retained_command_is_refused_whoever_signed_it(door, clock):
    """And may be sent again as it should be: nothing of it was taken."""
    payload = command(clock)
    assert judged(door, payload, retained=True) is Fault.RETAINED
    assert judged(door, payload) == "taken"


@pytest.mark.parametrize("cmd,verb", [("pause", "resume"), ("resume", "pause"), ("pause", "x")])
def test_a_command_on_the_topic_of_another_is_refused(door, clock, cmd, verb):
    """Who may write one topic has no other verb by it."""
    assert judged(door, command(clock, cmd), verb) is Fault.TOPIC


def test_flatten_is_not_offered(door, clock):
    """Nor is any verb but the five."""
    for cmd in ("flatten", "on", "off", "review", "confirm", "hedge", "hold", "snooze"):
        assert judged(door, command(clock, cmd), cmd) is Fault.TOPIC


def test_what_is_forged_is_refused(door, clock):
    """Another secret, another key's secret, an unknown key, anything changed after signing."""
    assert judged(door, command(clock, secret="x" * 40)) is Fault.BAD_MAC
    assert judged(door, command(clock, secret=OTHER)) is Fault.BAD_MAC
    assert judged(door, command(clock, key_id="nobody")) is Fault.UNKNOWN_KEY
    body = sealed(fields("pause", now_ms=clock.ms))
    for name, value in {
        "cmd": "halt",
        "args": {"coin": "BTC"},
        "id": "another-id",
        "seq": body["seq"] + 1,
        "ts": body["ts"] + 1,
        "exp": body["exp"] + 1,
        "nonce": "x",
        "mac": "0" * 64,
    }.items():
        assert judged(door, packed(body | {name: value})) is Fault.BAD_MAC, name
    assert judged(door, packed(body)) == "taken"


@pytest.mark.parametrize(
    "early_ms,lasts_ms,found",
    [
        (0, 8_000, "taken"),
        (5_000, 10_000, "taken"),
        (-5_000, 8_000, "taken"),
        (5_001, 10_000, Fault.STALE),
        (-5_001, 8_000, Fault.STALE),
        (3_600_000, 8_000, Fault.STALE),
        (0, 10_001, Fault.STALE),
        (4_000, 4_000, Fault.STALE),
        (0, 0, Fault.STALE),
        (0, -1, Fault.STALE),
    ],
)
def test_what_is_not_of_now_is_refused(door, clock, early_ms, lasts_ms, found):
    """Old, of the future, expired, or meant to last."""
    ts = clock.ms - early_ms
    assert judged(door, command(clock, ts=ts, exp=ts + lasts_ms)) == found


def test_the_same_again_is_refused_also_after_a_restart_and_an_hour(door, clock, tmp_path):
    """Whoever sends it: a broker that delivers twice, or one who listened."""
    payload = command(clock)
    assert judged(door, payload) == "taken"
    assert judged(door, payload) is Fault.REPEATED
    assert judged(door_in(tmp_path, clock), payload) is Fault.REPEATED
    clock.ms += 3_600_000
    assert judged(door_in(tmp_path, clock), payload) is Fault.REPEATED


def test_an_id_has_one_command(door, clock):
    """Another one with it is refused, though it is signed and newer."""
    assert judged(door, command(clock, id="the-same-id")) == "taken"
    assert judged(door, command(clock, id="the-same-id")) is Fault.REPEATED
    again = command(clock, id="the-same-id", key_id="night", secret=OTHER)
    assert judged(door, again) == "taken"  # an id is its key's own


def test_what_comes_after_a_newer_one_is_refused(door, clock, tmp_path):
    """Numbers go up, for each key by itself, over restarts too."""
    assert judged(door, command(clock, seq=10)) == "taken"
    assert judged(door, command(clock, seq=10)) is Fault.OUT_OF_ORDER
    assert judged(door, command(clock, seq=9)) is Fault.OUT_OF_ORDER
    door = door_in(tmp_path, clock)
    assert judged(door, command(clock, seq=10)) is Fault.OUT_OF_ORDER
    assert judged(door, command(clock, seq=5, key_id="night", secret=OTHER)) == "taken"
    assert judged(door, command(clock, seq=11)) == "taken"


def test_a_number_ahead_of_the_clock_is_refused(door, clock):
    """It would lock its key: nothing of now could come after it."""
    most = (clock.ms + SKEW_MS) * 1_000
    for seq in (2**53 - 1, most + 1):
        assert judged(door, command(clock, seq=seq)) is Fault.OUT_OF_ORDER
    assert judged(door, command(clock, seq=clock.ms)) == "taken"
    assert judged(door, command(clock, seq=most)) == "taken"


def test_a_refused_command_uses_up_no_number(door, clock):
    """Else anybody who holds a key of nothing could shut others out."""
    assert judged(door, command(clock, "resume", seq=99), "resume") is Fault.NO_CHALLENGE
    assert judged(door, command(clock, seq=50)) == "taken"


def test_memory_is_bounded_and_what_it_forgets_is_refused_by_its_number(tmp_path, clock):
    """However long it runs."""
    door = door_in(tmp_path, clock)
    first = command(clock, seq=1)
    assert judged(door, first) == "taken"
    door.seen._write = lambda: None
    for seq in range(2, KEPT + 3):
        assert judged(door, command(clock, seq=seq)) == "taken"
    assert len(door.seen._macs) == KEPT
    assert judged(door, first) is Fault.OUT_OF_ORDER


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"v": 2, "last": {}, "macs": []}',
        b'{"v": 1, "last": [], "macs": []}',
        b'{"v": 1, "last": {"desk": "7"}, "macs": []}',
        b'{"v": 1, "last": {}, "macs": [1]}',
        b'{"v": 1, "last": {}, "macs": [["a", 1]]}',
        b'{"v": 1, "last": {}}',
        b"[" * 100_000,
    ],
)
def test_without_its_memory_it_takes_what_stops_alone(tmp_path, clock, content):
    """And leaves the file for a person to look at."""
    (tmp_path / NAME).write_bytes(content)
    door = door_in(tmp_path, clock)
    assert str(tmp_path / NAME) in door.seen.why
    assert judged(door, command(clock, "challenge"), "challenge") is Fault.NO_MEMORY
    assert judged(door, command(clock, "resume"), "resume") is Fault.NO_MEMORY
    payload = command(clock)
    assert judged(door, payload) == "taken"
    assert judged(door, payload) is Fault.REPEATED
    assert judged(door, command(clock, "halt"), "halt") == "taken"
    assert (tmp_path / NAME).read_bytes() == content


def test_what_cannot_be_written_down_is_not_let_loose(tmp_path, clock):
    """A full disk must not keep a pause out."""
    (tmp_path / "state").mkdir()
    door = door_in(tmp_path / "state", clock)
    nonce = challenge(door, clock)
    (tmp_path / "state" / NAME).unlink()
    (tmp_path / "state").rmdir()
    assert judged(door, command(clock, "resume", nonce=nonce), "resume") is Fault.NO_MEMORY
    assert judged(door, command(clock)) == "taken"


def test_its_memory_is_its_owners_alone(door, clock, tmp_path):
    """And whole at every moment: it is replaced."""
    assert judged(door, command(clock)) == "taken"
    path = tmp_path / NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [NAME]
    assert Seen(path).why == ""


def mutated(rng, clock):
    """Return a payload: a good envelope spoilt in some way, or nonsense of some kind."""
    body = sealed(fields(rng.choice(["pause", "resume", "halt", "target"]), now_ms=clock.ms))
    strange: list[Any] = [
        *(None, True, 0, -1, 2**63, 10**400, "", "x", "\x00", "é" * 9, [], {}, [[]], {"a": {}}),
        *("9" * 40, "a" * 5_000, {"coin": "BTC", "target": "1e5"}, {"coin": ["BTC"]}, 1.5),
    ]
    text = packed(body)

    def bent():
        bits = bytearray(text)
        for _ in range(rng.randrange(1, 6)):
            bits[rng.randrange(len(bits))] = rng.randrange(256)
        return bytes(bits)

    def without():
        del body[rng.choice([*body])]
        return packed(body)

    def replaced():
        name = rng.choice([*body, "extra", "__proto__"])
        return json.dumps(body | {name: rng.choice(strange)}).encode()

    numbers = [b"NaN", b"Infinity", b"1e9", b"1.0", b"01"]
    ways = (
        lambda: rng.randbytes(rng.randrange(300)),
        lambda: text[: rng.randrange(len(text))],
        lambda: rng.choice([b"[", b'{"a":', b'{"args":[', b'"\\u']) * rng.randrange(6_000),
        lambda: text.replace(b"1", rng.choice(numbers)),
        lambda: rng.choice([" ", "\u2028", "ж", "[]", "\ufeff"]).encode() * rng.randrange(9_000),
        lambda: json.dumps({rng.choice([*body, "x"]): rng.choice(strange)}).encode(),
        *(bent, without, replaced),
    )
    return rng.choice(ways)()


def test_ten_thousand_spoilt_commands_never_raise_and_change_nothing(door, clock):
    """Nothing is taken but what its key signed as it is, and nothing is remembered of the rest."""
    rng = random.Random(7)
    faults, taken, forged = set(), [], 0
    for _ in range(FUZZED):
        payload = mutated(rng, clock)
        verb = rng.choice(["pause", "resume", "halt", "target", "challenge", "flatten", "", "a/b"])
        found = door.judge(verb, payload, retained=rng.random() < 0.05)
        if isinstance(found, Refusal):
            faults.add(found.fault)
            forged += found.fault in {Fault.BAD_MAC, Fault.UNKNOWN_KEY}
            assert len(found.why) < 500
            continue
        envelope = read(payload)  # one that still says what was signed
        assert not isinstance(envelope, Refusal)
        assert mac(json.loads(payload)) == envelope.mac
        assert envelope.cmd == verb
        assert verb in {"pause", "halt"}
        taken.append(envelope.name)
    assert faults >= {
        *(Fault.RETAINED, Fault.TOO_LARGE, Fault.NOT_JSON, Fault.SHAPE, Fault.BAD_MAC),
        Fault.TOPIC,
    }
    assert list(door.seen._macs) == taken
    struck("F82", forged)


def test_ten_thousand_signed_but_wrong_commands_change_nothing(tmp_path, clock):
    """A key that is known lets nobody say more than the five verbs, fresh and in order."""
    rng = random.Random(11)
    door: Door = door_in(tmp_path, clock)
    assert judged(door, command(clock, seq=10**15)) == "taken"
    before = (tmp_path / NAME).read_bytes()
    for _ in range(FUZZED):
        cmd = rng.choice(["pause", "resume", "halt", "target", "challenge", "flatten", "x"])
        changed = rng.choice(
            [
                {"seq": rng.randrange(1, 10**15 + 1)},
                {"seq": 10**15 + 1, "ts": clock.ms - rng.randrange(5_001, 10**9)},
                {"seq": 10**15 + 1, "exp": clock.ms - rng.randrange(10**9)},
                {"seq": 10**15 + 1, "exp": clock.ms + rng.randrange(10_001, 10**9)},
                {"seq": 10**15 + 1, "args": {"coin": rng.choice(["btc", "é", "B-", " "])}},
                {"seq": 10**15 + 1, "args": {rng.choice(["x", "for_s", "proof"]): "1"}},
            ]
        )
        assert isinstance(judged(door, command(clock, cmd, **changed), cmd), Fault)
        struck("F80", changed.get("seq", 0) <= 10**15)
    assert (tmp_path / NAME).read_bytes() == before
