"""What is wrong with a connection is told while it happens, and without a flood."""

from bot.cli.troubles import Troubles
from bot.domain.units import NS_PER_S, utc_ns
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.flaws import Flaw
from bot.venues.deribit.terms import DeribitSettings
from bot.venues.deribit.venue import DeribitVenue

T0 = utc_ns(2026, 1, 5)


class Said:
    """A voice that keeps what it is told."""

    def __init__(self):
        """Begin silent."""
        self.lines = []

    def say(self, event, level="info", **fields):
        """Keep a line."""
        self.lines.append((event, level, fields.get("times")))


def _new():
    terms = DeribitSettings(FeedRules(("BTC",)), ("BTC",), "http://127.0.0.1:1", "ws://127.0.0.1:1")
    venue, voice = DeribitVenue(terms, lambda: T0), Said()
    return venue, voice, Troubles(venue, voice)


def _note(venue, flaw, count=1):
    for _ in range(count):
        venue.flaws.note(T0, flaw, "here", "expected one thing, found another")


def test_a_flaw_is_told_once_and_then_with_its_count_once_a_minute():
    """A thousand broken frames are two lines."""
    venue, voice, troubles = _new()
    _note(venue, Flaw.BAD_MESSAGE)
    troubles.look(T0)
    for second in range(1, 61):
        _note(venue, Flaw.BAD_MESSAGE, 20)
        troubles.look(T0 + second * NS_PER_S)
    assert voice.lines == [
        ("venue.bad_message", "warning", 1),
        ("venue.bad_message", "warning", 1_200),
    ]


def test_a_burst_between_two_looks_is_told_with_what_is_still_known():
    """Only the newest two hundred keep their words."""
    venue, voice, troubles = _new()
    _note(venue, Flaw.STRAY_REPLY, 500)
    troubles.look(T0)
    assert voice.lines == [("venue.stray_reply", "warning", 200)]


def test_what_is_left_out_by_design_is_no_warning_and_a_fault_of_ours_is_an_error():
    """A combo in the list is nobody's trouble."""
    venue, voice, troubles = _new()
    _note(venue, Flaw.COMBO)
    _note(venue, Flaw.FAULT_OF_OURS)
    troubles.look(T0)
    assert {event: level for event, level, _ in voice.lines} == {
        "venue.combo": "debug",
        "venue.fault_of_ours": "error",
    }


def test_nothing_is_looked_at_twice_in_a_second():
    """It is asked at every event."""
    venue, voice, troubles = _new()
    troubles.look(T0)
    _note(venue, Flaw.BOOK_GAP)
    troubles.look(T0 + NS_PER_S // 2)
    assert voice.lines == []
    troubles.look(T0 + NS_PER_S)
    assert [event for event, *_ in voice.lines] == ["venue.book_gap"]


def test_what_a_person_must_mend_is_an_error():
    """Until then no order leaves."""
    venue, voice, troubles = _new()
    _note(venue, Flaw.KEY_RIGHTS)
    _note(venue, Flaw.WRONG_ENVIRONMENT)
    _note(venue, Flaw.CONNECTION_LOST)
    troubles.look(T0)
    assert [(event, level) for event, level, _ in voice.lines] == [
        ("venue.key_rights", "error"),
        ("venue.wrong_environment", "error"),
        ("venue.connection_lost", "warning"),
    ]
