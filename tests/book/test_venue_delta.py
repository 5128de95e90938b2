"""Our delta beside the venue's: in total where it covers just our book, by lines otherwise."""

import pytest

from bot.book.measure import measure
from bot.book.scope import Scope
from bot.book.venue_delta import compare, own_deltas
from tests.builders.books import NOW, book

CALL = "BTC-4FEB26-65000-C"
PERPETUAL = "BTC-PERPETUAL"


def hedged(**more):
    """Return one short call and a perpetual against it, measured."""
    made = book(**more).short_call().perpetual(18_895).built()
    measure(made, "BTC", NOW)
    return made


def test_lines_are_told_plain_and_net():
    """Case A: N(d1) .352226, net of the premium .3149282; a perpetual is its coins."""
    own = own_deltas(hedged(), "BTC", NOW)
    assert own[CALL].plain == pytest.approx(-0.352226, abs=5e-7)
    assert own[CALL].net == pytest.approx(-0.3149282, abs=5e-8)
    assert own[PERPETUAL].plain == own[PERPETUAL].net == pytest.approx(0.314917, abs=1e-6)


@pytest.mark.parametrize("line", [-0.352226, -0.3149282])
def test_the_total_is_net_whatever_the_lines_are(line):
    """Lines may count N(d1) or net; the total counts net."""
    found = compare(hedged(), "BTC", NOW, {CALL: line, PERPETUAL: 0.314917}, -1e-5)
    assert found is not None
    assert found.gap == pytest.approx(0.0, abs=1e-5)
    assert found.ours == pytest.approx(-1.1e-5, abs=2e-6)


def test_the_position_that_differs_the_most_is_named():
    """The venue believes in half of the call."""
    found = compare(hedged(), "BTC", NOW, {CALL: -0.16, PERPETUAL: 0.314917}, 0.15)
    assert found is not None
    assert found.worst == CALL
    assert found.gap == pytest.approx(0.15, abs=1e-3)


def test_what_is_out_of_scope_leaves_the_lines():
    """The venue's total counts everything; ours does not, so it says nothing about ours."""
    made = hedged(scope=Scope(exclude=frozenset({PERPETUAL})))
    lines = {CALL: -0.352226, PERPETUAL: 0.314917}
    found = compare(made, "BTC", NOW, lines, -5.0)
    assert found is not None
    assert found.gap == pytest.approx(0.0, abs=1e-6)
    found = compare(made, "BTC", NOW, lines | {CALL: -0.5}, -5.0)
    assert found is not None
    assert found.worst == CALL
    assert found.gap == pytest.approx(-0.147774, abs=1e-5)


def test_nothing_told_is_nothing_compared():
    """Neither a book without an index nor a venue without lines has anything to compare."""
    assert compare(hedged(), "BTC", NOW, {}, None) is None
    assert own_deltas(book().built(), "BTC", NOW) == {}
