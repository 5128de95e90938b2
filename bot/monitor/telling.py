"""What is told: the items that logs and screens understand, and who listens to them.

A `Voice` is told everything in the order in which it happened and never answers, fails or waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bot.domain.events import Settled
from bot.domain.orders import Intent
from bot.domain.positions import Fill
from bot.domain.records import Decision, Record
from bot.journal.equity import TwinPnl

Item: TypeAlias = Record | Intent | Fill | Settled
Fields: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """One underlying as the start banner shows it: bands in coin, gamma in coin per 1 %."""

    coin: str
    numeraire: str
    target: float
    lower: float
    upper: float
    gamma_lower: float | None
    gamma_upper: float | None
    gamma_action: str
    collateral: str


@dataclass(frozen=True, slots=True)
class Banner:
    """What a run is, said before it begins. `speed` is `max`, or market seconds per second."""

    version: str
    instance: str
    mode: str
    market: str
    speed: str
    seed: int | None
    epoch_ns: int
    journal: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """The index of a coin jumped by `fraction` within `seconds`."""

    ts_ns: int
    coin: str
    before: float
    after: float
    seconds: float

    @property
    def fraction(self) -> float:
        """Return the relative move."""
        return self.after / self.before - 1.0


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to say, with what belongs to it; `repeated` counts equal ones left out.

    `decision` is the decision of a hedge that is done; `cause` the id of the decision that an
    order or a fill goes back to, empty where nobody here has heard of it.
    """

    item: Item | Moved
    decision: Decision | None = None
    pnl: TwinPnl | None = None
    repeated: int = 0
    cause: str = ""


def happened_ns(item: Item | Moved) -> int:
    """Return the market time of an item."""
    return item.created_ns if isinstance(item, Intent) else item.ts_ns


class Voice(Protocol):
    """Someone who is told."""

    def begin(self, banner: Banner) -> None:
        """Hear what run this is."""
        ...

    def tell(self, item: Item, pnl: TwinPnl | None = None) -> None:
        """Hear what happened; `pnl` belongs to a hedge that is done."""
        ...

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Hear something outside the records, e.g. `venue.reconnected`."""
        ...

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Hear what the run came to."""
        ...

    def close(self) -> None:
        """Let what is still under way leave."""
        ...
