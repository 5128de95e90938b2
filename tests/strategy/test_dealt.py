"""What dealing was found to cost: from nothing, within bounds, and into the choice."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.book import Book, UnderlyingRules
from bot.book.numeraire import Numeraire
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import FeeTier
from bot.strategy.choice import Task, choose_hedge
from bot.strategy.dealt import FURTHEST, MOST_MAKER, PART, TIMES, Dealt
from bot.strategy.hedge_cost import HedgePolicy, hedge_cost, shown_bps
from tests.builders.books import NOW, PERPETUAL, quote

NEW = Dealt()
POLICY = HedgePolicy(maker_share=0.2)
WIDE = quote(bid=59_994.0, ask=60_006.0, ask_size=60_000.0)


def _cost(dealt, change=4.0, policy=POLICY):
    return hedge_cost(
        dealt.on(policy), parse(PERPETUAL), WIDE, FeeTier(), change=change, held=0.0,
        carry_usd_year=0.0,
    )  # fmt: skip


def _after(paid_bps, times, shown=1.0):
    dealt = NEW
    for _ in range(times):
        dealt = dealt.took(paid_bps, shown)
    return dealt


def test_it_starts_from_what_is_assumed():
    """Nothing found, nothing changed."""
    assert NEW.on(POLICY) == POLICY
    assert NEW.hedged(1.0, 0.2).maker_share == pytest.approx(0.2 + 0.8 * PART)


def test_a_thin_market_makes_crossing_dearer():
    """Four times what is shown, again and again: three times at most, spread and impact alike."""
    dealt = _after(4.0, 50)
    assert dealt.times == pytest.approx(4.0, abs=0.05)
    assert _cost(dealt).half_spread == pytest.approx(3.0 * _cost(NEW).half_spread)
    assert _cost(dealt).impact == pytest.approx(3.0 * _cost(NEW).impact)
    assert _cost(dealt).fee == _cost(NEW).fee
    assert _cost(_after(-9.0, 50)).half_spread == pytest.approx(0.5 * _cost(NEW).half_spread)


def test_eight_orders_halve_what_was_known_before():
    """Half of the way from one to three."""
    assert _after(3.0, 8).times == pytest.approx(2.0)
    dealt = NEW
    for _ in range(8):
        dealt = dealt.hedged(1.0, 0.2)
    assert dealt.maker_share == pytest.approx(0.6)


@pytest.mark.parametrize("paid", [1e9, -1e9, 1e300])
def test_one_absurd_fill_moves_it_by_a_third(paid):
    """Whatever it claims."""
    assert abs(_after(paid, 1).times - 1.0) == pytest.approx(PART * FURTHEST)
    assert pytest.approx(0.332, abs=0.001) == PART * FURTHEST


@pytest.mark.parametrize(
    "paid,shown", [(math.nan, 1.0), (math.inf, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, math.nan)]
)
def test_what_is_no_figure_teaches_nothing(paid, shown):
    """A fill without a price, a quote without a spread."""
    assert NEW.took(paid, shown) == NEW


def test_noise_alike_on_both_sides_cancels():
    """The price moves while an order travels, either way: nothing is learned from that."""
    dealt, low, high = NEW, 1.0, 1.0
    for n in range(400):
        dealt = dealt.took(1.0 + (50.0 if n % 2 else -50.0), 1.0)
        low, high = min(low, dealt.times), max(high, dealt.times)
    assert low == pytest.approx(0.67, abs=0.01)
    assert high == pytest.approx(1.18, abs=0.01)


def test_many_makers_fills_make_hedging_cheaper():
    """No fee and no spread for the part, which is never believed to be all of it."""
    dealt = NEW
    costs = [_cost(dealt).crossing]
    for _ in range(100):
        dealt = dealt.hedged(1.0, 0.2)
        costs.append(_cost(dealt).crossing)
    assert costs == sorted(costs, reverse=True)
    assert dealt.on(POLICY).maker_share == MOST_MAKER
    assert costs[-1] == pytest.approx((1.0 - MOST_MAKER) / 0.8 * costs[0])


def test_an_owner_who_assumes_more_is_not_cut():
    """Only what was found is bounded."""
    assert NEW.hedged(1.0, 1.0).on(HedgePolicy(maker_share=1.0)).maker_share == 1.0


@given(st.lists(st.tuples(st.floats(), st.floats())), st.lists(st.floats(-9.0, 9.0)))
def test_whatever_is_found_stays_within_bounds(orders, shares):
    """Any stream of orders and hedges."""
    dealt = NEW
    for paid, shown in orders:
        dealt = dealt.took(paid, shown)
    for share in shares:
        dealt = dealt.hedged(share, 0.0)
    policy = dealt.on(HedgePolicy())
    assert TIMES[0] <= policy.times <= TIMES[1]
    assert 0.0 <= policy.maker_share <= MOST_MAKER


def test_the_chooser_goes_where_dealing_was_found_to_be_cheaper():
    """Alike as displayed; one has been thin, or the other good to makers."""
    names = ("BTC-27MAR26", "BTC-26JUN26")
    made = Book([UnderlyingRules("BTC", Numeraire.USD, "exclude", ("future",))])
    made.apply(InstrumentsListed(NOW, "BTC", tuple(map(parse, names))))
    for name in names:
        made.apply(quote(name, bid=59_990.0, ask=60_010.0))

    def chosen(dealt):
        hedge, _ = choose_hedge(made, "BTC", NOW, FeeTier(), HedgePolicy(), Task(change=1.0), dealt)
        assert hedge is not None
        return hedge.instrument.name

    assert chosen({}) == names[0]
    assert chosen({names[0]: _after(9.0, 8)}) == names[1]
    assert chosen({names[1]: NEW.hedged(1.0, 0.0)}) == names[1]
    assert chosen({names[1]: _after(9.0, 8)}) == names[0]


def test_what_a_quote_shows_is_half_the_spread_and_the_walk_beyond_it():
    """Six dollars, and 5/12 of the spread for four times the displayed coin."""
    found = shown_bps(parse(PERPETUAL), WIDE, 4.0)
    assert found == pytest.approx((6.0 + 12.0 * 5.0 / 12.0) / 60_000.0 * 1e4, rel=1e-4)
    assert shown_bps(parse(PERPETUAL), WIDE, -1.0) == pytest.approx(1.0)
