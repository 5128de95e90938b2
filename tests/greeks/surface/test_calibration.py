import numpy as np
import pytest

from greeks.surface import search
from greeks.surface.calibration import FEWEST, _grid, _scaled
from greeks.surface.calibration import slices as fitted
from greeks.surface.svi import Svi, gap, least, shape
from greeks.surface.targets import Targets, inside
from tests.greeks.surface.test_svi import CALM, VOGT

YEARS = np.array([1 / 365, 7 / 365, 30 / 365, 1.0])
RELATIVE = Svi(a=0.35, b=0.45, rho=-0.2, m=0.1, s=1.2)
"""A slice over its own at-the-money variance, about 1, in deviations."""


def slices(quotes, start=None):
    """Return the slices alone."""
    return fitted(quotes, start).svi


def scaled(size, relative=RELATIVE):
    """Return the slice of that shape whose deviation is size."""
    a, b, rho, m, s = (np.asarray(p) for p in relative)
    return Svi(a * size * size, b * size, rho + 0.0 * size, m * size, s * size)


def targets(svi, years, points=41, reach=3.0, noise=0.0):
    """Return quotes of slices (n) over so many deviations to each side, all of one weight."""
    size = np.sqrt(shape(svi, 0.0).variance)
    k = np.linspace(-reach, reach, points) * size[:, None]
    vol = np.sqrt(shape(Svi(*(np.asarray(p)[:, None] for p in svi)), k).variance / years[:, None])
    draw = np.random.Generator(np.random.PCG64(5))
    vol = vol * (1.0 + noise * draw.standard_normal(vol.shape))
    return Targets(k, vol, np.ones_like(k), years)


def vols(svi, quotes):
    """Return the volatilities of fitted slices where the quotes are."""
    each = Svi(*(np.asarray(p)[:, None] for p in svi))
    return np.sqrt(shape(each, quotes.k).variance / quotes.years[:, None])


SMILES = scaled(0.55 * np.sqrt(YEARS))


def test_slices_are_found_again_from_their_volatilities():
    """From an hour's to a year's, without a start."""
    quotes = targets(SMILES, YEARS)
    found = slices(quotes)
    np.testing.assert_allclose(vols(found, quotes), quotes.vol, rtol=2e-4)
    np.testing.assert_allclose(np.array(found), np.array(SMILES), rtol=0.05, atol=1e-3)


def test_a_fit_looks_alike_at_every_expiry():
    """The same smile in deviations gives the same parameters in deviations."""
    quotes = targets(SMILES, YEARS, noise=0.002)
    same = quotes._replace(vol=np.tile(quotes.vol[:1], (4, 1)), k=quotes.k)
    found = slices(same)
    sizes = np.sqrt(YEARS / YEARS[0])
    for name, power in (("a", 2), ("b", 1), ("rho", 0), ("m", 1), ("s", 1)):
        one = np.asarray(getattr(found, name)) / sizes**power
        np.testing.assert_allclose(one, one[0], rtol=1e-6)


def test_noise_is_smoothed_by_the_root_of_the_quotes():
    """Half a percent on 41 quotes leaves some tenths of it in five parameters."""
    quotes, true = targets(SMILES, YEARS, noise=0.005), targets(SMILES, YEARS)
    off = vols(slices(quotes), quotes) / true.vol - 1.0
    assert np.sqrt((off * off).mean()) < 0.005 * np.sqrt(2 * 5 / 41)


def test_a_start_gives_the_same_answer_as_none():
    """An earlier fit saves time, no more."""
    quotes = targets(SMILES, YEARS, noise=0.003)
    moved = Svi(*(np.asarray(p) * 1.1 for p in slices(quotes)))
    np.testing.assert_allclose(
        vols(slices(quotes, moved), quotes), vols(slices(quotes), quotes), rtol=5e-4
    )


def test_a_start_that_is_no_slice_is_found_afresh():
    """As after the first quotes of a new expiry."""
    quotes = targets(SMILES, YEARS, noise=0.003)
    start = Svi(*(np.where([True, False, True, True], p, np.nan) for p in SMILES))
    np.testing.assert_allclose(vols(slices(quotes, start), quotes), quotes.vol, rtol=0.02)


