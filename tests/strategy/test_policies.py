"""How wide the policy's band is: knobs, room, corrections, and what is told when it cannot be."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.reasons import Reason
from bot.domain.units import SECONDS_PER_YEAR
from bot.strategy import width
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy, LastHedge, plan_delta
from bot.strategy.policies import (
    Fixed,
    Knob,
    OfBook,
    Room,
    WhalleyWilmott,
    gamma_part,
    vega_part,
)
from tests.builders.exposures import conditions, exposure

WIDE = Room(1e-6, 1e6)
EDGE, INNER, MIDDLE = Landing(TradeTo.EDGE), Landing(TradeTo.INNER, 5.0), Landing(TradeTo.TARGET)
NOW = conditions()

states = st.builds(
    conditions,
    st.floats(1.0, 300.0),
    gamma=st.floats(1e-3, 5.0),
    vol=st.floats(0.1, 2.0),
    gross_coin=st.floats(0.1, 1_000.0),
)
landings = st.builds(Landing, st.sampled_from(TradeTo), st.sampled_from([0.0, 1.0, 50.0]))


def test_the_formula_sheets_width_at_its_scale():
    """One option at 100 USD, 5 bp, aversion 1 for its notional of 100: .038663 coins."""
    now = conditions(0.05, index=100.0, gamma=0.027759, vol=0.5, gross_coin=1.0)
    found = WhalleyWilmott().size(now, WIDE, EDGE)
    assert found.half == pytest.approx(0.038663, abs=1e-6)
    hourly = replace(now, look_s=3_600.0)
    polled = float(width.polling(0.027759, 100.0, 0.5, 1 / 8_760))
    assert polled == pytest.approx(0.008640, abs=1e-6)
    assert WhalleyWilmott().size(hourly, WIDE, EDGE).half == pytest.approx(found.half - polled)


@pytest.mark.parametrize("landing", [EDGE, INNER, MIDDLE])
def test_each_landing_has_its_own_cheapest_width(landing):
    """Nothing near it costs less, variance weighed by the aversion."""
    aversion = 0.5 * 100.0 / (NOW.index * NOW.gross_coin)
    half = WhalleyWilmott(setting=0.5).size(NOW, WIDE, landing).half

    def price(h):
        variance = NOW.deviation_a_day(h, landing) ** 2
        return NOW.cost_a_day(h, landing) + 0.5 * aversion * variance

    least = min((price(half * f), f) for f in (0.97, 0.985, 1.0, 1.015, 1.03))
    assert least[1] == 1.0


@given(states, landings, st.floats(0.1, 10.0))
def test_a_larger_book_has_a_band_in_proportion(now, landing, times):
    """The aversion is scale-free, as long as the ticket grows as well."""
    larger = replace(now, gamma=now.gamma * times, gross_coin=now.gross_coin * times)
    dearer = replace(landing, ticket_usd=landing.ticket_usd * times)
    one = WhalleyWilmott().size(now, WIDE, landing).half
    assert WhalleyWilmott().size(larger, WIDE, dearer).half == pytest.approx(one * times, rel=1e-6)


@given(states, landings, st.floats(0.01, 100.0))
def test_a_budget_is_what_its_band_costs(now, landing, share):
    """Where the room allows it, for every landing."""
    budget = share * now.cost_a_day(1.0, landing)
    half = WhalleyWilmott(Knob.COST, budget).size(now, WIDE, landing).half
    assert now.cost_a_day(half, landing) == pytest.approx(budget, rel=1e-6)
    slow, room = replace(now, look_s=60.0), Room(1e-3, 1e3)
    half = WhalleyWilmott(Knob.COST, budget).size(slow, room, landing).half
    dearest, cheapest = (slow.cost_a_day(h, landing) for h in (room.least, room.most))
    if cheapest < budget < dearest:
        assert slow.cost_a_day(half, landing) == pytest.approx(budget, rel=1e-4)


@given(states, landings)
def test_a_band_that_is_looked_at_now_and_then_costs_and_leaves_what_it_acts_at(now, landing):
    """It trades where it was noticed, and brings delta to where it would anyway."""
    slow = replace(now, look_s=60.0)
    acts = 0.5 + float(width.polling(now.bend, now.index, now.vol, 60.0 / 31_536_000.0))
    inner = 0.5 * landing.share(now.cost_usd_per_coin, 0.5)
    cost = width.cost_a_day(acts, inner, now.cost_usd_per_coin, landing.ticket_usd, now.drift)
    assert slow.cost_a_day(0.5, landing) == pytest.approx(cost, rel=1e-9)
    left = width.deviation_a_day(acts, inner, now.index, now.vol)
    assert slow.deviation_a_day(0.5, landing) == pytest.approx(left, rel=1e-9)
    assert acts > 0.5


@given(states, landings, st.floats(0.01, 100.0))
def test_a_deviation_is_what_its_band_leaves(now, landing, share):
    """Together with what gamma leaves."""
    now = replace(now, swing=0.0005)
    wanted = math.hypot(gamma_part(now), share * now.deviation_a_day(1.0, landing))
    half = WhalleyWilmott(Knob.DEVIATION, wanted).size(now, WIDE, landing).half
    left = math.hypot(gamma_part(now), now.deviation_a_day(half, landing))
    assert left == pytest.approx(wanted, rel=1e-6)


def test_a_budget_below_the_floor_is_told_with_the_floor():
    """The widest band is taken, and what it costs is said."""
    room = Room(0.01, 0.5)
    floor = NOW.cost_a_day(0.5, EDGE)
    found = WhalleyWilmott(Knob.COST, 0.9 * floor).size(NOW, room, EDGE)
    (note,) = found.notes
    assert (found.half, note.reason) == (0.5, Reason.BELOW_FLOOR)
    assert note.numbers["floor_usd_day"] == pytest.approx(floor)
    assert WhalleyWilmott(Knob.COST, 1.1 * floor).size(NOW, room, EDGE).notes == ()


def test_a_deviation_below_what_gamma_leaves_is_told_with_the_floor():
    """No width reaches it: the narrowest is taken."""
    now, room = replace(NOW, swing=0.002), Room(0.01, 0.5)
    floor = math.hypot(gamma_part(now), now.deviation_a_day(0.01, EDGE))
    found = WhalleyWilmott(Knob.DEVIATION, 0.99 * floor).size(now, room, EDGE)
    (note,) = found.notes
    assert (found.half, note.reason) == (0.01, Reason.BELOW_FLOOR)
    assert note.numbers["floor_usd_day"] == pytest.approx(floor)
    assert WhalleyWilmott(Knob.DEVIATION, 1.01 * floor).size(now, room, EDGE).notes == ()


def test_a_generous_deviation_needs_no_word():
    """The room's widest band leaves less than was allowed."""
    seen, room = replace(NOW, swing=0.001), Room(0.01, 0.5)
    found = WhalleyWilmott(Knob.DEVIATION, 1e9).size(seen, room, EDGE)
    assert (found.half, found.notes) == (0.5, ())
    fresh = WhalleyWilmott(Knob.DEVIATION, 1e9).size(NOW, room, EDGE)
    assert [note.reason for note in fresh.notes] == [Reason.GAMMA_PART_UNKNOWN]


