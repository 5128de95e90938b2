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
        self.fields = []

    def say(self, event, level="info", **fields):
        """Keep a line."""
        self.lines.append((event, level, fields.get("times")))
        self.fields.append(fields)


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


def test_an_outage_is_told_once_at_its_begin_and_once_at_its_end():
    """What failed between them is counted with the end, and the next outage is told at once."""
    venue, voice, troubles = _new()
    session = venue.public.session
    session.epoch = 1
    troubles.look(T0)
    for outage in range(2):
        start_ns = T0 + (1 + 20 * outage) * NS_PER_S
        session.lost_ns = start_ns
        _note(venue, Flaw.CONNECTION_LOST)
        troubles.look(start_ns)
        _note(venue, Flaw.CONNECTION_LOST, 9)
        troubles.look(start_ns + 5 * NS_PER_S)
        assert voice.lines[-1] == ("venue.connection_lost", "warning", 1)
        session.lost_ns, session.epoch = None, session.epoch + 1
        troubles.look(start_ns + 10 * NS_PER_S)
    troubles.look(T0 + 200 * NS_PER_S)
    told = [("venue.connection_lost", "warning", 1), ("venue.reconnected", "warning", None)]
    assert voice.lines == told * 2
    ends = [fields for fields in voice.fields if "failed_tries" in fields]
    assert [(fields["failed_tries"], fields["down_s"]) for fields in ends] == [(9, 10.0)] * 2


def test_a_connection_that_is_back_before_anybody_looked_is_told_as_lost_and_back():
    """With the reason of its loss."""
    venue, voice, troubles = _new()
    venue.public.session.epoch = 1
    troubles.look(T0)
    _note(venue, Flaw.CONNECTION_LOST)
    venue.public.session.epoch = 2
    troubles.look(T0 + NS_PER_S)
    assert [event for event, *_ in voice.lines] == ["venue.connection_lost", "venue.reconnected"]


def test_a_long_outage_is_told_again_each_minute():
    """It is not over."""
    venue, voice, troubles = _new()
    troubles.look(T0)
    venue.public.session.lost_ns = T0
    for second in range(1, 122):
        _note(venue, Flaw.CONNECTION_LOST)
        troubles.look(T0 + second * NS_PER_S)
    assert voice.lines == [
        ("venue.connection_lost", "warning", 1),
        ("venue.connection_lost", "warning", 60),
        ("venue.connection_lost", "warning", 60),
    ]
