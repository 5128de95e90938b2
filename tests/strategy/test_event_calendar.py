"""Scheduled events: when they are on, and which of several wins."""

import pytest

from bot.domain.units import NS_PER_S
from bot.strategy.event_calendar import ScheduledEvent, factor_at

AT = 1_700_000_000 * NS_PER_S
DAY_S = 86_400.0


def event(factor=0.5, **more):
    """Return an event from a quarter of an hour before until half an hour after."""
    return ScheduledEvent("release", AT, 900.0, 1_800.0, factor, **more)


def after(seconds):
    """Return a time so many seconds after the event."""
    return AT + round(seconds * NS_PER_S)


@pytest.mark.parametrize(
    "seconds,factor", [(-901, 1.0), (-900, 0.5), (0, 0.5), (1_800, 0.5), (1_801, 1.0)]
)
def test_an_event_is_on_from_before_until_after(seconds, factor):
    """Both ends included."""
    assert factor_at([event()], after(seconds)) == factor


@pytest.mark.parametrize("every_s", [DAY_S, 7 * DAY_S])
def test_an_event_comes_again(every_s):
    """At the same time of day or week, later and before its first date alike."""
    again = event(every_s=every_s)
    for periods in (-2, -1, 1, 30):
        assert factor_at([again], after(periods * every_s - 900)) == 0.5
        assert factor_at([again], after(periods * every_s + 1_800)) == 0.5
        assert factor_at([again], after(periods * every_s + 1_801)) == 1.0
    assert factor_at([event()], after(every_s)) == 1.0


def test_the_narrowest_of_several_wins():
    """Caution outranks thrift."""
    assert factor_at([event(2.0), event(0.5), event(0.8)], AT) == 0.5
    assert factor_at([event(2.0)], AT) == 2.0
    assert factor_at([], AT) == 1.0
