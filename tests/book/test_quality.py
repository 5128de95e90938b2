"""The door: every kind of bad quote, and what is said about it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.quality import number_doubt, quote_doubt, tradable_rows, usable_rows
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_MS, NS_PER_S
from tests.builders.books import NOW, OptionRow, chain, contract_of, quote

NAN, INF = math.nan, math.inf


def _reason(changed, age_ns=0):
    doubt = quote_doubt(changed, NOW + age_ns, 2.0, "BTC-PERPETUAL")
    return None if doubt is None else doubt.reason


def test_a_fresh_quote_with_two_sides_in_order_passes():
    """The gate is open for good data."""
    assert _reason(quote()) is None


@pytest.mark.parametrize(
    "changes,reason",
    [
        ({"index": NAN}, Reason.BAD_NUMBER),
        ({"index": 0.0}, Reason.BAD_NUMBER),
        ({"index": -60_000.0}, Reason.BAD_NUMBER),
        ({"index": INF}, Reason.BAD_NUMBER),
        ({"mark": NAN}, Reason.BAD_NUMBER),
        ({"mark": 0.0}, Reason.BAD_NUMBER),
        ({"mark": -1.0}, Reason.BAD_NUMBER),
        ({"bid": 0.0}, Reason.ONE_SIDED_QUOTE),
        ({"bid": -1.0}, Reason.BAD_NUMBER),
        ({"bid": INF}, Reason.BAD_NUMBER),
        ({"ask": 0.0}, Reason.ONE_SIDED_QUOTE),
        ({"ask": -1.0}, Reason.BAD_NUMBER),
        ({"ask": INF}, Reason.BAD_NUMBER),
        ({"bid": NAN}, Reason.ONE_SIDED_QUOTE),
        ({"ask": NAN}, Reason.ONE_SIDED_QUOTE),
        ({"bid": NAN, "ask": NAN}, Reason.ONE_SIDED_QUOTE),
        ({"bid_size": NAN}, Reason.ONE_SIDED_QUOTE),
        ({"ask_size": 0.0}, Reason.ONE_SIDED_QUOTE),
        ({"bid_size": -1.0}, Reason.BAD_NUMBER),
        ({"ask_size": 1e308}, Reason.BAD_NUMBER),
        ({"bid": 60_001.0}, Reason.CROSSED_QUOTE),
        ({"bid": 60_000.5}, Reason.CROSSED_QUOTE),
    ],
)
def test_an_impossible_quote_is_named(changes, reason):
    """Null, zero, negative, infinite, one-sided, crossed and locked quotes each have a reason."""
    assert _reason(quote(**changes)) is reason


def test_no_quote_at_all_is_a_reason_too():
    """What was never seen cannot be traded on."""
    assert _reason(None) is Reason.NO_QUOTE


def test_a_quote_that_we_received_long_ago_is_stale():
    """Silence is not freshness."""
    assert _reason(quote(), 2 * NS_PER_S) is None
    assert _reason(quote(), 2 * NS_PER_S + NS_PER_MS) is Reason.STALE_QUOTE


def test_a_stream_that_repeats_an_old_venue_time_is_stale():
    """A quote that arrives now but was made three seconds ago is three seconds old."""
    assert _reason(quote(ts_venue_ns=NOW - 3 * NS_PER_S)) is Reason.STALE_QUOTE


def test_a_stale_quote_tells_its_age_and_limit():
    """Found and expected are both in the reason."""
    doubt = quote_doubt(quote(), NOW + 5 * NS_PER_S, 2.0, "x")
    assert doubt is not None
    assert dict(doubt.numbers) == {"age_s": 5.0, "limit_s": 2.0}


PRICES = st.sampled_from([NAN, INF, -INF, -1.0, 0.0, 59_999.5, 60_000.0, 60_000.5])


@given(st.fixed_dictionaries(dict.fromkeys(("bid", "ask", "mark", "index"), PRICES)), st.booleans())
def test_what_is_found_to_be_wrong_does_not_depend_on_how_it_is_looked_for(prices, old):
    """Impossible numbers come first, then age, then a side that is missing, then crossed ones."""
    seen = quote(**prices)
    bad, sides = number_doubt(seen), (seen.bid, seen.ask)
    expected = None
    if not all(side > 0.0 for side in sides):
        expected = Reason.ONE_SIDED_QUOTE
    elif seen.bid >= seen.ask:
        expected = Reason.CROSSED_QUOTE
    if old:
        expected = Reason.STALE_QUOTE
    doubt = quote_doubt(seen, NOW + 3 * NS_PER_S * old, 2.0, "x")
    if bad is not None:
        assert doubt is not None
        assert (doubt.reason, doubt.subject) == (bad.reason, bad.subject)
        return
    assert (None if doubt is None else doubt.reason) == expected


def test_missing_sides_do_not_make_reference_prices_impossible():
    """Index and mark of a one-sided quote may still be used to measure."""
    assert number_doubt(quote(bid=NAN, ask=NAN)) is None
    assert number_doubt(quote(bid=0.0, ask=0.0)) is None


def test_a_volatility_of_two_percent_is_the_least_that_is_believed():
    """The bound itself passes."""
    assert usable_rows(chain([OptionRow(CALL, 0.02)])).tolist() == [True]


CALL = contract_of(65_000)


@pytest.mark.parametrize("vol", [NAN, 0.0, -0.5, 0.0199, 5.0, INF])
def test_an_absurd_volatility_is_not_used(vol):
    """500 % is refused like NaN and zero, row by row."""
    rows = chain([OptionRow(CALL, vol), OptionRow(contract_of(66_000), 0.5)])
    assert usable_rows(rows).tolist() == [False, True]


@pytest.mark.parametrize("forward", [NAN, 0.0, -1.0, 30_000.0, 120_000.0, INF])
def test_an_absurd_forward_is_not_used(forward):
    """A forward at half or twice the index belongs to something else."""
    rows = chain([OptionRow(CALL, forward=forward), OptionRow(contract_of(66_000))])
    assert usable_rows(rows).tolist() == [False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"bid": NAN},
        {"ask": NAN},
        {"bid": 0.0},
        {"ask": INF},
        {"bid": 0.011},
        {"bid": 0.02},
        {"bid_size": 0.0},
        {"ask_size": NAN},
    ],
)
def test_an_option_without_two_sides_in_order_is_not_traded(changes):
    """Both sides, in order, with size behind them."""
    rows = chain([OptionRow(CALL, **changes), OptionRow(contract_of(66_000))])
    assert tradable_rows(rows).tolist() == [False, True]


def test_judging_a_bad_batch_raises_no_warning():
    """NaN in every column is an answer, not an accident."""
    row = OptionRow(CALL, NAN, NAN, NAN, NAN, NAN, NAN)
    with np.errstate(all="raise"):
        assert not usable_rows(chain([row])).any()
        assert not tradable_rows(chain([row])).any()
