"""Quantities that know their unit, and time in nanoseconds."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deribit import parse
from bot.domain.units import (
    NS_PER_S,
    Quantity,
    Unit,
    iso,
    seconds_between,
    utc_ns,
    years_between,
)
from tests.struck import struck

coins = st.decimals(min_value=-1000, max_value=1000, places=4).map(lambda v: Quantity(v, Unit.COIN))


def test_coins_and_dollars_cannot_be_added():
    """A number of USD contracts never becomes a number of coins."""
    with pytest.raises(TypeError, match="cannot add coin to usd"):
        Quantity(Decimal(1), Unit.USD) + Quantity(Decimal(1), Unit.COIN)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_quantity_must_be_a_number(bad):
    """One NaN would poison every sum that it enters."""
    with pytest.raises(ValueError, match="must be a finite number"):
        Quantity(Decimal(bad), Unit.COIN)


@given(coins, coins, coins)
def test_quantities_add_exactly(one, two, three):
    """Addition is associative and subtraction undoes it, to the last digit."""
    assert (one + two) + three == one + (two + three)
    assert one + two - two == one
    assert one + -one == Quantity(Decimal(0), Unit.COIN)


def test_a_quantity_tells_size_sign_and_unit():
    """Size, emptiness and text are what a reader expects."""
    short = Quantity(Decimal("-1.50"), Unit.COIN)
    assert abs(short) == Quantity(Decimal("1.5"), Unit.COIN)
    assert float(short) == -1.5
    assert bool(short) is True
    assert bool(Quantity(Decimal(0), Unit.USD)) is False
    assert str(short) == "-1.50 coin"


def test_years_are_act_365():
    """The day count that reproduces the venues' own marks."""
    start = utc_ns(2026, 1, 5, 8)
    assert years_between(start, start + 365 * 86_400 * NS_PER_S) == 1.0
    assert seconds_between(start, start - NS_PER_S) == -1.0


@pytest.mark.parametrize(
    "zone",
    [
        *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata"),
        *("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Marquesas"),
        *("Etc/GMT+12", "EST5EDT"),
    ],
)
def test_time_is_printed_in_utc_with_milliseconds(monkeypatch, zone):
    """The same text in every time zone, and the same moment of an expiry."""
    before = parse("BTC-27MAR26-100000-C").expiry_ns
    with monkeypatch.context() as machine:
        machine.setenv("TZ", zone)
        time.tzset()
        assert iso(utc_ns(2026, 1, 5, 6, 30) + 7_000_000) == "2026-01-05T06:30:00.007Z"
        assert utc_ns(2026, 3, 27, 8) == parse("BTC-27MAR26-100000-P").expiry_ns == before
        struck("F55")
    time.tzset()
