"""Basis by expiry: what is held at each, over what may still fill, and what a point is worth."""

import pytest

from bot.book.basis import basis_by_expiry, figures, futures_by_expiry
from bot.book.legs import future_legs
from bot.domain.deribit import parse
from tests.builders.books import DAY_NS, NOW, book

MARCH, JUNE = "BTC-27MAR26", "BTC-26JUN26"


def expiry(name):
    """Return an expiry in nanoseconds."""
    return parse(name).expiry_ns


def built():
    """Return a book long March in two contracts, short June, with a perpetual and an option."""
    made = book().perpetual(30_000).short_call()
    made.future(MARCH, 60_600, 60_600.0).future("BTC_USDC-27MAR26", "0.5", 60_600.0)
    return made.future(JUNE, -122_400, 61_200.0).built()


def test_contracts_of_one_expiry_add_up_and_the_perpetual_has_none():
    """Inverse dollars over their own price; linear coins by price over index."""
    found = futures_by_expiry(built(), "BTC", NOW)
    assert set(found) == {expiry(MARCH), expiry(JUNE)}
    assert found[expiry(MARCH)] == pytest.approx((1.505, 1.505))
    assert found[expiry(JUNE)] == pytest.approx((-2.0, -2.0))


@pytest.mark.parametrize("days", [0, 80, 81, 100, 172, 200])
def test_an_expiry_holds_the_legs_that_a_measure_sees(days):
    """The same sums, in the same order, while they last."""
    made, now_ns = built(), NOW + days * DAY_NS
    mine = made.packed("BTC")
    legs = [one for one in future_legs(mine, mine.market.index, now_ns) if one.left_s > 0.0]
    dated = [one for one in legs if one.instrument.expiry_ns is not None]
    expected = {
        ends: sum(one.delta for one in dated if one.instrument.expiry_ns == ends)
        for ends in {one.instrument.expiry_ns for one in dated}
    }
    found = futures_by_expiry(made, "BTC", now_ns)
    assert found == {ends: (delta, delta) for ends, delta in expected.items()}


def test_what_may_still_fill_counts_on_its_own_side():
    """An order in another expiry, an option or a stranger does not."""
    pending = [(MARCH, -30_300.0), ("BTC_USDC-27MAR26", 0.1), ("BTC-PERPETUAL", 1e6), ("X", 1.0)]
    found = futures_by_expiry(built(), "BTC", NOW, pending)
    assert found[expiry(MARCH)] == pytest.approx((1.005, 1.606))
    assert found[expiry(JUNE)] == pytest.approx((-2.0, -2.0))


def test_a_point_of_basis_is_worth_the_index_over_the_time_left():
    """March has 81 days: 1.505 coins x 60,000 x 81/365 x 1 %."""
    march, june = basis_by_expiry(built(), "BTC", NOW)
    assert (march.code, june.code) == ("27MAR26", "26JUN26")
    assert march.usd_per_pct == pytest.approx(1.505 * 60_000 * 81 / 365 * 0.01)
    assert june.usd_per_pct == pytest.approx(-2.0 * 60_000 * 172 / 365 * 0.01)
    assert figures((march, june)) == {
        "basis_27MAR26_coin": march.coins,
        "basis_27MAR26_1pct_usd": march.usd_per_pct,
        "basis_26JUN26_coin": june.coins,
        "basis_26JUN26_1pct_usd": june.usd_per_pct,
    }


def test_a_future_past_its_expiry_is_no_exposure():
    """And inside its averaging window only what is still to come."""
    made, ends_ns = built(), expiry(MARCH)
    assert list(futures_by_expiry(made, "BTC", ends_ns)) == [expiry(JUNE)]
    low, high = futures_by_expiry(made, "BTC", ends_ns - DAY_NS // 96)[ends_ns]
    assert low == high == pytest.approx(0.5 * 1.505)
