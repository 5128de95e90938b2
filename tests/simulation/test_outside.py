"""What keeps delta outside the band in a crash is the market and the way to it, nothing of ours."""

import pytest

from tests.simulation.drive import seconds
from tests.simulation.outside import CUT, around_a_fall, recorded


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_of_ours_keeps_delta_outside_in_a_fall_with_lost_replies(seed):
    """No cap, collar, breaker or state; more than one order in ten is without its reply."""
    day = around_a_fall(seed)
    assert day.foreign == {}
    assert not day.causes[CUT]
    assert day.minutes
    assert day.causes["reply lost"]
    assert day.lost >= 0.1 * day.orders > 1.0


@pytest.mark.data
def test_nothing_of_ours_keeps_delta_outside_in_the_recorded_crash(data_dir):
    """The fall of February 2026, from the evening before until the day after."""
    day = recorded(data_dir)
    assert day.foreign == {}
    assert day.causes[CUT] < seconds(0.5)
    assert day.orders > 10
