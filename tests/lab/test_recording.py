"""Reading recordings: what is kept, and what is refused with which words."""

import gzip
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bot.domain.errors import BadInputError, DeltabandError
from bot.domain.units import utc_ns
from bot.lab.recording import read

FIRST = utc_ns(2026, 2, 5, 4, 30)
HOURLY = "market/deribit_dvol_perp_1h/btc_perpetual_1h_20260227_20260331.csv.gz"


def refusal(folder: Path, *arguments, **named) -> str:
    """Return the words in which a recording is refused."""
    with pytest.raises(BadInputError) as caught:
        read(folder, *arguments, **named)
    return str(caught.value)


def with_column(folder: Path, rows: pl.DataFrame, *columns: pl.Expr) -> None:
    """Write the chain again with columns replaced."""
    rows.with_columns(*columns).write_parquet(folder / "chain.parquet")


def test_a_chain_is_read_in_order_of_time_whatever_the_order_of_its_rows(folder):
    """Snapshots increase in time and hold their rows in the recorder's order."""
    record = read(folder).coins["BTC"]
    assert [shot.ts_ns for shot in record.snapshots] == [
        utc_ns(2026, 2, 5, hour, 30) for hour in (4, 10, 16)
    ]
    assert record.names == ("BTC-27MAR26-70000-C", "BTC-27MAR26-70000-P", "BTC-6FEB26-70000-C")
    assert record.is_call.tolist() == [True, False, True]
    assert record.expiry_ns[2] == utc_ns(2026, 2, 6, 8)
    assert [shot.option.tolist() for shot in record.snapshots] == [[0, 1, 2]] * 3


def test_units_are_fractions_and_the_index_is_the_median_of_early_rows(folder):
    """Volatility is 0.60 and not 60; the index is that of the middle row."""
    first = read(folder).coins["BTC"].snapshots[0]
    assert first.vol.tolist() == [0.6, 0.6, 0.6]
    assert first.index == 70_001.0
    assert first.futures == {"BTC-27MAR26": 70_110.0, "BTC-6FEB26": 70_100.0}


def test_the_perpetual_lies_on_the_line_through_its_minute(folder):
    """A quarter into a minute from 70,000 to 70,060 it stands at 70,015, at the whole second."""
    track = read(folder).coins["BTC"].perpetual
    assert track.price.tolist() == [70_015.0, 69_500.0, 69_000.0]
    assert track.ts_ns[0] == FIRST


def test_candles_add_points_and_tell_volume_when_they_are_over(folder, candles):
    """The first candle's 100.5 coins are known when the second begins."""
    track = read(folder, candles).coins["BTC"].perpetual
    assert len(track.ts_ns) == 5
    hour = int(np.searchsorted(track.ts_ns, utc_ns(2026, 2, 5, 6)))
    assert track.price[hour] == 69_950.0
    assert track.volume_coin[hour] == 100.5
    assert np.isnan(track.volume_coin[hour - 1])


def test_cells_that_are_no_price_are_kept_for_the_quality_door(folder, rows):
    """Absent, zero, negative and crossed prices are handed on as they are, null as NaN."""
    bad = pl.Series("bid", [None, 0.0, -1.0, 9.0, 0.05, 0.05, 0.05, 0.05, float("nan")])
    rows.with_columns(bad).write_parquet(folder / "chain.parquet")
    bids = np.concatenate([shot.bid for shot in read(folder).coins["BTC"].snapshots])
    expected = [np.nan, 0.05, 0.05, 0.05, 0.05, 9.0, -1.0, 0.0, np.nan]
    np.testing.assert_array_equal(bids, expected)


def test_several_files_make_one_recording(folder, rows):
    """Two files of different snapshots are read like one."""
    first = pl.col("snapshot_ts") == pl.col("snapshot_ts").min()
    rows.filter(first).write_parquet(folder / "a.parquet")
    rows.filter(~first).write_parquet(folder / "chain.parquet")
    assert len(read(folder).coins["BTC"].snapshots) == 3


