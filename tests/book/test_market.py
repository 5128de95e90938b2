"""The market as last seen: what is refused, what is kept, and the settlement average."""

import math

import pytest

from bot.book.market import CoinMarket, near_the_money
from bot.domain.deribit import parse
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from tests.builders.books import NOW, OptionRow, chain, contract_of, quote

SECOND = NS_PER_S


def _at(seconds, index, name="BTC-PERPETUAL", **more):
    """Return a quote made and received so many seconds after the start."""
    ts_ns = NOW + round(seconds * SECOND)
    return quote(name, **({"index": index, "ts_ns": ts_ns, "ts_venue_ns": ts_ns} | more))


def _market(*quotes):
    market = CoinMarket("BTC")
    for each in quotes:
        market.see_quote(each)
    return market


def test_an_impossible_quote_leaves_the_last_good_one():
    """Its reason is kept until a good quote of the same instrument arrives."""
    market = _market(quote(mark=60_100.0), quote(mark=math.nan))
    assert market.quotes["BTC-PERPETUAL"].mark == 60_100.0
    assert [b.reason for b in market.refused.values()] == [Reason.BAD_NUMBER]
    market.see_quote(quote(mark=60_200.0))
    assert market.refused == {}
    assert market.quotes["BTC-PERPETUAL"].mark == 60_200.0


def test_each_refusal_lasts_until_its_own_instrument_recovers():
    """A good perpetual does not excuse a bad future, nor the other way round."""
    market = _market(quote(mark=math.nan), quote("BTC-27MAR26", mark=0.0))
    market.see_quote(quote("BTC-27MAR26"))
    assert list(market.refused) == ["BTC-PERPETUAL"]


@pytest.mark.parametrize("index", [math.nan, 0.0, -1.0, math.inf])
def test_a_chain_with_an_impossible_index_is_refused_as_a_whole(index):
    """The chain before it stays, and the next good one clears the refusal."""
    market, good = CoinMarket("BTC"), chain([OptionRow(contract_of(65_000))])
    assert market.see_chain(good) is True
    assert market.see_chain(chain([OptionRow(contract_of(65_000))], index=index)) is False
    assert market.chain is good
    assert list(market.refused) == ["BTC chain"]
    assert market.see_chain(good) is True
    assert market.refused == {}


def test_a_quote_that_the_venue_made_before_the_held_one_is_dropped():
    """What arrives later but was made earlier changes neither the quote nor the index."""
    late = _at(5, 59_000.0, mark=59_000.0, ts_venue_ns=NOW - SECOND)
    market = _market(_at(4, 60_500.0, mark=60_500.0), late)
    assert (market.index, market.quotes["BTC-PERPETUAL"].mark) == (60_500.0, 60_500.0)


def test_a_late_quote_that_is_also_bad_refuses_nothing():
    """It is dropped before anybody looks at its numbers."""
    market = _market(_at(4, 60_500.0), _at(5, math.nan, ts_venue_ns=NOW))
    assert market.refused == {}


def test_a_chain_that_the_venue_made_before_the_held_one_is_dropped():
    """A batch that was overtaken on the way does not turn the clock back."""
    market, rows = CoinMarket("BTC"), [OptionRow(contract_of(65_000))]
    newer = chain(rows, index=60_200.0, ts_ns=NOW + SECOND)
    assert market.see_chain(newer) is True
    older = chain(rows, index=59_900.0, ts_ns=NOW + 2 * SECOND, venue_ns=NOW)
    assert market.see_chain(older) is False
    assert (market.chain, market.index, market.refused) == (newer, 60_200.0, {})


def test_an_old_index_of_another_future_does_not_move_the_coin():
    """An hour-old quote that has never been seen before is still an hour old."""
    old = quote("BTC-27MAR26", index=55_000.0, ts_ns=NOW + SECOND, ts_venue_ns=NOW - 3600 * SECOND)
    assert _market(quote(), old).index == 60_000.0


