"""Each breaker alone: what trips it, what does not, and when it is over."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S
from bot.risk.breakers import (
    BREAKERS,
    FillPrice,
    Need,
    OrdersPerFill,
    Pager,
    RateLimit,
    Rejects,
    Repeated,
    Reset,
    Runaway,
    Unhedged,
)
from tests.builders.books import NOW

NAN = math.nan
# A coin outside, gamma of a tenth of a coin per percent, a band two coins wide.
NEED = Need(NOW, 60_000.0, change=-1.0, distance=1.0, gamma=-0.1, width=2.0)


def at(seconds):
    """Return a time so many seconds on."""
    return NOW + round(seconds * NS_PER_S)


def judged(*shares):
    """Return what these orders in a row come to."""
    runaway = Runaway()
    for measured, kept in shares:
        runaway.judge(measured, kept)
    return runaway.because("BTC")


@pytest.mark.parametrize(
    "share", [(0.0, 0.0), (-1.0, 1.0), (1.0, 0.0), (NAN, -1.0), (0.49, NAN), (1.0, 0.49)]
)
def test_three_orders_in_a_row_without_effect_are_a_runaway(share):
    """Whether the delta did not move, moved the other way, or the position was undone."""
    assert judged(share, share) is None
    found = judged(share, share, share)
    assert (found.reason, found.subject, found.numbers) == (Reason.RUNAWAY, "BTC", {"orders": 3.0})


def test_one_order_that_works_begins_the_count_anew():
    """Three in a row, not three of four."""
    bad, good = (0.0, 0.0), (0.5, 0.5)
    assert judged(bad, bad, good, bad, bad) is None
    assert judged(bad, bad, good, bad, bad, bad) is not None


def test_an_order_of_which_nothing_is_known_is_no_strike_and_no_proof():
    """The count stays as it is."""
    bad = (0.0, 0.0)
    assert judged(bad, bad, (NAN, NAN)) is None
    assert judged(bad, bad, (NAN, NAN), bad) is not None


def ordered(repeated, times, need=NEED, *, fill=-1.0, apart_s=1.0):
    """Return what so many orders of one kind come to."""
    found = None
    for n in range(times):
        found = repeated.order(
            "BTC", replace(need, ts_ns=need.ts_ns + round(n * apart_s * NS_PER_S))
        )
        repeated.filled(need.ts_ns + round(n * apart_s * NS_PER_S), fill)
    return found


def test_orders_of_one_side_beyond_what_is_owed_trip():
    """Distance one and a band of two explain three coins; five more orders may be noise."""
    assert ordered(Repeated(), 9) is None
    found = ordered(Repeated(), 10)
    assert (found.reason, found.subject) == (Reason.REPEATED_ORDERS, "BTC")
    assert found.numbers["orders"] == 6.0


def test_slices_of_a_large_hedge_are_explained_by_its_size():
    """A hundred orders towards a distance of a hundred coins."""
    assert ordered(Repeated(), 100, replace(NEED, distance=100.0)) is None


def test_orders_that_do_not_fill_are_no_trades():
    """A thin book is tried again and again."""
    assert ordered(Repeated(), 200, fill=0.0) is None


@pytest.mark.parametrize(
    "moved",
    [
        {"index": 60_000.0 * 0.79},
        {"change": 1.0},
        {"foreign": 1.1},
        {"gamma": -2.1, "index": 60_600.0},
    ],
)
def test_a_streak_ends_where_price_side_or_others_explain_the_next_order(moved):
    """The band's width in delta is what counts, whatever gamma makes of the price."""
    repeated = Repeated()
    assert ordered(repeated, 9) is None
    last = replace(NEED, ts_ns=at(10.0), **moved)
    assert repeated.order("BTC", last) is None
    assert repeated.beyond == 0


@pytest.mark.parametrize("moved", [{"index": 60_000.0 * 0.81}, {"foreign": 0.9}])
def test_less_than_the_band_does_not_end_a_streak(moved):
    """Nor does a little trade of somebody else."""
    repeated = Repeated()
    assert ordered(repeated, 9) is None
    assert repeated.order("BTC", replace(NEED, ts_ns=at(10.0), **moved)) is not None


def test_an_hour_that_trades_three_times_what_is_explained_trips():
    """Sides alternate, so that no streak is long: one and ten coins of widths explain 33."""
    repeated = Repeated()
    found, sold = None, 0.0
    for n in range(200):
        change = -1.0 if n % 2 else 1.0
        found = repeated.order("BTC", replace(NEED, ts_ns=at(n), change=change))
        if found is not None:
            break
        repeated.filled(at(n), change)
        sold += change < 0.0
    assert found is not None
    assert found.subject == "BTC in an hour"
    assert sold == pytest.approx(34.0, abs=1.0)


def test_the_hour_forgets():
    """The same trades over a day are none of its business."""
    repeated = Repeated()
    for n in range(200):
        change = -1.0 if n % 2 else 1.0
        assert repeated.order("BTC", replace(NEED, ts_ns=at(300.0 * n), change=change)) is None
        repeated.filled(at(300.0 * n), change)


