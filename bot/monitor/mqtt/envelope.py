"""Commands as they travel: what a signed envelope is, read without trust.

    {v, cmd, args, id, seq, ts, exp, nonce, key_id, mac}

`mac` is the HMAC-SHA-256, in 64 lower-case hexadecimal digits, of the UTF-8 JSON of the envelope
without `mac`: names sorted, no spaces, strings as they are but for `"` and a backslash, numbers
whole and without exponent. That is RFC 8785 for what is allowed here: every number is a whole one
below 2^53, every other value a string of printable characters, a decimal number among them.

Reading never raises: what is no envelope is a `Refusal` that says what was expected and found.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeAlias

VERSION: Final = 1
LONGEST_BYTES: Final = 16 * 1024
LARGEST: Final = 2**53 - 1
LONGEST_WHY: Final = 200

_FIELDS: Final = {
    **dict.fromkeys(("v", "seq", "ts", "exp"), int),
    **dict.fromkeys(("cmd", "id", "nonce", "key_id", "mac"), str),
    "args": dict,
}
_PATTERNS: Final = {
    "cmd": re.compile(r"[a-z]{1,16}"),
    "id": re.compile(r"[A-Za-z0-9_-]{8,64}"),
    "nonce": re.compile(r"[A-Za-z0-9_-]{0,64}"),
    "key_id": re.compile(r"[A-Za-z0-9_-]{1,32}"),
    "mac": re.compile(r"[0-9a-f]{64}"),
}
_COIN: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?")


class Fault(StrEnum):
    """Why a command is refused; what is not `PROVEN` anybody may have sent."""

    RETAINED = "retained"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    SHAPE = "shape"
    UNKNOWN_KEY = "unknown_key"
    BAD_MAC = "bad_mac"
    LOST = "lost"
    FAULT = "fault"
    # said by who holds the key
    TOPIC = "topic"
    ARGUMENTS = "arguments"
    STALE = "stale"
    REPEATED = "repeated"
    OUT_OF_ORDER = "out_of_order"
    NO_CHALLENGE = "no_challenge"
    NO_MEMORY = "no_memory"
    NOT_QUEUED = "not_queued"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A well-formed envelope, true to nothing yet; times are Unix milliseconds.

    `signed` is what its `mac` is of.
    """

    cmd: str
    args: Mapping[str, Any]
    id: str
    seq: int
    ts: int
    exp: int
    nonce: str
    key_id: str
    mac: str
    signed: bytes

    @property
    def name(self) -> str:
        """Return what the journal calls this command: one name for each id of each key."""
        return f"{self.key_id}:{self.id}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that is not to be obeyed: `fault`, and what was expected and found.

    `of` is the envelope where its key signed it: only then is what it says about itself true.
    """

    fault: Fault
    why: str
    of: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What an envelope asks of a bot: an empty coin is all of it."""

    verb: str
    coin: str
    why: str
    arguments: Mapping[str, float]


Read: TypeAlias = Envelope | Refusal


class Key:
    """A secret that signs; shows itself to nobody."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def mac(self, signed: bytes) -> str:
        """Return the signature of a text."""
        return hmac.digest(self._secret, signed, "sha256").hex()

    def signed(self, envelope: Envelope) -> bool:
        """Tell whether this key signed an envelope, in a time that tells nothing."""
        return hmac.compare_digest(self.mac(envelope.signed), envelope.mac)

    def __repr__(self) -> str:
        return "Key(****)"


def canonical(fields: Mapping[str, object]) -> bytes:
    """Return the text that is signed: an envelope without its `mac`."""
    said = {name: value for name, value in fields.items() if name != "mac"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def read(payload: bytes) -> Read:
    """Return the envelope that a payload is, or why it is none."""
    if len(payload) > LONGEST_BYTES:
        found = f"expected at most {LONGEST_BYTES} bytes, found {len(payload)}"
        return Refusal(Fault.TOO_LARGE, found)
    try:
        found_json = json.loads(
            payload.decode(),
            object_pairs_hook=_once,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    # RecursionError: brackets without end; ValueError: other bytes, names twice, endless digits
    except (ValueError, RecursionError):
        return Refusal(Fault.NOT_JSON, "expected JSON of an envelope, found something else")
    if not isinstance(found_json, dict):
        return Refusal(Fault.SHAPE, f"expected an object, found {type(found_json).__name__}")
    why = _misshapen(found_json)
    if why:
        return Refusal(Fault.SHAPE, why)
    said = {name: value for name, value in found_json.items() if name != "v"}
    return Envelope(**said, signed=canonical(found_json))


def order(envelope: Envelope) -> Order | Refusal:
    """Return what a proven envelope asks of a bot, or why it asks nothing that there is."""
    args, verb = envelope.args, envelope.cmd
    known = {"coin", "why", "target"} if verb == "target" else {"coin", "why"}
    if strange := sorted(args.keys() - known):
        return _arguments(envelope, f"{', '.join(sorted(known))}", strange[0])
    coin, why = args.get("coin", ""), args.get("why", "")
    if coin and not _COIN.fullmatch(coin):
        return _arguments(envelope, "a coin in capitals", "another")
    if len(why) > LONGEST_WHY:
        return _arguments(envelope, f"a reason of at most {LONGEST_WHY} characters", len(why))
    if verb != "target":
        return Order(verb, coin, why, {})
    target = args.get("target", "")
    if not coin or not _DECIMAL.fullmatch(target):
        wanted = 'a coin and a target such as "-0.25"'
        return _arguments(envelope, wanted, "none" if not (coin and target) else "another")
    return Order(verb, coin, why, {"target": float(target)})


def _arguments(envelope: Envelope, expected: str, found: object) -> Refusal:
    text = f"expected of {envelope.cmd} {expected}, found {found}"
    return Refusal(Fault.ARGUMENTS, text, envelope)


def _misshapen(fields: Mapping[str, Any]) -> str:
    """Say what of an envelope has not its form; empty where all has."""
    for name, kind in _FIELDS.items():
        if type(fields.get(name)) is not kind:  # True is an int elsewhere
            found = type(fields[name]).__name__ if name in fields else "none"
            return f"expected {kind.__name__} for {name}, found {found}"
    if fields.keys() != _FIELDS.keys():
        return "expected no field beside those of an envelope, found another"
    return _improper(fields)


def _improper(fields: Mapping[str, Any]) -> str:
    """Say which value of an envelope is none that it may have; empty where all are."""
    if fields["v"] != VERSION:
        return f"expected version {VERSION}, found another"
    if any(not 0 < fields[name] <= LARGEST for name in ("seq", "ts", "exp")):
        return "expected seq, ts and exp from 1 to 2^53 - 1, found another"
    for name, pattern in _PATTERNS.items():
        if not pattern.fullmatch(fields[name]):
            return f"expected {name} like {pattern.pattern}, found another"
    texts = [text for pair in fields["args"].items() for text in pair]
    if all(isinstance(text, str) and text.isprintable() for text in texts):
        return ""
    return "expected arguments that are strings of printable characters, found another"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):  # who takes the first and who takes the last would disagree
        raise ValueError("expected each name once")
    return fields


def _no_number(_: str) -> NoReturn:
    raise ValueError("expected whole numbers")
