"""Policies on recorded books: by hand, on a generated recording, and on the recorded months."""

import numpy as np
import pytest

from bot.domain.units import utc_ns
from bot.lab import policy_page
from bot.lab.lives import NS_PER_YEAR, Rows
from bot.lab.policies import compare, decisions, recorded, replay
from bot.lab.policies.books import SHOCKS
from bot.lab.policies.compare import Tried, Units
from bot.lab.policies.recorded import Books, Looks
from bot.lab.recording import read
from bot.sim.recorded import CoinRecord, PriceTrack, Snapshot
from greeks import black76
from greeks.paths import gbm

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
START = utc_ns(2026, 1, 1, 9)
VOL = 0.5
CHAINS = "market/deribit_chain_6h"
CANDLES = "market/deribit_dvol_perp_1h/btc_perpetual_1h_20260227_20260331.csv.gz"


def by_hand(delta: list[float], price: list[float], change: list[float]) -> Books:
    """Return one book that lives from the first look to the last, every six hours."""
    count = len(price)
    seen = Looks(
        utc_ns(2026, 1, 1) + 6 * HOUR_NS * np.arange(count),
        np.array(price),
        np.array(price),
        np.full(count, VOL),
    )
    return Books(
        seen, np.array([0]), np.array([count - 1]), 1.0, np.array(change)[:, None],
        np.array(delta)[:, None], np.full((len(SHOCKS), count, 1), -2e-5),
    )  # fmt: skip


@pytest.fixture(scope="module")
def record() -> CoinRecord:
    """Return 45 days of a Brownian market: chains every six hours, a perpetual every hour.

    Options expire daily for two days, on five Fridays, and once in 40 days; all have one
    volatility, forwards lie half a percent above the index, the perpetual a basis point.
    """
    hours = 45 * 24
    index = gbm(np.random.default_rng(4), 90_000.0, VOL, 1 / 8760, hours, 1)[:, 0]
    first = utc_ns(2026, 1, 2, 8)
    expiries = sorted(
        {first + day * DAY_NS for day in range(42)} | {first + 7 * week * DAY_NS for week in (5, 6)}
    )
    strikes = np.arange(70_000.0, 112_000.0, 2_000.0)
    rows = [
        (expiry, strike, call)
        for expiry in expiries
        for strike in strikes
        for call in (True, False)
    ]
    expiry_ns, strike, call = (np.array(column) for column in zip(*rows, strict=True))
    shots = []
    for hour in range(0, hours, 6):
        now = START + hour * HOUR_NS
        friday = (expiry_ns - first) % (7 * DAY_NS) == 0
        ahead = expiry_ns - now
        option = np.flatnonzero((ahead > 0) & (friday | (ahead <= 3 * DAY_NS)))
        forward = np.full(len(option), 1.005 * index[hour])
        years = ahead[option] / NS_PER_YEAR
        first_order = black76.first(call[option], forward, strike[option], years, VOL)
        mark, vol = first_order.price / forward, np.full(len(option), VOL)
        shots.append(
            Snapshot(
                now, float(index[hour]), option, forward, vol, mark, mark, mark,
                first_order.delta, {},
            )
        )  # fmt: skip
    track = PriceTrack(
        START + HOUR_NS * np.arange(hours), 1.0001 * index[:-1], np.full(hours, np.nan)
    )
    names = tuple(f"{at}-{k:g}-{c}" for at, k, c in rows)
    return CoinRecord("BTC", names, call.astype(bool), strike, expiry_ns, tuple(shots), track)


@pytest.fixture(scope="module")
def rows(record) -> Rows:
    """Return the record's rows."""
    return Rows.of(record)


@pytest.fixture(scope="module")
def seen(record, rows) -> Looks:
    """Return the record's looks."""
    return recorded.looks(record, rows)


def test_money_is_counted_once_and_by_day():
    """Trades to the edge of 0.1 by hand; the first position is free, the last is not closed."""
    books = by_hand([-0.5, -0.65, -0.5, -0.2, -0.3], [100, 110, 105, 100, 90], [-3, 2, 1, 4, 0])
    found = replay.run(books, replay.fixed(0.1, "edge", 0.0))
    # held: 0.5, then 0.55 (0.65 - 0.1), kept, then 0.3 (0.2 + 0.1); four looks of one day.
    index, _, _ = replay.rows(books)
    assert index.book.tolist() == [0]
    assert found.cost == pytest.approx([replay.COST * (0.05 * 110 + 0.25 * 100)])
    assert found.trades.tolist() == [2.0]
    assert found.left == pytest.approx([4 + 0.5 * 10 + 0.55 * -5 + 0.55 * -5 + 0.3 * -10])
    assert found.strayed == pytest.approx([-0.1 * -5 + 0.05 * -5 + 0.1 * -10])


