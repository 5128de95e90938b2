"""The vocabulary that every settings section is written in.

Owns the strict model configuration, the finite number, units as field metadata, and the one way
in which a section refuses a value: a key, what was expected, what was found. Infinity and NaN
never pass.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

REFUSED = "refused_setting"
"""The pydantic error type of `refuse`; its context carries `key`, `expected` and `found`."""

LARGEST = 1e12
"""No level, amount or number of coins is larger, so that sums and products stay finite."""

NARROWEST = 1e-6
"""No side of a band of delta is narrower, coin: no order is that small."""

LONGEST = 100
"""Characters of a value that an error message repeats."""

COIN_PATTERN = r"^[A-Z][A-Z0-9]{0,9}$"


def unit(name: str, *, example: JsonValue = None, scales: bool = False) -> dict[str, JsonValue]:
    """Give the metadata of a field: its unit, an example, and whether it grows with the book."""
    return {"unit": name, "example": example, "scales": scales}


def refuse(key: str, expected: str, found: object) -> NoReturn:
    """Refuse a section because of its entry `key` (dotted, relative to the section)."""
    template = "{key}: expected {expected}, found {found}"
    context = {"key": key, "expected": expected, "found": shown(found)}
    raise PydanticCustomError(REFUSED, template, context)


def shown(value: object) -> str:
    """Write a value as an error message shows it, long ones shortened."""
    text = _text(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _text(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "a table" if value else "an empty table"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    return str(value)


def _exact(value: object) -> Decimal:
    """Read a number exactly as it was written: 0.1 is one tenth, not a binary fraction."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        msg = f"expected a number, found {shown(value)}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueError, not TypeError
    return Decimal(str(value))


def _named(value: object) -> Path:
    """Read a path; an empty one would mean the working folder in silence."""
    if not isinstance(value, (str, Path)) or not str(value).strip() or "\0" in str(value):
        msg = f"expected a path, found {shown(value)}"
        raise ValueError(msg)
    return Path(value)


Finite = Annotated[float, Field(allow_inf_nan=False)]
Exact = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
NamedPath = Annotated[Path, BeforeValidator(_named)]
Coin = Annotated[str, Field(pattern=COIN_PATTERN)]
