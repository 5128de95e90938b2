"""Fields of a JSON object, read with suspicion: the right type and a sane size, or FlawedError.

Any field of any message may be null, missing, a string, NaN, negative or absurd. `number` and its
kin accept JSON numbers alone (a venue that sends prices as text has changed its protocol).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from bot.domain.units import NS_PER_MS
from bot.venues.deribit.flaws import Flaw, FlawedError, shown

Row: TypeAlias = Mapping[str, object]

# No price, size or balance comes near; what does is a fault that would poison every sum.
ABSURD: Final = 1e15
LONGEST_TEXT: Final = 128
FIRST_MS: Final = 1_262_304_000_000  # 2010
LAST_MS: Final = 4_102_444_800_000  # 2100


def table(value: object, subject: str) -> Row:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise FlawedError(Flaw.NOT_AN_OBJECT, subject, f"expected an object, found {shown(value)}")
    return value


def rows(value: object, subject: str) -> list[object]:
    """Return a JSON array."""
    if not isinstance(value, list):
        raise FlawedError(Flaw.NOT_A_LIST, subject, f"expected a list, found {shown(value)}")
    return value


def text(row: Row, key: str) -> str:
    """Return a text that is not empty."""
    value = row.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise FlawedError(Flaw.NOT_A_TEXT, key, f"expected a text, found {shown(value)}")
    return value


def label(row: Row) -> str:
    """Return an order's label; empty where a person gave none."""
    value = row.get("label")
    return "" if value in (None, "") else text(row, "label")


def number(row: Row, key: str) -> float:
    """Return a finite number."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _sane(value):
        raise FlawedError(Flaw.NOT_A_NUMBER, key, f"expected a number, found {shown(value)}")
    return float(value)


def number_or_nan(row: Row, key: str) -> float:
    """Return a finite number, NaN where the field is null or missing."""
    return math.nan if row.get(key) is None else number(row, key)


def positive(row: Row, key: str) -> float:
    """Return a number above zero."""
    value = number(row, key)
    if not value > 0.0:
        raise FlawedError(
            Flaw.NOT_A_NUMBER, key, f"expected a number above zero, found {shown(value)}"
        )
    return value


def not_negative(row: Row, key: str) -> float:
    """Return a number from zero up."""
    value = number(row, key)
    if value < 0.0:
        raise FlawedError(
            Flaw.NOT_A_NUMBER, key, f"expected a number from zero up, found {shown(value)}"
        )
    return value


def price_or_nan(row: Row, key: str) -> float:
    """Return a price above zero; NaN where there is none (null, missing or zero)."""
    value = row.get(key)
    return math.nan if value is None or value == 0 else positive(row, key)


def exact(row: Row, key: str) -> Decimal:
    """Return a finite number as the decimal that the venue wrote."""
    return Decimal(repr(number(row, key)))


def exact_positive(row: Row, key: str) -> Decimal:
    """Return a number above zero as the decimal that the venue wrote."""
    return Decimal(repr(positive(row, key)))


def time_ns(row: Row, key: str) -> int:
    """Return a time stamp (milliseconds on the wire) in nanoseconds."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not FIRST_MS <= value <= LAST_MS:
        raise FlawedError(Flaw.NOT_A_TIME, key, f"expected milliseconds, found {shown(value)}")
    return value * NS_PER_MS


def each(values: object, subject: str) -> Iterator[Row]:
    """Yield the objects of a list."""
    for value in rows(values, subject):
        yield table(value, subject)


def _sane(value: float) -> bool:
    """Tell whether a number is finite and of a size that occurs."""
    return -ABSURD < value < ABSURD