def test_what_is_worth_more_is_met_better():
    """Weights say whom to believe where quotes disagree."""
    quotes = targets(SMILES, YEARS)
    split = quotes.vol * (1.0 + 0.02 * (-1.0) ** np.arange(41))
    believed = np.where(np.arange(41) % 2, 1.0, 0.1) * np.ones_like(split)
    off = vols(slices(quotes._replace(vol=split, weight=believed)), quotes) / split - 1.0
    assert np.abs(off[:, 1::2]).mean() < 0.1 * np.abs(off[:, ::2]).mean()


def of_jump_wings(v, psi, p, c, least_v):
    """Return raw SVI of SVI-JW figures at one year (Gatheral and Jacquier, lemma 3.2)."""
    root = np.sqrt(v)
    b = 0.5 * root * (c + p)
    rho = 1.0 - p * root / b
    beta = rho - 2.0 * psi * root / b
    alpha = np.sign(beta) * np.sqrt(1.0 / beta**2 - 1.0)
    depth = -rho + np.sign(alpha) * np.sqrt(1.0 + alpha**2) - alpha * np.sqrt(1.0 - rho**2)
    m = (v - least_v) / (b * depth)
    s = alpha * m
    return Svi(least_v - b * s * np.sqrt(1.0 - rho**2), b, rho, m, s)


def test_butterflies_are_kept_out_of_quotes_that_pay_for_them():
    """Vogt's smile without arbitrage: nearer to it than the paper's repair (its example 5.1)."""
    repaired = of_jump_wings(0.01742625, -0.1752111, 0.6997381, 0.8564763, 0.0116249)
    assert 0.0 <= least(repaired).value < 0.01
    k = np.linspace(-1.0, 1.5, 61)[None, :]
    quotes = Targets(k, np.sqrt(shape(VOGT, k).variance), np.ones_like(k), np.array([1.0]))
    found = slices(quotes)
    assert least(found).value[0] >= 0.0
    ours, theirs = (
        np.sqrt(((shape(Svi(*one), k).variance / quotes.vol**2 - 1.0) ** 2).mean())
        for one in (found, repaired)
    )
    assert ours < theirs
    assert ours < 0.08  # of variance: 4 % of volatility is the price of no arbitrage


def test_a_later_slice_is_held_above_an_earlier_one_where_both_are_quoted():
    """Two smiles that cross on the left are moved apart, and the first stays."""
    near, far = CALM, CALM._replace(a=0.004, rho=0.1)
    both = Svi(*np.array([near, far]).T)
    quotes = targets(both, np.array([0.05, 0.06]), reach=4.0)
    found = slices(quotes)
    one, two = (Svi(*(np.asarray(p)[i] for p in found)) for i in (0, 1))
    within = np.abs(quotes.k).max(axis=1).min()
    assert gap(near, far, within).value < -1e-3
    assert gap(one, two, within).value >= 0.0
    assert least(found).value.min() >= 0.0
    np.testing.assert_allclose(vols(found, quotes)[0], quotes.vol[0], rtol=1e-3)


def levels(factors, days=(1.0, 2.0, 3.0, 7.0, 30.0)):
    """Return quotes of a point's spread, whose volatilities are 0.6 times the factors."""
    years = np.array(days) / 365
    quotes = targets(scaled(0.6 * np.array(factors) * np.sqrt(years)), years, reach=2.0)
    return quotes._replace(weight=np.full_like(quotes.k, 100.0))


def test_expiries_that_contradict_each_other_stay_as_they_are_quoted():
    """One at three times the others' volatility: they are crossed, and nothing else suffers."""
    quotes = levels([1, 3, 1, 1, 1])
    found = fitted(quotes)
    assert list(found.crossed) == [False, False, True, False, False]
    np.testing.assert_allclose(vols(found.svi, quotes), quotes.vol, rtol=1e-3)
    assert (found.least >= 0.0).all()
    found = fitted(levels([1, 0.6, 1, 1, 1]))
    assert list(found.crossed) == [False, True, False, False, False]


