"""The decayed average of funding: weights of time, gaps, bad figures, and where it is kept."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.book.book import Book, UnderlyingRules
from bot.book.funding import FundingMean
from bot.book.numeraire import Numeraire
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.units import NS_PER_S
from tests.builders.books import NOW, PERPETUAL, quote

RATES = st.floats(-0.005, 0.005)
OTHER, DATED = "BTC_USDC-PERPETUAL", "BTC-27MAR26"


def mean(*seen, half_life_s=100.0):
    """Return an average of (second, rate) pairs."""
    made = FundingMean(half_life_s)
    for at_s, rate in seen:
        made.see(PERPETUAL, rate, NOW + round(at_s * NS_PER_S))
    return made


def test_what_was_never_quoted_costs_nothing():
    """And the first quote is all that is known."""
    assert mean().of_8h(PERPETUAL) == 0.0
    assert mean((0.0, 1e-4)).of_8h(PERPETUAL) == 1e-4


def test_a_rate_weighs_by_the_time_that_it_stood_and_halves_with_the_half_life():
    """50 s at 1, then 50 s at 3: weights 2^-1/2 - 2^-1 and 1 - 2^-1/2."""
    older, newer = 2**-0.5 - 0.5, 1.0 - 2**-0.5
    found = mean((0.0, 1e-4), (50.0, 3e-4), (100.0, -9e-4)).of_8h(PERPETUAL)
    assert found == pytest.approx((older * 1e-4 + newer * 3e-4) / (older + newer), rel=1e-12)


def test_a_year_has_1095_times_eight_hours():
    """A rate of 0.01 % is 10.95 %."""
    assert mean((0.0, 1e-4)).a_year(PERPETUAL) == pytest.approx(0.1095)


@given(rate=RATES, times=st.lists(st.floats(0.1, 5_000.0), max_size=20))
def test_a_constant_rate_is_its_own_average(rate, times):
    """However irregular the quotes are."""
    seen = [(sum(times[:i]), rate) for i in range(len(times) + 1)]
    assert mean(*seen).of_8h(PERPETUAL) == pytest.approx(rate, rel=1e-9, abs=1e-15)


@given(rates=st.lists(RATES, min_size=2, max_size=20), cuts=st.integers(2, 5))
def test_the_cadence_plays_no_part(rates, cuts):
    """The same rates told several times as often."""
    once = [(10.0 * i, rate) for i, rate in enumerate(rates)]
    often = [(10.0 * (i + k / cuts), r) for i, r in enumerate(rates[:-1]) for k in range(cuts)]
    found = mean(*often, once[-1]).of_8h(PERPETUAL)
    assert found == pytest.approx(mean(*once).of_8h(PERPETUAL), rel=1e-9, abs=1e-15)


@given(seen=st.lists(st.tuples(st.floats(0.0, 1e6), RATES), min_size=1, max_size=30))
@example(seen=[(881_528.0, 0.00390625), (987_786.0, 0.0)])
def test_the_average_lies_between_the_least_and_the_most(seen):
    """What comes late (see the order) changes nothing."""
    rates = [rate for _, rate in seen]
    found = mean(*seen).of_8h(PERPETUAL)
    assert min(rates) - 1e-12 <= found <= max(rates) + 1e-12


def test_after_a_gap_the_last_rate_counts_for_a_minute_only():
    """Ten half-lives later a minute of the new rate outweighs all that was before."""
    found = mean((0.0, 4e-4), (1_000.0, 1e-4), (1_060.0, 1e-4)).of_8h(PERPETUAL)
    assert found == pytest.approx(1e-4, rel=0.02)
    kept = mean((0.0, 4e-4), (61.0, 1e-4), (121.0, 1e-4), half_life_s=1e9).of_8h(PERPETUAL)
    assert kept == pytest.approx(2.5e-4, rel=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_rate_that_is_no_number_changes_nothing(bad):
    """Not even the time."""
    assert mean((0.0, 1e-4), (10.0, bad), (20.0, 3e-4)) == mean((0.0, 1e-4), (20.0, 3e-4))
    assert mean((0.0, bad)).of_8h(PERPETUAL) == 0.0


def test_an_absurd_rate_counts_as_the_largest_that_is_believed():
    """On either side."""
    assert mean((0.0, 5.0)).of_8h(PERPETUAL) == 0.01
    assert mean((0.0, -5.0)).of_8h(PERPETUAL) == -0.01


def test_what_was_made_before_is_dropped():
    """Time never runs backwards in an average."""
    assert mean((10.0, 1e-4), (5.0, 9e-4)) == mean((10.0, 1e-4))


def listed(*names, kinds=("perpetual", "future"), **rules):
    """Return a book that lists these."""
    made = Book([UnderlyingRules("BTC", Numeraire.USD, "exclude", kinds, **rules)])
    made.apply(InstrumentsListed(NOW, "BTC", tuple(parse(name) for name in names)))
    return made


def test_a_book_averages_its_perpetuals_by_the_venues_time():
    """A future has no funding; a quote that was received late counts where it was made."""
    built = listed(PERPETUAL, DATED, funding_half_life_s=100.0)
    for at_s, rate in ((0, 1e-4), (50, 3e-4), (100, 0.0)):
        made_ns = NOW + at_s * NS_PER_S
        late_ns = NOW + 200 * NS_PER_S
        built.apply(quote(funding_8h=rate, ts_ns=late_ns, ts_venue_ns=made_ns))
        built.apply(quote(DATED, funding_8h=rate, ts_ns=late_ns, ts_venue_ns=made_ns))
    mine = built.coins["BTC"]
    assert list(mine.market.funding.means) == [PERPETUAL]
    expected = mean((0.0, 1e-4), (50.0, 3e-4), (100.0, 0.0)).a_year(PERPETUAL)
    assert mine.funding_a_year == pytest.approx(expected) != 0.0


def test_a_refused_quote_tells_no_funding():
    """What is not believed of its index is not believed of its rate."""
    built = listed(PERPETUAL)
    built.apply(quote(funding_8h=1e-4))
    built.apply(quote(funding_8h=9e-4, mark=math.nan, ts_venue_ns=NOW + NS_PER_S))
    assert built.coins["BTC"].market.funding.of_8h(PERPETUAL) == 1e-4


def test_an_average_is_forgotten_with_its_instrument():
    """Memory is bounded by what is listed."""
    built = listed(PERPETUAL, OTHER)
    built.apply(quote(funding_8h=1e-4))
    built.apply(quote(OTHER, funding_8h=2e-4))
    assert built.coins["BTC"].funding_a_year == pytest.approx(1e-4 * 1_095)
    built.apply(InstrumentsListed(NOW, "BTC", (parse(OTHER),)))
    assert list(built.coins["BTC"].market.funding.means) == [OTHER]
    assert built.coins["BTC"].funding_a_year == pytest.approx(2e-4 * 1_095)


def test_without_a_perpetual_there_is_no_funding():
    """A book that hedges with futures pays none."""
    built = listed(PERPETUAL, DATED, kinds=("future",))
    built.apply(quote(funding_8h=1e-4))
    assert built.coins["BTC"].funding_a_year == 0.0
