"""Exposure of whole books: worked examples, and what must not change it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.book import Book
from bot.book.measure import measure
from bot.book.scope import Scope
from bot.domain.positions import HEDGE_TAG, Position
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from tests.builders.books import NOW, BookBuilder, book, quote

PREMIUM = 2_237.8682 / 60_000.0  # of case A, in coin


def test_a_short_call_has_the_worked_examples_greeks():
    """Case A, in dollars: delta .352226, gamma 3.5971e-5, vega 63.860, theta -63.860 per day."""
    found = book("usd").short_call().measure()
    assert found.delta == pytest.approx(-0.352226, abs=5e-7)
    assert found.gamma == pytest.approx(-3.5971e-5 * 600.0, rel=2e-5)
    assert found.vega_usd == pytest.approx(-63.860, rel=5e-4)
    assert found.theta_usd_day == pytest.approx(63.860, rel=5e-4)
    assert found.gross_option_coin == 1.0
    assert (found.low, found.high) == (found.delta, found.delta)


def test_a_coin_book_sees_the_premium_in_its_delta():
    """Case A, in coin: net deltas .3149282 and -.7684051, premium-adjusted gamma 3.0722e-5."""
    call = book("coin").short_call().measure()
    put = book("coin").short_put(65_000.0).measure()
    assert call.delta == pytest.approx(-0.3149282, abs=5e-8)
    assert put.delta == pytest.approx(0.7684051, abs=5e-8)
    assert call.gamma == pytest.approx(-3.0722e-5 * 600.0, rel=2e-5)


def test_the_coin_neutral_hedge_is_the_worked_examples():
    """18,895.69 USD long make one short call and a coin of cash neutral in coin."""
    hedged = book("coin", "include").short_call().perpetual("18895.69").coins(1.0).measure()
    assert hedged.delta == pytest.approx(0.0, abs=1e-6)
    assert hedged.gamma == pytest.approx(-3.5971e-5 * 600.0, rel=2e-5)


def test_the_dollar_neutral_hedge_is_the_worked_examples():
    """With one coin of cash it is 38,866.44 USD short: collateral turns the hedge around."""
    hedged = (
        book("usd", "include")
        .short_call()
        .perpetual("-38866.44")
        .coins(1.0, equity=1.0 - PREMIUM)
        .measure()
    )
    assert hedged.delta == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "rule,expected", [("include", 1.5), ("exclude", 0.0), (0.75, 0.75), (-2.0, -2.0)]
)
def test_a_dollar_book_counts_coins_as_it_was_told(rule, expected):
    """Cash and the futures' open profit together are the coins that are owned."""
    found = book("usd", rule).coins(1.4, open_profit=0.1).measure()
    assert found.delta == pytest.approx(expected, abs=1e-12)


def test_a_coin_book_counts_dollars_short():
    """30,000 dollars are half a coin short, with the gamma that dollars have in coin."""
    found = book("coin", "include").coins(3.0).dollars(30_000.0).measure()
    assert found.delta == pytest.approx(-0.5, abs=1e-12)
    assert found.gamma == pytest.approx(0.005, abs=1e-12)


