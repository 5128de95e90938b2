"""What a price realises: volatility, the swing of a day's variance, gaps and beginnings."""

import math

import numpy as np
import pytest

from bot.book.realised import ENOUGH, HALF_LIFE_S, STEP_S, Moves, Realised
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR

STEP_NS = round(STEP_S * NS_PER_S)


def walk(realised, returns, start=1_000):
    """Show a path of one-minute log returns, with a few looks within each minute."""
    level = math.log(60_000.0)
    realised.see_index(start * STEP_NS, math.exp(level))
    for i, move in enumerate(returns, 1):
        level += move
        for late in (0, STEP_NS // 3, STEP_NS - 1):
            index = math.exp(level) * (1.0 if late == 0 else 1.01)
            realised.see_index((start + i) * STEP_NS + late, index)
    return realised


def test_the_volatility_of_a_walk_is_found():
    """Within its sampling error; what moves within a minute plays no part."""
    step = 0.6 * math.sqrt(STEP_S / SECONDS_PER_YEAR)
    returns = np.random.default_rng(5).normal(0.0, step, 5_000)
    realised = walk(Realised(), returns)
    effective = HALF_LIFE_S / STEP_S / math.log(2.0)
    assert realised.vol == pytest.approx(0.6, rel=4.0 / math.sqrt(2.0 * effective))


def test_the_swing_of_a_walk_without_tails_is_that_of_its_squares():
    """√(2 n) m2 a day, and twice as much of it for moves that come a quarter of the time."""
    step = 0.6 * math.sqrt(STEP_S / SECONDS_PER_YEAR)
    normal = np.random.default_rng(6).normal(0.0, step, 20_000)
    calm = walk(Realised(), normal)
    assert calm.swing == pytest.approx(math.sqrt(2.0 * 1_440) * step**2, rel=0.25)
    two = np.where(np.arange(4_000) % 2 == 0, step, -step)
    assert walk(Realised(), two).swing == pytest.approx(0.0, abs=1e-3 * step**2)
    rare = np.where(np.arange(8_000) % 4 == 0, 2.0 * step, 0.0)
    expected = math.sqrt(1_440 * 3.0) * step**2
    assert walk(Realised(), rare).swing == pytest.approx(expected, rel=0.01)


def test_recent_moves_count_more():
    """A half-life later the old ones weigh half."""
    moves = Moves(STEP_S, HALF_LIFE_S)
    steps = round(HALF_LIFE_S / STEP_S)
    level = 0.0
    for i in range(6 * steps):
        level += 0.001 if i < 5 * steps else 0.0
        moves.see(i * STEP_NS, level)
    assert moves.mean_square == pytest.approx(0.5 * 1e-6, rel=0.05)


def test_a_gap_is_no_move():
    """What happened meanwhile is not one step's; going on after it is."""
    moves = Moves(STEP_S, HALF_LIFE_S)
    for i in range(ENOUGH + 1):
        moves.see(i * STEP_NS, float(i % 2))
    assert moves.mean_square == pytest.approx(1.0)
    moves.see((ENOUGH + 5) * STEP_NS, 1_000.0)
    assert moves.mean_square == pytest.approx(1.0)
    assert moves.count == ENOUGH
    moves.see((ENOUGH + 6) * STEP_NS, 1_001.0)
    assert moves.mean_square == pytest.approx(1.0)
    assert moves.count == ENOUGH + 1


def test_too_little_is_not_a_number():
    """Until enough steps were seen."""
    realised = walk(Realised(), [0.001] * (ENOUGH - 1))
    assert math.isnan(realised.vol)
    assert math.isnan(realised.swing)
    assert math.isnan(realised.vol_day)
    walk(realised, [0.001] * 2, start=1_000 + ENOUGH - 1)
    assert realised.vol > 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_no_price_is_no_move(bad):
    """And neither is what comes late."""
    realised = Realised()
    realised.see_index(STEP_NS, 60_000.0)
    realised.see_index(2 * STEP_NS, bad)
    realised.see_index(0, 60_000.0)
    assert (realised.index.count, realised.index.step) == (0, 1)


def test_implied_volatility_moves_by_a_day():
    """A tenth of a point up and down every ten minutes: √144 of it a day."""
    realised = Realised()
    for i in range(100):
        realised.implied.see(i * 600 * NS_PER_S, 0.6 + 0.001 * (i % 2))
    assert realised.vol_day == pytest.approx(0.001 * 12.0)


def test_an_hour_one_way_is_stretched_and_a_walk_is_not():
    """Sixty steps up are √60 deviations; down is the same with its sign; a gap tells nothing."""
    step = 1e-4
    both = [step, -step] * 100
    assert walk(Realised(), both).stretch == pytest.approx(0.0, abs=1e-6)
    up = walk(Realised(), [*both, *[step] * 60])
    assert up.stretch == pytest.approx(math.sqrt(60.0), rel=1e-6)
    down = walk(Realised(), [*both, *[-step] * 60])
    assert down.stretch == pytest.approx(-math.sqrt(60.0), rel=1e-6)
    up.see_index((1_000 + 300) * STEP_NS, 60_000.0)
    assert up.stretch == 0.0


def test_less_than_an_hour_is_not_stretched():
    """Nothing is said before."""
    assert walk(Realised(), [1e-4] * 59).stretch == 0.0
    assert walk(Realised(), [0.0] * 70).stretch == 0.0