@given(states, landings, st.floats(0.01, 10.0))
def test_more_caution_is_a_narrower_band(now, landing, aversion):
    """And dearer hedging a wider one."""
    one = WhalleyWilmott(setting=aversion).size(now, WIDE, landing).half
    assert WhalleyWilmott(setting=2.0 * aversion).size(now, WIDE, landing).half < one
    dearer = replace(now, cost_usd_per_coin=2.0 * now.cost_usd_per_coin)
    assert WhalleyWilmott(setting=aversion).size(dearer, WIDE, landing).half > one


@pytest.mark.parametrize("field", ["gamma", "vol", "index", "cost"])
def test_what_is_not_known_takes_half_the_room(field):
    """No width is derived from a NaN."""
    now = conditions(**{field: math.nan})
    assert WhalleyWilmott().size(now, Room(0.01, 0.5), INNER).half == 0.25


def test_a_book_without_options_or_gamma_has_the_narrowest_band():
    """Nothing drifts, so nothing is saved by waiting."""
    room = Room(0.01, 0.5)
    for now in (replace(NOW, gross_coin=0.0), replace(NOW, gamma=0.0)):
        for landing in (EDGE, INNER, MIDDLE):
            assert WhalleyWilmott().size(now, room, landing).half == 0.01


def test_funding_moves_the_middle_against_who_is_paid():
    """Longs pay: less is held; never more than half the band."""
    paid = WhalleyWilmott().size(replace(NOW, funding=0.02), WIDE, EDGE)
    aversion = 100.0 / (NOW.index * NOW.gross_coin)
    assert paid.shift == pytest.approx(-0.02 / (aversion * 60_000.0 * 0.36))
    dear = WhalleyWilmott().size(replace(NOW, funding=-50.0), WIDE, EDGE)
    assert dear.shift == pytest.approx(0.5 * dear.half)
    assert WhalleyWilmott().size(NOW, WIDE, EDGE).shift == 0.0
    deaf = WhalleyWilmott(funding=False)
    assert deaf.size(replace(NOW, funding=0.02), WIDE, EDGE).shift == 0.0
    still = replace(NOW, funding=0.02, gamma=0.0)
    assert WhalleyWilmott().size(still, WIDE, EDGE).shift == 0.0


