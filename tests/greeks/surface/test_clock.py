from datetime import UTC, datetime

import numpy as np
import pytest

from greeks import settlement
from greeks.surface import CALENDAR, Clock

HOUR_S, DAY_S, YEAR_S = 3_600.0, 86_400.0, 365 * 86_400.0
FRIDAY_S = datetime(2026, 1, 9, 8, tzinfo=UTC).timestamp()
MONDAY_S = datetime(2026, 1, 12, tzinfo=UTC).timestamp()
SATURDAY_S = datetime(2026, 1, 10, tzinfo=UTC).timestamp()


def hours(clock, start_s, end_s):
    """Return variance time between two moments in hours."""
    return clock.variance_years(start_s, end_s) * YEAR_S / HOUR_S


def test_the_plain_clock_is_settlements():
    """Calendar time less two thirds of the window, a third inside it, none after."""
    left = np.array([-10.0, 0.0, 60.0, 1_799.0, 1_800.0, 1_801.0, 1e6])
    found = CALENDAR.variance_years(FRIDAY_S - left, FRIDAY_S)
    np.testing.assert_allclose(found, settlement.variance_years(left), rtol=1e-9, atol=0.0)


def test_a_weekends_hour_counts_less_and_a_weekdays_more():
    """Half the weight: 12 to 24 hours a day, and five sixths of them in the five days."""
    clock = Clock(weekend=0.5, window_s=0.0)
    assert hours(clock, SATURDAY_S, MONDAY_S) == pytest.approx(24.0 * 7.0 / 6.0)
    assert hours(clock, MONDAY_S, MONDAY_S + DAY_S) == pytest.approx(24.0 * 7.0 / 6.0)
    assert hours(clock, SATURDAY_S, SATURDAY_S + DAY_S) == pytest.approx(12.0 * 7.0 / 6.0)


def test_weeks_keep_their_length():
    """From any moment, and so volatilities over months mean the same."""
    clock = Clock(weekend=0.3, window_s=0.0)
    start = FRIDAY_S + HOUR_S * np.arange(0.0, 168.0, 7.0)
    np.testing.assert_allclose(hours(clock, start, start + 7 * DAY_S), 168.0, rtol=1e-12)
    np.testing.assert_allclose(hours(clock, start, start + 35 * DAY_S), 840.0, rtol=1e-12)


def test_time_adds_up_and_never_runs_back():
    """Over a boundary as anywhere else."""
    clock = Clock(weekend=0.4, events=((MONDAY_S - HOUR_S, 5_000.0),), window_s=0.0)
    moments = FRIDAY_S + HOUR_S * np.linspace(0.0, 120.0, 241)
    steps = hours(clock, moments[:-1], moments[1:])
    assert (steps >= 0.0).all()
    assert steps.sum() == pytest.approx(hours(clock, moments[0], moments[-1]))


def test_an_announcement_adds_its_hours_to_what_expires_after_it():
    """And to nothing once it is over."""
    clock = Clock(events=((MONDAY_S, 6 * HOUR_S),), window_s=0.0)
    assert hours(clock, FRIDAY_S, MONDAY_S - 1.0) == pytest.approx(64.0, abs=1e-3)
    assert hours(clock, FRIDAY_S, MONDAY_S) == pytest.approx(70.0)
    assert hours(clock, MONDAY_S, MONDAY_S + HOUR_S) == pytest.approx(1.0)


def test_a_window_on_a_weekend_weighs_as_the_weekend_does():
    """Two thirds of its weighted length are lost."""
    clock = Clock(weekend=0.5)
    expiry_s = SATURDAY_S + 8 * HOUR_S
    assert hours(clock, SATURDAY_S, expiry_s) == pytest.approx((8.0 - 1 / 3) * 0.5 * 7.0 / 6.0)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"weekend": -0.1}, "a weekend's weight above 0, found -0.1"),
        ({"weekend": 0.0}, "found 0.0"),
        ({"weekend": np.nan}, "found nan"),
        ({"window_s": -1.0}, "a window of 0 s or more, found -1.0"),
        ({"events": ((MONDAY_S, -1.0),)}, "an event as"),
        ({"events": ((MONDAY_S,),)}, "an event as"),
    ],
)
def test_a_clock_that_cannot_be_says_what_was_expected(wrong, said):
    """And what was found."""
    with pytest.raises(ValueError, match=said):
        Clock(**wrong)