def test_a_missing_folder_is_named(tmp_path):
    """The message holds the path."""
    place = tmp_path / "nowhere"
    assert refusal(place) == f"{place}: expected a folder of recorded chains, found none"


def test_a_folder_without_parquet_is_refused(tmp_path):
    """A folder of something else is not a recording."""
    assert refusal(tmp_path) == f"{tmp_path}: expected at least one .parquet file, found none"


def test_a_missing_column_is_named(folder, rows):
    """The message names the file and the column."""
    rows.drop("mark").write_parquet(folder / "chain.parquet")
    text = refusal(folder)
    assert text.startswith(f"{folder / 'chain.parquet'}: expected the columns snapshot_ts, ")
    assert text.endswith("found none named mark")


@pytest.mark.parametrize(
    "column, kind, found",
    [
        (pl.col("bid").cast(pl.String), "numbers in bid", "String"),
        (pl.col("snapshot_ts").cast(pl.String), "times in UTC in snapshot_ts", "String"),
        (
            pl.col("snapshot_ts").dt.replace_time_zone(None),
            "times in UTC in snapshot_ts",
            "Datetime(time_unit='us', time_zone=None)",
        ),
        (pl.lit(1).alias("instrument_name"), "text in instrument_name", "Int32"),
    ],
)
def test_a_column_of_another_type_is_refused(folder, rows, column, kind, found):
    """The message tells what the column should hold and what it holds."""
    with_column(folder, rows, column)
    assert refusal(folder) == f"{folder / 'chain.parquet'}: expected {kind}, found {found}"


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_parquet_file_is_refused(folder, kept):
    """However much of the file is there, it is not read in part."""
    path = folder / "chain.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert refusal(folder).startswith(f"{path}: expected a complete Parquet file, found one that")


def test_a_file_that_is_not_parquet_is_refused(folder):
    """A text file with the right ending is no recording."""
    (folder / "chain.parquet").write_text("snapshot_ts,row\n" * 20)
    assert "expected a complete Parquet file" in refusal(folder)


def test_an_empty_table_is_refused(folder, rows):
    """A recording without a row has nothing to tell."""
    rows.clear().write_parquet(folder / "chain.parquet")
    expected = f"{folder / 'chain.parquet'}: expected at least one row, found none"
    assert refusal(folder) == expected


def test_an_absent_time_is_refused(folder, rows):
    """A row without a time belongs to no snapshot."""
    missing = pl.when(pl.col("row") > 0).then("snapshot_ts")
    with_column(folder, rows, missing.alias("snapshot_ts"))
    assert refusal(folder).endswith(
        "expected times in UTC in every row of snapshot_ts, found 3 empty"
    )


def test_an_option_twice_in_one_snapshot_is_refused(folder, rows):
    """Copies of a snapshot contradict each other; the option and the time are named."""
    rows.head(1).write_parquet(folder / "copy.parquet")
    assert refusal(folder) == (
        f"{folder}: expected each option once per snapshot, "
        "found BTC-6FEB26-70000-C twice at 2026-02-05T16:30:00.000Z"
    )


@pytest.mark.parametrize(
    "name", ["BTC-31FEB26-70000-C", "BTC-PERPETUAL", "ETH-27MAR26-3000-C", "?"]
)
def test_a_name_that_is_no_option_of_the_coin_is_refused(folder, rows, name):
    """Nothing is guessed about an instrument."""
    renamed = pl.when(pl.col("row") == 1).then(pl.lit(name)).otherwise("instrument_name")
    with_column(folder, rows, renamed.alias("instrument_name"))
    assert f"found {name!r}" in refusal(folder) or f"found {name[4:11]!r}" in refusal(folder)


def test_a_coin_that_was_not_recorded_is_refused_when_it_is_all_that_is_wanted(folder):
    """The message names the coins that are there; a second wanted coin is merely absent."""
    assert refusal(folder, coins=["ETH"]) == f"{folder}: expected rows of ETH, found BTC"
    assert tuple(read(folder, coins=["ETH", "BTC"]).coins) == ("BTC",)


