"""One hash of everything that was decided and executed: equal runs, equal digests.

Decisions, intents and fills enter in order, each as canonical JSON: the type's name, then the
fields in their declared order, mappings sorted by key, floats as the shortest text that reads
back to the same number. Times in them are market time; nothing here knows a wall clock or a file.
What enters is hashed later, at the next `fold`: it stands between a decision and its order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from numbers import Integral
from typing import Final

from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.records import SHADOW, Decision, Record

LONGEST_WAIT: Final = 256


class Digest:
    """A running SHA-256 over decisions, intents and fills, none of which may change afterwards."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._hash = hashlib.sha256()
        self._heard: list[Decision | Intent | Fill] = []

    def record(self, record: Record) -> None:
        """Add a record if it is a decision; the others follow from what is hashed.

        What a shadow would have done is not part of what was done.
        """
        if isinstance(record, Decision) and record.kind != SHADOW:
            self._add(record)

    def intent(self, intent: Intent) -> None:
        """Add an order that is about to be sent."""
        self._add(intent)

    def fill(self, fill: Fill) -> None:
        """Add an execution."""
        self._add(fill)

    def hexdigest(self) -> str:
        """Return the digest so far, 64 hexadecimal digits."""
        self.fold()
        return self._hash.hexdigest()

    def fold(self) -> None:
        """Hash what was heard since the last time; call it when nothing waits."""
        for item in self._heard:
            self._hash.update(canonical(item).encode())
            self._hash.update(b"\n")
        self._heard.clear()

    def _add(self, item: Decision | Intent | Fill) -> None:
        self._heard.append(item)
        if len(self._heard) >= LONGEST_WAIT:
            self.fold()


def canonical(item: object) -> str:
    """Return the one JSON text of a record; raise TypeError for what has no canonical form."""
    return _encode(item)


def _plain(item: object) -> object:
    if is_dataclass(item) and not isinstance(item, type):
        return [type(item).__name__, *(getattr(item, name) for name in _names(type(item)))]
    if isinstance(item, Decimal):
        return str(item)
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, Integral):
        return int(item)
    raise TypeError(
        f"expected a value with a canonical form, found {type(item).__name__}: {item!r}"
    )


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_encode = json.JSONEncoder(
    separators=(",", ":"), sort_keys=True, ensure_ascii=True, default=_plain
).encode
