"""How long delta can be left where it is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.units import SECONDS_PER_YEAR
from bot.strategy.bands import Band
from bot.strategy.patience import CAUTION, patience_s
from tests.builders.exposures import conditions, exposure

OWNER = Band(-1.0, 0.0, 1.0)


def waits(level=0.5, gamma=1.65, vol=0.5, around=0.0, realised=0.4):
    """Return the patience at a level for a book's own gamma and volatility, and what is around."""
    now = exposure(level, gamma=gamma, vol=vol)
    return patience_s(OWNER, level, now, conditions(gamma=around, vol=realised))


def test_delta_wanders_to_the_owners_edge_in_that_time_only_four_deviations_away():
    """Half a coin at 1.65 coin per 1 % and 50 %: 72 seconds."""
    seconds = waits()
    assert seconds == pytest.approx(72.4, abs=0.1)
    wander = 100.0 * 1.65 * 0.5 * math.sqrt(seconds / SECONDS_PER_YEAR)
    assert wander * CAUTION == pytest.approx(0.5)


@pytest.mark.parametrize("level", [0.5, -0.5])
@pytest.mark.parametrize(
    "changes", [{"gamma": -1.65}, {"gamma": 0.3, "around": 1.65}, {"vol": 0.2, "realised": 0.5}]
)
def test_the_larger_gamma_and_the_wilder_volatility_count(level, changes):
    """Of either sign, on either side."""
    assert waits(level, **changes) == pytest.approx(waits())


@pytest.mark.parametrize(
    "changes,seconds",
    [
        ({"level": 1.01}, 0.0),
        ({"level": -1.01}, 0.0),
        ({"gamma": 0.0}, math.inf),
        ({"gamma": 0.0, "vol": math.nan, "realised": math.nan}, math.inf),
        ({"vol": math.nan, "realised": math.nan}, 0.0),
        ({"vol": math.inf, "realised": 0.0}, math.inf),
        ({"gamma": math.nan}, 0.0),
        ({"around": math.nan}, 0.0),
        ({"level": math.nan}, 0.0),
    ],
)
def test_what_is_not_known_cannot_wait(changes, seconds):
    """And what does not move can."""
    assert waits(**changes) == seconds


def test_one_volatility_is_enough():
    """Whichever is known."""
    assert waits(realised=math.nan) == waits(vol=math.nan, realised=0.5) == waits()


@given(st.floats(0.0, 0.99), st.floats(0.0, 0.99), st.floats(0.01, 10.0), st.floats(1.01, 5.0))
def test_nearer_the_edge_or_with_more_gamma_there_is_less_time(one, other, gamma, more):
    """Never more."""
    near, far = max(one, other), min(one, other)
    assert waits(near, gamma) <= waits(far, gamma)
    assert waits(near, gamma * more) < waits(near, gamma)
