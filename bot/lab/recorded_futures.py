"""Best prices of the perpetual and the dated futures beside recorded chains.

`futures_*.parquet`: one row per future and snapshot (`snapshot_ts`, the chain's own), with `bid`,
`ask`, `mark` and `index_price` in USD per coin, sizes in the future's own unit, `funding_8h` as a
fraction (dated futures: zero) and `quote_ts`, the venue's time of the quote. Absent prices are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.domain import deribit
from bot.domain.errors import BadInputError, UnknownInstrumentError
from bot.domain.quotes import FloatArray, IntArray
from bot.domain.units import iso
from bot.lab import tables
from bot.lab.tables import Column
from bot.sim.recorded import Top

if TYPE_CHECKING:
    import polars as pl

PATTERN: Final = "futures_*.parquet"
COLUMNS: Final = {
    "snapshot_ts": Column.TIME,
    "currency": Column.TEXT,
    "instrument_name": Column.TEXT,
    "quote_ts": Column.TIME,
    "bid": Column.NUMBER,
    "ask": Column.NUMBER,
    "bid_size": Column.NUMBER,
    "ask_size": Column.NUMBER,
    "mark": Column.NUMBER,
    "index_price": Column.NUMBER,
    "funding_8h": Column.NUMBER,
}
_TOP: Final = ("bid", "ask", "bid_size", "ask_size", "mark", "funding_8h")


@dataclass(frozen=True, slots=True, eq=False)
class FuturesSeen:
    """One coin's futures by snapshot, and its perpetual's marks (USD) where it was among them."""

    tops: Mapping[int, Mapping[str, Top]]
    ts_ns: IntArray
    perpetual: FloatArray


def read(folder: Path) -> dict[str, FuturesSeen]:
    """Return the futures of a folder by coin; empty where none were recorded.

    Rows without a mark above zero are left out. Raises BadInputError naming the file or the folder.
    """
    import polars as pl

    paths = sorted(folder.glob(PATTERN))
    if not paths:
        return {}
    frame = pl.concat(tables.parquet(path, COLUMNS) for path in paths)
    twice = frame.filter(frame.select("snapshot_ts", "instrument_name").is_duplicated())
    if not twice.is_empty():
        name, at = twice["instrument_name"][0], iso(twice["snapshot_ts"][0])
        msg = f"{folder}: expected each future once per snapshot, found {name} twice at {at}"
        raise BadInputError(msg)
    for coin, name in (
        frame.select("currency", "instrument_name").unique(maintain_order=True).rows()
    ):
        _check(folder, coin, name)
    frame = frame.filter(pl.col("mark").is_finite() & (pl.col("mark") > 0.0))
    return {
        coin: _coin(coin, frame.filter(frame["currency"] == coin).sort("snapshot_ts"))
        for coin in frame["currency"].unique().sort()
    }


def _coin(coin: str, rows: pl.DataFrame) -> FuturesSeen:
    """Gather one coin's rows, which are in the order of time."""
    tops: dict[int, dict[str, Top]] = {}
    for at, name, *figures in rows.select("snapshot_ts", "instrument_name", *_TOP).iter_rows():
        tops.setdefault(at, {})[name] = Top(*figures)
    perpetual = rows.filter(rows["instrument_name"] == f"{coin}-PERPETUAL")
    return FuturesSeen(
        tops, perpetual["snapshot_ts"].to_numpy().astype(np.int64), perpetual["mark"].to_numpy()
    )


def _check(folder: Path, coin: str, name: str) -> None:
    """Refuse a name that is no inverse future of its coin."""
    try:
        future = deribit.parse(name)
    except UnknownInstrumentError as error:
        raise BadInputError(f"{folder}: in instrument_name, {error}") from error
    if future.is_option or not future.is_inverse or future.coin != coin:
        msg = f"{folder}: expected an inverse future on {coin} in instrument_name, found {name!r}"
        raise BadInputError(msg)
