"""Five thousand quotes a second go through the core with everything on, for seconds."""

import re

import pytest

from bot.domain.events import Tick
from bot.domain.quotes import Quote
from tests.builders.books import NOW, quote
from tests.processes.flood import FloodVenue, Look, _shaken, judge, run


@pytest.mark.slow
def test_thousands_of_quotes_a_second_and_nothing_grows():
    """The rate is asked for, and what a busy machine takes of it is told; ten minutes by hand."""
    verdict = run(12.0, 5_000)
    assert verdict.lines[0].startswith(tuple("123456789"))
    late = [words for words in verdict.broken if "quotes through" not in words]
    assert late == [], verdict.lines
    heard = re.search(r"scraped (\d+) times, ([\d,]+) lines heard", verdict.lines[-1])
    assert heard is not None
    assert int(heard[1]) >= 3
    assert int(heard[2].replace(",", "")) > 100


def looks(seconds=600, **slopes):
    """Return looks of a run in which something grows a second."""
    flat = {"late_s": 0.01, "memory": 250e6, "beside": 140e6, "files": 13, "wal": 2e6}
    return [
        Look(at_s=float(s), **{n: v + slopes.get(n, 0.0) * s for n, v in flat.items()})
        for s in range(0, seconds, 5)
    ]


def test_a_flood_in_which_nothing_grows_is_well():
    """All lines are good."""
    assert judge(looks(), 600 * 5_000, 5_000, {}).broken == []


@pytest.mark.parametrize(
    "slopes,words",
    [
        ({"late_s": 0.01}, "market time"),
        ({"memory": 20e3}, "the bot's memory"),
        ({"beside": 20e3}, "its other processes' memory"),
        ({"files": 0.1}, "open files"),
        ({"wal": 1e5}, "write-ahead log"),
    ],
)
def test_what_grows_is_found(slopes, words):
    """Each by its own line."""
    (broken,) = judge(looks(**slopes), 600 * 5_000, 5_000, {}).broken
    assert broken.startswith(words)


def test_quotes_that_never_came_and_lines_that_were_lost_are_found():
    """A core that is too slow, a log that gave up."""
    broken = judge(looks(), 500 * 5_000, 5_000, {"log_lines_dropped": 3}).broken
    assert [words.partition(" ")[0] for words in broken] == ["2,500,000", "log"]


def test_the_flood_is_made_of_other_quotes_at_their_own_times():
    """Neither equal nor impossible."""
    base = quote()
    made = [_shaken(base, k, NOW + k) for k in range(1, 200)]
    assert len({(one.bid, one.ask, one.bid_size) for one in made}) > 90
    assert all(0.0 < one.bid < one.ask and one.ts_ns > NOW for one in made)
    assert isinstance(made[0], Quote)


def test_a_move_without_a_quote_brings_none():
    """Nothing is made of nothing."""
    venue = FloodVenue.__new__(FloodVenue)
    venue._ready = [Tick(NOW)]  # type: ignore[assignment]
    before = FloodVenue.told
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.venues.paper.PaperVenue._move", lambda *_: None)
        venue._move(NOW)
    assert FloodVenue.told == before