def test_a_venue_time_ahead_of_ours_does_not_shut_out_what_follows():
    """Data cannot have been made after it arrived."""
    market = _market(quote(ts_venue_ns=NOW + 3_600 * SECOND), _at(1, 60_100.0))
    assert market.index == 60_100.0


def _watched(*quotes):
    """Return a market that knows the perpetual as its hedge instrument."""
    market = CoinMarket("BTC", witnesses=("BTC-PERPETUAL",))
    market.see_instruments((parse("BTC-PERPETUAL"),))
    for each in quotes:
        market.see_quote(each)
    return market


def test_a_chain_whose_index_the_hedge_instrument_contradicts_is_refused():
    """At about one moment two figures of the venue cannot be half apart: the last index stays."""
    market, rows = _watched(_at(0, 60_000.0)), [OptionRow(contract_of(65_000))]
    assert market.see_chain(chain(rows, index=90_000.0, ts_ns=NOW + SECOND)) is False
    assert market.index == 60_000.0
    assert [b.reason for b in market.refused.values()] == [Reason.BAD_NUMBER]
    assert market.see_chain(chain(rows, index=60_100.0, ts_ns=NOW + 2 * SECOND)) is True
    assert market.refused == {}


def test_a_chain_is_not_compared_with_a_quote_of_another_moment():
    """A crash moves the index further between two batches than any error that could be told."""
    market, rows = _watched(_at(0, 60_000.0)), [OptionRow(contract_of(65_000))]
    assert market.see_chain(chain(rows, index=58_000.0, ts_ns=NOW + 3 * SECOND)) is True
    assert market.index == 58_000.0


def test_a_chain_that_agrees_with_the_mark_is_believed_against_the_quoted_index():
    """Two witnesses outvote one."""
    market = _watched(_at(0, 90_000.0, mark=60_000.0))
    rows = [OptionRow(contract_of(65_000))]
    assert market.see_chain(chain(rows, index=60_000.0, ts_ns=NOW + SECOND)) is True
    assert market.index == 60_000.0


def test_a_perpetuals_index_that_leaps_while_its_mark_stays_is_refused():
    """The mark sides with the last index; the quote is not believed as a whole."""
    market = _watched(_at(0, 60_000.0), _at(1, 90_000.0))
    assert market.index == 60_000.0
    assert list(market.refused) == ["BTC-PERPETUAL"]


def test_a_crash_moves_index_and_mark_and_is_believed():
    """Three percent in a second are no error when both say so."""
    market = _watched(_at(0, 60_000.0), _at(1, 58_300.0, mark=58_000.0))
    assert (market.index, market.refused) == (58_300.0, {})


def test_one_print_that_leaps_further_waits_for_a_second_one():
    """A flash print is gone with the next; a crash goes on."""
    crash = _watched(_at(0, 60_000.0), _at(1, 57_000.0, mark=56_700.0))
    assert (crash.index, list(crash.refused)) == (60_000.0, ["BTC-PERPETUAL"])
    crash.see_quote(_at(1, 57_000.0, mark=56_700.0))
    assert crash.index == 60_000.0
    crash.see_quote(_at(2, 56_500.0, mark=56_300.0))
    assert (crash.index, crash.refused) == (56_500.0, {})
    flash = _watched(_at(0, 60_000.0), _at(1, 66_000.0, mark=66_000.0), _at(2, 60_010.0))
    assert (flash.index, flash.refused) == (60_010.0, {})
    again = [_at(s, i, mark=i) for s, i in ((3, 54_000.0), (4, 60_000.0), (5, 66_000.0))]
    for each in again:
        flash.see_quote(each)
    assert flash.index == 60_000.0


def test_two_prints_that_leap_a_tenth_wait_for_a_third_one():
    """Twice in a row may be two errors; and whatever lies between begins the count anew."""
    tenth = [_at(s, 54_000.0, mark=54_000.0) for s in (1, 2, 3)]
    market = _watched(_at(0, 60_000.0), *tenth[:2])
    assert (market.index, list(market.refused)) == (60_000.0, ["BTC-PERPETUAL"])
    market.see_quote(tenth[2])
    assert (market.index, market.refused) == (54_000.0, {})
    other = _watched(_at(0, 60_000.0), tenth[0], _at(1.5, 60_000.0), *tenth[1:])
    assert other.index == 60_000.0


