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


# --- several accounts -----------------------------------------------------------------------------


def _spanning(account="desk"):
    """Return holdings of a trading account and two that are only read."""
    return Holdings(account=account, also=frozenset({"sub1", "main"}))


def test_one_instrument_in_two_accounts_is_two_positions():
    """Neither the same nor netted: a long here and a short there are not flat."""
    holdings = _spanning()
    told = (
        _position(OPTION, 2, account="desk"),
        _position(OPTION, -2, account="sub1"),
        _position(OPTION, 1, account="main"),
    )
    holdings.adopt(told, INSTRUMENTS)
    assert set(holdings.positions.values()) == set(told)
    assert holdings.total(OPTION) == Decimal(2)  # margin is asked of the trading account
    assert holdings.differences(told) == {}
    assert holdings.places(told) == {OPTION, f"{OPTION}@sub1", f"{OPTION}@main"}


def test_what_moves_between_accounts_is_two_differences():
    """The net is unchanged; whose it is, is not."""
    holdings = _spanning()
    holdings.adopt((_position(OPTION, 2, account="desk"),), INSTRUMENTS)
    moved = (_position(OPTION, 2, account="sub1"),)
    assert holdings.differences(moved) == {
        OPTION: (Decimal(2), Decimal(0)),
        f"{OPTION}@sub1": (Decimal(0), Decimal(2)),
    }


def test_our_hedges_are_in_the_trading_account():
    """A fill is ours there, however much of the same the owner has elsewhere."""
    holdings = _spanning()
    elsewhere = _position(PERPETUAL, 500, account="sub1")
    holdings.adopt((_position(PERPETUAL, 100, account="desk"), elsewhere), INSTRUMENTS)
    holdings.fold(fill(PERPETUAL, -30))
    both = (_position(PERPETUAL, 70, account="desk"), elsewhere)
    assert holdings.differences(both) == {}
    holdings.adopt(both, INSTRUMENTS)
    assert {(p.tag, p.account): p.quantity.value for p in holdings.positions.values()} == {
        ("book", "desk"): Decimal(100),
        (HEDGE_TAG, "desk"): Decimal(-30),
        ("book", "sub1"): Decimal(500),
    }


def test_one_account_is_adopted_without_the_others():
    """What is in doubt there stays as it is."""
    holdings = _spanning()
    before = (_position(OPTION, 2, account="desk"), _position(OPTION, -2, account="sub1"))
    holdings.adopt(before, INSTRUMENTS)
    after = (_position(OPTION, 5, account="desk"), _position(OPTION, -9, account="sub1"))
    holdings.adopt(after, INSTRUMENTS, {f"{OPTION}@sub1"})
    assert holdings.held() == {OPTION: Decimal(2), f"{OPTION}@sub1": Decimal(-9)}
    holdings.adopt((), INSTRUMENTS, {f"{OPTION}@sub1"})
    assert holdings.held() == {OPTION: Decimal(2)}


def test_hedges_of_an_earlier_run_are_in_the_account_that_is_traded_now():
    """Also where it was called otherwise then; a settlement takes all accounts along."""
    holdings = _spanning()
    old = [_position(PERPETUAL, -30, tag=HEDGE_TAG), _position(OPTION, 1, tag=HEDGE_TAG)]
    holdings.restore_hedges(old, [])
    told = (
        _position(PERPETUAL, -30, account="desk"),
        _position(OPTION, 1, account="desk"),
        _position(OPTION, 7, account="sub1"),
    )
    holdings.adopt(told, INSTRUMENTS)
    hedges = {p.instrument for p in holdings.positions.values() if p.tag == HEDGE_TAG}
    assert hedges == {PERPETUAL, OPTION}
    assert {p.account for p in holdings.positions.values() if p.tag == HEDGE_TAG} == {"desk"}
    holdings.drop(OPTION)
    assert holdings.held() == {PERPETUAL: Decimal(-30)}


def test_a_venue_of_one_account_does_not_know_its_name():
    """The owner's name for it is in the book, so that a scope can ask for it."""
    holdings = Holdings(account="desk")
    holdings.adopt((_position(OPTION, 2),), INSTRUMENTS)
    assert [p.account for p in holdings.positions.values()] == ["desk"]
