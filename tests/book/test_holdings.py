"""What we own: fills once each, the venue's word, and whose a position is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.holdings import Holdings
from bot.domain.deribit import parse
from bot.domain.positions import HEDGE_TAG, Position
from tests.builders.fills import fill

PERPETUAL = "BTC-PERPETUAL"
OPTION = "BTC-27MAR26-100000-C"
INSTRUMENTS = {name: parse(name) for name in (PERPETUAL, OPTION)}


def _position(name, quantity, **more):
    return Position(name, parse(name).quantity(quantity), **more)


fills = st.lists(
    st.tuples(st.sampled_from([PERPETUAL, OPTION]), st.integers(-50, 50).filter(bool)),
    min_size=1,
    max_size=8,
).map(lambda rows: [fill(name, lots * 10, trade=f"t{i}") for i, (name, lots) in enumerate(rows)])


@given(fills, st.data())
def test_fills_fold_to_the_same_holdings_in_any_order_and_number(told, data):
    """Reordered and repeated fills change nothing."""
    once, often = Holdings(), Holdings()
    for each in told:
        once.fold(each)
    repeated = told + data.draw(st.lists(st.sampled_from(told)))
    for each in data.draw(st.permutations(repeated)):
        often.fold(each)
    assert often.held() == once.held()
    assert often.positions == once.positions


def test_a_fill_is_told_as_new_only_once():
    """The trade id decides."""
    holdings = Holdings()
    assert holdings.fold(fill(PERPETUAL, 10, trade="t1")) is True
    assert holdings.fold(fill(PERPETUAL, 10, trade="t1")) is False
    assert holdings.held() == {PERPETUAL: Decimal(10)}


def test_our_fills_carry_the_hedge_tag():
    """What this program adds is told from what the owner had."""
    holdings = Holdings()
    holdings.adopt((_position(PERPETUAL, 100),), INSTRUMENTS)
    holdings.fold(fill(PERPETUAL, -30))
    tags = {tag: p.quantity.value for (_, tag, _), p in holdings.positions.items()}
    assert tags == {"book": Decimal(100), HEDGE_TAG: Decimal(-30)}
    assert holdings.total(PERPETUAL) == Decimal(70)


def test_an_adopted_report_keeps_our_hedges_ours():
    """What our fills do not explain belongs to the owner."""
    holdings = Holdings()
    holdings.fold(fill(PERPETUAL, -30))
    holdings.adopt((_position(PERPETUAL, 50),), INSTRUMENTS)
    tags = {tag: p.quantity.value for (_, tag, _), p in holdings.positions.items()}
    assert tags == {"book": Decimal(80), HEDGE_TAG: Decimal(-30)}


def test_adopting_twice_is_adopting_once():
    """A report is a state, not a change."""
    report = (_position(PERPETUAL, 50), _position(OPTION, "-1.5"))
    holdings = Holdings()
    holdings.adopt(report, INSTRUMENTS)
    first = dict(holdings.positions)
    holdings.adopt(report, INSTRUMENTS)
    assert holdings.positions == first
    assert holdings.differences(report) == {}


def test_an_adopted_position_keeps_the_tag_and_account_of_its_owner():
    """Scope is decided by them, so a report must not wash them out."""
    told = _position(OPTION, -1, tag="basis", account="fund")
    holdings = Holdings()
    holdings.adopt((told,), INSTRUMENTS)
    assert holdings.positions == {(OPTION, "basis", told.account): told}


def test_a_report_cannot_declare_a_position_ours():
    """Only our own fills make a hedge; a tag in a report loses nothing and claims nothing."""
    holdings = Holdings()
    holdings.adopt((_position(PERPETUAL, 50, tag=HEDGE_TAG),), INSTRUMENTS)
    assert holdings.positions == {(PERPETUAL, "book", "main"): _position(PERPETUAL, 50)}


def test_differences_name_both_sides():
    """Ours first, the venue's second, zero where one of them has nothing."""
    holdings = Holdings()
    holdings.fold(fill(PERPETUAL, 10))
    found = holdings.differences((_position(PERPETUAL, 20), _position(OPTION, -1)))
    assert found == {
        OPTION: (Decimal(0), Decimal(-1)),
        PERPETUAL: (Decimal(10), Decimal(20)),
    }


def test_restored_hedges_and_trades_are_not_counted_again():
    """A fill of an earlier run that the venue tells again is known."""
    holdings = Holdings()
    told = fill(PERPETUAL, -30, trade="t1")
    holdings.restore_hedges([_position(PERPETUAL, -30, tag=HEDGE_TAG)], [told])
    holdings.adopt((_position(PERPETUAL, 20),), INSTRUMENTS)
    assert holdings.fold(told) is False
    tags = {tag: p.quantity.value for (_, tag, _), p in holdings.positions.items()}
    assert tags == {"book": Decimal(50), HEDGE_TAG: Decimal(-30)}


def test_a_trade_id_that_another_order_had_is_another_trade():
    """A venue that begins its count again must not make us trade twice for what has filled."""
    holdings = Holdings()
    assert holdings.fold(fill(PERPETUAL, -30, label="a1", trade="t1")) is True
    assert holdings.fold(fill(PERPETUAL, -30, label="a1", trade="t1")) is False
    assert holdings.fold(fill(PERPETUAL, -20, label="a2", trade="t1")) is True
    assert holdings.held() == {PERPETUAL: Decimal(-50)}


def test_credited_fills_are_not_counted_again_when_they_are_told_late():
    """Once positions have shown what an order filled, its trades add nothing."""
    holdings = Holdings()
    holdings.credit("a1", parse(PERPETUAL).quantity(-30), PERPETUAL)
    assert holdings.held() == {PERPETUAL: Decimal(-30)}
    assert holdings.fold(fill(PERPETUAL, -30, label="a1", trade="t9")) is False
    assert holdings.held() == {PERPETUAL: Decimal(-30)}


def test_a_settled_instrument_is_dropped_with_all_its_tags():
    """Nothing of it remains, neither the owner's nor ours."""
    holdings = Holdings()
    holdings.adopt((_position(OPTION, -1), _position(PERPETUAL, 10)), INSTRUMENTS)
    holdings.fold(fill(OPTION, 1))
    holdings.drop(OPTION)
    assert holdings.held() == {PERPETUAL: Decimal(10)}


@pytest.mark.parametrize("change", ["fold", "adopt", "drop"])
def test_every_change_is_seen_by_its_version(change):
    """Packed columns are rebuilt when the version moves."""
    holdings = Holdings()
    holdings.adopt((_position(OPTION, -1),), INSTRUMENTS)
    before = holdings.version
    match change:
        case "fold":
            holdings.fold(fill(OPTION, 1))
        case "adopt":
            holdings.adopt((_position(OPTION, -1),), INSTRUMENTS)
        case _:
            holdings.drop(OPTION)
    assert holdings.version > before
