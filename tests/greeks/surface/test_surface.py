from dataclasses import replace

import numpy as np
import pytest

from greeks import black76
from greeks.surface import Chain, Clock, Surface, Verdict, fit, quoted, smile, svi
from greeks.surface.svi import Svi, shape

YEAR_S, DAY_S = 365 * 86_400.0, 86_400.0
NOW_S = 1_767_600_000.0  # 2026-01-05 08:00 UTC
DAYS = np.array([1.0, 7.0, 30.0, 90.0, 360.0])
EXPIRIES = NOW_S + DAYS * DAY_S
LEVELS = np.array([0.62, 0.58, 0.55, 0.56, 0.57])
RELATIVE = Svi(a=0.4, b=0.4, rho=-0.25, m=0.1, s=1.2)


def truth(expiry_s, now_s=NOW_S, level=LEVELS):
    """Return slices whose volatility at the money is the level."""
    size = np.sqrt(level * level * (expiry_s - now_s) / YEAR_S / shape(RELATIVE, 0.0).variance)
    a, b, rho, m, s = RELATIVE
    return Svi(a * size**2, b * size, rho + 0 * size, m * size, s * size)


def chain(now_s=NOW_S, expiry_s=EXPIRIES, level=LEVELS, points=25, spread=0.01):
    """Return books around those slices: so many calls an expiry over 2.5 deviations each way."""
    of = np.repeat(np.arange(len(expiry_s)), points)
    when, years = expiry_s[of], (expiry_s[of] - now_s) / YEAR_S
    each = Svi(*(np.asarray(p)[of] for p in truth(expiry_s, now_s, level)))
    deviation = np.sqrt(shape(each, 0.0).variance)
    k = deviation * np.tile(np.linspace(-2.5, 2.5, points), len(expiry_s))
    vol = np.sqrt(shape(each, k).variance / years)
    bid, ask = (black76.price(True, 1.0, np.exp(k), years, vol + side) for side in
                (-spread / 2, spread / 2))  # fmt: skip
    return Chain(when, k, quoted.volatilities(True, bid, ask, 1.0, np.exp(k), years), vol + 0.004)


@pytest.fixture(scope="module")
def surface():
    """Return the surface of the chain."""
    return fit(chain(), NOW_S)


def test_a_chain_becomes_a_surface_that_meets_it(surface):
    """Each expiry's own volatilities, what was fitted, and how far the marks are."""
    assert (surface.verdict == Verdict.FITTED).all()
    assert list(surface.quotes) == [25] * 5
    np.testing.assert_array_equal(surface.fitted_s, NOW_S)
    np.testing.assert_allclose(surface.error, 0.0, atol=5e-4)
    np.testing.assert_allclose(surface.inside, 1.0)
    np.testing.assert_allclose(surface.from_marks, -0.004, atol=5e-4)
    at_the_money = smile.volatility(surface.at(0.0, EXPIRIES, NOW_S), DAYS / 365)
    np.testing.assert_allclose(at_the_money, LEVELS, atol=5e-4)
    np.testing.assert_allclose(surface.high, -surface.low)


def test_strikes_and_expiries_broadcast(surface):
    """One call values a whole grid."""
    found = surface.at(np.linspace(-0.1, 0.1, 7), EXPIRIES[:, None], NOW_S)
    assert found.variance.shape == (5, 7)
    alone = surface.at(-0.1, EXPIRIES[2], NOW_S)
    assert found.variance[2, 0] == pytest.approx(float(alone.variance), rel=1e-14)


def test_total_variance_between_expiries_is_linear_in_variance_time(surface):
    """At fixed moneyness, slope and bend with it."""
    between = EXPIRIES[1] + 10 * DAY_S
    clock = surface.clock
    start, end, here = (
        clock.variance_years(NOW_S, when) for when in (EXPIRIES[1], EXPIRIES[2], between)
    )
    share = (here - start) / (end - start)
    first, second, found = (
        surface.at(0.05, when, NOW_S) for when in (EXPIRIES[1], EXPIRIES[2], between)
    )
    for low, high, middle in zip(first, second, found, strict=True):
        assert middle == pytest.approx((1 - share) * low + share * high, rel=1e-12)


