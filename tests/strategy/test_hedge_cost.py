"""What a coin of hedging costs, item by item."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deribit import parse
from bot.domain.instruments import FeeTier, Instrument, Kind, Settlement, TickTable
from bot.strategy.hedge_cost import HedgePolicy, carry_usd_year, hedge_cost, impact
from tests.builders.books import NOW, PERPETUAL, quote

INVERSE, LINEAR, DATED = map(parse, (PERPETUAL, "BTC_USDC-PERPETUAL", "BTC-27MAR26"))
SPOT = Instrument(
    "BTC_USDC", "BTC", Kind.SPOT, Settlement.LINEAR, Decimal("0.0001"), Decimal("0.0001"),
    TickTable(Decimal(1)), parse(PERPETUAL).fees,
)  # fmt: skip
TIER = FeeTier()
DAY = 1.0 / 365.0
EIGHT_HOURS = HedgePolicy(hold_h=8.0)


def cost(policy=EIGHT_HOURS, instrument=INVERSE, change=1.0, held=0.0, carry=0.0, **more):
    """Return the cost of a change at 60,000, a dollar wide."""
    years_left = more.pop("years_left", math.inf)
    return hedge_cost(
        policy,
        instrument,
        quote(instrument.name, **more),
        TIER,
        change=change,
        held=held,
        carry_usd_year=carry,
        years_left=years_left,
    )


def test_a_change_of_nothing_costs_what_crossing_costs():
    """Half a dollar of spread and five basis points, to the last bit what the band was told."""
    found = cost(change=0.0, held=3.0, carry=1e6)
    assert (found.crossing, found.all_in) == (0.5 + 0.0005 * 60_000.0, 30.5)


def test_a_makers_share_pays_its_own_fee_and_no_spread():
    """A quarter as a maker of a dated future earns a basis point on it."""
    found = cost(HedgePolicy(maker_share=0.25), DATED)
    assert found.half_spread == pytest.approx(0.75 * 0.5)
    assert found.fee == pytest.approx(0.75 * 30.0 - 0.25 * 6.0)


def test_opening_pays_the_way_out_and_closing_gets_it_back():
    """Beyond what is held an order opens on the other side."""
    assert cost(change=1.0, held=0.0).exit == pytest.approx(30.5)
    assert cost(change=1.0, held=-2.0).exit == pytest.approx(-30.5)
    assert cost(change=1.0, held=-2.0).all_in == pytest.approx(0.0)
    assert cost(change=1.0, held=-0.75).exit == pytest.approx(-0.5 * 30.5)
    assert cost(change=-1.0, held=-2.0).exit == pytest.approx(30.5)


def test_carry_is_paid_by_the_side_that_owes_it():
    """10 % a year on 60,000 is 5.48 USD in eight hours; selling earns what buying pays."""
    paid = 0.10 * 60_000.0 / 365.0 / 3.0
    assert cost(change=2.0, carry=6_000.0).carry == pytest.approx(paid)
    assert cost(change=-2.0, carry=6_000.0).carry == pytest.approx(-paid)
    assert cost(change=-2.0, carry=-6_000.0).carry == pytest.approx(paid)


def test_what_is_believed_of_carry_is_capped_for_the_whole_order():
    """Ten dollars a day on two coins is a third of five dollars a coin in eight hours."""
    policy = HedgePolicy(carry_cap_usd_day=10.0)
    assert cost(policy, change=2.0, carry=6_000.0).carry == pytest.approx(5.0 / 3.0)
    assert cost(policy, change=-2.0, carry=6_000.0).carry == pytest.approx(-5.0 / 3.0)
    assert cost(policy, change=0.1, carry=6_000.0).carry == pytest.approx(6_000.0 / 1_095.0)


def test_nothing_is_held_past_its_expiry():
    """Carry and margin end with it."""
    policy = HedgePolicy(hold_h=240.0, financing_rate=0.05)
    found = cost(policy, DATED, carry=365.0, years_left=2.0 * DAY)
    assert found.carry == pytest.approx(2.0)
    assert found.margin == pytest.approx(0.02 * 0.05 * 60_000.0 * 2.0 * DAY)


def test_margin_costs_its_financing_and_comes_back_with_a_close():
    """2 % of a future, all of a spot pair."""
    policy = HedgePolicy(hold_h=24.0, financing_rate=0.05)
    a_day = 0.05 * 60_000.0 * DAY
    assert cost(policy).margin == pytest.approx(0.02 * a_day)
    assert cost(policy, held=-1.0).margin == pytest.approx(-0.02 * a_day)
    assert cost(policy, SPOT).margin == pytest.approx(a_day)
    assert cost().margin == 0.0


@pytest.mark.parametrize(
    "times,spreads",
    [(0.5, 0.0), (1.0, 0.0), (1.44, 0.136 / 4.32), (4.0, 5.0 / 12.0), (9.0, (26 / 1.5 - 8) / 9)],
)
def test_impact_is_a_walk_through_a_book_that_thickens_evenly(times, spreads):
    """Four times the displayed size pays 5/12 of a spread more on average; what fits, nothing."""
    found = impact(INVERSE, quote(ask_size=60_000.0, bid=59_998.0, ask=60_002.0), times)
    assert found == pytest.approx(4.0 * spreads)


def test_impact_is_of_the_side_that_is_taken_in_the_instruments_own_unit():
    """A linear contract displays coins."""
    one = quote(bid_size=0.25, ask_size=1.0)
    assert impact(LINEAR, one, 1.0) == 0.0
    assert impact(LINEAR, one, -1.0) == pytest.approx(5.0 / 12.0)


@pytest.mark.parametrize("shown", [0.0, -1.0, math.nan])
def test_a_price_without_a_size_is_good_for_the_smallest_order(shown):
    """It is not taken for a deep book."""
    assert impact(INVERSE, quote(ask_size=shown), 1.0) == impact(INVERSE, quote(ask_size=10.0), 1.0)
    assert impact(INVERSE, quote(ask_size=shown), 1.0) > 10.0


def test_a_walk_agrees_with_the_levels_summed_one_by_one():
    """Size up to a distance d: Q (1 + d/spread)^2, in 200,000 thin slices."""
    wanted, shown, slices = 7.3, 1.0, 200_000
    step = (wanted - shown) / slices
    distances = (math.sqrt(shown + (k + 0.5) * step) - 1.0 for k in range(slices))
    paid = sum(distances) * step / wanted
    found = impact(LINEAR, quote(ask_size=shown), wanted)
    assert found == pytest.approx(paid, rel=1e-6)


def test_carry_by_kind():
    """Funding of a perpetual, the basis of a future over its time, none of a spot pair."""
    dear = quote(mark=60_600.0, index=60_000.0)
    assert carry_usd_year(INVERSE, dear, 0.1, NOW) == pytest.approx(6_000.0)
    assert carry_usd_year(DATED, dear, 0.1, NOW) == pytest.approx(600.0 * 365.0 / 81.0)
    assert carry_usd_year(SPOT, dear, 0.1, NOW) == 0.0


@given(
    change=st.floats(-50.0, 50.0),
    held=st.floats(-50.0, 50.0),
    spread=st.floats(0.01, 100.0),
    size=st.floats(0.0, 1e7),
    share=st.floats(0.0, 1.0),
)
def test_trading_never_earns_but_by_a_rebate_or_a_close(change, held, spread, size, share):
    """Without carry nothing is earned by opening, and a close gives back no more than it paid."""
    figures = {"bid": 60_000.0 - spread, "ask": 60_000.0 + spread, "ask_size": size}
    policy = HedgePolicy(maker_share=share, financing_rate=0.05)
    found = cost(policy, change=change, held=held, bid_size=size, **figures)
    assert min(found.half_spread, found.fee, found.impact) >= 0.0
    assert abs(found.exit) <= found.crossing * (1.0 + 1e-9)
    assert found.all_in - found.margin >= -1e-9 * found.crossing
    if held * change >= 0.0:
        assert min(found.exit, found.margin) >= 0.0


@given(scale=st.floats(1e-3, 1e3), change=st.floats(-5.0, 5.0), held=st.floats(-5.0, 5.0))
def test_another_unit_of_price_scales_every_item(scale, change, held):
    """Cents or thousands of dollars: the same instrument is cheapest."""
    policy = HedgePolicy(financing_rate=0.05, maker_share=0.3)
    one = quote(bid_size=30_000.0, ask_size=30_000.0)
    names = ("bid", "ask", "mark", "index", "bid_size", "ask_size")
    other = replace(one, **{name: getattr(one, name) * scale for name in names})
    found = [
        hedge_cost(policy, INVERSE, q, TIER, change=change, held=held, carry_usd_year=k * 900.0)
        for q, k in ((one, 1.0), (other, scale))
    ]
    for item in ("half_spread", "fee", "impact", "exit", "carry", "margin"):
        first, second = (getattr(each, item) for each in found)
        assert second == pytest.approx(first * scale, rel=1e-9, abs=1e-12 * scale)
