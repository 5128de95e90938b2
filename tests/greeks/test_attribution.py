"""Where a change of value came from: the reference's case, what must add up, what is left over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greeks import black76
from greeks.attribution import Moment, coins, explain

DAY = 1.0 / 365.0
BEFORE = Moment(60_000.0, 0.60, 30.0 * DAY)
AFTER = Moment(61_500.0, 0.62, 29.0 * DAY)
STRIKE = 65_000.0


def test_a_day_of_a_call_is_explained_to_the_cent():
    """The forward rises by 2.5 %, volatility by two points, a day passes."""
    found = explain(True, STRIKE, BEFORE, AFTER)
    terms = {name: round(float(getattr(found, name)), 2) for name in found._fields}
    assert terms == {
        "delta": 528.34,
        "gamma": 40.47,
        "theta": -63.86,
        "vega": 127.72,
        "vanna": 10.23,
        "volga": 0.45,
        "charm": -5.12,
        "actual": 634.72,
    }
    assert round(float(found.total), 2) == 638.23
    assert round(float(found.unexplained), 2) == -3.51
    assert float(found.unexplained / found.actual) == pytest.approx(-0.0055, abs=5e-5)


def test_the_coins_that_a_coin_settled_option_has_earned_are_exact():
    """Its worth in coin after, less before."""
    before, after = (
        black76.price(True, m.forward, STRIKE, m.years, m.vol) / np.asarray(m.forward)
        for m in (BEFORE, AFTER)
    )
    found = coins(explain(True, STRIKE, BEFORE, AFTER).actual, before, 60_000.0, 61_500.0)
    assert float(found) == pytest.approx(float(after - before), rel=1e-12)
    assert float(found) == pytest.approx(0.0094109995, abs=5e-11)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("share", [0.9, 1.0, 1.15])
@pytest.mark.parametrize("spot,shift", [(0.01, 0.0), (-0.01, 0.0), (0.01, 0.01), (0.0, 0.03)])
def test_what_is_left_over_of_price_and_volatility_is_of_third_order(is_call, share, spot, shift):
    """A quarter of the moves leaves a sixty-fourth of it, as far as the next order lets it."""

    def left(part):
        after = Moment(60_000.0 * (1.0 + part * spot), 0.6 + part * shift, 60.0 * DAY)
        found = explain(is_call, 60_000.0 * share, Moment(60_000.0, 0.6, 60.0 * DAY), after)
        return float(found.unexplained)

    assert left(0.25) / left(1.0) == pytest.approx(1.0 / 64.0, rel=0.4)


moves = st.tuples(st.floats(-0.002, 0.002), st.floats(-0.003, 0.003), st.floats(0.0, 1 / 1_440))


@given(st.booleans(), st.floats(0.85, 1.2), st.floats(2.0, 200.0), moves)
def test_over_a_minute_nearly_all_is_explained(is_call, share, days, drawn):
    """What is left is within two percent of the sizes of the terms, or a tenth of a cent."""
    spot, shift, passed = drawn
    after = Moment(60_000.0 * (1.0 + spot), 0.6 + shift, (days - passed) * DAY)
    found = explain(is_call, 60_000.0 * share, Moment(60_000.0, 0.6, days * DAY), after)
    assert abs(float(found.unexplained)) <= 0.02 * float(found.gross) + 1e-3


def test_puts_and_calls_differ_by_the_forward_alone():
    """Parity, term by term."""
    call, put = (explain(kind, STRIKE, BEFORE, AFTER) for kind in (True, False))
    assert float(call.delta - put.delta) == pytest.approx(1_500.0)
    assert float(call.actual - put.actual) == pytest.approx(1_500.0)
    for name in ("gamma", "theta", "vega", "vanna", "volga", "charm"):
        assert getattr(call, name) == pytest.approx(getattr(put, name))


def test_a_book_is_explained_in_one_call_and_a_bad_row_hurts_itself_alone():
    """Arrays broadcast; what is no option comes out as NaN."""
    strikes = np.array([55_000.0, np.nan, 65_000.0])
    found = explain(True, strikes, BEFORE, AFTER)
    assert found.delta.shape == (3,)
    assert list(np.isnan(found.actual)) == [False, True, False]
    alone = explain(True, 65_000.0, BEFORE, AFTER)
    assert [float(term[2]) for term in found] == pytest.approx([float(term) for term in alone])
