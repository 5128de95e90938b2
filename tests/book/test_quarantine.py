"""Held and not listed: bounded by the name, doubted by name, and free as soon as it is listed."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.book.measure import measure
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.positions import Position
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S, Quantity, Unit
from tests.builders.books import NOW, PERPETUAL, book

CALL, PUT = "BTC-27MAR26-70000-C", "BTC-27MAR26-120000-P"
LINEAR = "BTC_USDC-27MAR26-70000-C"
FUTURE = "BTC-27MAR26"


def holding(name, quantity, unit=None):
    """Return a book of the perpetual and something that is not listed."""
    builder = book().perpetual(6_000)
    amount = Quantity(Decimal(str(quantity)), unit or parse(name).unit)
    builder.positions.append(Position(name, amount))
    return builder


@pytest.mark.parametrize(
    "name,quantity,low,high",
    [
        (CALL, 2, 0.0, 2.0),
        (CALL, -2, -2.0, 0.0),
        (PUT, 2, -4.0, 0.0),
        (PUT, -2, 0.0, 4.0),
        (LINEAR, -2, -2.0, 0.0),
    ],
)
def test_an_unlisted_option_spans_its_payoff(name, quantity, low, high):
    """A call lies in [0, 1], a put in [-K/S, 0]; the point is that of the rest."""
    found = holding(name, quantity).measure()
    assert found.trusted
    assert (found.delta, found.low, found.high) == pytest.approx((0.1, 0.1 + low, 0.1 + high))


@pytest.mark.parametrize("quantity,low,high", [(6_000, 0.05, 0.2), (-6_000, -0.2, -0.05)])
def test_an_unlisted_future_spans_the_forwards_that_are_believed(quantity, low, high):
    """From half to twice the index, with the index itself as the point."""
    found = holding(FUTURE, quantity).measure()
    assert found.delta == pytest.approx(0.1 + quantity / 60_000)
    assert (found.low, found.high) == pytest.approx((0.1 + low, 0.1 + high))


def test_an_unlisted_future_fades_within_its_settlement_window():
    """Minutes before its expiry it may be worth nothing any more."""
    builder = holding(FUTURE, 6_000)
    expiry_ns = parse(FUTURE).expiry_ns or 0
    builder.now_ns = expiry_ns - 600 * NS_PER_S
    found = builder.measure()
    assert (found.low, found.high) == pytest.approx((0.1, 0.3))


@pytest.mark.parametrize("name", [CALL, FUTURE])
def test_after_its_expiry_nothing_is_left_to_bound(name):
    """The doubt stays until the venue has taken it away."""
    builder = holding(name, 60)
    builder.now_ns = (parse(name).expiry_ns or 0) + NS_PER_S
    found = builder.measure()
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert Reason.UNKNOWN_INSTRUMENT in {b.reason for b in found.doubts}


def test_the_doubt_names_the_instrument_and_its_bounds():
    """What a person needs to judge it."""
    (doubt,) = holding(CALL, -2).measure().doubts
    assert (doubt.reason, doubt.subject) == (Reason.UNKNOWN_INSTRUMENT, CALL)
    assert doubt.numbers == {"low_coin": -2.0, "high_coin": 0.0}


@pytest.mark.parametrize(
    "name,unit",
    [
        ("BTC-CS-27MAR26-70000_80000", Unit.COIN),
        ("BTC-SOMETHING", Unit.COIN),
        ("BTC-31FEB26-70000-C", Unit.COIN),
        (CALL, Unit.USD),
    ],
)
def test_a_name_that_says_too_little_leaves_the_coin_untrusted(name, unit):
    """A combo, no date of the calendar, or a unit that the name contradicts."""
    found = holding(name, 1, unit).measure()
    assert not found.trusted
    assert [(b.reason, b.subject) for b in found.doubts] == [(Reason.UNKNOWN_INSTRUMENT, name)]


def test_without_an_index_the_doubt_has_no_bounds():
    """And nothing is trusted for lack of the index."""
    builder = holding(CALL, 1)
    builder.quotes[:] = [replace(q, index=math.nan) for q in builder.quotes]
    found = builder.measure()
    assert not found.trusted
    assert {b.subject: b.numbers for b in found.doubts}[CALL] == {}


def test_another_coin_s_instrument_is_none_of_ours():
    """ETH is for its own book to doubt."""
    found = holding("ETH-27MAR26-4000-C", 5).measure()
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.doubts == ()


def test_what_is_listed_leaves_quarantine_by_itself():
    """The same holding becomes an option without a volatility, and then like any other."""
    made = holding(CALL, -2).built()
    before = measure(made, "BTC", NOW)
    listed = (parse(PERPETUAL), parse(CALL))
    made.apply(InstrumentsListed(NOW, "BTC", listed))
    after = measure(made, "BTC", NOW)
    assert {b.reason for b in before.doubts} == {Reason.UNKNOWN_INSTRUMENT}
    assert {b.reason for b in after.doubts} == {Reason.NO_VOLATILITY}
    assert made.packed("BTC").unlisted == {}
