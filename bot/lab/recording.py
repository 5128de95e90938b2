"""Recordings on disk: a folder of option chains, the perpetual beside them, candles if named.

A folder holds Parquet files of chain rows (one row per option and snapshot; which coins is told by
the content) and, where it was recorded, `perp_at_snapshots*.csv[.gz]` with the perpetual's minute
candle at each snapshot. A candle file (`timestamp, open, volume`; its name begins with the coin)
adds the perpetual between snapshots. What `deltaband record` writes holds more, and is played as it
was seen: sizes of options beside their prices, and `futures_*.parquet` with the best prices and
sizes of the perpetual and the dated futures at each snapshot (see `recorded_futures`).

Files that are damaged, incomplete or contradict themselves are refused. Prices are not judged: NaN,
zero, negative and crossed cells are handed on as recorded, for the book's quality door to judge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.domain import deribit
from bot.domain.errors import BadInputError, UnknownInstrumentError
from bot.domain.instruments import Instrument
from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import NS_PER_S, iso
from bot.lab import recorded_futures, tables
from bot.lab.recorded_futures import FuturesSeen
from bot.lab.tables import Column
from bot.sim.recorded import CoinRecord, PriceTrack, Recording, Snapshot, Top

if TYPE_CHECKING:
    import polars as pl

EARLY_ROWS: Final = 9
"""Index prices come row by row, up to minutes after the chain: these first ones are its index."""

CHAIN_COLUMNS: Final = {
    "snapshot_ts": Column.TIME,
    "row": Column.NUMBER,
    "currency": Column.TEXT,
    "instrument_name": Column.TEXT,
    "underlying_name": Column.TEXT,
    "underlying_price": Column.NUMBER,
    "index_price": Column.NUMBER,
    "bid": Column.NUMBER,
    "ask": Column.NUMBER,
    "mark": Column.NUMBER,
    "mark_iv_pct": Column.NUMBER,
    "delta": Column.NUMBER,
    "bid_size": Column.NUMBER,
    "ask_size": Column.NUMBER,
}
SIZES: Final = ("bid_size", "ask_size")
PERPETUAL_COLUMNS: Final = {
    "obs_datetime": Column.TIME,
    "coin": Column.TEXT,
    "candle_open": Column.NUMBER,
    "candle_close": Column.NUMBER,
    "candle_price_gap_seconds": Column.NUMBER,
}
CANDLE_COLUMNS: Final = {
    "timestamp": Column.TIME,
    "open": Column.NUMBER,
    "volume": Column.NUMBER,
}
CANDLE_S: Final = 60.0


def read(folder: Path, perpetual: Path | None = None, coins: Sequence[str] = ()) -> Recording:
    """Return the recording of a folder, for these coins (all that it holds when none are named).

    A coin without rows is left out. Raises BadInputError naming the file, what was expected and
    what was found; DeltabandError where polars is not installed.
    """
    tables.require_polars()
    frame = _chain_rows(folder)
    found = frame["currency"].unique().sort().to_list()
    wanted = [coin for coin in (coins or found) if coin in found]
    if not wanted:
        msg = f"{folder}: expected rows of {' or '.join(coins)}, found {', '.join(found)}"
        raise BadInputError(msg)
    books = recorded_futures.read(folder)
    tracks = _tracks(folder, perpetual)
    for coin, seen in books.items():
        tracks.setdefault(coin, []).insert(0, _seen(seen))
    records = {
        coin: _coin(folder, frame, coin, tracks.get(coin, []), books.get(coin)) for coin in wanted
    }
    return Recording(records)


def _chain_rows(folder: Path) -> pl.DataFrame:
    """Return the rows of all Parquet files of a folder by coin, time and row."""
    import polars as pl

    if not folder.is_dir():
        raise BadInputError(f"{folder}: expected a folder of recorded chains, found none")
    paths = sorted(
        set(folder.glob("*.parquet")) - set(folder.glob(recorded_futures.PATTERN)), key=str
    )
    if not paths:
        raise BadInputError(f"{folder}: expected at least one .parquet file, found none")
    frame = pl.concat(tables.parquet(path, CHAIN_COLUMNS, SIZES) for path in paths)
    twice = frame.filter(frame.select("snapshot_ts", "instrument_name").is_duplicated())
    if not twice.is_empty():
        name, at = twice["instrument_name"][0], iso(twice["snapshot_ts"][0])
        msg = f"{folder}: expected each option once per snapshot, found {name} twice at {at}"
        raise BadInputError(msg)
    return frame.sort("currency", "snapshot_ts", "row", "instrument_name")


def _coin(
    folder: Path,
    frame: pl.DataFrame,
    coin: str,
    tracks: list[PriceTrack],
    books: FuturesSeen | None,
) -> CoinRecord:
    """Assemble one coin: its options, its snapshots and its perpetual."""
    rows = frame.filter(frame["currency"] == coin)
    names = rows["instrument_name"].unique(maintain_order=True).to_list()
    options = [_option(folder, coin, name) for name in names]
    code = _codes(rows, names)
    return CoinRecord(
        coin=coin,
        names=tuple(names),
        is_call=np.array([option.is_call for option in options], dtype=np.bool_),
        strike=np.array([option.strike for option in options], dtype=np.float64),
        expiry_ns=np.array([option.expiry_ns for option in options], dtype=np.int64),
        snapshots=_snapshots(rows, code, {} if books is None else books.tops),
        perpetual=_merged(tracks),
    )


def _option(folder: Path, coin: str, name: str) -> Instrument:
    """Return the option of a recorded name, or refuse the name."""
    try:
        option = deribit.parse(name)
    except UnknownInstrumentError as error:
        raise BadInputError(f"{folder}: in instrument_name, {error}") from error
    if not option.is_option or option.coin != coin:
        msg = f"{folder}: expected an option on {coin} in instrument_name, found {name!r}"
        raise BadInputError(msg)
    return option


def _codes(rows: pl.DataFrame, names: list[str]) -> IntArray:
    """Return each row's option as its place among the names."""
    import polars as pl

    place = rows["instrument_name"].cast(pl.Enum(names)).to_physical()
    return place.cast(pl.Int64).to_numpy()