def test_gamma_and_price_explain_an_hour_of_hedging():
    """Each move of one per cent asks for the coin that is traded."""
    repeated, index = Repeated(), 60_000.0
    for n in range(1_000):
        index *= 1.01 if n % 2 else 1.0 / 1.01
        need = replace(NEED, ts_ns=at(n), index=index, gamma=1.0, change=-1.0 if n % 2 else 1.0)
        assert repeated.order("BTC", need) is None
        repeated.filled(at(n), need.change)


def test_what_repeated_orders_found_stands_until_it_is_forgotten():
    """A calm minute is no review."""
    repeated = Repeated()
    found = ordered(repeated, 10)
    assert repeated.order("BTC", replace(NEED, ts_ns=at(7_200.0), change=1.0)) == found
    repeated.forget()
    assert repeated.order("BTC", replace(NEED, ts_ns=at(7_300.0))) is None


def test_three_rejects_of_one_code_within_a_minute():
    """Other codes and other minutes do not count."""
    rejects = Rejects()
    for seconds, code in ((0, "a"), (1, "b"), (2, "a"), (70, "a")):
        rejects.rejected(code, at(seconds))
        assert rejects.because("BTC", at(seconds)) is None
    rejects.rejected("a", at(60))
    rejects = Rejects()
    for seconds in (0, 30, 60):
        rejects.rejected("a", at(seconds))
    found = rejects.because("BTC", at(60))
    assert found is not None
    assert (found.reason, found.subject) == (Reason.REPEATED_REJECTS, "BTC options a")
    assert rejects.because("BTC", at(61)) is None


@pytest.mark.parametrize("code,hit", [("10028", True), ("429", True), ("10009", False)])
def test_a_rate_limit_is_heeded_for_a_minute(code, hit):
    """Each new one begins it anew."""
    rate = RateLimit()
    rate.rejected(code, at(0))
    assert (rate.because("BTC", at(59.9)) is not None) is hit
    rate.rejected(code, at(59.9))
    assert (rate.because("BTC", at(119.8)) is not None) is hit
    assert rate.because("BTC", at(119.9)) is None


@pytest.mark.parametrize(
    "orders,traded,found", [(199, 0, False), (200, 0, True), (200, 5, False), (201, 5, True)]
)
def test_orders_against_those_that_trade(orders, traded, found):
    """Forty for each at most, once there are two hundred in an hour."""
    ratio = OrdersPerFill()
    for n in range(orders):
        ratio.over(at(n), traded=n < traded)
    assert (ratio.because("BTC", at(orders)) is not None) is found
    assert ratio.because("BTC", at(orders + 3_601)) is None


@pytest.mark.parametrize("away", [120.1, -120.1])
def test_a_fill_far_from_its_mid_is_told_and_two_in_a_row_are_a_doubt(away):
    """Either way: a better price than possible is as wrong."""
    price = FillPrice()
    price.filled("P", 30.0, at(0))
    assert price.told(at(0)) is None
    price.filled("P", away, at(1))
    told = price.told(at(60.9))
    assert told is not None
    assert told.numbers == {"bps": away, "limit_bps": 30.0}
    assert price.because(at(1)) is None
    price.filled("P", away, at(2))
    assert price.because(at(6.9)) == replace(told, subject="P")
    assert price.because(at(7)) is None
    assert price.told(at(62)) is None
    price.filled("P", 0.0, at(70))
    price.filled("P", away, at(71))
    assert price.because(at(71)) is None


def test_unhedged_is_a_minute_outside_without_a_look_inside():
    """Its time begins with the first look outside."""
    unhedged = Unhedged()
    for seconds in (0, 30, 59.9):
        unhedged.look(at(seconds), outside=True)
        assert unhedged.because("BTC", at(seconds)) is None
    assert unhedged.because("BTC", at(60)) == Because(Reason.UNHEDGED, "BTC", {"for_s": 60.0})
    unhedged.look(at(61), outside=False)
    unhedged.look(at(62), outside=True)
    assert unhedged.because("BTC", at(121)) is None


def test_a_pager_says_it_again_with_doubled_gaps_and_that_it_is_over():
    """At 0, 60, 180 and 420 seconds, half an hour apart at most, then once that it ended."""
    pager, because = Pager(), Because(Reason.UNHEDGED, "BTC")
    told = [n for n in range(20_000) if pager.say({because.reason: because}, at(n))]
    assert told[:5] == [0, 60, 180, 420, 900]
    assert {later - sooner for sooner, later in pairwise(told[6:])} == {1_800}
    assert pager.say({}, at(20_000)) == [(because, False)]
    assert pager.say({}, at(20_001)) == []
    assert pager.say({because.reason: because}, at(20_002)) == [(because, True)]


def test_only_what_orders_do_wrong_waits_for_a_person():
    """Everything else ends by itself, so that nobody has to be awake for a book to be hedged."""
    review = {reason for reason, one in BREAKERS.items() if one.reset is Reset.REVIEW}
    assert review == {Reason.RUNAWAY, Reason.REPEATED_ORDERS}