@pytest.mark.parametrize("second", ["04:00:00", "05:00:00"])
def test_candles_out_of_order_are_refused(folder, candles, second):
    """Times must increase: neither backwards nor twice."""
    candles.write_text(candles.read_text().replace("06:00:00", second))
    assert refusal(folder, candles) == (
        f"{candles}: expected increasing times, "
        f"found 2026-02-05T{second}.000Z after 2026-02-05T05:00:00.000Z"
    )


def test_a_truncated_candle_file_is_refused(folder, candles):
    """A gzip stream that breaks off is not read in part."""
    path = candles.with_suffix(".csv.gz")
    path.write_bytes(gzip.compress(candles.read_bytes())[:-9])
    assert refusal(folder, path).startswith(f"{path}: expected a complete CSV file, found one that")


def test_candles_of_wrong_types_are_refused(folder, candles):
    """A price that is a word is told as text."""
    candles.write_text(candles.read_text().replace("70010.0", "high"))
    assert refusal(folder, candles) == f"{candles}: expected numbers in open, found String"


def test_a_missing_candle_file_is_refused(folder, tmp_path):
    """The path is in the message."""
    path = tmp_path / "btc_none.csv"
    assert refusal(folder, path).startswith(f"{path}: expected a complete CSV file")


def test_candles_must_say_whose_they_are(folder, candles):
    """The coin stands at the beginning of the file's name."""
    other = candles.rename(candles.with_name("hourly.csv"))
    expected = "expected a file name that begins with a coin (BTC, ETH), found 'HOURLY'"
    assert refusal(folder, other) == f"{other}: {expected}"


def test_without_polars_the_remedy_is_named(folder, monkeypatch):
    """Who did not install the extra is told which one it is."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(DeltabandError, match=r"pip install deltaband\[data\]"):
        read(folder)


@pytest.mark.data
def test_all_recorded_chains_are_read(data_dir):
    """The recorded months are there in full, with both coins and their perpetuals."""
    recording = read(data_dir / "market/deribit_chain_6h", data_dir / HOURLY)
    bitcoin, ether = recording.coins["BTC"], recording.coins["ETH"]
    assert [len(bitcoin.snapshots), len(ether.snapshots)] == [359 + 9, 125 + 9]
    shots = [*bitcoin.snapshots, *ether.snapshots]
    assert sum(len(shot.option) for shot in shots) == 291_322 + 87_038 + 14_834
    assert len(bitcoin.perpetual.ts_ns) == 359 + 780
    assert len(ether.perpetual.ts_ns) == 359
    for record in recording.coins.values():
        times = np.array([shot.ts_ns for shot in record.snapshots])
        assert (np.diff(times) > 0).all()
        assert all(np.isfinite(shot.forward).all() for shot in record.snapshots)


@pytest.mark.data
def test_futures_read_from_the_chain_are_those_of_the_recorded_term_structure(data_dir):
    """Each dated future's price is within a basis point of the one that its recorder derived."""
    folder = data_dir / "market/deribit_chain_6h"
    terms = pl.read_csv(
        folder / "term_futures_at_snapshots_to_20260331.csv.gz", try_parse_dates=True
    )
    terms = terms.filter(pl.col("currency") == "BTC").with_columns(
        at=pl.col("timestamp").dt.truncate("1s").dt.epoch("ns")
    )
    futures = {shot.ts_ns: shot.futures for shot in read(folder).coins["BTC"].snapshots}
    ours = [
        futures[at].get(name, np.nan)
        for at, name in zip(terms["at"], terms["futures_instrument_name"], strict=True)
    ]
    away = np.abs(np.array(ours) / terms["snapshot_term_mark_price"].to_numpy() - 1.0)
    assert len(away) == 2_471
    assert np.quantile(away, 0.99) < 1e-4