def test_a_small_contradiction_is_settled_within_the_spreads():
    """A slice that lies below the one before by less than it knows itself is lifted."""
    quotes = levels([1, 0.7051, 1, 1, 1])
    found = fitted(quotes)
    assert not found.crossed.any()
    assert (found.inside > 0.9).all()
    one, two = (Svi(*(np.asarray(p)[i] for p in found.svi)) for i in (0, 1))
    assert gap(one, two, np.abs(quotes.k[0]).max()).value >= 0.0


@pytest.mark.parametrize("noise,believed,seed,most", [(0.02, 30.0, 9, 15), (0.1, 5.0, 0, 0)])
def test_noise_never_leaves_a_crossing_that_is_not_told(noise, believed, seed, most):
    """Where penalties give way a little, the rest is added."""
    draw, told = np.random.Generator(np.random.PCG64(seed)), 0
    for _ in range(25):
        quotes = levels(0.8 + 0.4 * draw.random(5), np.sort(draw.uniform(0.5, 20.0, 5)))
        noisy = quotes.vol * (1.0 + noise * draw.standard_normal(quotes.vol.shape))
        found = fitted(quotes._replace(vol=noisy, weight=np.full_like(noisy, believed)))
        near, far = (Svi(*(np.asarray(p)[part] for p in found.svi)) for part in
                     (slice(-1), slice(1, None)))  # fmt: skip
        reach = np.abs(quotes.k).max(axis=1)
        crossed = gap(near, far, np.minimum(reach[:-1], reach[1:])).value < 0.0
        np.testing.assert_array_equal(crossed, found.crossed[1:])
        assert (found.least >= 0.0).all()
        told += int(crossed.sum())
    assert told <= most  # of 100: the others lie within what spreads explain


def test_nothing_is_lifted_over_a_slice_that_will_not_be_taken():
    """The second expiry's quotes are two markets in one, and high: the third stays where it is."""
    quotes = levels([1, 1.5, 1, 1, 1])
    torn = quotes.vol.copy()
    torn[1] *= np.where(np.arange(41) % 2, 1.1, 0.9)
    found = fitted(quotes._replace(vol=torn))
    assert found.inside[1] < 0.5
    assert not found.crossed.any()
    np.testing.assert_allclose(vols(found.svi, quotes)[2:], quotes.vol[2:], rtol=1e-3)


def test_many_expiries_do_not_lift_each_other_up():
    """A second apart, all at one volatility."""
    years = (2.0 + np.arange(300.0) / 86_400.0) / 365
    quotes = targets(scaled(0.6 * np.sqrt(years)), years, points=11, noise=3e-4)
    quotes = quotes._replace(weight=np.full_like(quotes.k, 100.0))
    found = fitted(quotes)
    assert (found.inside == 1.0).all()
    np.testing.assert_allclose(vols(found.svi, quotes), quotes.vol, rtol=2e-3)


def test_a_wrong_valley_is_left():
    """A start that is of another market is given up for a better one."""
    quotes = levels([1, 1, 1, 1, 1])
    upside_down = Svi(*(np.asarray(p) for p in scaled(
        np.full(5, 3.0), Svi(0.001, 0.9, -0.95, 3.0, 0.05))))  # fmt: skip
    found = fitted(quotes, upside_down)
    assert (found.inside == 1.0).all()


def test_a_stale_quote_moves_little():
    """One of forty, as narrow as the rest and far away."""
    clean = targets(SMILES, YEARS, noise=0.003)
    stale = clean.vol.copy()
    stale[:, 26] *= 1.4
    left, right = vols(slices(clean), clean), vols(slices(clean._replace(vol=stale)), clean)
    assert np.abs(right / left - 1.0).max() < 0.01


def test_too_few_quotes_are_no_slice():
    """Five parameters want five quotes, a time and room between strikes."""
    quotes = targets(SMILES, YEARS)
    weight = quotes.weight.copy()
    weight[1, FEWEST - 1 :] = 0.0
    found = slices(quotes._replace(weight=weight, years=np.array([*YEARS[:3], 0.0])))
    assert list(np.isfinite(found.a)) == [True, False, True, False]


