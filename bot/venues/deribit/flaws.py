"""What is wrong with something that the venue sent: a named flaw, kept and counted, never raised.

Readers raise `FlawedError` with what they expected and found; whoever called them writes it down in
`Flaws` and goes on. Nothing that a venue sends may end a loop.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.errors import DeltabandError

KEPT: Final = 200
SHOWN: Final = 60
LONGEST: Final = 240


class Flaw(StrEnum):
    """A named reason why something of the venue was left out or not believed."""

    # fields
    NOT_AN_OBJECT = "not_an_object"
    NOT_A_LIST = "not_a_list"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_TIME = "not_a_time"
    NOT_A_TEXT = "not_a_text"
    UNKNOWN_WORD = "unknown_word"
    # instruments
    COMBO = "combo"
    SPOT = "spot"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_SETTLEMENT = "unknown_settlement"
    INACTIVE = "inactive"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    # prices
    CROSSED = "crossed"
    NOT_OPEN = "not_open"
    OUT_OF_ORDER = "out_of_order"
    BOOK_GAP = "book_gap"
    NO_INDEX = "no_index"
    # the connection
    BAD_MESSAGE = "bad_message"
    UNKNOWN_CHANNEL = "unknown_channel"
    CHANNEL_REFUSED = "channel_refused"
    STRAY_ERROR = "stray_error"
    STRAY_REPLY = "stray_reply"
    STALE_CHANNEL = "stale_channel"
    CONNECTION_LOST = "connection_lost"
    KEY_RIGHTS = "key_rights"
    WRONG_ENVIRONMENT = "wrong_environment"
    REQUEST_FAILED = "request_failed"
    FAULT_OF_OURS = "fault_of_ours"


class FlawedError(DeltabandError):
    """Something that cannot be used as it was sent; names the flaw and what it is about."""

    def __init__(self, flaw: Flaw, subject: str, sentence: str) -> None:
        super().__init__(f"{flaw} ({subject}): {sentence}")
        self.flaw, self.subject, self.sentence = flaw, subject, sentence


@dataclass(frozen=True, slots=True)
class Noted:
    """A flaw, what it is about, what was expected and found, and when it was noticed."""

    ts_ns: int
    flaw: Flaw
    subject: str
    sentence: str


class Flaws:
    """Every flaw counted, the newest kept, until it is `sealed`: a close is nobody's flaw."""

    def __init__(self) -> None:
        self.sealed = False
        self.counts: Counter[Flaw] = Counter()
        self.newest: deque[Noted] = deque(maxlen=KEPT)

    def note(self, ts_ns: int, flaw: Flaw, subject: str, sentence: str) -> None:
        """Write one down."""
        if self.sealed:
            return
        self.counts[flaw] += 1
        self.newest.append(Noted(ts_ns, flaw, subject, sentence))

    def caught(self, ts_ns: int, error: FlawedError) -> None:
        """Write down what a reader refused."""
        self.note(ts_ns, error.flaw, error.subject, error.sentence)


def shown(value: object) -> str:
    """Return a value as it is quoted in a sentence: short, on one line; an error in its words."""
    if isinstance(value, BaseException):
        words = f"{type(value).__name__} {str(value)[:LONGEST]}".replace("\n", " ").rstrip()
        # ccxt names the request alone; what was wrong with it is the error underneath.
        return words if value.__cause__ is None else f"{words} ({shown(value.__cause__)})"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list within itself
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