@pytest.mark.parametrize("days", [0.3, 3.0, 200.0, 500.0])
def test_slopes_are_those_of_the_variance_wherever_it_is(surface, days):
    """Before the first expiry, between and beyond the last."""
    expiry_s, k, h = NOW_S + days * DAY_S, np.linspace(-0.1, 0.1, 9), 1e-6
    up, here, down = (surface.at(k + move, expiry_s, NOW_S) for move in (h, 0.0, -h))
    np.testing.assert_allclose(here.slope, (up.variance - down.variance) / (2 * h), atol=1e-7)
    np.testing.assert_allclose(here.bend, (up.slope - down.slope) / (2 * h), atol=1e-5, rtol=1e-5)


def test_variance_rises_with_the_expiry_and_has_no_jump(surface):
    """From minutes to years, at any moneyness that is quoted."""
    when = NOW_S + np.concatenate([[0.1, 0.9], DAYS - 1e-7, DAYS, DAYS + 1e-7, [400, 800]]) * DAY_S
    when.sort()
    for k in (-0.08, 0.0, 0.08):
        variance = surface.at(k, when, NOW_S).variance
        assert (np.diff(variance) >= -1e-12).all()
        pairs = surface.at(k, np.stack([EXPIRIES - 0.01, EXPIRIES + 0.01]), NOW_S).variance
        np.testing.assert_allclose(pairs[1] / pairs[0], 1.0, atol=1e-6)


