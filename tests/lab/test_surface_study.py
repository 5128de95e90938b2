"""The volatility surface on generated and on recorded chains."""

import dataclasses
import json

import numpy as np
import pytest

from bot.domain.units import NS_PER_S, utc_ns
from bot.lab import surface_page
from bot.lab.recording import read
from bot.lab.surface_study import study, surfaces
from bot.sim.market import EPOCH_NS, SyntheticMarket
from bot.sim.recorded import CoinRecord, PriceTrack, Snapshot
from greeks.surface import smile

CHAINS = "market/deribit_chain_6h"
HOUR_NS = 3_600 * NS_PER_S
CRASH, AFTER = utc_ns(2026, 2, 5), utc_ns(2026, 2, 8)


@pytest.fixture(scope="module")
def generated() -> CoinRecord:
    """Return two days of a generated crash market, seen every four hours."""
    market = SyntheticMarket(7, "crash", coins=("BTC",))
    names: dict[str, int] = {}
    options: list[tuple[str, bool, float, int]] = []
    shots = []
    for at in range(EPOCH_NS, EPOCH_NS + 48 * HOUR_NS, 4 * HOUR_NS):
        market.advance(at)
        chain = market.chain("BTC", at)
        listing = chain.listing
        rows = zip(listing.names, listing.is_call, listing.strike, listing.expiry_ns, strict=True)
        for row in rows:
            if names.setdefault(row[0], len(names)) == len(options):
                options.append(row)
        shots.append(
            Snapshot(
                at, chain.index, np.array([names[name] for name in listing.names]), chain.forward,
                chain.vol, chain.mark, chain.bid, chain.ask, np.zeros(len(chain.mark)), {},
            )
        )  # fmt: skip
    name, call, strike, expiry = zip(*options, strict=True)
    return CoinRecord(
        "BTC", name, np.array(call), np.array(strike), np.array(expiry), tuple(shots),
        PriceTrack(np.array([EPOCH_NS]), np.array([90_000.0]), np.array([np.nan])),
    )  # fmt: skip


@pytest.fixture(scope="module")
def bitcoin(data_dir) -> CoinRecord:
    """Return the recorded BTC chains."""
    return read(data_dir / CHAINS, coins=["BTC"]).coins["BTC"]


def between(record: CoinRecord, begin: int, end: int) -> CoinRecord:
    """Return the record of some days."""
    return dataclasses.replace(
        record, snapshots=tuple(shot for shot in record.snapshots if begin <= shot.ts_ns < end)
    )


def test_a_generated_market_is_met_to_a_fraction_of_its_spread(generated):
    """Its smiles are SVI, its mids are rounded to the price grid around them."""
    days, _ = study(generated)
    assert len(days) == 3
    for day in days:
        assert day.slices >= 14
        assert day.kept <= 1  # half an hour before its expiry a slice has few quotes left
        assert day.error < 0.25 * day.spread
        assert day.from_marks < 0.15
        assert day.inside > 0.9
        assert day.butterfly >= 0.0
        assert day.crossing >= 0.0


def test_the_volatility_of_a_generated_smile_is_found_again(generated):
    """At the money against the market's own marks, each expiry at each snapshot."""
    for (now_s, quotes, fitted), shot in zip(surfaces(generated), generated.snapshots, strict=True):
        expiry_s, k = np.asarray(quotes.expiry_s), np.asarray(quotes.k)
        years = (expiry_s - now_s) / (365 * 86_400.0)
        near = (np.abs(k) < 0.3 * shot.vol * np.sqrt(years)) & (years > 1 / 365)
        ours = smile.volatility(fitted.at(k[near], expiry_s[near], now_s), years[near])
        assert np.abs(ours / shot.vol[near] - 1.0).max() < 0.02


def test_the_page_prints_both_tables_and_json(folder, capsys):
    """Also of a recording too small for any slice: it says so with its counts."""
    assert surface_page.main([str(folder)]) == 0
    page = capsys.readouterr().out
    assert "| 2026-02-05 | 0 | 6 | nan | 0.00 |" in page
    assert "| BTC, days to expiry | moves |" in page
    assert surface_page.main([str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["BTC"]["days"][0]["slices"] == 0


def test_the_page_says_what_it_cannot_read(tmp_path, capsys):
    """A missing folder ends with code 1 and one line on stderr."""
    assert surface_page.main([str(tmp_path / "none")]) == 1
    assert "expected a folder of recorded chains" in capsys.readouterr().err


@pytest.mark.data
def test_recorded_chains_are_met_within_a_fifth_of_their_spread_through_the_crash(bitcoin):
    """The three wildest days: no arbitrage, errors of half a point, nearly all quotes met."""
    days, _ = study(between(bitcoin, CRASH, AFTER))
    assert [day.slices + day.kept for day in days] == [48, 48, 48]
    for day in days:
        assert day.kept <= 2
        assert day.error < 0.2 * day.spread
        assert day.error < 0.5
        assert day.worst < 4.0
        assert day.inside >= 0.93
        assert day.from_marks < 0.3
        assert day.butterfly >= 0.0
        assert day.crossing >= 0.0


@pytest.mark.data
def test_recorded_volatility_follows_a_falling_price_more_than_its_strikes_do(bitcoin):
    """A skew-stickiness ratio above 1 at every tenor, more so through a crash."""
    days, tenors = study(between(bitcoin, utc_ns(2026, 1, 1), utc_ns(2026, 2, 20)))
    assert len(days) == 50
    assert all(day.error < 0.45 for day in days)
    assert sum(day.kept for day in days) < 0.03 * sum(day.slices for day in days)
    for tenor in tenors:
        assert tenor.skew < 0.0
        assert tenor.error < 0.2
        assert tenor.ratio - 2 * tenor.error > 1.2
        assert tenor.ratio < 3.6
