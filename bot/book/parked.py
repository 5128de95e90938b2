"""What a person has just traded by hand: seen and reported, but not yet hedged.

A change of the owner's position is parked until a time; what was there before is hedged meanwhile
as if it had not happened. Parts of one instrument merge, so that a leg that is closed again leaves
nothing behind. Deciding what is parked and for how long is the desk's; here it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.instruments import coin_of
from bot.domain.positions import Position
from bot.domain.units import Quantity


@dataclass(frozen=True, slots=True)
class Part:
    """The parked part of one instrument, seen first at `since_ns` and parked before `until_ns`.

    `held` is the owner's whole quantity of the instrument, the part included.
    """

    position: Position
    held: Decimal
    since_ns: int
    until_ns: int

    @property
    def coin(self) -> str:
        """Return the coin, by the instrument's name: it need not be listed."""
        return coin_of(self.position.instrument)

    def then(self, quantity: Decimal, held: Decimal, until_ns: int) -> Part:
        """Return the part with another quantity, another whole and another end."""
        position = self.position
        left = Position(
            position.instrument,
            Quantity(quantity, position.quantity.unit),
            position.tag,
            position.account,
        )
        return Part(left, held, self.since_ns, until_ns)


@dataclass(slots=True)
class Parking:
    """All parked parts by instrument; none of them is flat."""

    parts: dict[str, Part] = field(default_factory=dict)
    version: int = 0

    def __iter__(self) -> Iterator[Part]:
        """Iterate in the order of their first parking."""
        return iter(tuple(self.parts.values()))

    def put(self, part: Part) -> None:
        """Keep a part in the place of the one before; a flat one is forgotten."""
        name = part.position.instrument
        if part.position.quantity:
            self.parts[name] = part
        else:
            self.parts.pop(name, None)
        self.version += 1

    def take(self, instrument: str) -> Part | None:
        """Forget what is parked of an instrument and return it; None when nothing is."""
        found = self.parts.pop(instrument, None)
        self.version += found is not None
        return found

    def away(self) -> Iterable[Position]:
        """Return what is to be added to the holdings so that the parked parts are not in them."""
        for part in self.parts.values():
            position = part.position
            yield Position(position.instrument, -position.quantity, position.tag, position.account)
