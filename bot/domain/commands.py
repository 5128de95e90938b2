"""What we ask of the world: the only way in which the core acts.

The engine carries commands out in order. `Note` is journalled; `Place` is journalled before it is
sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.domain.orders import Intent
from bot.domain.programs import Program
from bot.domain.records import Record
from bot.domain.units import Quantity


@dataclass(frozen=True, slots=True)
class Place:
    """Send this order, once."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel this order of ours."""

    label: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Query:
    """Ask the venue what it knows about this label."""

    label: str
    instrument: str


@dataclass(frozen=True, slots=True)
class QueryPositions:
    """Ask the venue for its complete positions and balances."""


@dataclass(frozen=True, slots=True)
class AskMargin:
    """Ask the venue what changes of positions would do to margin: MarginAnswer answers.

    `currency` is what they settle in: a coin, or USD.
    """

    question: str
    coin: str
    currency: str
    changes: tuple[tuple[str, Quantity], ...]


@dataclass(frozen=True, slots=True)
class WantGamma:
    """Solve a program: answer with GammaWanted, at the earliest after its thinking time.

    A venue of modelled time solves it at once and answers just then, so that the answer depends on
    nothing but the program; one of the wall clock solves it beside its loop.
    """

    coin: str
    delay_ns: int
    program: Program


@dataclass(frozen=True, slots=True)
class Note:
    """Write this down."""

    record: Record


Command: TypeAlias = Place | Cancel | Query | QueryPositions | AskMargin | WantGamma | Note
