"""The smile's slope at every strike, from the venue's own marks."""

from dataclasses import replace

import numpy as np
import pytest

from bot.book.slopes import slopes
from bot.domain.quotes import Chain, Listing
from bot.domain.units import NS_PER_S, utc_ns
from bot.lab.recording import read
from bot.lab.surface_study import surfaces
from greeks.surface import smile
from tests.builders.books import NOW, OptionRow, chain, contract_of

STRIKES = tuple(range(40_000, 90_000, 2_500))
CRASH, AFTER = utc_ns(2026, 2, 5), utc_ns(2026, 2, 7)


def lean(k):
    """Return a smile that no parabola is, with its slope."""
    root = np.sqrt((k - 0.02) ** 2 + 0.04)
    return 0.5 + 0.3 * root - 0.1 * k, 0.3 * (k - 0.02) / root - 0.1


def smiling(strikes=STRIKES, **more):
    """Return a chain with both options of each strike on the smile."""
    rows = [
        OptionRow(contract_of(strike, call=call), float(lean(np.log(strike / 60_000))[0]))
        for strike in strikes
        for call in (True, False)
    ]
    return chain(rows, **more)


def named(batch, found):
    """Return slopes by strike and right."""
    return {tuple(n.split("-")[2:]): x for n, x in zip(batch.listing.names, found, strict=True)}


def test_a_smile_that_bends_is_met_to_a_percent():
    """Between 45,000 and 80,000; the last strikes see one side only."""
    batch = smiling()
    found = named(batch, slopes(batch))
    for strike in STRIKES[2:-2]:
        expected = lean(np.log(strike / 60_000))[1]
        assert found[str(strike), "C"] == pytest.approx(expected, abs=0.012)
    for strike in STRIKES:
        assert found[str(strike), "C"] == found[str(strike), "P"]
        assert found[str(strike), "C"] == pytest.approx(lean(np.log(strike / 6e4))[1], abs=0.05)


def test_several_expiries_do_not_mix_and_order_does_not_matter():
    """Each has its own smile; a listing may be in any order."""
    steps = (7, 30, 90)
    rows = [
        OptionRow(
            contract_of(strike, expiry_ns=NOW + days * 86_400 * NS_PER_S),
            0.6 + days * 1e-3 * float(np.log(strike / 60_000)),
        )
        for days in steps
        for strike in STRIKES
    ]
    shuffled = [rows[i] for i in np.random.Generator(np.random.PCG64(3)).permutation(len(rows))]
    batch = chain(shuffled)
    found = dict(zip(batch.listing.names, slopes(batch), strict=True))
    for row, days in zip(rows, np.repeat(steps, len(STRIKES)), strict=True):
        assert found[row.instrument.name] == pytest.approx(days * 1e-3, abs=1e-9)


@pytest.mark.parametrize("wild", [0.03, 3.0])
@pytest.mark.parametrize("strike", [57_500, 65_000])
def test_one_absurd_mark_does_not_bend_its_neighbours(wild, strike):
    """Its own strike may have no slope, every other one has."""
    batch = smiling()
    vol = batch.vol.copy()
    rows = [i for i, n in enumerate(batch.listing.names) if f"-{strike}-" in n]
    vol[rows] = wild
    found, sound = slopes(replace(batch, vol=vol)), slopes(batch)
    others = batch.listing.strike != strike
    np.testing.assert_allclose(found[others], sound[others], atol=0.02)


def test_too_few_strikes_have_no_slope():
    """Four points bend any way one likes; a mark that is absent is no point."""
    assert np.isnan(slopes(smiling(STRIKES[:4]))).all()
    assert np.isfinite(slopes(smiling(STRIKES[:5]))).all()
    batch = smiling(STRIKES[:5])
    vol = batch.vol.copy()
    vol[:2] = np.nan
    assert np.isnan(slopes(replace(batch, vol=vol))).all()
    assert slopes(chain([])).size == 0


def test_the_last_hour_has_no_slope():
    """Marks there say little of the smile."""
    left_ns = 30 * 86_400 * NS_PER_S
    for left_s, known in ((3_700, True), (3_500, False)):
        found = slopes(smiling(ts_ns=NOW + left_ns - left_s * NS_PER_S))
        assert np.isfinite(found[14:-14]).any() == known


def falling(step):
    """Return a chain of calls whose volatility falls by so much a strike."""
    levels = enumerate(range(56_000, 64_000, 1_000))
    return chain([OptionRow(contract_of(k), 1.5 - step * i) for i, k in levels])


def test_what_would_let_a_spread_pay_for_nothing_is_no_slope():
    """Volatility that falls by ten points a strike: a put would get cheaper as its strike rises."""
    assert np.isnan(slopes(falling(0.1))).all()
    assert np.isfinite(slopes(falling(0.01))).all()


def test_recorded_smiles_lean_as_the_fitted_surface_does(data_dir):
    """BTC in the crash of February: deltas at R = 2 differ by less than 0.02 a coin near the money.

    Marks and quotes are not one smile, and a hyperbola is not a parabola; half are within 0.005.
    """
    record = read(data_dir / "market/deribit_chain_6h", coins=["BTC"]).coins["BTC"]
    shots = tuple(s for s in record.snapshots if CRASH <= s.ts_ns < AFTER)
    record = replace(record, snapshots=shots)
    off, known = [], 0
    for shot, (now_s, _, fitted) in zip(shots, surfaces(record), strict=True):
        rows = shot.option
        listing = Listing(
            "BTC", tuple(record.names[i] for i in rows), record.is_call[rows], record.strike[rows],
            record.expiry_ns[rows],
        )  # fmt: skip
        none = np.zeros(len(rows))
        batch = Chain(
            listing, shot.ts_ns, shot.ts_ns, shot.index, shot.forward, shot.vol, shot.mark,
            shot.bid, shot.ask, none, none,
        )  # fmt: skip
        k, expiry_s = np.log(listing.strike / shot.forward), listing.expiry_ns / NS_PER_S
        years = (expiry_s - now_s) / (365 * 86_400)
        deviation = shot.vol * np.sqrt(years)
        near = (np.abs(k) < deviation) & (years > 0.5 / 365)
        mine = slopes(batch)[near]
        theirs = smile.skew(fitted.at(k, expiry_s, now_s), years)[near]
        d1 = (0.5 * deviation - k / deviation)[near]
        density = np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi)
        known += int(np.isfinite(mine).sum())
        off.append(np.abs(mine - theirs) * density * np.sqrt(years[near]))
    every = np.concatenate(off)
    assert known == every.size > 1_000
    assert np.nanmax(every) < 0.02
    assert np.nanmedian(every) < 0.005
