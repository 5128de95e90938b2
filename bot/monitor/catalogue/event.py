"""What an event is, and what a field is."""

from __future__ import annotations

from dataclasses import dataclass

from bot.monitor.levels import WHOLE


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a line: its unit, or what kind of value it is where it has none."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event: when it is said, its levels (the usual one first), and the fields it may have.

    A field is a name that `FIELDS` describes, or one that means something else in this event
    alone. With `figures` the line also has the figures of its reason, whatever they are.
    """

    name: str
    when: str
    levels: tuple[str, ...]
    fields: tuple[str | Field, ...] = ()
    figures: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Return the names of its fields."""
        return frozenset(one if isinstance(one, str) else one.name for one in self.fields)

    @property
    def own(self) -> tuple[Field, ...]:
        """Return the fields that mean something else here than elsewhere."""
        return tuple(one for one in self.fields if isinstance(one, Field))

    @property
    def whole(self) -> bool:
        """Tell whether no flood limit leaves it out; errors are never left out, either."""
        return self.name in WHOLE