def test_after_a_silence_an_index_against_its_own_mark_is_not_the_first_word():
    """What was known is old, but the quote contradicts itself: said again, it is believed."""
    market = _watched(_at(0, 60_000.0), _at(40, 58_000.0, mark=60_000.0))
    assert (market.index, list(market.refused)) == (60_000.0, ["BTC-PERPETUAL"])
    market.see_quote(_at(41, 58_000.0, mark=60_000.0))
    assert (market.index, market.refused) == (58_000.0, {})


@pytest.mark.parametrize("silent_s, believed", [(40, False), (90, False), (3_600, True)])
def test_after_a_silence_a_leap_is_as_credible_as_it_was_long(silent_s, believed):
    """A tenth: not in a minute and a half, but in an hour."""
    market = _watched(_at(0, 60_000.0), _at(silent_s, 54_000.0, mark=54_000.0))
    assert market.index == (54_000.0 if believed else 60_000.0)


def test_two_leaps_to_different_sides_confirm_nothing():
    """Both may be errors."""
    market = _watched(_at(0, 60_000.0), _at(1, 66_000.0, mark=66_000.0))
    market.see_quote(_at(2, 54_000.0, mark=54_000.0))
    assert market.index == 60_000.0


def test_the_index_of_another_coin_is_refused_in_any_quote():
    """Also in a dated future's, and as the first that is heard."""
    future = parse("BTC-27MAR26")
    for first in (parse("BTC-PERPETUAL"), future):
        market = CoinMarket("BTC")
        market.see_instruments((parse("BTC-PERPETUAL"), future))
        market.see_quote(quote(first.name, index=2_100.0))
        assert math.isnan(market.index)
        assert list(market.refused) == [first.name]


def test_a_dated_future_s_own_basis_does_not_hide_a_wrong_index():
    """Ten percent above its index, it vouches for an index only as far as its mark moves."""
    market = CoinMarket("BTC")
    future = parse("BTC-27MAR26")
    market.see_instruments((future,))
    far = {"mark": 66_000.0, "bid": 65_990.0, "ask": 66_010.0}
    market.see_quote(_at(0, 60_000.0, future.name, **far))
    market.see_quote(_at(1, 61_500.0, future.name, **far))
    assert (market.index, list(market.refused)) == (60_000.0, [future.name])
    up = {"mark": 67_650.0, "bid": 67_640.0, "ask": 67_660.0}
    market.see_quote(_at(2, 61_500.0, future.name, **up))
    assert market.index == 61_500.0


@pytest.mark.parametrize("name", ["bid", "ask", "bid_size", "ask_size"])
@pytest.mark.parametrize("value", [-1.0, 1e308, math.inf])
def test_a_side_that_is_no_price_is_refused(name, value):
    """Missing sides are spelt NaN or 0; sizes are large, but not beyond all measure."""
    assert _market(quote(**{name: value})).refused


def test_what_was_quoted_before_an_impossible_quote_is_not_traded_on():
    """It values what is held; an order waits for the next good quote of its own instrument."""
    market = _market(_at(0, 60_000.0), _at(0, 60_000.0, "BTC-27MAR26"))
    market.see_quote(_at(1, 60_000.0, mark=math.nan))
    found = market.doubt("BTC-PERPETUAL", NOW + SECOND, 2.0)
    assert found is not None
    assert found.reason is Reason.BAD_NUMBER
    assert market.doubt("BTC-27MAR26", NOW + SECOND, 2.0) is None
    assert market.index == 60_000.0
    market.see_quote(_at(2, 60_000.0))
    assert market.doubt("BTC-PERPETUAL", NOW + 2 * SECOND, 2.0) is None
    assert market.doubt("BTC-PERPETUAL", NOW + 5 * SECOND, 2.0) is not None


