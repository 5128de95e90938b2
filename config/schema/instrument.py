"""Names of instruments as Deribit writes them, checked before a book is built from them.

Owns the grammar `COIN[_QUOTE]-PERPETUAL`, `COIN[_QUOTE]-DMMMYY` and
`COIN[_QUOTE]-DMMMYY-STRIKE-C|P` (https://docs.deribit.com, "Naming"): no leading zero in the
day, `d` for a decimal point in a strike. Whether the exchange lists such an instrument is known
elsewhere.
"""

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

_NAME = re.compile(
    r"(?P<coin>[A-Z][A-Z0-9]{0,9})(?:_(?:USDC|USDT|USDE))?-"
    r"(?:PERPETUAL|(?P<day>[1-9]\d?)(?P<month>[A-Z]{3})(?P<year>\d\d)"
    r"(?:-(?P<strike>[1-9]\d*|\d+d\d+)-[CP])?)"
)
_EXPECTED = (
    "expected an instrument such as BTC-PERPETUAL, BTC-30JAN26 or BTC-30JAN26-90000-C, found "
)


def coin_of(name: str) -> str:
    """Give the underlying of an instrument; ValueError for a name the exchange cannot have."""
    match = _NAME.fullmatch(name)
    if match is None:
        msg = f'{_EXPECTED}"{name}"'
        raise ValueError(msg)
    if match["day"] is not None and not _is_date(match["day"], match["month"], match["year"]):
        msg = f'{_EXPECTED}"{name}", whose expiry is no date'
        raise ValueError(msg)
    return match["coin"]


def _is_date(day: str, month: str, year: str) -> bool:
    if month not in MONTHS:
        return False
    try:
        date(2000 + int(year), MONTHS.index(month) + 1, int(day))
    except ValueError:
        return False
    return True


def _checked(name: str) -> str:
    coin_of(name)
    return name


InstrumentName = Annotated[str, AfterValidator(_checked)]

# What is excluded may be anything that the venue holds, also what has no grammar here.
VenueName = Annotated[
    str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,9}(?:[_-][A-Za-z0-9_-]{1,60})?$")
]
