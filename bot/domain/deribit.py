"""Deribit's names and contract terms, for the embedded exchange and for books given by name.

`BTC-PERPETUAL`, `BTC-27MAR26`, `BTC-27MAR26-100000-C`; decimal strikes are written `0d048`. Dated
contracts expire at 08:00 UTC and settle on the index average of their last 30 minutes. Terms follow
the venue's instrument lists (price grid 0.0001 coin below 0.005, 0.0005 from there up; lots of 0.1
BTC or 1 ETH for options, 10 or 1 USD for inverse futures) and its fee rules (option fee at most
12.5 % of the price). Unknown names are an error that says what a name looks like; nothing is
guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from bot.domain.errors import UnknownInstrumentError
from bot.domain.instruments import FeeRule, Instrument, Kind, Settlement, TickTable
from bot.domain.units import NS_PER_S, utc_ns

MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
SETTLEMENT_HOUR_UTC: Final = 8
AVERAGING_S: Final = 1_800.0

_NAME: Final = re.compile(
    r"(?P<coin>[A-Z0-9]{2,10}?)(?:_(?P<quote>USDC|USDT))?-(?:(?P<perpetual>PERPETUAL)|"
    r"(?P<day>\d{1,2})(?P<month>[A-Z]{3})(?P<year>\d{2})(?:-(?P<strike>\d+(?:d\d+)?)-(?P<side>[CP]))?)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class CoinTerms:
    """What differs between coins on one venue."""

    option_lot: Decimal
    future_lot_usd: Decimal
    future_tick: Decimal
    strike_step: float


COINS: Final = {
    "BTC": CoinTerms(Decimal("0.1"), Decimal(10), Decimal("0.5"), 1_000.0),
    "ETH": CoinTerms(Decimal(1), Decimal(1), Decimal("0.05"), 50.0),
}
_OPTION_TICKS: Final = TickTable(Decimal("0.0001"), ((Decimal("0.005"), Decimal("0.0005")),))
_LINEAR_OPTION_TICKS: Final = TickTable(Decimal(5), ())
_OPTION_FEES: Final = FeeRule(maker=0.0003, taker=0.0003, cap_of_price=0.125)
_PERPETUAL_FEES: Final = FeeRule(maker=0.0, taker=0.0005)
_FUTURE_FEES: Final = FeeRule(maker=-0.0001, taker=0.0005)


def expiry_ns(code: str) -> int:
    """Return the expiry of a date code such as `27MAR26`: 08:00 UTC of that day."""
    match = re.fullmatch(r"(\d{1,2})([A-Z]{3})(\d{2})", code, re.ASCII)
    if match is None or match[2] not in MONTHS:
        msg = f"expected an expiry such as 27MAR26, found {code!r}"
        raise UnknownInstrumentError(msg)
    try:
        return utc_ns(
            2000 + int(match[3]), MONTHS.index(match[2]) + 1, int(match[1]), SETTLEMENT_HOUR_UTC
        )
    except ValueError as error:
        msg = f"expected a day of the calendar, found {code!r}"
        raise UnknownInstrumentError(msg) from error


def parse(name: str) -> Instrument:
    """Return the instrument of a venue name.

    Raises UnknownInstrumentError when the name does not follow the venue's grammar or its coin has
    no terms here.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        msg = (
            "expected a name such as BTC-PERPETUAL, BTC-27MAR26 or BTC-27MAR26-100000-C, "
            f"found {name!r}"
        )
        raise UnknownInstrumentError(msg)
    coin = match["coin"]
    terms = COINS.get(coin)
    if terms is None:
        known = ", ".join(sorted(COINS))
        msg = f"expected a coin with known terms ({known}), found {coin!r} in {name!r}"
        raise UnknownInstrumentError(msg)
    settlement = Settlement.LINEAR if match["quote"] else Settlement.INVERSE
    if match["perpetual"]:
        return _future(name, coin, terms, settlement, Kind.PERPETUAL, None)
    expires = expiry_ns(f"{match['day']}{match['month']}{match['year']}")
    if match["side"] is None:
        return _future(name, coin, terms, settlement, Kind.FUTURE, expires)
    strike = float(match["strike"].replace("d", "."))
    return option(name, coin, expires, strike, is_call=match["side"] == "C", settlement=settlement)


def is_history(name: str, now_ns: int) -> bool:
    """Tell whether a name is that of an instrument that expired long ago; no other says so."""
    try:
        return parse(name).is_history(now_ns)
    except UnknownInstrumentError:
        return False


def option(
    name: str,
    coin: str,
    expires_ns: int,
    strike: float,
    *,
    is_call: bool,
    settlement: Settlement = Settlement.INVERSE,
) -> Instrument:
    """Return an option with the venue's terms for its coin."""
    terms = COINS[coin]
    linear = settlement is Settlement.LINEAR
    lot = Decimal("0.01") if linear else terms.option_lot
    return Instrument(
        name=name,
        coin=coin,
        kind=Kind.OPTION,
        settlement=settlement,
        lot=lot,
        min_quantity=lot,
        ticks=_LINEAR_OPTION_TICKS if linear else _OPTION_TICKS,
        fees=_OPTION_FEES,
        expiry_ns=expires_ns,
        averaging_s=AVERAGING_S,
        strike=strike,
        is_call=is_call,
    )


def option_name(coin: str, expires_ns: int, strike: float, *, is_call: bool) -> str:
    """Return the venue's name of an inverse option."""
    text = f"{strike:.10g}".replace(".", "d")
    return f"{coin}-{date_code(expires_ns)}-{text}-{'C' if is_call else 'P'}"


def date_code(expires_ns: int) -> str:
    """Return the venue's date code of an expiry, e.g. `5JAN26`."""
    day = datetime.fromtimestamp(expires_ns // NS_PER_S, tz=UTC)
    return f"{day.day}{MONTHS[day.month - 1]}{day.year % 100:02d}"


def _future(
    name: str, coin: str, terms: CoinTerms, settlement: Settlement, kind: Kind, expires: int | None
) -> Instrument:
    linear = settlement is Settlement.LINEAR
    lot = Decimal("0.001") if linear else terms.future_lot_usd
    return Instrument(
        name=name,
        coin=coin,
        kind=kind,
        settlement=settlement,
        lot=lot,
        min_quantity=lot,
        ticks=TickTable(terms.future_tick),
        fees=_PERPETUAL_FEES if kind is Kind.PERPETUAL else _FUTURE_FEES,
        contract_size=lot,
        expiry_ns=expires,
        averaging_s=AVERAGING_S if expires is not None else 0.0,
    )
