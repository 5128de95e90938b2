"""Rows over time stay few, and nobody is told twice."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from bot.monitor.dashboard.series import KEPT, Series, settle, short, thin

values = st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=1, max_size=400)


@given(values, st.integers(8, 60))
def test_thinning_keeps_the_ends_the_order_and_every_extreme(figures, most):
    """Whatever the line did, its lowest, highest, first and last are still there."""
    rows = [(t, x) for t, x in enumerate(figures)]
    kept = thin(rows, most)
    assert len(kept) <= most or len(rows) <= most
    assert kept == sorted(kept, key=lambda row: row[0])
    assert (kept[0], kept[-1]) == (rows[0], rows[-1])
    some = [x for x in figures if x is not None]
    left = [x for _, x in kept if x is not None]
    assert (max(some, default=0), min(some, default=0)) == (
        max(left, default=0), min(left, default=0),
    )  # fmt: skip


@given(st.integers(1, 3_000), st.integers(30, 300))
def test_a_long_line_keeps_its_extremes_and_most_of_its_last_hour(count, most):
    """Two weeks of minutes, as many as there are: the newest are the densest."""
    minute = 60_000
    rows = [(n * minute, float((n * 7_919) % 10_007)) for n in range(count * 7)]
    kept = settle(rows, most)
    assert len(kept) <= max(most, 1)
    assert kept == sorted(set(kept))
    assert kept[-1] == rows[-1]
    assert max(x for _, x in kept) == max(x for _, x in rows)
    if len(rows) > most >= 180:
        hour = [row for row in kept if row[0] >= rows[-1][0] - 60 * minute]
        assert len(hour) >= 50


def test_a_reader_is_told_what_is_new_and_only_that():
    """Everything first, then the tail, then nothing."""
    series = Series(("t", "x"))
    series.extend("BTC", [(1, 0.5), (2, 0.25)])
    whole = orjson.loads(series.told(None))
    assert whole == {"full": True, "coins": {"BTC": {"t": [1, 2], "x": [0.5, 0.25]}}}
    had = series.count
    series.add("BTC", (3, 0.125))
    series.add("ETH", (3, 7.0))
    fresh = orjson.loads(series.told(had))
    assert fresh["full"] is False
    assert fresh["coins"] == {"BTC": {"t": [3], "x": [0.125]}, "ETH": {"t": [3], "x": [7.0]}}
    assert orjson.loads(series.told(series.count))["coins"] == {}


def test_a_line_never_goes_back_in_time_and_events_may_be_of_one_moment():
    """A row that is late is left out of a line; things that happened all count."""
    line, events = Series(("t", "x")), Series(("t", "x"), events=True)
    for series in (line, events):
        series.extend("BTC", [(5, 1.0), (5, 2.0), (4, 3.0)])
    assert (line.count, events.count) == (1, 3)


def test_a_series_is_bounded_and_a_reader_who_was_away_too_long_gets_it_whole():
    """A week of rows costs no more than an hour of them."""
    series = Series(("t", "x"), most=200)
    series.extend("BTC", [(t, float(t % 97)) for t in range(50_000)])
    whole = orjson.loads(series.told(None))["coins"]["BTC"]
    assert len(whole["t"]) <= 300
    assert max(whole["x"]) == 96.0
    assert whole["t"][-1] == 49_999
    assert orjson.loads(series.told(series.count - KEPT - 1))["full"] is True
    events = Series(("t", "x"), most=100, events=True)
    events.extend("BTC", [(t, 0.0) for t in range(5_000)])
    assert len(orjson.loads(events.told(None))["coins"]["BTC"]["t"]) <= 150


def test_figures_are_short():
    """Seven digits, and nothing stays nothing."""
    assert short(0.123456789123) == 0.1234568
    assert short(None) is None
