"""Delta while the settlement average is being taken: continuous, right inside, gone at the end."""

import numpy as np
import pytest

from bot.book.columns import VOL
from bot.book.measure import measure
from bot.domain.deribit import parse
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR
from tests.builders.books import DAY_NS, NOW, book, quote

EXPIRY_NS = NOW + DAY_NS
WINDOW_S = 1_800.0
S, VOLATILITY = 60_000.0, 0.6


def _at(left_s):
    return EXPIRY_NS - round(left_s * NS_PER_S)


def _live(numeraire="usd", collateral="exclude", strike=60_000.0, quantity=-1.0, **more):
    """Return a book of one option that expires in a day, told everything up to the window.

    Its chain is told once, a day before, and does not age.
    """
    built = book(numeraire, collateral, aged_s=1e6).option(quantity, strike, days=1.0, **more)
    return built.perpetual().coins(0.0).built()


def _index(built, left_s, index=S):
    built.apply(quote(index=index, mark=index, ts_ns=_at(left_s), ts_venue_ns=_at(left_s)))


def _delta(built, left_s):
    return measure(built, "BTC", _at(left_s)).delta


@pytest.mark.parametrize(
    "numeraire,collateral", [("usd", "exclude"), ("usd", "include"), ("coin", "exclude")]
)
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("strike", [50_000.0, 59_800.0, 60_000.0, 60_300.0])
def test_delta_is_continuous_where_the_window_opens(numeraire, collateral, linear, strike):
    """A second before and a second into the average differ by a second's worth."""
    built = _live(numeraire, collateral, strike, linear=linear)
    _index(built, 1_801.0)
    before = _delta(built, 1_801.0)
    _index(built, 1_799.0)
    assert _delta(built, 1_799.0) == pytest.approx(before, abs=3e-3)