def test_parts_that_no_band_takes_away():
    """Gamma: S²G/2 times the swing of squared returns. Vega: points times points."""
    now = replace(NOW, swing=0.001, vega_usd=-250.0, vol_day=0.03)
    per_usd = now.gamma * 100.0 / now.index
    assert gamma_part(now) == pytest.approx(0.5 * per_usd * now.index**2 * 0.001)
    assert vega_part(now) == pytest.approx(250.0 * 3.0)


def test_a_share_of_the_book_grows_with_it():
    """50 bp of ten coins are 0.05; one that is nearly gone has the least."""
    policy = DeltaPolicy(Band(-0.4, 0.0, 1.0), OfBook(50.0))
    assert policy.levels(conditions(gross_coin=10.0)).band.upper == pytest.approx(0.05)
    small = policy.levels(conditions(gross_coin=0.01)).band
    assert (small.lower, small.upper) == pytest.approx((-0.02, 0.02))
    large = policy.levels(conditions(gross_coin=1_000.0)).band
    assert (large.lower, large.upper) == (-0.4, 1.0)


def test_a_fixed_width_depends_on_nothing():
    """Neither gamma nor the room."""
    policy = DeltaPolicy(Band(-0.1, 0.0, 0.1), Fixed(0.09), most_share=0.5)
    assert policy.levels(conditions(gamma=5.0)).band == Band(-0.09, 0.0, 0.09)


@given(
    states, landings, st.floats(0.05, 5.0), st.floats(0.01, 3.0), st.floats(-5.0, 5.0),
    st.sampled_from([0.1, 0.5, 1.0, 3.0]), st.floats(-1.0, 1.0),
)  # fmt: skip
def test_a_chosen_band_always_lies_inside_the_owners(
    now, landing, below, aversion, target, factor, funding
):
    """Whatever the market, the calendar and funding ask."""
    owner = Band(target - below, target, target + 2.0 * below)
    policy = DeltaPolicy(owner, WhalleyWilmott(setting=aversion), landing)
    band = policy.levels(replace(now, factor=factor, funding=funding)).band
    assert owner.lower <= band.lower < band.target < band.upper <= owner.upper