def test_a_call_and_a_put_of_one_strike_are_one_strike():
    """Eight quotes at four strikes, some a hair apart, leave five parameters open."""
    quotes = targets(SMILES, YEARS, points=4, reach=1.5)
    k, vol, weight = (np.repeat(one, 2, axis=1) for one in quotes[:3])
    jittered = k + 0.004 * np.tile([0.0, 1.0], 4) * np.sqrt(YEARS)[:, None] * 0.55
    assert np.isnan(slices(Targets(jittered, vol, weight, YEARS)).a).all()


def test_five_quotes_are_enough():
    """What they leave open is settled by the start, not by chance."""
    quotes = targets(SMILES, YEARS, points=5, reach=1.0)
    found = slices(quotes)
    np.testing.assert_allclose(vols(found, quotes), quotes.vol, rtol=3e-3)
    np.testing.assert_array_equal(np.array(found), np.array(slices(quotes)))


def test_no_quotes_at_all_are_no_slices():
    """An empty chain is not an error, nor is one without expiries."""
    nothing = np.zeros((3, 0))
    assert np.isnan(slices(Targets(nothing, nothing, nothing, YEARS[:3])).a).all()
    no_rows = np.zeros((0, 4))
    assert np.size(slices(Targets(no_rows, no_rows, no_rows, np.zeros(0))).a) == 0


@pytest.mark.parametrize("penalty", [0.0, 1.0, 1e3])
def test_the_search_knows_its_own_slopes(penalty):
    """Gradients against differences, with butterflies and floors that are broken."""
    problem, _ = _scaled(targets(SMILES, YEARS, noise=0.01))
    free = _grid(problem)
    free[:, 0], free[:, 4] = -2.0, -1.5  # a sharp, deep slice: g < 0 around it
    y = np.tile(np.linspace(-2.0, 2.0, 61), (4, 1))
    problem = problem._replace(at=y, floor=0.9 + 0.1 * y, pull=free - 0.1)
    _, pull, _ = search._system(problem, free, penalty)
    for i in range(search.FREE):
        h = 1e-6 * np.eye(search.FREE)[i]
        up, down = (search._system(problem, free + move, penalty)[2] for move in (h, -h))
        np.testing.assert_allclose(2.0 * pull[:, i], (up - down) / 2e-6, rtol=2e-4, atol=1e-6)


def test_g_has_the_slopes_that_the_search_believes():
    """In each of the five parameters, wherever g is below its floor."""
    size = np.array([1.0, 0.5])
    raw = np.array([[-0.0410, 0.0407, 0.1331, 0.3586, 0.4153], [0.05, 0.9, 1.0, 0.3, 0.05]])
    short, slopes = search._butterflies(raw, size)
    assert slopes is not None
    assert ((short < 0.0).sum(axis=1) > 3).all()
    for i in range(search.FREE):
        h = 1e-6 * np.eye(search.FREE)[i]
        up, down = (search._butterflies(raw + move, size)[0] for move in (h, -h))
        both = (up < 0.0) & (down < 0.0)
        difference = (up - down) / 2e-6
        np.testing.assert_allclose(slopes[:, i][both], difference[both], rtol=1e-4, atol=1e-4)


def test_a_quote_is_met_within_half_its_spread():
    """A slice a point too high meets what is quoted more than two points wide."""
    quotes = levels([1, 1, 1, 1, 1])
    spread = np.where(np.arange(41) < 10, 0.019, 0.021) * np.ones_like(quotes.k)
    level = Svi(*(np.asarray(p) for p in slices(quotes)))
    off = quotes._replace(vol=quotes.vol - 0.01, weight=1.0 / spread)
    np.testing.assert_allclose(inside(off, level), 31 / 41)


def test_a_lift_goes_on_to_the_next():
    """The second is lifted over the first, and then the third over the second."""
    total = np.array([1.0, 0.9985, 1.0002, 3.0])
    days = np.array([1.0, 1.02, 1.03, 3.0])
    quotes = levels(np.sqrt(total / days), days)
    found = fitted(quotes)
    assert not found.crossed.any()
    near, far = (Svi(*(np.asarray(p)[part] for p in found.svi)) for part in
                 (slice(-1), slice(1, None)))  # fmt: skip
    assert (gap(near, far, np.abs(quotes.k).max(axis=1)[:-1]).value >= 0.0).all()