@pytest.mark.parametrize("days", [0.1, 0.7, 400.0, 900.0])
def test_beyond_its_expiries_a_surface_brings_in_no_butterflies(surface, days):
    """What is extrapolated keeps g >= 0."""
    k = np.linspace(-0.6, 0.6, 241)
    w, slope, bend = surface.at(k, NOW_S + days * DAY_S, NOW_S)
    g = (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + bend / 2
    assert g.min() > 0.0


def test_before_the_first_expiry_volatility_keeps_its_moneyness_in_deviations(surface):
    """The same smile, steeper in the strike."""
    clock, k = surface.clock, 0.02
    early_s = NOW_S + 0.5 * DAY_S
    shrink = np.sqrt(
        clock.variance_years(NOW_S, early_s) / clock.variance_years(NOW_S, EXPIRIES[0])
    )
    early, first = surface.at(k * shrink, early_s, NOW_S), surface.at(k, EXPIRIES[0], NOW_S)
    assert early.variance == pytest.approx(shrink**2 * first.variance, rel=1e-12)


def test_as_time_passes_volatility_per_variance_time_stays(surface):
    """Half the time left, half the variance; nothing from the expiry on."""
    later_s = NOW_S + 15 * DAY_S
    before, after = (surface.at(0.1, EXPIRIES[2], when) for when in (NOW_S, later_s))
    time = [surface.clock.variance_years(when, EXPIRIES[2]) for when in (NOW_S, later_s)]
    assert after.variance / time[1] == pytest.approx(before.variance / time[0], rel=1e-12)
    assert surface.age_s(EXPIRIES[2], later_s) == 15 * DAY_S
    assert np.isnan(surface.at(0.0, EXPIRIES[0], EXPIRIES[0]).variance)
    assert np.isnan(surface.age_s(EXPIRIES[0], EXPIRIES[0] + 1.0))
    assert np.isnan(surface.at(0.0, EXPIRIES, EXPIRIES[-1] + 1.0).variance).all()


def test_a_weekend_on_the_clock_moves_variance_out_of_it():
    """Between Friday's and Monday's expiry less grows than from Monday to Thursday."""
    clock = Clock(weekend=0.3)
    friday_s = NOW_S + 4 * DAY_S
    expiries = friday_s + DAY_S * np.array([0.0, 3.0, 6.0, 30.0])
    found = fit(chain(expiry_s=expiries, level=np.full(4, 0.5)), NOW_S, clock=clock)
    w = found.at(0.0, expiries[0] + DAY_S * np.array([0.0, 1.0, 2.0, 3.0]), NOW_S).variance
    friday, saturday, sunday = np.diff(w)
    assert sunday < friday  # 08:00 to 08:00: Sunday's has a third of Monday in it, Friday's more
    assert saturday == min(friday, saturday, sunday)
    plain = fit(chain(expiry_s=expiries, level=np.full(4, 0.5)), NOW_S)
    np.testing.assert_allclose(
        plain.at(0.0, expiries, NOW_S).variance, found.at(0.0, expiries, NOW_S).variance, rtol=1e-9
    )


def test_a_chain_that_says_too_little_leaves_the_last_good_slice(surface):
    """With its age; the rest is new, and a new fit of it takes its place again."""
    later_s = NOW_S + 600.0
    thin = chain(now_s=later_s, level=LEVELS + 0.05)
    usable = thin.quoted.usable & ~((thin.expiry_s == EXPIRIES[2]) & (np.abs(thin.k) > 0.01))
    found = fit(thin._replace(quoted=thin.quoted._replace(usable=usable)), later_s, surface)
    assert list(found.verdict) == [0, 0, Verdict.FEW, 0, 0]
    assert list(found.age_s(EXPIRIES, later_s)) == [0, 0, 600, 0, 0]
    kept, new = (smile.volatility(found.at(0.0, EXPIRIES[i], later_s), (EXPIRIES[i] - later_s) /
                 YEAR_S) for i in (2, 1))  # fmt: skip
    assert kept == pytest.approx(LEVELS[2], abs=1e-3)
    assert new == pytest.approx(LEVELS[1] + 0.05, abs=1e-3)
    assert found.quotes[2] == 25  # of the slice that is kept
    again = fit(chain(now_s=later_s + 60), later_s + 60, found)
    assert (again.verdict == Verdict.FITTED).all()
    assert (again.age_s(EXPIRIES, later_s + 60) == 0.0).all()


def test_a_volatility_is_as_old_as_the_older_of_its_slices(surface):
    """Between a new one and one that was kept."""
    later_s = NOW_S + 60.0
    found = fit(chain(later_s, np.delete(EXPIRIES, 3), np.delete(LEVELS, 3)), later_s, surface)
    between = EXPIRIES + DAY_S
    assert list(found.age_s(between, later_s)) == [0, 0, 60, 60, 0]


def test_a_slice_that_is_kept_takes_the_clock_that_is_new(surface):
    """Its volatility per variance time is that of the new clock, from its own moment on."""
    later_s, clock = NOW_S + 3 * DAY_S, Clock(weekend=0.2)
    found = fit(chain(later_s, EXPIRIES[1:3], LEVELS[1:3]), later_s, surface, clock)
    time = [clock.variance_years(when, EXPIRIES[3]) for when in (NOW_S, later_s)]
    now, then = found.at(0.0, EXPIRIES[3], later_s), surface.at(0.0, EXPIRIES[3], NOW_S)
    assert now.variance / then.variance == pytest.approx(time[1] / time[0], rel=1e-12)


def test_the_error_weighs_as_the_fit_does():
    """By one over the squared spread."""
    quotes = chain()
    wide = np.where(np.arange(125) % 2, 0.08, 0.01)
    off = quotes.quoted.mid * np.where(np.arange(125) % 2, 1.03, 1.0)
    found = fit(quotes._replace(quoted=quotes.quoted._replace(mid=off, spread=wide)), NOW_S)
    years = (np.asarray(quotes.expiry_s) - NOW_S) / YEAR_S
    ours = smile.volatility(found.at(quotes.k, quotes.expiry_s, NOW_S), years)
    square = ((ours - off) ** 2 / wide**2).reshape(5, 25).sum(axis=1)
    np.testing.assert_allclose(
        found.error, np.sqrt(square / (1 / wide**2).reshape(5, 25).sum(axis=1)), rtol=1e-9
    )


def test_an_expiry_that_is_not_quoted_at_all_keeps_its_slice(surface):
    """A feed that lost one expiry has not lost its volatility."""
    later_s, rest = NOW_S + 60.0, np.delete(EXPIRIES, 3)
    found = fit(chain(later_s, rest, np.delete(LEVELS, 3)), later_s, surface)
    np.testing.assert_array_equal(found.expiry_s, EXPIRIES)
    assert found.verdict[3] == Verdict.FEW
    assert found.age_s(EXPIRIES[3], later_s) == 60.0
    assert np.isfinite(found.at(0.0, EXPIRIES[3], later_s).variance)


def test_what_was_never_good_is_nan_in_its_row_and_bridged_between_expiries():
    """An expiry without a slice lies between its neighbours."""
    quotes = chain()
    usable = quotes.quoted.usable & (quotes.expiry_s != EXPIRIES[1])
    found = fit(quotes._replace(quoted=quotes.quoted._replace(usable=usable)), NOW_S)
    assert np.isnan(found.a[1])
    assert found.verdict[1] == Verdict.FEW
    assert 0.55 < smile.volatility(found.at(0.0, EXPIRIES[1], NOW_S), 7 / 365) < 0.62


def test_quotes_that_no_smile_meets_are_rough(surface):
    """Two markets in one: the last slice stays."""
    quotes = chain(spread=0.004)
    torn = np.where(np.arange(quotes.k.size) % 2, 1.1, 0.9)
    mids = np.where(quotes.expiry_s == EXPIRIES[2], quotes.quoted.mid * torn, quotes.quoted.mid)
    found = fit(quotes._replace(quoted=quotes.quoted._replace(mid=mids)), NOW_S + 1.0, surface)
    assert found.verdict[2] == Verdict.ROUGH
    assert found.age_s(EXPIRIES[2], NOW_S + 1.0) == 1.0


def test_expiries_that_contradict_each_other_are_taken_as_quoted_and_said_to_be_crossed(surface):
    """A hedger marks each expiry where it is quoted; the surface says what does not fit."""
    wild = chain(level=LEVELS * [1, 3, 1, 1, 1])
    found = fit(wild, NOW_S + 1.0, surface)
    assert list(found.verdict) == [0, 0, Verdict.CROSSED, 0, 0]
    assert (found.age_s(EXPIRIES, NOW_S + 1.0) == 0.0).all()
    at_the_money = smile.volatility(found.at(0.0, EXPIRIES, NOW_S + 1.0), DAYS / 365)
    np.testing.assert_allclose(at_the_money, LEVELS * [1, 3, 1, 1, 1], rtol=5e-3)
    assert list(found.crossings(NOW_S + 1.0).value < 0.0) == [False, True, False, False]


@pytest.mark.parametrize("column", ["mid", "spread"])
@pytest.mark.parametrize("bad", [0.0, -0.5, np.nan, np.inf, -np.inf, 1e300, 1e-300])
def test_a_volatility_that_is_none_is_left_out(column, bad):
    """Whoever makes volatilities elsewhere: nothing warns, nothing else moves."""
    quotes = chain()
    columns = getattr(quotes.quoted, column).copy()
    columns[3] = bad
    found = fit(quotes._replace(quoted=quotes.quoted._replace(**{column: columns})), NOW_S)
    assert (found.verdict == Verdict.FITTED).all()
    np.testing.assert_allclose(found.error, 0.0, atol=5e-4)
    assert found.quotes[0] in {24, 25}


@pytest.mark.parametrize("k", [np.nan, np.inf, 1e300, 1_000.0, -1e6])
def test_a_strike_beyond_all_deviations_is_left_out(k):
    """It would carry the whole slice."""
    quotes = chain()
    moneyness = np.asarray(quotes.k).copy()
    moneyness[3] = k
    found = fit(quotes._replace(k=moneyness), NOW_S)
    assert (found.verdict == Verdict.FITTED).all()
    assert found.quotes[0] == 24


def test_a_moment_that_is_none_is_refused_and_loses_nothing(surface):
    """The caller keeps the surface that he has."""
    for moment in (np.nan, np.inf):
        with pytest.raises(ValueError, match="expected a finite moment, found"):
            fit(chain(), moment, surface)


def test_a_surface_of_later_is_no_surface_before(surface):
    """A backtest must not see what was fitted after its own now."""
    thin = chain(now_s=NOW_S - 600.0)
    usable = thin.quoted.usable & (thin.expiry_s != EXPIRIES[2])
    found = fit(thin._replace(quoted=thin.quoted._replace(usable=usable)), NOW_S - 600.0, surface)
    assert np.isnan(found.a[2])
    assert np.nanmax(found.fitted_s) == NOW_S - 600.0


def test_an_expiry_without_end_is_no_expiry():
    """Neither in a chain nor asked for."""
    quotes = chain()
    when = np.asarray(quotes.expiry_s).copy()
    when[:25] = np.inf
    found = fit(quotes._replace(expiry_s=when), NOW_S)
    np.testing.assert_array_equal(found.expiry_s, EXPIRIES[1:])
    for asked in (np.inf, -np.inf, np.nan, -1e308):
        assert not np.isfinite(found.at(0.0, asked, NOW_S).variance)
    for k in (np.inf, -np.inf, np.nan):
        assert not np.isfinite(found.at(k, EXPIRIES[1], NOW_S).variance)


def test_a_slice_that_was_kept_can_cross_and_is_found(surface):
    """Calendar arbitrage of an old slice beside newer ones."""
    assert (surface.crossings(NOW_S).value >= 0.0).all()
    fallen = replace(surface, a=surface.a * [1, 1, 1, 0.2, 1], b=surface.b * [1, 1, 1, 0.2, 1])
    assert list(fallen.crossings(NOW_S).value < 0.0) == [False, False, True, False]
    unknown = replace(fallen, a=np.where(np.arange(5) == 1, np.nan, fallen.a))
    assert list(unknown.crossings(NOW_S).value < 0.0) == [False, True, False]
    assert list(fallen.crossings(EXPIRIES[1]).value < 0.0) == [True, False]


def test_starting_from_the_last_surface_changes_nothing_that_matters(surface):
    """It is the same chain."""
    again = fit(chain(), NOW_S, surface)
    k = np.linspace(-0.1, 0.1, 5)
    np.testing.assert_allclose(
        again.at(k, EXPIRIES[:, None], NOW_S).variance,
        surface.at(k, EXPIRIES[:, None], NOW_S).variance,
        rtol=2e-3,
    )


def test_the_order_of_the_options_does_not_matter():
    """Row for row the same numbers."""
    quotes = chain()
    order = np.random.Generator(np.random.PCG64(3)).permutation(quotes.k.size)
    mixed = Chain(
        np.asarray(quotes.expiry_s)[order], np.asarray(quotes.k)[order],
        quoted.Quoted(*(one[order] for one in quotes.quoted)), np.asarray(quotes.mark)[order],
    )  # fmt: skip
    left, right = fit(quotes, NOW_S), fit(mixed, NOW_S)
    np.testing.assert_allclose(
        np.array(left.slices(NOW_S)), np.array(right.slices(NOW_S)), rtol=1e-6
    )


def test_an_empty_chain_is_an_empty_surface(surface):
    """And an old surface outlives it until its expiries."""
    nothing = chain(expiry_s=EXPIRIES[:0], level=LEVELS[:0])
    empty = fit(nothing, NOW_S)
    assert isinstance(empty, Surface)
    assert np.isnan(empty.at([0.0, 0.1], EXPIRIES[0], NOW_S).variance).all()
    assert np.isnan(empty.age_s(EXPIRIES, NOW_S)).all()
    assert empty.crossings(NOW_S).value.size == 0
    kept = fit(nothing, EXPIRIES[1] + 1.0, surface)
    np.testing.assert_array_equal(kept.expiry_s, EXPIRIES[2:])


def test_columns_of_different_lengths_are_refused():
    """With both lengths."""
    quotes = chain()
    short = quoted.Quoted(*(one[:-1] for one in quotes.quoted))
    with pytest.raises(ValueError, match="each of 125 options, found 124"):
        fit(quotes._replace(quoted=short), NOW_S)


def test_a_surface_is_as_good_as_its_slices(surface):
    """No butterflies in any of them."""
    assert (svi.least(surface.slices(NOW_S)).value >= 0.0).all()