def _paths(left_s, count=40_000, steps=60):
    rng = np.random.default_rng(7)
    step = left_s / steps / SECONDS_PER_YEAR
    normal = rng.standard_normal((count // 2, steps))
    normal = np.concatenate([normal, -normal])
    drift = -0.5 * VOLATILITY**2 * step
    growth = np.exp(np.cumsum(drift + VOLATILITY * np.sqrt(step) * normal, axis=1))
    # The mean over the time still to come, midpoints of each step.
    starts = np.concatenate([np.ones((count, 1)), growth[:, :-1]], axis=1)
    return (0.5 * (starts + growth)).mean(axis=1)


@pytest.mark.parametrize("left_s", [1_500.0, 900.0, 300.0])
@pytest.mark.parametrize("strike", [59_000.0, 59_950.0, 60_100.0])
@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_delta_inside_the_window_is_what_simulation_finds(left_s, strike, call, numeraire):
    """A dollar book's payoff in dollars, a coin book's in coins, bumped along the same paths."""
    known, rest = 60_040.0, _paths(left_s)
    built = _live(numeraire, strike=strike, quantity=1.0, call=call)
    _index(built, WINDOW_S, known)
    _delta(built, WINDOW_S)
    _index(built, left_s)
    elapsed = 1.0 - left_s / WINDOW_S

    def worth(index):
        average = elapsed * known + (1.0 - elapsed) * index * rest
        payoff = np.maximum((average - strike) if call else (strike - average), 0.0)
        return float((payoff / average if numeraire == "coin" else payoff).mean())

    h = 30.0
    slope = (worth(S + h) - worth(S - h)) / (2.0 * h)
    expected = slope * S if numeraire == "coin" else slope
    assert _delta(built, left_s) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
@pytest.mark.parametrize("strike", [40_000.0, 59_000.0, 61_000.0])
def test_nothing_is_left_of_a_delta_at_the_end(numeraire, strike):
    """One second before the end a two-thousandth of it is left, whatever the payoff is worth."""
    built = _live(numeraire, strike=strike)
    _index(built, WINDOW_S)
    _delta(built, WINDOW_S)
    _index(built, 1.0)
    assert abs(_delta(built, 1.0)) < 1.0 / 1_000.0


def test_coins_that_the_average_has_decided_count_as_cash_where_cash_counts():
    """A third of 60,000 is paid out: delta ends at the coins that leave, as the cash will say."""
    built = _live("usd", "include", strike=40_000.0)
    _index(built, WINDOW_S)
    _delta(built, WINDOW_S)
    _index(built, 1.0)
    found = measure(built, "BTC", _at(1.0))
    assert found.delta == pytest.approx(-1.0 / 3.0, abs=1e-3)
    assert abs(found.window_delta) < 1e-3


@pytest.mark.parametrize(
    "numeraire,collateral", [("usd", "exclude"), ("usd", "include"), ("coin", "exclude")]
)
@pytest.mark.parametrize("left_s", [1_700.0, 900.0, 60.0])
def test_the_fading_part_is_what_will_be_gone(numeraire, collateral, left_s):
    """Delta less its fading part now is delta at the end, for an index that stands still."""
    built = _live(numeraire, collateral, strike=40_000.0)
    _index(built, WINDOW_S)
    _delta(built, WINDOW_S)
    _index(built, left_s)
    now = measure(built, "BTC", _at(left_s))
    _index(built, 0.01)
    assert now.delta - now.window_delta == pytest.approx(_delta(built, 0.01), abs=1e-4)
    assert now.window_left_s == pytest.approx(left_s)


def test_a_start_inside_the_window_uses_the_venues_volatility_sensibly():
    """As it stands there: it is quoted for what is left of the average, not for a calendar."""
    late_ns = _at(600.0)
    builder = book(now_ns=late_ns).option(-1.0, 60_000.0, days=600.0 / 86_400.0)
    built = builder.perpetual().built()
    built.packed("BTC")
    stored = built.packed("BTC").columns.inputs[VOL, 0]
    assert stored == 0.6
    # At the money, half of the third that is still to come.
    assert measure(built, "BTC", late_ns).delta == pytest.approx(-0.5 / 3.0, abs=0.01)


@pytest.mark.parametrize("left_s,share", [(1_801.0, 1.0), (900.0, 0.5), (1.0, 1.0 / 1_800.0)])
def test_a_future_fades_with_its_average_as_well(left_s, share):
    """A hedge in the expiring future leaves by itself."""
    built = book().future("BTC-6JAN26", -60_000).built()
    name = parse("BTC-6JAN26").name
    built.apply(quote(name, ts_ns=_at(left_s), ts_venue_ns=_at(left_s)))
    found = measure(built, "BTC", _at(left_s))
    assert found.delta == pytest.approx(-share)
    assert found.window_delta == pytest.approx(-share if share < 1.0 else 0.0)
    assert Reason.PAST_EXPIRY not in {d.reason for d in found.doubts}


def test_vega_is_told_per_point_of_the_venues_own_volatility():
    """An hour before the end one point more on the venue's volatility brings what vega says."""
    left_ns, worth = 3_600 * NS_PER_S, []
    for vol in (0.595, 0.605):
        builder = book().option(1.0, 60_000.0, days=1.0)
        built = builder.perpetual().built()
        ts_ns = EXPIRY_NS - left_ns
        built.apply(builder.chain(vol=vol, ts_ns=ts_ns))
        found = measure(built, "BTC", ts_ns)
        worth.append((float(built.packed("BTC").columns.first[0, 0]), found.vega_usd))
    (low, vega), (high, _) = worth
    assert vega == pytest.approx(high - low, rel=2e-3)


def test_a_book_that_starts_inside_the_window_takes_the_volatility_as_it_is_quoted_there():
    """It is finite and bounded down to the last second."""
    for left_s in (1_799.0, 60.0, 1.0):
        builder = book(vol=0.8).option(-1.0, 60_000.0, days=1.0)
        builder.rows[0].vol = np.nan
        built = builder.perpetual().built()
        ts_ns = _at(left_s)
        builder.rows[0].vol = 0.8
        built.apply(builder.chain(ts_ns=ts_ns))
        assert built.packed("BTC").columns.inputs[VOL].tolist() == [0.8]
        assert -1.0 < measure(built, "BTC", ts_ns).delta < 0.0
