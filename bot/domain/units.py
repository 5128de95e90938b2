"""Units of time and quantity, and the only place where they are converted.

Time is integer nanoseconds since 1970-01-01T00:00Z. A year is 365 days of 86,400 seconds (ACT/365),
the day count that reproduces the exchanges' own marks. A quantity carries its unit, so that a
number of USD contracts can never be added to a number of coins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
SECONDS_PER_DAY: Final = 86_400.0
SECONDS_PER_YEAR: Final = 365.0 * SECONDS_PER_DAY
DAY_NS: Final = int(SECONDS_PER_DAY) * NS_PER_S
SETTLEMENT_NS: Final = 8 * 3_600 * NS_PER_S
"""When the venue settles and a trading day ends: 08:00 UTC."""


class Unit(StrEnum):
    """What one unit of an instrument's quantity is."""

    COIN = "coin"
    USD = "usd"


USD: Final = Unit.USD
"""The same by a name that is looked up faster, for what every tick asks."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A signed, exact amount (long > 0) in an instrument's own unit."""

    value: Decimal
    unit: Unit

    def __post_init__(self) -> None:
        """Refuse what is not a number: it would poison every sum it enters."""
        if not self.value.is_finite():
            msg = f"a quantity must be a finite number, found {self.value}"
            raise ValueError(msg)

    def __add__(self, other: Quantity) -> Quantity:
        """Add two quantities of one unit."""
        if self.unit is not other.unit:
            msg = f"cannot add {other.unit} to {self.unit}"
            raise TypeError(msg)
        return Quantity(self.value + other.value, self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        """Subtract a quantity of the same unit."""
        return self + -other

    def __neg__(self) -> Quantity:
        """Turn long into short."""
        return Quantity(-self.value, self.unit)

    def __abs__(self) -> Quantity:
        """Return the size without its side."""
        return Quantity(abs(self.value), self.unit)

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return self.value != 0

    def __float__(self) -> float:
        """Return the amount for model mathematics."""
        return float(self.value)

    def __str__(self) -> str:
        """Print amount and unit."""
        return f"{self.value:f} {self.unit}"


def seconds_between(start_ns: int, end_ns: int) -> float:
    """Return the seconds from start to end; negative when the end lies before the start."""
    return (end_ns - start_ns) / NS_PER_S


def years_between(start_ns: int, end_ns: int) -> float:
    """Return ACT/365 years from start to end; negative when the end lies before the start."""
    return (end_ns - start_ns) / (NS_PER_S * SECONDS_PER_YEAR)


def utc_ns(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Return the nanoseconds of a UTC calendar time."""
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * NS_PER_S


def iso(ts_ns: int) -> str:
    """Print a time as ISO 8601 UTC with milliseconds."""
    seconds, rest = divmod(ts_ns, NS_PER_S)
    stamp = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{rest // NS_PER_MS:03d}Z"


def day_start(now_ns: int) -> int:
    """Return when the trading day of a time began (ns UTC)."""
    return now_ns - (now_ns - SETTLEMENT_NS) % DAY_NS
