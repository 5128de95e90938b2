"""Options bought against short gamma: money by hand, on a made market, and on recorded weeks."""

import json

import numpy as np
import pytest

from bot.book.shocks import PNL_MOVES
from bot.domain import deribit
from bot.domain.units import utc_ns
from bot.lab import options_page
from bot.lab.lives import NS_PER_YEAR
from bot.lab.options_study import methods, trips
from bot.lab.options_study.market import Bucket, Market
from bot.lab.options_study.methods import Habits, Trade, optimiser
from bot.lab.options_study.walk import walk
from bot.lab.options_study.weeks import weeks
from bot.lab.policies.compare import Saving
from bot.lab.recording import read
from bot.sim.recorded import CoinRecord, PriceTrack, Snapshot
from greeks import black76
from greeks.paths import gbm

DAY_NS = 24 * 3_600 * 10**9
START = utc_ns(2026, 1, 2, 9)
VOL = 0.5
BUCKET = Bucket(7.0, 21.0)
CHAINS = "market/deribit_chain_6h"


@pytest.fixture(scope="module")
def record():
    """Return 30 days of a Brownian market, looked at every six hours; a tick of half spread.

    Options expire on each of three days ahead, on Fridays and in a month; forwards lie half a
    percent above the index.
    """
    count = 30 * 4
    price = gbm(np.random.default_rng(4), 90_000.0, VOL, 6 / 8760, count, 1)[:, 0]
    first = utc_ns(2026, 1, 2, 8)
    expiries = [first + day * DAY_NS for day in range(1, 57)]
    rows = [
        (expiry, strike, call)
        for expiry in expiries
        for strike in np.arange(66_000.0, 116_000.0, 2_000.0)
        for call in (True, False)
    ]
    expiry_ns, strike, call = (np.array(column) for column in zip(*rows, strict=True))
    shots = []
    for look in range(count):
        now = START + look * DAY_NS // 4
        ahead, friday = expiry_ns - now, (expiry_ns - first) % (7 * DAY_NS) == 0
        option = np.flatnonzero((ahead > 0) & (friday | (ahead <= 3 * DAY_NS)))
        forward, vol = np.full(len(option), 1.005 * price[look]), np.full(len(option), VOL)
        years = ahead[option] / NS_PER_YEAR
        one = black76.first(call[option], forward, strike[option], years, VOL)
        mark = one.price / forward
        shots.append(
            Snapshot(
                now, float(price[look]), option, forward, vol, mark, mark - 0.0002,
                mark + 0.0002, one.delta, {},
            )
        )  # fmt: skip
    track = PriceTrack(
        np.array([shot.ts_ns for shot in shots]), price[:count], np.full(count, np.nan)
    )
    names = tuple(deribit.option_name("BTC", int(at), k, is_call=bool(c)) for at, k, c in rows)
    return CoinRecord("BTC", names, call.astype(bool), strike, expiry_ns, tuple(shots), track)


@pytest.fixture(scope="module")
def market(record):
    """Return the record's market."""
    return Market(record)


@pytest.fixture(scope="module")
def week(market):
    """Return its first week: two straddles of two coins."""
    return weeks(market, 2.0)[0]


def test_a_week_is_short_gamma_and_long_wings(market, week):
    """From one Tuesday to the next; strangles of two days follow each other."""
    begins = np.datetime64(int(market.looks.ts_ns[week.begin]), "ns")
    assert begins == np.datetime64("2026-01-06T09:00")
    assert week.end - week.begin == 27
    base = week.base(week.begin)
    assert sorted(base.values()) == [-2.0] * 4 + [-1.2] * 2 + [2.0] * 2
    days = {name: market.track(name).days[week.begin] for name in base}
    assert sorted({round(d, 2) for d in days.values()}) == [1.96, 9.96, 30.96] or len(days) == 8
    assert (week.gamma < 0.0).all()
    assert len({one.name for one in week.held}) > 10
    assert len(weeks(market, 2.0)) == 3


def test_values_are_the_desks_own(market, week):
    """Offers made from quotes and tracks made from volatilities say the same of an option."""
    quoted = market.quoted(week.begin)
    for name in week.base(week.begin):
        track, offer = market.track(name), quoted[name]
        look = week.begin
        index = market.looks.index[look]
        assert offer.mark * index == pytest.approx(track.value[look], rel=1e-9)
        assert offer.gamma == pytest.approx(track.gamma[look], rel=1e-9)
        assert offer.delta == pytest.approx(track.delta[look], rel=1e-9)
        assert offer.vega_usd == pytest.approx(track.vega[look], rel=1e-9)
        for i, move in enumerate(PNL_MOVES):
            assert offer.shock_usd(move) == pytest.approx(track.gains[i, look], rel=1e-7)
    inside = {round(offer.days) for offer in market.offers(week.begin, BUCKET)}
    assert inside <= {10, 17}