def test_a_refusal_that_is_not_repeated_is_forgotten():
    """Five minutes later the age of what is held speaks for itself."""
    market = _market(quote(mark=math.nan))
    assert list(market.refusals(NOW + 300 * SECOND)) == ["BTC-PERPETUAL"]
    assert market.refusals(NOW + 301 * SECOND) == {}


def test_a_refusal_goes_with_its_instrument():
    """What is no longer listed cannot recover; the chain's own refusal stays."""
    market = _market(quote(mark=math.nan), quote("BTC-27MAR26", mark=0.0))
    market.see_chain(chain([OptionRow(contract_of(65_000))], index=math.nan))
    market.see_instruments((parse("BTC-PERPETUAL"),))
    assert sorted(market.refused) == ["BTC chain", "BTC-PERPETUAL"]


def test_an_older_index_does_not_replace_a_newer_one():
    """Late arrivals change nothing."""
    market = _market(quote(index=60_500.0), quote(index=59_000.0, ts_ns=NOW - SECOND))
    assert market.index == 60_500.0


def test_the_settlement_average_weighs_each_index_by_its_time():
    """60,000 for ten seconds and 61,500 for five make 60,500."""
    market = _market(quote(index=60_000.0))
    expiry_ns = NOW + 1_800 * SECOND
    window = market.open_window(expiry_ns, 1_800.0, NOW)
    market.see_quote(_at(10, 61_500.0))
    market.see_quote(_at(15, 60_200.0))
    assert window.value() == pytest.approx(60_500.0, rel=1e-12)


def test_a_window_that_is_asked_late_begins_with_the_index_that_held():
    """An hour between samples: the first minutes belong to the older one."""
    market = _market(quote(index=60_000.0), _at(3_600, 66_000.0))
    window = market.open_window(NOW + 5_000 * SECOND, 1_800.0, NOW + 3_600 * SECOND)
    assert window.value() == 60_000.0
    market.see_quote(_at(4_000, 65_000.0))
    assert window.value() == pytest.approx((400.0 * 60_000.0 + 400.0 * 66_000.0) / 800.0)


def test_a_window_is_opened_once_and_forgotten_after_its_expiry():
    """What came after the expiry is not averaged."""
    market = _market(quote(index=60_000.0))
    expiry_ns = NOW + 10 * SECOND
    window = market.open_window(expiry_ns, 10.0, NOW)
    assert market.open_window(expiry_ns, 10.0, NOW + SECOND) is window
    market.see_quote(_at(11, 61_000.0))
    assert window.value() == 60_000.0
    market.close_windows(NOW + 11 * SECOND)
    assert market.windows == {}


def test_what_the_index_and_the_volatility_near_the_money_do_is_followed():
    """Index by whole minutes of venue time; volatility within 5 % of the forward."""
    market = CoinMarket("BTC")
    rows = [
        OptionRow(contract_of(61_000.0), vol=0.5),
        OptionRow(contract_of(58_000.0, call=False), vol=0.7),
        OptionRow(contract_of(70_000.0), vol=5.0),
        OptionRow(contract_of(60_000.0), vol=float("nan")),
    ]
    market.see_chain(chain(rows))
    assert market.realised.implied.level == pytest.approx(0.6)
    minute = 60 * SECOND
    for step in range(3):
        market.see_quote(_at(60.0 * step, 60_000.0 + 30.0 * step))
    assert market.realised.index.step == (NOW + 2 * minute) // minute
    assert market.realised.index.count == 2
    assert market.realised.index.level == pytest.approx(math.log(60_060.0))
    assert math.isnan(near_the_money(chain([rows[2]])))


@pytest.mark.parametrize("vol", [0.0, -0.5, 5.0, 50.0, 1e308, math.inf])
def test_an_absurd_volatility_near_the_money_is_in_no_average(vol):
    """One such row would be taken for a leap of all of them."""
    good, bad = OptionRow(contract_of(61_000.0), vol=0.5), OptionRow(contract_of(60_000.0), vol=vol)
    assert near_the_money(chain([good, bad])) == pytest.approx(0.5)
