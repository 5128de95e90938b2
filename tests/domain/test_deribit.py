"""The venue's names, read and written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deribit import COINS, date_code, expiry_ns, option_name, parse
from bot.domain.errors import UnknownInstrumentError
from bot.domain.instruments import Kind, Settlement
from bot.domain.units import NS_PER_S, utc_ns

FIRST, LAST = (utc_ns(*day) // (86_400 * NS_PER_S) for day in ((2000, 1, 1), (2099, 12, 31)))
DAYS = st.integers(FIRST, LAST)
EXPIRIES = DAYS.map(lambda day: (day * 86_400 + 8 * 3_600) * NS_PER_S)
STRIKES = st.one_of(
    st.integers(1, 9_999_999).map(float),
    st.integers(1, 99_999).map(lambda n: n / 1_000.0),
)


@given(st.sampled_from(sorted(COINS)), EXPIRIES, STRIKES, st.booleans())
def test_every_option_name_is_read_back(coin, expires_ns, strike, is_call):
    """A written name means the option that it was written for."""
    name = option_name(coin, expires_ns, strike, is_call=is_call)
    found = parse(name)
    assert (found.name, found.coin, found.expiry_ns, found.strike, found.is_call) == (
        name,
        coin,
        expires_ns,
        strike,
        is_call,
    )
    assert found.settlement is Settlement.INVERSE


@given(EXPIRIES)
def test_every_date_code_is_read_back(expires_ns):
    """A date code is a day, and that day's 08:00 UTC."""
    assert expiry_ns(date_code(expires_ns)) == expires_ns


@given(st.sampled_from(sorted(COINS)), EXPIRIES, st.booleans())
def test_futures_are_read_with_their_expiry(coin, expires_ns, linear):
    """A dated future expires at 08:00 UTC of its day, inverse or linear."""
    found = parse(f"{coin}{'_USDC' if linear else ''}-{date_code(expires_ns)}")
    assert found.kind is Kind.FUTURE
    assert found.expiry_ns == expires_ns
    assert found.is_inverse is not linear


def test_a_decimal_strike_is_written_with_a_d():
    """0d048 is 0.048."""
    assert parse("ETH_USDC-5JAN26-0d048-P").strike == 0.048
    assert option_name("ETH", utc_ns(2026, 1, 5, 8), 0.048, is_call=False) == "ETH-5JAN26-0d048-P"


def test_an_inverse_option_has_the_venues_grid():
    """Lots of 0.1 BTC, ticks of 0.0001 below 0.005 and 0.0005 from there."""
    option = parse("BTC-27MAR26-100000-C")
    assert (option.lot, option.min_quantity) == (Decimal("0.1"), Decimal("0.1"))
    assert option.ticks.at(Decimal("0.0049")) == Decimal("0.0001")
    assert option.ticks.at(Decimal("0.005")) == Decimal("0.0005")
    assert option.averaging_s == 1_800.0


def test_futures_have_the_venues_lots():
    """10 USD for BTC, 1 USD for ETH, a thousandth of a coin where linear."""
    lots = {n: parse(n).lot for n in ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC-PERPETUAL")}
    assert lots == {
        "BTC-PERPETUAL": Decimal(10),
        "ETH-PERPETUAL": Decimal(1),
        "BTC_USDC-PERPETUAL": Decimal("0.001"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "",
        "BTC",
        "BTC-",
        "BTC-PERP",
        "btc-perpetual",
        "BTC-PERPETUAL-C",
        "BTC-27MAR26-100000",
        "BTC-27MAR26-100000-X",
        "BTC-27MAR26--1-C",
        "BTC-27MAR26-1d-C",
        "BTC-27MAR2026-100000-C",
        "BTC-PERPETUAL\n",
        " BTC-PERPETUAL",
        "BTC_EUR-PERPETUAL",
        "BTC-27MAR26-\u0663-C",
    ],
)
def test_a_name_outside_the_grammar_is_refused(name):
    """The error shows what a name looks like and what was found."""
    with pytest.raises(UnknownInstrumentError, match="expected a name such as BTC-PERPETUAL"):
        parse(name)


@pytest.mark.parametrize("code", ["31FEB26", "0JAN26", "32JAN26"])
def test_a_day_outside_the_calendar_is_refused(code):
    """There is no 31 February."""
    with pytest.raises(UnknownInstrumentError, match="expected a day of the calendar"):
        parse(f"BTC-{code}-100000-C")


@pytest.mark.parametrize("code", ["27XXX26", "MAR26", "27MAR", "27mar26", "27MAR26\n"])
def test_an_expiry_outside_the_grammar_is_refused(code):
    """An expiry is day, month and year."""
    with pytest.raises(UnknownInstrumentError, match="expected an expiry such as 27MAR26"):
        expiry_ns(code)


def test_a_coin_without_terms_is_refused():
    """Nothing is guessed about a coin that is not known."""
    with pytest.raises(UnknownInstrumentError, match=r"known terms \(BTC, ETH\), found 'DOGE'"):
        parse("DOGE-PERPETUAL")
