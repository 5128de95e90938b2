"""Small recordings, written as a recorder would write them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

SNAPSHOTS = [datetime(2026, 2, 5, hour, 30, tzinfo=UTC) for hour in (4, 10, 16)]
NAMES = ["BTC-27MAR26-70000-C", "BTC-27MAR26-70000-P", "BTC-6FEB26-70000-C"]


def chain_rows() -> pl.DataFrame:
    """Return three options at three snapshots, newest first: no reader relies on an order."""
    rows = [
        {
            "snapshot_ts": at,
            "row": row,
            "currency": "BTC",
            "instrument_name": name,
            "underlying_name": name.rsplit("-", 2)[0],
            "underlying_price": 70_100.0 - 500.0 * step + 10.0 * (row < 2),
            "index_price": 70_000.0 - 500.0 * step + row,
            "bid": 0.05,
            "ask": 0.055,
            "mark": 0.052,
            "mark_iv_pct": 60.0,
            "delta": 0.5,
        }
        for step, at in enumerate(SNAPSHOTS)
        for row, name in enumerate(NAMES)
    ]
    return pl.DataFrame(rows[::-1])


@pytest.fixture
def rows() -> pl.DataFrame:
    """Return the rows of a small chain."""
    return chain_rows()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that holds the small chain and its perpetual."""
    place = tmp_path / "recording"
    place.mkdir()
    chain_rows().write_parquet(place / "chain.parquet")
    pl.DataFrame(
        {
            "obs_datetime": [at + timedelta(microseconds=250) for at in SNAPSHOTS],
            "coin": ["BTC"] * len(SNAPSHOTS),
            "candle_open": [70_000.0, 69_500.0, 69_000.0],
            "candle_close": [70_060.0, 69_500.0, 69_000.0],
            "candle_price_gap_seconds": [15.0, 0.0, 30.0],
        }
    ).write_csv(place / "perp_at_snapshots_test.csv")
    return place


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """Return an hourly candle file of the perpetual."""
    path = tmp_path / "btc_perpetual_1h.csv"
    path.write_text(
        "timestamp,open,high,low,close,volume\n"
        "2026-02-05 05:00:00+00:00,70010.0,70100.0,69900.0,69950.0,100.5\n"
        "2026-02-05 06:00:00+00:00,69950.0,70100.0,69900.0,69900.0,200.0\n"
    )
    return path
