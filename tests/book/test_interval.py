"""What may still happen: the interval of deltas, and doubts that stay with their coin."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.book import Book, UnderlyingRules
from bot.book.measure import measure
from bot.book.numeraire import Numeraire
from bot.book.scope import Scope
from bot.domain.deribit import parse
from bot.domain.events import Filled, InstrumentsListed
from bot.domain.positions import Position
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from greeks import black76
from tests.builders.books import DAY_NS, NOW, PERPETUAL, book, quote
from tests.builders.fills import fill


def _reasons(exposure):
    return {doubt.reason for doubt in exposure.doubts}


@given(st.lists(st.integers(-50_000, 50_000).filter(bool), max_size=4))
def test_every_order_that_may_fill_widens_the_interval(pending):
    """Buys raise the upper end, sells lower the lower one; what is held stays."""
    builder = book().short_call().perpetual()
    for quantity in pending:
        builder.pending(PERPETUAL, float(quantity))
    found = builder.measure()
    assert found.low == pytest.approx(found.delta + sum(q for q in pending if q < 0) / 60_000)
    assert found.high == pytest.approx(found.delta + sum(q for q in pending if q > 0) / 60_000)
    assert found.low <= found.delta <= found.high


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_a_pending_option_counts_with_its_delta(numeraire):
    """A bought option that may fill adds what it would add when held."""
    held = book(numeraire).long_call(quantity=2.0).measure()
    listed = book(numeraire).option(0, 65_000.0).pending("BTC-4FEB26-65000-C", 2.0).measure()
    assert listed.high == pytest.approx(held.delta, abs=1e-6)
    assert listed.low == 0.0


@pytest.mark.parametrize("vol", [0.001, 9.0, math.nan])
def test_a_pending_option_without_a_believable_volatility_spans_its_payoff(vol):
    """A default of a tenth of a point would make it a forward or nothing."""
    found = book().option(0, 65_000.0, vol=vol).pending("BTC-4FEB26-65000-C", 2.0).measure()
    assert (found.low, found.high) == pytest.approx((0.0, 2.0))


def test_an_order_on_an_unknown_instrument_cannot_be_bounded():
    """Nothing is proven about what it would add, so nothing is trusted."""
    found = book().short_call().pending("BTC-4FEB26-99000-C", 1.0).measure()
    assert found.trusted is False
    assert _reasons(found) == {Reason.UNKNOWN_INSTRUMENT}


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize(
    "quantity,call,strike,low,high",
    [
        (2.0, True, 65_000.0, 0.0, 2.0),
        (-2.0, True, 65_000.0, -2.0, 0.0),
        (2.0, False, 55_000.0, -2.0, 0.0),
        (-2.0, False, 55_000.0, 0.0, 2.0),
        (-2.0, False, 90_000.0, 0.0, 3.0),
    ],
)
def test_an_option_without_volatility_spans_its_payoff(
    numeraire, linear, quantity, call, strike, low, high
):
    """A call lies in [0, 1]; a put in [-1, 0], and below it by K/F where premium counts."""
    builder = book(numeraire)
    builder.option(quantity, strike, call=call, vol=math.nan, linear=linear)
    found = builder.measure()
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.delta == 0.0
    assert _reasons(found) == {Reason.NO_VOLATILITY}
    assert found.trusted is True


@given(
    st.sampled_from(["usd", "coin"]),
    st.booleans(),
    st.booleans(),
    st.floats(0.5, 2.0),
    st.floats(0.01, 2.0),
    st.floats(0.05, 3.0),
)
def test_the_payoffs_range_holds_every_delta_that_a_volatility_could_give(
    numeraire, linear, call, money, years, vol
):
    """Whatever the volatility turns out to be, the delta was inside."""
    strike = round(60_000.0 * money, -2)
    days = max(round(years * 365.0), 1)
    told = book(numeraire).option(1.0, strike, call=call, days=days, vol=vol, linear=linear)
    silent = book(numeraire).option(1.0, strike, call=call, days=days, vol=math.nan, linear=linear)
    bounds = silent.measure()
    assert bounds.low - 1e-9 <= told.measure().delta <= bounds.high + 1e-9


def test_known_legs_stay_measured_beside_an_unknown_one():
    """One option without volatility does not blind the book."""
    alone = book().short_call().measure()
    both = book().short_call().option(1.0, 70_000.0, vol=math.nan).measure()
    assert both.delta == pytest.approx(alone.delta)
    assert both.high == pytest.approx(alone.delta + 1.0)
    assert both.low == pytest.approx(alone.delta)


def test_an_option_past_its_expiry_adds_nothing():
    """It is named until the venue has settled it, and bounds nothing."""
    builder = book().short_call(days=1.0).long_call(70_000.0)
    built = builder.built()
    alone = book().long_call(70_000.0).built()
    late_ns = NOW + DAY_NS
    for one in (built, alone):  # told of as ever, or its volatility would be too old
        one.apply(builder.chain(ts_ns=late_ns, venue_ns=late_ns))
    found = measure(built, "BTC", late_ns)
    assert Reason.PAST_EXPIRY in _reasons(found)
    assert found.delta == pytest.approx(measure(alone, "BTC", late_ns).delta)
    assert found.low == found.high == found.delta


def test_a_future_past_its_expiry_adds_nothing():
    """An expired hedge is no hedge."""
    built = book().future("BTC-6JAN26", -60_000).built()
    found = measure(built, "BTC", NOW + DAY_NS)
    assert found.delta == 0.0
    assert _reasons(found) == {Reason.PAST_EXPIRY}


def test_a_position_in_an_unknown_instrument_stops_its_coin():
    """It cannot be bounded: not trusted, and named."""
    found = book().short_call().position("BTC-31DEC99-1-C", "-1").measure()
    assert found.trusted is False
    assert [(d.reason, d.subject) for d in found.doubts] == [
        (Reason.UNKNOWN_INSTRUMENT, "BTC-31DEC99-1-C")
    ]


def test_an_unlisted_spot_pair_stops_its_coin_until_it_is_excluded():
    """A holding under a name without a dash is named as well, and the owner can do without it."""
    held = book().short_call().position("BTC_USDC", "1").measure()
    assert held.trusted is False
    assert [(d.reason, d.subject) for d in held.doubts] == [(Reason.UNKNOWN_INSTRUMENT, "BTC_USDC")]
    scope = Scope(exclude=frozenset({"BTC_USDC"}))
    freed = book(scope=scope).short_call().position("BTC_USDC", "1").measure()  # type: ignore[arg-type]
    assert (freed.trusted, freed.doubts) == (True, ())
    assert freed.delta == book().short_call().measure().delta


def test_a_bad_quote_of_what_is_neither_held_nor_a_hedge_raises_no_doubt():
    """A future that nobody lists as a hedge may say what it likes."""
    built = book().short_call().perpetual().built()
    built.apply(quote("BTC-27MAR26", mark=math.nan))
    assert measure(built, "BTC", NOW).doubts == ()
    built.apply(quote(mark=math.nan))
    assert [d.subject for d in measure(built, "BTC", NOW).doubts] == [PERPETUAL]


def test_a_bad_quote_of_a_held_future_raises_a_doubt():
    """What is held matters even where it may not hedge."""
    scope = Scope(exclude=frozenset({"BTC-27MAR26"}))
    builder = book(scope=scope).perpetual().short_call()  # type: ignore[arg-type]
    built = builder.future("BTC-27MAR26", 0).built()
    built.apply(Filled(NOW, fill("BTC-27MAR26", "60000")))
    built.apply(quote("BTC-27MAR26", mark=math.nan))
    assert [d.subject for d in measure(built, "BTC", NOW).doubts] == ["BTC-27MAR26"]


def test_an_excluded_instrument_need_not_be_known():
    """What is out of scope cannot stop the rest."""
    scope = Scope(exclude=frozenset({"BTC-31DEC99-1-C"}))
    builder = book(scope=scope)  # type: ignore[arg-type]
    found = builder.short_call().position("BTC-31DEC99-1-C", "-1").measure()
    assert found.trusted is True
    assert found.doubts == ()


def test_doubts_stay_with_their_coin():
    """A bad BTC book leaves ETH trusted."""
    rules = [UnderlyingRules(c, Numeraire.USD, "exclude", ("perpetual",)) for c in ("BTC", "ETH")]
    both = Book(rules)
    for coin, mark in (("BTC", math.nan), ("ETH", 3_000.0)):
        name = f"{coin}-PERPETUAL"
        both.apply(InstrumentsListed(NOW, coin, (parse(name),)))
        both.apply(quote(name, mark=mark, index=3_000.0, bid=2_999.0, ask=3_001.0))
    both.adopt([Position("BTC-1JAN99-1-C", parse("BTC-PERPETUAL").quantity(1))], [])
    bitcoin, ether = (measure(both, coin, NOW) for coin in ("BTC", "ETH"))
    assert bitcoin.trusted is False
    assert _reasons(bitcoin) >= {Reason.UNKNOWN_INSTRUMENT, Reason.BAD_NUMBER}
    assert (ether.trusted, ether.doubts) == (True, ())


def test_a_held_options_age_is_judged_by_the_venues_time():
    """A batch that repeats an old time makes the book stale after 30 seconds."""
    built = book().short_call().built()
    fresh = measure(built, "BTC", NOW + 30 * NS_PER_S)
    stale = measure(built, "BTC", NOW + 31 * NS_PER_S)
    assert Reason.STALE_CHAIN not in _reasons(fresh)
    assert Reason.STALE_CHAIN in _reasons(stale)


def test_a_volatility_that_turns_absurd_is_kept_at_its_last_value():
    """The last good one stays until its age speaks up."""
    builder = book().short_call()
    built = builder.built()
    before = measure(built, "BTC", NOW)
    builder.rows[0].vol = math.nan
    built.apply(builder.chain(ts_ns=NOW + NS_PER_S, venue_ns=NOW + NS_PER_S))
    after = measure(built, "BTC", NOW)
    assert after.delta == before.delta
    later = measure(built, "BTC", NOW + 32 * NS_PER_S)
    assert Reason.STALE_CHAIN in _reasons(later)


@pytest.mark.parametrize(
    "age_s,reason",
    [
        (0, None),
        (30, None),
        (31, Reason.STALE_CHAIN),
        (3_599, Reason.STALE_CHAIN),
        (3_600, Reason.AGED_VOLATILITY),
        (9_000, Reason.AGED_VOLATILITY),
    ],
)
def test_a_volatility_ages_in_steps_each_with_its_reason(age_s, reason):
    """It is used, used with a doubt, and at last not believed: then the payoff bounds the delta."""
    built = book().short_call().built()
    before = measure(built, "BTC", NOW)
    found = measure(built, "BTC", NOW + age_s * NS_PER_S)
    steps = {Reason.STALE_CHAIN, Reason.AGED_VOLATILITY, Reason.NO_VOLATILITY}
    told = _reasons(found) & steps
    if reason is Reason.AGED_VOLATILITY:
        assert told == {Reason.STALE_CHAIN, reason}
        assert (found.delta, found.low, found.high) == pytest.approx((0.0, -1.0, 0.0))
        assert found.trusted
        return
    assert told == ({reason} if reason else set())
    assert found.delta == pytest.approx(before.delta, abs=0.01)
    assert found.low == found.high == found.delta


def test_a_volatility_that_comes_again_is_young_again():
    """A new batch ends the bounds."""
    builder = book().short_call()
    built = builder.built()
    later = NOW + 4_000 * NS_PER_S
    assert Reason.AGED_VOLATILITY in _reasons(measure(built, "BTC", later))
    built.apply(builder.chain(ts_ns=later, venue_ns=later))
    found = measure(built, "BTC", later)
    assert not _reasons(found) & {Reason.AGED_VOLATILITY, Reason.STALE_CHAIN}
    assert found.low == found.high


def test_black_scholes_is_what_is_measured():
    """The same number as the pricing function, volatility and years as the venue gives them."""
    found = book().long_call(62_000.0, days=7.0, vol=0.55, forward=60_300.0).measure()
    exact = black76.first(True, 60_300.0, 62_000.0, 7.0 / 365.0, 0.55)
    assert found.delta == pytest.approx(float(exact.delta), abs=1e-9)
