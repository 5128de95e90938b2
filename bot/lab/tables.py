"""Files of recorded data, opened and checked: every column is there and of its kind.

polars, the optional extra `data`, is used in this room alone and imported when a file is read.
Integers are accepted where fractions are expected; nothing else is converted silently.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.errors import BadInputError, DeltabandError

if TYPE_CHECKING:
    import polars as pl


class Column(StrEnum):
    """What a column must hold, in the words of the error message."""

    NUMBER = "numbers"
    TEXT = "text"
    TIME = "times in UTC"


def require_polars() -> None:
    """Raise DeltabandError with the remedy where polars is not installed."""
    try:
        import polars as pl  # noqa: F401 - only whether it is there
    except ImportError as error:
        remedy = "make venv, or pip install deltaband[data]"
        msg = f"reading recorded data needs polars, found none: {remedy}"
        raise DeltabandError(msg) from error


def parquet(
    path: Path, columns: Mapping[str, Column], optional: Collection[str] = ()
) -> pl.DataFrame:
    """Return these columns of a Parquet file: text as strings, numbers as float64 (null: NaN).

    Columns of numbers that are `optional` are NaN throughout where the file lacks them.
    Raises BadInputError naming the file when it is damaged, or a column is missing, holds something
    else, or lacks a time or a text.
    """
    require_polars()
    import polars as pl

    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, "a complete Parquet file", error) from error
    unknown = [pl.lit(math.nan).alias(name) for name in optional if name not in frame.columns]
    return _checked(path, frame.with_columns(unknown), columns)


def csv(path: Path, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Return these columns of a CSV file, plain or gzip, checked and converted as for Parquet.

    Times are ISO 8601 with an offset, or integer milliseconds since 1970.
    """
    require_polars()
    import polars as pl

    try:
        frame = pl.read_csv(path, try_parse_dates=True, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(path, "a complete CSV file", error) from error
    stamps = [
        pl.col(name).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
        for name, kind in columns.items()
        if kind is Column.TIME and frame.schema.get(name) == pl.Int64()
    ]
    return _checked(path, frame.with_columns(stamps), columns)


def _unreadable(path: Path, expected: str, error: BaseException) -> BadInputError:
    """Say which file could not be read; the reader's own first line tells how it is damaged."""
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return BadInputError(f"{path}: expected {expected}, found one that cannot be read ({reason})")


def _checked(path: Path, frame: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Return the wanted columns in their types, or refuse the file."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        msg = (
            f"{path}: expected the columns {', '.join(columns)}, "
            f"found none named {', '.join(missing)}"
        )
        raise BadInputError(msg)
    wrong = [
        f"{kind} in {name}, found {frame.schema[name]}"
        for name, kind in columns.items()
        if not _is(frame.schema[name], kind)
    ]
    if wrong:
        raise BadInputError(f"{path}: expected {'; '.join(wrong)}")
    if frame.is_empty():
        raise BadInputError(f"{path}: expected at least one row, found none")
    for name, kind in columns.items():
        absent = frame[name].null_count()
        if kind is not Column.NUMBER and absent:
            raise BadInputError(
                f"{path}: expected {kind} in every row of {name}, found {absent} empty"
            )
    return _converted(frame, columns)


def _is(dtype: pl.DataType, kind: Column) -> bool:
    """Tell whether a stored type can be read as this kind."""
    import polars as pl

    if kind is Column.NUMBER:
        return dtype.is_float() or dtype.is_integer()
    if kind is Column.TEXT:
        return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    return isinstance(dtype, pl.Datetime) and dtype.time_zone in ("UTC", "Etc/UTC")


def _converted(frame: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Bring every column into the one type of its kind; times become integer nanoseconds."""
    import polars as pl

    return frame.select(
        pl.col(name).dt.epoch("ns")
        if kind is Column.TIME
        else pl.col(name).cast(pl.String)
        if kind is Column.TEXT
        else pl.col(name).cast(pl.Float64).fill_null(float("nan"))
        for name, kind in columns.items()
    )