def test_a_week_without_a_method_costs_nothing(market, week):
    """Its shocks are the book's own."""
    alone = walk(market, week, BUCKET, 1.0, None)
    for figures in (alone.options, alone.hedges, alone.total, alone.traded):
        np.testing.assert_allclose(figures, 0.0, atol=1e-9)
    np.testing.assert_array_equal(alone.gains, week.gains)
    assert alone.worst == pytest.approx(-week.gains.min(axis=0))


def _once(at, quantity):
    """Return a method that trades an option of ten days once, at its third look."""
    seen = []

    def method(sight):
        seen.append(sight)
        quoted = sight.market.quoted(sight.look)
        return [Trade(quoted[at], quantity)] if len(seen) == 3 else []

    return method, seen


def test_a_round_trip_is_paid_on_both_ways_and_earns_its_marks(market, week):
    """Bought at the ask and sold at the bid; hedged in between; in dollars, by hand."""
    free = next(
        offer
        for name, offer in market.quoted(week.begin).items()
        if name not in week.base(week.begin) and 16.0 < offer.days < 18.0 and offer.delta > 0.4
    )
    method, seen = _once(free.name, 1.5)
    found = walk(market, week, BUCKET, 1.0, method)
    track, price = market.track(free.name), market.looks.perpetual
    bought, sold = week.begin + 2, week.end
    half = {look: 0.0002 * price[look] for look in (bought, sold)}
    fee = {look: min(3e-4, 0.125 * (track.value[look] / price[look] + 2e-4)) * price[look]
           for look in (bought, sold)}  # fmt: skip
    paid = [1.5 * (half[look] + fee[look]) for look in (bought, sold)]
    assert found.options[[2, -1]] == pytest.approx(paid)
    assert found.options.sum() == pytest.approx(sum(paid))
    steps = slice(bought, sold)
    earned = 1.5 * (track.value[sold] - track.value[bought])
    earned -= 1.5 * (track.delta[steps] * np.diff(price[bought : sold + 1])).sum()
    own = -week.delta
    with_it = own.copy()
    with_it[2:-1] -= 1.5 * track.delta[bought:sold]
    extra = 5e-4 * price[week.begin + 1 : sold + 1] * (
        np.abs(np.diff(with_it)) - np.abs(np.diff(own))
    )  # fmt: skip
    assert found.total.sum() == pytest.approx(sum(paid) + extra.sum() - earned)
    away, brought = seen[2].away, 1.5 * track.delta[bought]
    hedge = 5e-4 * price[bought] * (abs(away + brought) - abs(away))
    assert found.hedges[2] == pytest.approx(hedge)
    assert away == pytest.approx(week.delta[2] - week.delta[1])
    np.testing.assert_allclose(
        found.gains[:, 2:-1] - week.gains[:, 2:-1], 1.5 * track.gains[:, bought:sold]
    )
    assert seen[3].held == {free.name: 1.5}
    assert seen[3].exposure.gamma == pytest.approx(
        week.gamma[3] + 1.5 * track.gamma[week.begin + 3]
    )


def test_what_closes_an_own_short_is_not_sold_again(market, week):
    """One of two coins bought back: paid once, and its shocks are gone with it."""
    own = next(name for name, size in week.base(week.begin).items() if size == -2.0)
    found = walk(market, week, BUCKET, 1.0, _once(own, 1.0)[0])
    assert np.flatnonzero(found.options).tolist() == [2]
    over = walk(market, week, BUCKET, 1.0, _once(own, 5.0)[0])
    # Three coins of five are more than was short: they are one open coin beyond the two.
    assert over.traded[-1] == pytest.approx(1.0)


def test_an_option_that_expires_is_settled_for_its_fee(market, week):
    """A coin of two days that is kept costs its delivery; one of an own short saves it."""
    strangle = next(name for name, size in week.base(week.begin).items() if size == -1.2)
    free = next(
        name for name, offer in market.quoted(week.begin).items()
        if 1.5 < offer.days < 2.5 and offer.delta > 0.9 and name not in week.base(week.begin)
    )  # fmt: skip
    look = market.track(free).last
    value, index = market.track(free).value[look], market.looks.index[look]
    kept = walk(market, week, BUCKET, 1.0, _once(free, 1.0)[0])
    assert kept.options[look - week.begin] == pytest.approx(min(1.5e-4 * index, 0.125 * value))
    closed = walk(market, week, BUCKET, 1.0, _once(strangle, 1.0)[0])
    assert closed.options[3:].sum() <= 0.0


