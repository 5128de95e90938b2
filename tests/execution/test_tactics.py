"""How a hedge is worked: resting while there is time, moved, given up, and crossed."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.orders import TimeInForce
from bot.domain.units import NS_PER_S
from bot.execution.tactics import (
    Pricing,
    Progress,
    Sight,
    TacticRules,
    price_hedge,
    price_option,
    stays,
)
from tests.builders.books import NOW, quote

RULES = TacticRules()
TIGHT = quote()
FRESH = Progress()


def _sight(buy=True, patience=math.inf, after=0.0, **more):
    at_ns = NOW + round(after * NS_PER_S)
    now = Sight(at_ns, TIGHT, buy, patience, widest_bps=100.0)
    return replace(now, **more)


def _crossing(buy=True, rung=0, **more):
    """Return the limit of an order that cannot wait."""
    sent = price_hedge(RULES, Progress(rung=rung), _sight(buy, patience=0.0, **more))
    assert (sent.time_in_force, sent.post_only) == (TimeInForce.IOC, False)
    return sent.limit


def _rested(buy=True, **changes):
    """Return the progress of a hedge whose first order has just come to rest, and its price."""
    sent = price_hedge(RULES, FRESH, _sight(buy))
    return replace(FRESH.after(sent, NOW), **changes), sent.limit


def _takes(progress, now, rules=RULES):
    """Tell whether the next order crosses."""
    return price_hedge(rules, progress, now).time_in_force is TimeInForce.IOC


@pytest.mark.parametrize("buy,limit", [(True, 59_999.5), (False, 60_000.5)])
def test_a_hedge_that_can_wait_rests_at_its_own_side(buy, limit):
    """Post-only, until cancelled."""
    sent = price_hedge(RULES, FRESH, _sight(buy))
    assert sent == Pricing(limit, TimeInForce.GTC, post_only=True)


@pytest.mark.parametrize("patience,rests", [(0.0, False), (9.9, False), (10.0, True)])
def test_a_hedge_that_cannot_wait_crosses(patience, rests):
    """Ten seconds are the least that it must have for a maker's fill to be waited for."""
    assert _takes(FRESH, _sight(patience=patience)) is not rests


def test_what_began_to_cross_does_not_rest_again():
    """It was filled in part because the book is thin: no time to wait."""
    crossed = FRESH.after(Pricing(60_018.0, TimeInForce.IOC, post_only=False), NOW)
    assert not _takes(FRESH, _sight())
    assert _takes(crossed, _sight())


def test_an_owner_who_never_rests_always_crosses():
    """Passive is a habit that can be switched off."""
    assert _takes(FRESH, _sight(), TacticRules(passive=False))


@pytest.mark.parametrize(
    "patience,after,rests",
    [
        (math.inf, 59.9, True),
        (math.inf, 60.0, False),
        (20.0, 19.9, True),
        (20.0, 20.0, False),
        (9.9, 0.1, False),
    ],
)
def test_it_rests_for_as_long_as_delta_can_wait(patience, after, rests):
    """A minute at most; when its time is over it is withdrawn, and what follows crosses."""
    progress, price = _rested()
    now = _sight(patience=patience, after=after)
    assert stays(RULES, progress, now, price) is rests
    assert _takes(progress, now) is not rests


@pytest.mark.parametrize(
    "buy,by,moved",
    [(True, 17.0, False), (True, 19.0, True), (True, -60.0, False), (False, -19.0, True),
     (False, -17.0, False), (False, 60.0, False)],
)  # fmt: skip
def test_it_follows_a_market_that_leaves_it(buy, by, moved):
    """By more than three basis points on its own side it is withdrawn, and rests again there."""
    progress, price = _rested(buy)
    gone = quote(bid=59_999.5 + by, ask=60_000.5 + by)
    now = _sight(buy, after=5.0, quote=gone)
    assert stays(RULES, progress, now, price) is not moved
    follows = price_hedge(RULES, progress, now)
    assert follows == Pricing(gone.bid if buy else gone.ask, TimeInForce.GTC, True)
    again = progress.after(follows, now.now_ns)
    assert (again.posts, again.rests_ns, again.began) == (2, NOW, price)
    assert (again.posted_ns, again.posted) == (now.now_ns, follows.limit)


@pytest.mark.parametrize(
    "changes,more",
    [({"posts": 12}, {}), ({}, {"spare": False})],
)
def test_it_does_not_follow_faster_than_its_budget(changes, more):
    """Twelve orders, and never with the last half of a minute's orders."""
    progress, price = _rested(**changes)
    gone = _sight(after=5.0, quote=quote(bid=60_030.0, ask=60_031.0), **more)
    assert stays(RULES, progress, gone, price)
    assert _takes(progress, gone)


