"""Markets fitted to recorded chains: found again, sound to simulate, and of the recorded days."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from bot.domain.units import utc_ns
from bot.lab import fitted_page
from bot.lab.policies import markets
from bot.lab.policies.fitted import FITTED, fit, snapshot
from bot.lab.recording import read
from bot.sim.recorded import CoinRecord, PriceTrack, Snapshot
from greeks import bates

CHAINS = "market/deribit_chain_6h"
NOW = utc_ns(2026, 1, 1, 8)
DAY_NS = 86_400 * 10**9
MODEL = FITTED[0].model


@pytest.fixture
def record() -> CoinRecord:
    """Return one chain of the calm market's own volatilities, with some that must be left out."""
    days = np.array([2, 7, 30, 90, 500])
    k = np.linspace(-2.0, 2.0, 9) * 0.45 * np.sqrt(days / 365.0)[:, None]
    years = np.broadcast_to(days[:, None] / 365.0, k.shape)
    vol = bates.volatility(MODEL, k, years).vol
    vol[[0, 4]] += 0.3  # too short and too long
    strike = 100.0 * np.exp(k).ravel()
    count = strike.size
    nothing = np.full(count, np.nan)
    shot = Snapshot(
        NOW, 100.0, np.arange(count), np.full(count, 100.0), vol.ravel(), nothing, nothing,
        nothing, nothing, {},
    )  # fmt: skip
    shot.vol[10] = np.nan
    return CoinRecord(
        "BTC", tuple(map(str, range(count))), strike >= 100.0 - 1e-9, strike,
        NOW + DAY_NS * np.repeat(days, 9), (shot,),
        PriceTrack(np.array([NOW]), np.array([100.0]), np.array([np.nan])),
    )  # fmt: skip


def test_a_chain_of_the_model_is_met(record):
    """Marks of 5 to 400 days alone, though others contradict them by thirty points."""
    found = fit(record, record.snapshots[0], float(bates.index(MODEL)))
    assert found.rms < 0.1
    assert found.years.size == 3
    assert abs(found.index_error) < 0.2


def test_what_is_in_the_money_is_not_looked_at(record):
    """With every option declared a call only the strikes above the forward count."""
    calls = replace(record, is_call=np.ones(len(record.names), dtype=bool))
    shot = record.snapshots[0]
    assert fit(calls, shot, None).rms < 0.1
    shot.vol[record.strike < 99.0] += 0.3
    assert fit(calls, shot, None).rms < 0.1


def test_the_last_snapshot_by_a_time_counts(record):
    """And none before the first."""
    shot = record.snapshots[0]
    later = replace(record, snapshots=(shot, replace(shot, ts_ns=NOW + DAY_NS)))
    assert snapshot(later, NOW + DAY_NS - 1) is shot
    assert snapshot(later, NOW + DAY_NS).ts_ns == NOW + DAY_NS
    with pytest.raises(ValueError, match="expected a snapshot before"):
        snapshot(record, NOW - 1)


@pytest.mark.parametrize("market", FITTED, ids=lambda market: market.name)
def test_every_fitted_market_can_be_simulated(market):
    """Prices are a martingale and volatilities what hedgers can use."""
    found = markets.jumping(1, 4_000, market.model, 48)
    assert np.isfinite(found.spot).all()
    assert found.vol.min() > 0.05
    last = found.spot[-1]
    assert abs(last.mean() - markets.STRIKE) < 4.0 * last.std() / np.sqrt(4_000)
    assert market.rms < 1.7


def test_the_page_says_what_it_cannot_read(tmp_path, folder, capsys):
    """A missing folder, and a recording that begins after the first moment."""
    assert fitted_page.main([str(tmp_path / "none")]) == 1
    assert "expected a folder of recorded chains" in capsys.readouterr().err
    assert fitted_page.main([str(folder)]) == 1
    assert "expected a snapshot before" in capsys.readouterr().err


@pytest.mark.data
def test_the_calm_market_is_that_of_its_day(data_dir):
    """Fitted again: the same parameters to four digits, the same error."""
    (market,) = (one for one in FITTED if one.name == "btc_calm")
    record = read(data_dir / CHAINS, coins=["BTC"]).coins["BTC"]
    shot = snapshot(record, market.ts_ns)
    assert market.ts_ns - shot.ts_ns < 60 * 10**9
    found = fit(record, shot, market.index_vol)
    assert found.rms == pytest.approx(market.rms, abs=0.001)
    assert astuple(found.model) == pytest.approx(astuple(market.model), rel=2e-3)
