"""What is parked: out of the exposure, still in the holdings, merged by instrument."""

from decimal import Decimal

import pytest

from bot.book.measure import measure
from bot.book.parked import Part
from bot.book.scope import Scope
from bot.domain.positions import Position
from bot.domain.units import Quantity, Unit
from tests.builders.books import NOW, PERPETUAL, book, contract_of

CALL = contract_of(65_000.0)
LATER = NOW + 10**9


def part(name, quantity, unit=Unit.COIN, **more):
    """Return a parked part."""
    position = Position(name, Quantity(Decimal(str(quantity)), unit), **more)
    return Part(position, position.quantity.value, NOW, LATER)


def measured(made):
    """Return a book's exposure."""
    return measure(made, "BTC", NOW)


def test_a_parked_option_is_held_and_not_measured():
    """Neither its delta nor its gamma, and no doubt of it."""
    bare = book().perpetual(6_000).option(0, 65_000.0)
    made = bare.long_call(quantity=2.0).built()
    whole = measured(made)
    made.parked.put(part(CALL.name, 2))
    left = measured(made)
    assert left.delta == pytest.approx(0.1)
    assert (left.gamma, left.gross_option_coin, left.doubts) == (0.0, 0.0, ())
    assert made.holdings.total(CALL.name) == 2
    assert whole.delta > left.delta


def test_what_was_there_before_is_hedged_on():
    """Two were sold, one more by hand a moment ago: two are measured."""
    made = book().short_call(quantity=3.0).built()
    alone = measured(book().short_call(quantity=2.0).built())
    made.parked.put(part(CALL.name, -1))
    assert measured(made).delta == pytest.approx(alone.delta)


def test_what_was_closed_by_hand_is_still_hedged_while_it_is_parked():
    """Closing a leg is a trade like another: its roll may be about to follow."""
    made = book().option(0, 65_000.0).perpetual(0).built()
    made.parked.put(part(CALL.name, 2))
    short = measured(book().short_call(quantity=2.0).built())
    assert measured(made).delta == pytest.approx(short.delta)


def test_taking_a_part_out_measures_it_at_once():
    """The packed columns notice."""
    made = book().perpetual(6_000).built()
    made.parked.put(part(PERPETUAL, 6_000, Unit.USD))
    assert measured(made).delta == 0.0
    made.parked.take(PERPETUAL)
    assert measured(made).delta == pytest.approx(0.1)


def test_a_flat_part_is_nothing():
    """A leg that was closed again leaves no row behind."""
    made = book().built()
    made.parked.put(part(PERPETUAL, 10, Unit.USD))
    made.parked.put(part(PERPETUAL, 0, Unit.USD))
    assert list(made.parked) == []


def test_what_is_out_of_scope_is_not_subtracted_twice():
    """A part of an excluded instrument changes nothing."""
    builder = book().perpetual(6_000)
    builder.scope = Scope(exclude=frozenset({PERPETUAL}))
    made = builder.built()
    made.parked.put(part(PERPETUAL, 6_000, Unit.USD))
    assert measured(made).delta == 0.0