@pytest.mark.parametrize("name", list(trips.METHODS))
def test_every_method_brings_gamma_back_inside_its_limit(market, week, name):
    """At each look the limit is kept after trading, a lot's gamma or the benefit test aside."""
    limit, seen = 0.5 * abs(week.gamma[0]), []

    def watched(sight):
        trades = trips.METHODS[name](sight)
        brought = sum(t.quantity * t.candidate.gamma for t in trades if not t.candidate.expiring)
        seen.append((sight, trades, sight.exposure.gamma + brought))
        return trades

    walk(market, week, BUCKET, limit, watched)
    slack = 1.35 if name == trips.OURS else 1.0
    assert min(after for _, _, after in seen) >= -slack * limit - 1e-6
    assert any(trades for _, trades, _ in seen)
    for sight, trades, _ in seen:
        for one, quantity in trades:
            own, held = sight.base.get(one.name, 0.0), sight.held.get(one.name, 0.0)
            assert BUCKET.holds(one.days) or quantity < 0.0
            assert quantity > 0.0 or -quantity <= held + max(own, 0.0) + 1e-9
            if name in {trips.NEAREST, trips.ONE} and quantity > 0.0:
                assert one.days == methods.middle(sight)
            if name in {trips.ONE, trips.SELECTION}:
                assert own >= 0.0


def test_the_nearest_option_is_the_one_at_the_money(market, week):
    """Of the expiry nearest to twelve days, the strike nearest to the forward, the cheaper kind."""
    found = []

    def watched(sight):
        found.append((sight, methods.at_the_money(sight)))
        return []

    walk(market, week, BUCKET, 1.0, watched)
    for sight, one in found:
        assert one is not None
        price = 1.005 * market.looks.index[sight.look]
        assert abs(market.record.strike[market.place[one.name]] - price) <= 1_000.0
        assert abs(np.log(one.days / np.sqrt(147.0))) < 0.5


@pytest.mark.parametrize("name", list(trips.METHODS))
def test_what_ends_within_a_day_is_sold_by_who_does_not_wait(market, name):
    """In the bucket of two to seven days, while it has a bid: the desk alone lets it expire."""
    kept: list[str] = []
    sold: list[str] = []

    def watched(sight):
        trades = trips.METHODS[name](sight)
        gone = {one.name for one, quantity in trades if quantity < 0.0}
        quoted = sight.market.quoted(sight.look)
        for held, quantity in sight.held.items():
            if held in quoted and quoted[held].days < 1.0 and quantity > 1e-9:
                (sold if held in gone else kept).append(held)
        return trades

    for week in weeks(market, 2.0):
        walk(market, week, Bucket(2.0, 7.0), 0.3 * abs(week.gamma[0]), watched)
    assert bool(kept) is (name == trips.OURS)
    assert bool(sold) is (name != trips.OURS)


def test_netting_buys_own_shorts_back_and_costs_less(market, week):
    """In the first days the straddles lie in the bucket: nothing of them has to be sold again."""
    limit = 0.6 * abs(week.gamma[0])
    alone, netted = (
        walk(market, week, BUCKET, limit, optimiser(Habits(netting=n, hysteresis=False)))
        for n in (False, True)
    )
    assert netted.cost.sum() < alone.cost.sum()
    assert netted.traded[-1] < alone.traded[-1]


def test_savings_are_paired_by_week_and_told_apart(record):
    """One size and bucket: every pair is there, sums of parts are those of the page."""
    found = trips.study(record, (BUCKET,), (2.0,), 2.0)
    pairs = {(one.ours, one.beside) for one in found.comparisons}
    assert pairs == set(trips.PAIRS)
    assert {one.weeks for one in found.comparisons} == {3}
    assert {(p.method, p.limit) for p in found.paid if p.method != trips.NEAREST} == {
        (name, share) for name in trips.METHODS if name != trips.NEAREST for share in trips.SHARES
    }
    paid = {(p.method, p.limit): p for p in found.paid}
    whole = next(
        c for c in found.comparisons
        if (c.ours, c.beside, c.measure) == (trips.OURS, trips.NEAREST, trips.RESULTS)
    )  # fmt: skip
    ours = paid[trips.OURS, 0.5]
    looks = 28 * 3 * 8
    row = whole.rows[1]
    assert isinstance(row, Saving)
    assert row.deviation == pytest.approx(ours.squares)
    assert row.cost * looks / 8 == pytest.approx(3 * (ours.spreads + ours.hedges), rel=0.05)
    page = options_page.as_markdown(found)
    assert "| shocked results | hysteresis | nearest |" in page
    assert page.count("| nearest | 0.5 |") == 1


def test_a_folder_without_a_week_says_so(folder, capsys):
    """One line, and the code 1."""
    assert options_page.main([str(folder)]) == 1
    assert "expected a week of options beside a perpetual" in capsys.readouterr().err


def test_recorded_weeks_cost_less_than_the_nearest_option(data_dir):
    """Thirteen weeks of BTC in one bucket at one size: a saving of a tenth without zero in it."""
    record = read(data_dir / CHAINS, coins=["BTC"]).coins["BTC"]
    found = trips.study(record, (BUCKET,), (50.0,))
    mean = next(
        one for one in found.comparisons
        if one.measure == trips.RESULTS and one.bucket == trips.TOGETHER
    ).rows[-1]  # fmt: skip
    assert mean.share > 0.10
    assert mean.low > 0.0
    json.dumps(mean)