@pytest.mark.parametrize("to,ends", [("edge", 0.3), ("target", 0.2), ("inner", 0.2374)])
def test_a_threshold_ends_where_it_is_told(to, ends):
    """From 0.5 to a target of 0.2: at the edge, at the target, or at rho of the way (0.374)."""
    books = by_hand([-0.5, -0.2, -0.2], [100, 100, 100], [0, 0, 0])
    band = replay.fixed(0.1, to, 0.0005 * replay.COST * 100 / 0.05 * 0.1 / 0.06084).band(books)
    held = replay._held(books, band.half, band.end)[:, 0]
    assert held.tolist() == pytest.approx([0.5, ends, ends], abs=1e-4)


def test_a_timer_trades_when_its_hours_have_passed():
    """Looked at every six hours, twelve hours are every second look and eight nearly so."""
    books = by_hand([0.0, -0.1, -0.2, -0.3, -0.4, -0.5], [100.0] * 6, [0.0] * 6)
    for hours, held in ((12, [0, 0, 0.2, 0.2, 0.4, 0.4]), (8, [0, 0, 0.2, 0.3, 0.4, 0.4])):
        band = replay.timer(hours).band(books)
        assert replay._held(books, band.half, band.end)[:, 0].tolist() == pytest.approx(held)


def test_ours_has_the_width_of_the_formula_less_what_looking_adds():
    """At 200 USD a coin, gamma of 0.00002, an aversion of 0.00001 at 100; and the three gammas."""
    books = by_hand([0.0, 0.0], [200.0, 200.0], [0.0, 0.0])
    plain = replay.whalley_wilmott(1e-5, replay.here, "", corrected=False).band(books).half[0, 0]
    ours = replay.whalley_wilmott(1e-5, replay.here, "").band(books).half[0, 0]
    assert plain == pytest.approx(np.cbrt(1.5 * replay.COST * 200.0 * 4e-10 / 5e-6))
    assert plain - ours == pytest.approx(0.5826 * 2e-5 * 200.0 * VOL * np.sqrt(6 / 8760))
    books.gamma[-1] = 5e-5
    books.gamma[len(SHOCKS) // 2] = 0.0
    assert replay.here(books).max() == 0.0
    assert (replay.shocked(books) == 5e-5).all()
    np.testing.assert_allclose(replay.averaged(books), np.sqrt(4 / 5) * 2e-5)


def test_a_cost_is_read_off_between_logarithms_and_only_of_what_is_a_choice():
    """Half way between (1, 4) and (4, 1); a point that costs more and leaves more is none."""
    deviation, cost = np.array([1.0, 4.0, 4.5]), np.array([4.0, 1.0, 3.0])
    assert compare.frontier(deviation, cost, 2.0) == pytest.approx(2.0)
    assert np.isnan(compare.frontier(deviation, cost, 0.9))
    assert compare.frontier(deviation, cost, 9.0) == pytest.approx(1.0)
    assert np.isnan(compare.frontier(deviation, np.zeros(3), 2.0))


def test_a_saving_is_found_with_an_interval_that_holds_it():
    """Ours costs three quarters of the others' at each deviation; a timer costs twice ours."""
    rng = np.random.default_rng(8)
    noise = rng.standard_normal(400)
    price = 1.0 + 0.1 * rng.standard_normal(400)
    widths = (0.5, 1.0, 2.0, 4.0)
    tried = [Tried("other", w, price / w, w * noise) for w in widths]
    tried += [Tried("ours", w, 0.75 * price / w, w * noise) for w in widths]
    tried.append(Tried("timer", 4.0, 1.5 * price / 2.0, 2.0 * noise))
    units = Units(tried, np.arange(400) // 20)
    table = compare.savings(units, "ours", ["other"], [1.0, 2.0])
    assert [row.at for row in table] == ["aversion 1", "aversion 2", "mean of these", "timer 4 h"]
    for row, share in zip(table, (0.25, 0.25, 0.25, 0.5), strict=True):
        assert row.share == pytest.approx(share)
        assert row.low <= share + 1e-9
        assert row.high >= share - 1e-9
        assert row.reached == 1.0
    assert table == compare.savings(units, "ours", ["other"], [1.0, 2.0])
    uneven = [one._replace(cost=one.cost * rng.exponential(size=400)) for one in tried]
    wide = compare.savings(Units(uneven, units.block), "ours", ["other"], [1.0, 2.0])[0]
    assert 0.0 < wide.high - wide.low < 0.5


def test_looks_are_snapshots_and_hours_with_the_index_between(record, seen):
    """The index is the perpetual less its basis at every hour; volatility is the market's."""
    assert len(seen.ts_ns) == 45 * 24 - 5
    np.testing.assert_allclose(seen.perpetual / seen.index, 1.0001, rtol=1e-12)
    np.testing.assert_allclose(seen.vol, VOL)
    assert seen.ts_ns[-1] == record.snapshots[-1].ts_ns


def test_whole_lives_are_sold_once_and_replicated(record, rows, seen):
    """Dollars per coin: what an hourly hedge to the target leaves of options is a few percent."""
    held = recorded.full_lives(record, rows, seen)
    books = recorded.books(record, rows, seen, held)
    assert len({one.option for one in held}) == len(held) == len(books.begin) > 20
    one = held[0]
    years = (record.expiry_ns[one.option] - seen.ts_ns[one.begin]) / NS_PER_YEAR
    forward = 1.005 * seen.index[one.begin]
    first = black76.first(
        record.is_call[one.option], forward, record.strike[one.option], years, VOL
    )
    assert books.delta[one.begin, 0] == pytest.approx(-float(first.delta))
    middle = books.gamma[len(SHOCKS) // 2, one.begin, 0]
    assert middle == pytest.approx(-float(first.gamma) * 1.005)
    left = record.expiry_ns[one.option] - seen.ts_ns[one.end]
    assert recorded.AVERAGED_NS <= left <= recorded.AVERAGED_NS + HOUR_NS
    hourly, none = (
        replay.run(books, policy) for policy in (replay.timer(1), replay.fixed(50.0, "edge", 0.0))
    )
    assert hourly.left.std() < 0.25 * none.left.std()
    assert np.abs(hourly.strayed).max() < 1e-9
    assert none.cost.max() == 0.0
    years = (record.expiry_ns[one.option] - seen.ts_ns[one.begin : one.end + 1]) / NS_PER_YEAR
    index = seen.index[one.begin : one.end + 1]
    terms = (record.is_call[one.option], 1.005 * index, record.strike[one.option], years, VOL)
    value = black76.price(*terms) / 1.005  # S V/F dollars
    np.testing.assert_allclose(
        books.change[one.begin : one.end, 0], -np.diff(value), atol=1e-6 * index[0]
    )


def test_weeks_of_the_demos_book(record, rows, seen):
    """Four straddle legs, wings of a month and three strangles of two days; six whole weeks."""
    held = recorded.demo_weeks(record, rows, seen)
    weeks = {one.book for one in held}
    assert len(weeks) == 6
    for week in weeks:
        legs = [one for one in held if one.book == week]
        assert sorted(one.quantity for one in legs) == [-1.0] * 4 + [-0.6] * 6 + [1.0] * 2
        assert min(one.begin for one in legs) >= 0
        begin = min(one.begin for one in legs)
        straddle = {record.strike[one.option] for one in legs if one.quantity == -1.0}
        index = seen.index[begin]
        assert len(straddle) == 2
        assert min(abs(strike - index) for strike in straddle) <= 1_000.0
        for one in legs:
            assert seen.ts_ns[one.end] <= record.expiry_ns[one.option]
    books = recorded.books(record, rows, seen, held)
    assert 6.0 < books.coins < 7.2


def test_a_fly_changes_the_sign_of_its_gamma(record, rows, seen):
    """Short at the middle, long beyond the wings."""
    held = recorded.flies(record, rows, seen)
    books = recorded.books(record, rows, seen, held)
    gamma = books.gamma[len(SHOCKS) // 2]
    assert gamma.min() < 0.0 < gamma.max()
    assert books.coins == pytest.approx(4.0)


def test_the_page_of_a_recording_that_is_too_short_says_so(folder, tmp_path, capsys):
    """A day holds no whole life and no week; a missing folder is named."""
    assert policy_page.main([str(folder)]) == 1
    assert "expected options that were recorded" in capsys.readouterr().err
    assert policy_page.main([str(tmp_path / "none")]) == 1
    assert "expected a folder of recorded chains" in capsys.readouterr().err


def test_the_page_prints_every_table_of_a_study(record, monkeypatch):
    """A row for every measure and gamma, with intervals."""
    monkeypatch.setattr(decisions, "WIDTHS", (0.02, 0.1, 0.3))
    monkeypatch.setattr(decisions, "AVERSIONS", (0.1, 1.0))
    monkeypatch.setattr(decisions, "ASKED", (0.1,))
    monkeypatch.setattr(compare, "DRAWS", 10)
    found = list(decisions.study(record))
    assert {one.kind for one in found} == set(recorded.KINDS)
    page = policy_page.as_markdown(found)
    assert "| USD a day strayed, looked at hourly | most within a daily deviation |" in page
    assert page.count("\n| USD a day | root mean square") == 3
    assert "% (" in page


@pytest.mark.data
def test_recorded_options_are_hedged_at_less_cost_than_with_any_fixed_threshold(data_dir):
    """Of 272 BTC options by days: 16 % less at equal deviation, certainly some."""
    recording = read(data_dir / CHAINS, data_dir / CANDLES, coins=["BTC"])
    record = recording.coins["BTC"]
    rows = Rows.of(record)
    seen = recorded.looks(record, rows)
    books = recorded.books(record, rows, seen, recorded.full_lives(record, rows, seen))
    assert len(books.begin) == 272
    tried = [replay.run(books, policy) for policy in decisions.policies(1.0)]
    weeks = replay.rows(books)[0].day // 7
    units = Units([Tried(one.family, one.parameter, one.cost, one.left) for one in tried], weeks)
    table = compare.savings(units, decisions.AVERAGED, decisions.FIXED, decisions.ASKED)
    mean = table[len(decisions.ASKED)]
    assert 0.13 < mean.share < 0.18
    assert 0.0 < mean.low < 0.08
    assert mean.high < 0.35
    assert table[-2].low > 0.1  # beside the timer of eight hours