def test_the_room_ends_before_the_owners_edge_and_above_the_smallest_order():
    """Where a price goes before an order is filled is no policy's."""
    policy = DeltaPolicy(Band(-0.1, 0.0, 0.3), WhalleyWilmott(), most_share=0.7)
    room = policy.room(conditions())
    assert (room.least, room.most) == pytest.approx((0.005, 0.07))
    assert policy.room(conditions(smallest_coin=0.02)).least == 0.02
    assert policy.room(conditions(step_coin=0.02)).least == pytest.approx(0.04)
    room = policy.room(conditions(smallest_coin=0.5))
    assert (room.least, room.most) == (0.5, 0.5)


@given(states, st.floats(1.0, 3_600.0))
def test_a_slow_look_never_widens_a_band(now, look_s):
    """It acts late by itself."""
    assume(look_s < SECONDS_PER_YEAR)
    fast = WhalleyWilmott().size(now, WIDE, INNER).half
    assert WhalleyWilmott().size(replace(now, look_s=look_s), WIDE, INNER).half <= fast


@pytest.mark.parametrize("stretch,factor", [(0.0, 1.0), (-2.0, 1.0), (3.0, 1.5), (-9.0, 2.0)])
def test_a_one_way_market_widens_the_band_of_who_lets_it(stretch, factor):
    """As far as the setting goes, and not without it."""
    now = conditions(stretch=stretch)
    policy = DeltaPolicy(Band(-10.0, 0.0, 10.0), Fixed(1.0), trend_most=2.0)
    assert policy.levels(now).band.upper == pytest.approx(factor)
    assert replace(policy, trend_most=1.0).levels(now).band.upper == 1.0


def test_a_leaning_band_never_passes_the_room():
    """However dear funding is, no delta is further from the target than a policy may let it."""
    policy = DeltaPolicy(Band(-1.0, 0.0, 1.0), WhalleyWilmott(setting=0.01), most_share=0.5)
    for funding in (-1.0, 1.0):
        band = policy.levels(conditions(gamma=0.5, gross_coin=20.0, funding=funding)).band
        assert (band.lower, band.upper) != (-0.5, 0.5)
        assert -0.5 <= band.lower < band.upper <= 0.5


def test_the_calendar_never_goes_below_the_narrowest_band():
    """A tenth of the least would be less than an order."""
    policy = DeltaPolicy(Band(-1.0, 0.0, 1.0), WhalleyWilmott())
    narrow = policy.levels(conditions(gamma=0.0, factor=0.1)).band
    assert narrow.upper == pytest.approx(0.05)


@pytest.mark.parametrize("owner", [Band(-5e-5, 0.0, 5e-5), Band(-0.1, 0.0, 0.1)])
@pytest.mark.parametrize("sized", [Fixed(1e-9), WhalleyWilmott(), OfBook(1e-9)])
def test_no_band_is_narrower_than_an_order_and_the_note_says_so(owner, sized):
    """A lot from just outside would land beyond the target, and the next would bring it back."""
    lot = 1e-4
    policy = DeltaPolicy(owner, sized)
    levels = policy.levels(conditions(smallest_coin=lot))
    assert min(levels.band.upper, -levels.band.lower) >= lot
    noted = [(n.subject, n.numbers["lot_coin"]) for n in levels.notes]
    narrow = owner.narrower < lot or isinstance(sized, Fixed)
    assert noted == ([("delta band", lot)] if narrow else [])
    for above in (1.001, 1.5, 2.5):
        plan = plan_delta(exposure(above * lot), policy, levels, LastHedge(), lot)
        assert above * lot + plan.change >= 0.0


def test_a_most_share_of_nothing_divides_by_nothing():
    """A width is never so small that its square is zero."""
    policy = DeltaPolicy(Band(-1e-6, 0.0, 1e-6), WhalleyWilmott(Knob.COST, 5.0), most_share=1e-300)
    assert policy.levels(conditions()).band.upper == pytest.approx(1e-9)