@pytest.mark.parametrize("buy,side", [(True, 1.0), (False, -1.0)])
@pytest.mark.parametrize(
    "after,by,runs", [(2.9, 17.0, False), (2.9, 19.0, True), (3.0, 19.0, False)]
)
def test_a_market_that_leaves_at_once_is_not_followed(buy, side, after, by, runs):
    """Three basis points within three seconds: what follows takes."""
    progress, price = _rested(buy)
    moved = quote(bid=59_999.5 + side * by, ask=60_000.5 + side * by)
    gone = _sight(buy, after=after, quote=moved)
    assert stays(RULES, progress, gone, price) is (by < 18.0)
    assert _takes(progress, gone) is runs


@pytest.mark.parametrize("buy,side", [(True, 1.0), (False, -1.0)])
@pytest.mark.parametrize("by,runs", [(59.0, False), (61.0, True)])
def test_a_market_that_runs_is_not_chased(buy, side, by, runs):
    """Ten basis points from where the hedge first rested, wherever it rests by now."""
    progress, price = _rested(buy)
    moved = quote(bid=59_999.5 + side * by, ask=60_000.5 + side * by)
    near = price + side * (by - 10.0)
    progress = replace(progress, posts=2, posted=near)
    gone = _sight(buy, after=9.0, quote=moved)
    assert stays(RULES, progress, gone, near) is not runs
    assert _takes(progress, gone) is runs


@pytest.mark.parametrize("rung,bps", [(0, 3.0), (1, 10.0), (2, 30.0), (3, 50.0), (9, 100.0)])
def test_each_attempt_widens_the_collar_by_a_rung(rung, bps):
    """3, 10, 30, 50 and 100 basis points of the mark, on both sides."""
    assert _crossing(True, rung) == pytest.approx(60_000.0 * (1 + bps * 1e-4))
    assert _crossing(False, rung) == pytest.approx(60_000.0 * (1 - bps * 1e-4))


def test_a_rung_never_exceeds_the_widest_collar():
    """The gate's limit is the ladder's end."""
    assert _crossing(rung=9, widest_bps=40.0) == pytest.approx(60_000.0 * 1.004)


def test_a_spread_wider_than_the_rung_is_crossed():
    """Half a fill is worse than none: the touch is taken, as far as the widest collar."""
    wide = quote(bid=59_800.0, ask=60_200.0)
    assert _crossing(True, quote=wide) == 60_200.0
    assert _crossing(False, quote=wide) == 59_800.0
    wider = quote(bid=59_000.0, ask=61_000.0)
    assert _crossing(True, quote=wider) == pytest.approx(60_600.0)
    assert _crossing(False, quote=wider) == pytest.approx(59_400.0)


sides, rungs = st.booleans(), st.integers(0, 6)
sights = st.builds(
    lambda buy, patience, after, widest, middle, half, spare: _sight(
        buy, patience, after, widest_bps=widest, spare=spare,
        quote=quote(bid=middle - half, ask=middle + half),
    ),
    sides, st.floats(0.0, 1e4), st.floats(0.0, 100.0), st.floats(10.0, 100.0),
    st.floats(30_000.0, 90_000.0), st.floats(0.5, 3_000.0), sides,
)  # fmt: skip
progresses = st.builds(
    Progress, rungs, st.integers(0, 14), st.just(NOW), st.floats(3e4, 9e4), st.just(NOW),
    st.floats(3e4, 9e4), sides,
)  # fmt: skip


@given(sights, progresses)
def test_no_order_is_priced_beyond_the_collar(now, progress):
    """However the book is manipulated, the mark holds the limit; what rests never crosses."""
    sent = price_hedge(RULES, progress, now)
    if sent.post_only:
        assert sent.limit == (now.quote.bid if now.buy else now.quote.ask)
        assert now.patience_s >= RULES.least_rest_s
    else:
        side = 1.0 if now.buy else -1.0
        assert side * (sent.limit / now.quote.mark - 1.0) * 1e4 <= now.widest_bps + 1e-6


@given(sights, progresses, st.floats(3e4, 9e4))
def test_what_rests_goes_when_delta_cannot_wait_and_after_a_minute(now, progress, price):
    """Whatever the market does; from then on every order takes."""
    late = replace(now, now_ns=NOW + 60 * NS_PER_S)
    posted = replace(progress, posts=max(progress.posts, 1))
    assert not stays(RULES, posted, late, price)
    assert _takes(posted, late)
    hurried = replace(now, patience_s=min(now.patience_s, 9.9))
    assert not stays(RULES, posted, hurried, price)
    assert _takes(posted, hurried)


def test_an_option_leg_takes_the_other_side_as_displayed():
    """Immediate or cancelled."""
    assert price_option(0.010, 0.011, buy=True).limit == 0.011
    assert price_option(0.010, 0.011, buy=False).limit == 0.010
    assert price_option(0.010, 0.011, buy=False).time_in_force is TimeInForce.IOC
