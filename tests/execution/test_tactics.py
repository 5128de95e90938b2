"""How a hedge is worked: resting while there is time, moved, given up, crossed, and in clips."""

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
    Send,
    Sight,
    TacticRules,
    Wait,
    Withdraw,
    next_move,
    price_option,
)
from tests.builders.books import NOW, quote

RULES = TacticRules()
TIGHT = quote()
FRESH = Progress()


def _sight(buy=True, size=6_000.0, patience=math.inf, after=0.0, **more):
    at_ns = NOW + round(after * NS_PER_S)
    now = Sight(at_ns, TIGHT, size if buy else -size, patience, widest_bps=100.0)
    return replace(now, **more)


def _crossing(buy=True, rung=0, **more):
    """Return the limit of an order that cannot wait."""
    sent = next_move(RULES, Progress(rung=rung), _sight(buy, patience=0.0, **more))
    assert isinstance(sent, Send)
    assert (sent.pricing.time_in_force, sent.pricing.post_only) == (TimeInForce.IOC, False)
    return sent.pricing.limit


def _rested(buy=True, **changes):
    """Return the progress of a hedge whose first order has just come to rest, and its price."""
    sent = next_move(RULES, FRESH, _sight(buy))
    assert isinstance(sent, Send)
    return replace(FRESH.after(sent, NOW), **changes), sent.pricing.limit


def _takes(progress, now):
    """Tell whether the next order crosses."""
    sent = next_move(RULES, progress, now)
    assert isinstance(sent, Send)
    return sent.pricing.time_in_force is TimeInForce.IOC


@pytest.mark.parametrize("buy,limit", [(True, 59_999.5), (False, 60_000.5)])
def test_a_hedge_that_can_wait_rests_at_its_own_side(buy, limit):
    """Post-only, until cancelled, all of it."""
    sent = next_move(RULES, FRESH, _sight(buy))
    pricing = Pricing(limit, TimeInForce.GTC, post_only=True)
    assert sent == Send(pricing, 6_000.0 if buy else -6_000.0)


@pytest.mark.parametrize("patience,rests", [(0.0, False), (9.9, False), (10.0, True)])
def test_a_hedge_that_cannot_wait_crosses(patience, rests):
    """Ten seconds are the least that it must have for a maker's fill to be waited for."""
    sent = next_move(RULES, FRESH, _sight(patience=patience))
    assert isinstance(sent, Send)
    assert (sent.pricing.time_in_force is TimeInForce.GTC) is rests


def test_what_began_to_cross_does_not_rest_again():
    """It was filled in part because the book is thin: no time to wait."""
    crossed = FRESH.after(Send(Pricing(60_018.0, TimeInForce.IOC, post_only=False), 9.0), NOW)
    assert not _takes(FRESH, _sight())
    assert _takes(crossed, _sight())


def test_an_owner_who_never_rests_always_crosses():
    """Passive is a habit that can be switched off."""
    sent = next_move(TacticRules(passive=False), FRESH, _sight())
    assert isinstance(sent, Send)
    assert sent.pricing.time_in_force is TimeInForce.IOC


@pytest.mark.parametrize(
    "patience,after,stays",
    [
        (math.inf, 59.9, True),
        (math.inf, 60.0, False),
        (20.0, 19.9, True),
        (20.0, 20.0, False),
        (9.9, 0.1, False),
    ],
)
def test_it_rests_for_as_long_as_delta_can_wait(patience, after, stays):
    """A minute at most; when its time is over it is withdrawn, and what follows crosses."""
    progress, price = _rested()
    now = _sight(patience=patience, after=after)
    assert next_move(RULES, progress, now, price) == (Wait() if stays else Withdraw())
    if not stays:
        follows = next_move(RULES, progress, now)
        assert isinstance(follows, Send)
        assert follows.pricing.time_in_force is TimeInForce.IOC


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
    assert next_move(RULES, progress, now, price) == (Withdraw() if moved else Wait())
    follows = next_move(RULES, progress, now)
    assert isinstance(follows, Send)
    assert follows.pricing == Pricing(gone.bid if buy else gone.ask, TimeInForce.GTC, True)
    again = progress.after(follows, now.now_ns)
    assert (again.posts, again.rests_ns, again.began) == (2, NOW, price)
    assert (again.posted_ns, again.posted) == (now.now_ns, follows.pricing.limit)