def _snapshots(
    rows: pl.DataFrame, code: IntArray, tops: Mapping[int, Mapping[str, Top]]
) -> tuple[Snapshot, ...]:
    """Cut one coin's rows into its snapshots."""
    time = rows["snapshot_ts"].to_numpy()
    starts = np.flatnonzero(np.diff(time, prepend=time[0] - 1))
    column = {
        name: rows[name].to_numpy() for name, kind in CHAIN_COLUMNS.items() if kind == "numbers"
    }
    underlying = rows["underlying_name"].to_list()
    return tuple(
        _snapshot(
            slice(begin, end), code, column, underlying, (at := int(time[begin]), tops.get(at, {}))
        )
        for begin, end in zip(starts, [*starts[1:], len(time)], strict=True)
    )


def _snapshot(
    part: slice,
    code: IntArray,
    column: Mapping[str, FloatArray],
    underlying: list[str],
    moment: tuple[int, Mapping[str, Top]],
) -> Snapshot:
    """Return the rows of one moment, with the futures that were seen then, as arrays."""
    at, tops = moment
    futures = _futures(underlying[part], column["underlying_price"][part])
    futures |= {name: top.mark for name, top in tops.items() if not name.endswith("-PERPETUAL")}
    return Snapshot(
        ts_ns=at,
        index=_early(column["index_price"][part]),
        option=code[part],
        forward=column["underlying_price"][part],
        vol=column["mark_iv_pct"][part] / 100.0,
        mark=column["mark"][part],
        bid=column["bid"][part],
        ask=column["ask"][part],
        delta=column["delta"][part],
        futures=futures,
        bid_size=column["bid_size"][part],
        ask_size=column["ask_size"][part],
        tops=tops,
    )


def _early(index: FloatArray) -> float:
    """Return the index of a snapshot: the median of its first rows that have one, else NaN."""
    known = index[np.isfinite(index)][:EARLY_ROWS]
    return float(np.median(known)) if len(known) else float("nan")


