"""The machine's own lateness and clock: what is told, what stops, and for how long."""

import pytest

from bot.domain.events import HostSeen
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.risk.host import Host, matters
from tests.builders.books import NOW


def seen(lag=0.0, ahead=0.0, error=0.0, after=0.0):
    """Return a look at the machine."""
    return HostSeen(NOW + round(after * NS_PER_S), lag, ahead, error)


def reasons(found):
    """Return the reasons alone."""
    return [because.reason for because in found]


@pytest.mark.parametrize(
    "look,told,stops",
    [
        (seen(), [], []),
        (seen(lag=0.25), [], []),
        (seen(lag=0.26), [Reason.DECISION_LAG], []),
        (seen(lag=1.0), [Reason.DECISION_LAG], []),
        (seen(lag=1.01), [Reason.DECISION_LAG], [Reason.DECISION_LAG]),
        (seen(ahead=-0.25), [], []),
        (seen(ahead=-0.26), [Reason.CLOCK_OFF], []),
        (seen(ahead=1.05, error=0.05), [Reason.CLOCK_OFF], []),
        (seen(ahead=1.06, error=0.05), [Reason.CLOCK_OFF], [Reason.CLOCK_OFF]),
    ],
)
def test_what_is_told_and_what_stops(look, told, stops):
    """A quarter of a second is told, a whole one stops; an uncertain one does not count."""
    host = Host()
    host.see(look)
    assert reasons(host.told()) == told
    assert reasons(host.doubts(look.ts_ns)) == stops
    assert matters(look) is bool(told)


def test_lateness_is_over_five_seconds_after_the_last_late_decision():
    """One quick decision in between is no proof."""
    host = Host()
    host.see(seen(lag=2.0))
    host.see(seen(after=1.0))
    assert reasons(host.doubts(seen(after=4.9).ts_ns)) == [Reason.DECISION_LAG]
    assert host.doubts(seen(after=5.0).ts_ns) == ()


def test_a_clock_is_off_until_it_is_seen_to_agree():
    """However long nobody looks."""
    host = Host()
    host.see(seen(ahead=2.0))
    assert reasons(host.doubts(seen(after=9e3).ts_ns)) == [Reason.CLOCK_OFF]
    host.see(seen(after=9e3))
    assert host.doubts(seen(after=9e3).ts_ns) == ()