@pytest.mark.parametrize(
    "changes,more",
    [({"posts": 12}, {}), ({}, {"spare": False})],
)
def test_it_does_not_follow_faster_than_its_budget(changes, more):
    """Twelve orders, and never with the last half of a minute's orders."""
    progress, price = _rested(**changes)
    gone = _sight(after=5.0, quote=quote(bid=60_030.0, ask=60_031.0), **more)
    assert next_move(RULES, progress, gone, price) == Wait()
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
    assert next_move(RULES, progress, gone, price) == (Wait() if by < 18.0 else Withdraw())
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
    assert next_move(RULES, progress, gone, near) == (Withdraw() if runs else Wait())
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
    lambda buy, size, patience, after, widest, middle, half, shown, spare: _sight(
        buy, size, patience, after, widest_bps=widest, spare=spare,
        quote=quote(bid=middle - half, ask=middle + half, bid_size=shown, ask_size=shown),
    ),
    sides, st.floats(10.0, 1e7), st.floats(0.0, 1e4), st.floats(0.0, 100.0), st.floats(10.0, 100.0),
    st.floats(30_000.0, 90_000.0), st.floats(0.5, 3_000.0), st.floats(0.0, 1e7), sides,
)  # fmt: skip
progresses = st.builds(
    Progress, rungs, st.integers(0, 14), st.just(NOW), st.floats(3e4, 9e4), st.just(NOW),
    st.floats(3e4, 9e4), sides,
    st.sampled_from([0, NOW, NOW + 2 * NS_PER_S]),
)  # fmt: skip


@given(sights, progresses)
def test_no_order_is_larger_than_asked_for_or_priced_beyond_the_collar(now, progress):
    """However the book is manipulated, the mark holds the limit; what rests never crosses."""
    move = next_move(RULES, progress, now)
    assert isinstance(move, Send | Wait)
    if isinstance(move, Wait):
        assert now.now_ns < progress.next_ns
        assert now.patience_s > 0.0
        return
    side = 1.0 if now.buy else -1.0
    assert 0.0 < side * move.quantity <= abs(now.quantity)
    if move.pricing.post_only:
        assert move.pricing.limit == (now.quote.bid if now.buy else now.quote.ask)
        assert now.patience_s >= RULES.least_rest_s
    else:
        assert side * (move.pricing.limit / now.quote.mark - 1.0) * 1e4 <= now.widest_bps + 1e-6


@given(sights, progresses, st.floats(3e4, 9e4))
def test_what_rests_stays_or_goes_and_goes_when_delta_cannot_wait(now, progress, price):
    """No second order beside it."""
    move = next_move(RULES, progress, now, price)
    assert isinstance(move, Wait | Withdraw)
    assert isinstance(move, Withdraw) or now.patience_s >= RULES.least_rest_s


@given(sights, progresses)
def test_a_hedge_ends_in_a_minute_of_resting_and_the_time_of_its_clips(now, progress):
    """Whatever the market does, from then on every order takes."""
    late = replace(now, now_ns=NOW + 61 * NS_PER_S)
    move = next_move(RULES, replace(progress, posts=max(progress.posts, 1)), late)
    assert isinstance(move, Send)
    assert move.pricing.time_in_force is TimeInForce.IOC
    assert move.then_s <= RULES.slices_s


def _clip(size, patience, shown=1_000.0, buy=True):
    market = quote(bid_size=shown, ask_size=shown)
    now = _sight(buy, size, patience, quote=market)
    sent = next_move(TacticRules(passive=False), FRESH, now)
    assert isinstance(sent, Send)
    return sent


@pytest.mark.parametrize(
    "size,patience,clips,gap_s",
    [
        (1_000.0, 60.0, 1, 0.0),
        (4_000.0, 60.0, 4, 5.0),
        (4_000.0, 12.0, 4, 3.0),
        (4_000.0, 6.0, 3, 2.0),
        (4_000.0, 3.9, 1, 0.0),
        (4_000.0, 0.0, 1, 0.0),
        (99_000.0, 60.0, 10, 2.0),
    ],
)
def test_what_is_larger_than_displayed_crosses_in_clips(size, patience, clips, gap_s):
    """Equal ones over the time that there is; all at once where there is none."""
    for buy in (True, False):
        sent = _clip(size, patience, buy=buy)
        assert abs(sent.quantity) == pytest.approx(size / clips)
        assert sent.then_s == pytest.approx(gap_s)


def test_the_next_clip_waits_unless_delta_no_longer_can():
    """Its size is then what the newest exposure asks for."""
    sent = _clip(4_000.0, 60.0)
    progress = FRESH.after(sent, NOW)
    rules = TacticRules(passive=False)
    assert next_move(rules, progress, _sight(after=4.9)) == Wait()
    assert isinstance(next_move(rules, progress, _sight(after=5.0)), Send)
    hurried = next_move(rules, progress, _sight(size=9_000.0, patience=0.0, after=0.1))
    assert isinstance(hurried, Send)
    assert hurried.quantity == 9_000.0


def test_an_option_leg_takes_the_other_side_as_displayed():
    """Immediate or cancelled."""
    assert price_option(0.010, 0.011, buy=True).limit == 0.011
    assert price_option(0.010, 0.011, buy=False).limit == 0.010
    assert price_option(0.010, 0.011, buy=False).time_in_force is TimeInForce.IOC