def _futures(underlying: list[str], price: FloatArray) -> dict[str, float]:
    """Return the dated futures that options of a snapshot are priced on, each at its median price.

    Names of synthetic underlyings are not futures and are left out.
    """
    prices: dict[str, list[float]] = {}
    for name, value in zip(underlying, price.tolist(), strict=True):
        prices.setdefault(name, []).append(value)
    dated = re.compile(r"[A-Z0-9]+-\d{1,2}[A-Z]{3}\d{2}")
    return {
        name: float(np.median(prices[name])) for name in sorted(prices) if dated.fullmatch(name)
    }


def _tracks(folder: Path, candles: Path | None) -> dict[str, list[PriceTrack]]:
    """Return what is recorded of the perpetuals, by coin."""
    tracks: dict[str, list[PriceTrack]] = {}
    for path in sorted(folder.glob("perp_at_snapshots*.csv*")):
        rows = tables.csv(path, PERPETUAL_COLUMNS)
        for coin in rows["coin"].unique().sort():
            tracks.setdefault(coin, []).append(
                _at_snapshots(path, rows.filter(rows["coin"] == coin))
            )
    if candles is not None:
        coin = re.split(r"[^A-Za-z]|usd|USD", candles.name)[0].upper()
        if coin not in deribit.COINS:
            known = ", ".join(sorted(deribit.COINS))
            msg = (
                f"{candles}: expected a file name that begins with a coin ({known}), found {coin!r}"
            )
            raise BadInputError(msg)
        tracks.setdefault(coin, []).append(_candles(candles))
    return tracks


def _seen(books: FuturesSeen) -> PriceTrack:
    """Return the perpetual at the snapshots at which its own book was seen."""
    return PriceTrack(books.ts_ns, books.perpetual, np.full(len(books.ts_ns), np.nan))


def _at_snapshots(path: Path, rows: pl.DataFrame) -> PriceTrack:
    """Return the perpetual at the snapshots: the straight line through its minute's ends.

    The line lies closer to the chain's index than the minute's open or close does.
    """
    first, last = rows["candle_open"].to_numpy(), rows["candle_close"].to_numpy()
    share = np.clip(rows["candle_price_gap_seconds"].to_numpy() / CANDLE_S, 0.0, 1.0)
    # A snapshot is named by its whole second; the observer's own clock has microseconds.
    time = rows["obs_datetime"].to_numpy() // NS_PER_S * NS_PER_S
    price = first + (last - first) * share
    return _track(path, time, price, np.full(len(time), np.nan))


def _candles(path: Path) -> PriceTrack:
    """Return candles as prices where they begin; a volume is known where the next one begins."""
    rows = tables.csv(path, CANDLE_COLUMNS)
    volume = rows["volume"].to_numpy()
    before = np.concatenate([[np.nan], volume[:-1]])
    return _track(path, rows["timestamp"].to_numpy(), rows["open"].to_numpy(), before)


def _track(path: Path, time: IntArray, price: FloatArray, volume: FloatArray) -> PriceTrack:
    """Return a track whose times increase, without the points that are no price."""
    back = np.flatnonzero(np.diff(time) <= 0)
    if len(back):
        before, after = iso(int(time[back[0]])), iso(int(time[back[0] + 1]))
        raise BadInputError(f"{path}: expected increasing times, found {after} after {before}")
    good = np.isfinite(price) & (price > 0.0)
    if not good.any():
        raise BadInputError(f"{path}: expected prices above zero, found none")
    return PriceTrack(time[good], price[good], volume[good])


def _merged(tracks: list[PriceTrack]) -> PriceTrack:
    """Return several tracks of one perpetual as one; at equal times the first track counts."""
    empty = PriceTrack(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
    time, keep = np.unique(
        np.concatenate([track.ts_ns for track in (*tracks, empty)]), return_index=True
    )
    price = np.concatenate([track.price for track in (*tracks, empty)])
    volume = np.concatenate([track.volume_coin for track in (*tracks, empty)])
    return PriceTrack(time, price[keep], volume[keep])