legs = st.lists(
    st.tuples(
        st.integers(-30, 30).map(lambda n: n / 10.0),
        st.integers(50, 75).map(lambda k: k * 1_000.0),
        st.booleans(),
        st.sampled_from([0.5, 1.0, 7.0, 30.0, 200.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def _of(numeraire, rows):
    built = book(numeraire)
    for quantity, strike, call, days, linear in rows:
        built.option(quantity, strike, call=call, days=days, linear=linear)
    return built


def _same(one, other):
    names = ("delta", "low", "high", "gamma", "gamma_expiring", "vega_usd", "theta_usd_day")
    for name in names:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9), name


@given(st.sampled_from(["usd", "coin"]), legs, st.data())
def test_the_order_of_positions_does_not_matter(numeraire, rows, data):
    """Permuted legs mean the same."""
    shuffled = data.draw(st.permutations(rows))
    _same(_of(numeraire, rows).measure(), _of(numeraire, shuffled).measure())


@given(st.sampled_from(["usd", "coin"]), legs)
def test_a_split_position_means_what_the_whole_means(numeraire, rows):
    """Half and half is one, whoever holds the halves."""
    halves: BookBuilder = _of(numeraire, [])
    for quantity, strike, call, days, linear in rows:
        for part in (quantity - 0.3, 0.3):
            halves.option(round(part, 1), strike, call=call, days=days, linear=linear)
    whole = _of(numeraire, rows).measure()
    _same(whole, halves.measure())
    halves.positions = [
        Position(p.instrument, p.quantity, HEDGE_TAG if i % 2 else p.tag)
        for i, p in enumerate(halves.positions)
    ]
    _same(whole, halves.measure())


@given(st.sampled_from(["usd", "coin"]), legs)
def test_exposure_is_linear_in_the_book(numeraire, rows):
    """Ten times the legs, ten times the figures."""
    one = _of(numeraire, rows).measure()
    scaled = _of(numeraire, [(round(q * 10.0, 1), *rest) for q, *rest in rows]).measure()
    assert scaled.delta == pytest.approx(10.0 * one.delta, abs=1e-8)
    assert scaled.gamma_total == pytest.approx(10.0 * one.gamma_total, abs=1e-8)


def test_what_expires_within_a_day_is_a_bucket_of_its_own():
    """23 hours are expiring, 25 are not."""
    soon = book().short_call(days=23.0 / 24.0).measure()
    later = book().short_call(days=25.0 / 24.0).measure()
    assert (soon.gamma, later.gamma_expiring) == (0.0, 0.0)
    assert soon.gamma_expiring < 0.0
    assert later.gamma < 0.0
    assert soon.gamma_total == soon.gamma_expiring


def test_forwards_follow_the_index_between_batches():
    """F/S is held: 1 % up in the index is 1 % up in the forward."""
    builder = book().short_call(forward=61_200.0).perpetual()
    built = builder.built()
    built.apply(quote(index=60_600.0, ts_ns=NOW + NS_PER_S))
    columns = built.packed("BTC").columns
    columns.price_at(built.coins["BTC"].market.index, NOW, {})
    assert columns.inputs[1, 0] == pytest.approx(61_812.0, rel=1e-12)


def test_what_is_out_of_scope_adds_nothing():
    """Excluded instruments, other accounts and other tags are seen but not hedged."""
    name = "BTC-4FEB26-65000-C"
    for scope in (
        Scope(exclude=frozenset({name})),
        Scope(accounts=frozenset({"other"})),
        Scope(tags=frozenset({"other"})),
    ):
        builder = book(scope=scope)  # type: ignore[arg-type]
        found = builder.short_call().measure()
        assert (found.delta, found.gross_option_coin) == (0.0, 0.0)


def test_our_own_hedges_count_whatever_the_scope_says():
    """Otherwise they would be bought again and again."""
    for scope in (
        Scope(exclude=frozenset({"BTC-PERPETUAL"})),
        Scope(accounts=frozenset({"other"})),
        Scope(tags=frozenset({"other"})),
    ):
        builder = book(scope=scope).perpetual()  # type: ignore[arg-type]
        builder.future("BTC-PERPETUAL", -6_000, tag=HEDGE_TAG)
        found = _with_hedge(builder)
        assert found == pytest.approx(-0.1)


def _with_hedge(builder):
    built = builder.built()
    built.holdings.positions = {(p.instrument, p.tag, p.account): p for p in builder.positions}
    built.holdings.version += 1
    return measure(built, "BTC", NOW).delta


def test_an_index_that_was_never_seen_makes_everything_possible():
    """Without a price the interval is the whole line, and nothing is trusted."""
    found = measure(Book([book().rules()]), "BTC", NOW)
    assert (found.low, found.high, found.trusted) == (-math.inf, math.inf, False)
    assert [d.reason for d in found.doubts] == [Reason.NO_QUOTE]
