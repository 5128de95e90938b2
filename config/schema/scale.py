"""Multiply a book: every setting whose metadata says that it grows with the book's size.

Owns the walk over the sections; which fields scale is said beside each field. Products are
formed in decimal, so a band of 0.1 coin at scale 10 is exactly 1.0 coin.
"""

from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

Section = TypeVar("Section", bound=BaseModel)


def scaled(section: Section, factor: float) -> Section:
    """Give a copy of `section` in which whatever scales is multiplied by `factor` (> 0)."""
    fields = type(section).model_fields
    update: dict[str, object] = {}
    for name, field in fields.items():
        value = getattr(section, name)
        extra = field.json_schema_extra
        grows = isinstance(extra, dict) and bool(extra.get("scales"))
        update[name] = _times(value, factor) if grows else _inside(value, factor)
    return section.model_copy(update=update)


def _inside(value: object, factor: float) -> object:
    if isinstance(value, BaseModel):
        return scaled(value, factor)
    if isinstance(value, tuple):
        return tuple(_inside(entry, factor) for entry in value)
    if isinstance(value, dict):
        return {key: _inside(entry, factor) for key, entry in value.items()}
    return value


def _times(value: object, factor: float) -> object:
    if isinstance(value, dict):
        return {key: _times(entry, factor) for key, entry in value.items()}
    if isinstance(value, Decimal):
        return Decimal(f"{(value * Decimal(str(factor))).normalize():f}")
    if isinstance(value, float):
        return float(Decimal(str(value)) * Decimal(str(factor)))
    return value
