"""Shock figures against the whole book priced anew at the shocked index."""

import pytest

from bot.book.measure import measure
from bot.book.shocks import DELTA_MOVES, PNL_MOVES, shocks, vega_by_tenor
from bot.domain.units import NS_PER_S
from greeks import black76
from tests.builders.books import DAY_NS, NOW, book, quote

S = 60_000.0
#        quantity, strike, call, days, vol, F/S, linear
LEGS = (
    (-2.0, 65_000.0, True, 30.0, 0.60, 1.005, False),
    (-1.0, 52_000.0, False, 30.0, 0.68, 1.005, False),
    (0.5, 60_000.0, True, 7.0, 0.55, 1.001, True),
    (1.5, 48_000.0, False, 90.0, 0.72, 1.02, False),
)
DOLLARS, PRICE = -45_000.0, 60_150.0


def _book(numeraire, collateral="exclude"):
    built = book(numeraire, collateral)
    for quantity, strike, call, days, vol, ratio, linear in LEGS:
        built.option(
            quantity, strike, call=call, days=days, vol=vol, forward=ratio * S, linear=linear
        )
    return built.future("BTC-PERPETUAL", DOLLARS, PRICE).coins(2.0)


def _worth(numeraire, index, coins=0.0):
    """Return the book's value in its numeraire's own money."""
    usd = coins * index
    for quantity, strike, call, days, vol, ratio, linear in LEGS:
        value = float(black76.price(call, ratio * index, strike, days / 365.0, vol))
        usd += quantity * value * (1.0 if linear else 1.0 / ratio)
    price = PRICE * index / S
    usd += index * DOLLARS * (1.0 / PRICE - 1.0 / price)
    return usd if numeraire == "usd" else usd / index


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_shocked_profit_is_the_change_of_the_books_value(numeraire):
    """Four moves, each against a full revaluation; a coin book's coins at the shocked index."""
    found = _book(numeraire).shocks().pnl_usd
    assert set(found) == set(PNL_MOVES)
    for move, pnl in found.items():
        after = S * (1.0 + move)
        change = _worth(numeraire, after) - _worth(numeraire, S)
        expected = change if numeraire == "usd" else change * after
        assert pnl == pytest.approx(expected, abs=0.02)


def test_counted_collateral_moves_with_the_shock():
    """Otherwise the hedge of the collateral would look like a loss of its own."""
    found = _book("usd", "include").shocks().pnl_usd
    for move, pnl in found.items():
        change = _worth("usd", S * (1.0 + move), 2.0) - _worth("usd", S, 2.0)
        assert pnl == pytest.approx(change, abs=0.02)


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
@pytest.mark.parametrize("collateral", ["include", "exclude", 1.5])
def test_shocked_delta_is_the_delta_of_the_shocked_market(numeraire, collateral):
    """The same figure as measuring a market that has moved by 2 %."""
    found = _book(numeraire, collateral).shocks().delta
    assert set(found) == set(DELTA_MOVES)
    for move, delta in found.items():
        built = _book(numeraire, collateral).built()
        later = NOW + NS_PER_S
        up = 1.0 + move
        moved = {"index": S * up, "mark": PRICE * up, "bid": PRICE * up - 1, "ask": PRICE * up + 1}
        built.apply(quote(ts_ns=later, **moved))
        assert delta == pytest.approx(measure(built, "BTC", NOW).delta, abs=1e-9)


def test_the_worst_shock_is_the_smallest_profit():
    """A short straddle loses most in the larger moves."""
    found = book().short_call(60_000.0).short_put(60_000.0).shocks()
    assert found.worst_usd() == min(found.pnl_usd.values())
    assert found.worst_usd() == min(found.pnl_usd[-0.10], found.pnl_usd[0.10])


def test_shocks_leave_the_plain_valuation_behind():
    """The packed scratch is that of the unshocked index again."""
    built = _book("usd").built()
    before = measure(built, "BTC", NOW)
    first = built.packed("BTC").columns.first.copy()
    shocks(built, "BTC", NOW)
    assert (built.packed("BTC").columns.first == first).all()
    assert measure(built, "BTC", NOW) == before


def test_figures_have_flat_names():
    """What journals and JSON print."""
    names = set(book().short_call().shocks().figures())
    assert names == {
        "delta_down_2pct_coin",
        "delta_up_2pct_coin",
        "pnl_down_10pct_usd",
        "pnl_down_5pct_usd",
        "pnl_up_5pct_usd",
        "pnl_up_10pct_usd",
    }


def test_vega_falls_into_the_tenor_of_its_option():
    """Each option's vega in one bucket; all buckets make the book's vega."""
    built = book()
    for days in (0.5, 3.0, 20.0, 60.0, 200.0):
        built.option(1.0, 60_000.0, days=days)
    whole = built.built()
    buckets = vega_by_tenor(whole, "BTC", NOW)
    assert list(buckets) == ["under_1d", "1_7d", "7_30d", "30_90d", "over_90d"]
    assert all(vega > 0.0 for vega in buckets.values())
    assert sum(buckets.values()) == pytest.approx(measure(whole, "BTC", NOW).vega_usd)


def test_an_expired_option_has_no_vega_and_no_shock():
    """Past its expiry it is worth nothing to us any more."""
    built = book().short_call(days=1.0).built()
    late_ns = NOW + DAY_NS + NS_PER_S
    assert set(vega_by_tenor(built, "BTC", late_ns).values()) == {0.0}
    assert set(shocks(built, "BTC", late_ns).pnl_usd.values()) == {0.0}
