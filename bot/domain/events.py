"""What happens to us: the only way in which the world, the clock and the operator reach the core.

Each event carries `ts_ns`, the time at which the core learns of it. Quotes and chains are events
themselves (see `quotes`). Market data and balances may be conflated to the newest value; everything
else never is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.domain.instruments import Instrument
from bot.domain.orders import OrderReport
from bot.domain.positions import Balance, Fill, Position
from bot.domain.programs import Solution
from bot.domain.quotes import Chain, Quote


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes: nothing else happened."""

    ts_ns: int


@dataclass(frozen=True, slots=True)
class InstrumentsListed:
    """The venue's current instruments of one coin: a complete list, options included."""

    ts_ns: int
    coin: str
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class PositionsReport:
    """The venue's complete list of positions, and the balances of the trading account.

    The positions are of every account that the book spans, or there is no report. `deltas` are the
    venue's own delta of each position (coin), where the book is one account's and it tells them.
    """

    ts_ns: int
    positions: tuple[Position, ...]
    balances: tuple[Balance, ...]
    deltas: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class BalancesReport:
    """The venue's newest balances and margins, between two complete lists."""

    ts_ns: int
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class MarginAnswer:
    """What a question (see `AskMargin`) came to: the balance as it would be, or why not."""

    ts_ns: int
    question: str
    coin: str
    after: Balance | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class AccountSight:
    """An account that is only read can no longer be seen, or is seen again.

    While it is not, its positions are as they were last reported: unknown, and surely not closed.
    """

    ts_ns: int
    account: str
    seen: bool


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """The venue spoke about one of our orders."""

    ts_ns: int
    report: OrderReport


@dataclass(frozen=True, slots=True)
class OrderDenied:
    """The venue answered a query: it knows no order of this label."""

    ts_ns: int
    label: str


@dataclass(frozen=True, slots=True)
class Filled:
    """One of our orders was executed, wholly or in part."""

    ts_ns: int
    fill: Fill


@dataclass(frozen=True, slots=True)
class LaneChanged:
    """No order can leave from now on, and why (`barred`); or, where that is empty, they can again.

    A venue that never says so can always be sent to.
    """

    ts_ns: int
    barred: str


@dataclass(frozen=True, slots=True)
class HostSeen:
    """How late decisions are taken on this machine, and how far its clock is from the venue's.

    Told while one of the two matters, and once when neither does any more. `lag_s` is from an
    event's time to its decision; the venue's clock is `ahead_s` of ours, give or take `error_s`.
    """

    ts_ns: int
    lag_s: float
    ahead_s: float = 0.0
    error_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RivalSeen:
    """Another bot like this one has an order, or traded, in the account that is traded in."""

    ts_ns: int
    label: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Settled:
    """An instrument expired: positions in it are gone, `price_usd` is its settlement price."""

    ts_ns: int
    instrument: str
    price_usd: float


@dataclass(frozen=True, slots=True)
class Operator:
    """A person's word; `coin` is empty for the whole instance.

    `verb` is pause, resume, halt, off, on, snooze, hold, hedge, target, flatten, or confirm with
    the words that were asked for as `why`. `for_s` is for how long, where the verb has an end;
    `words` is what was typed, and `by` over what it came, where the verb asks for either; `level`
    is where a target is wanted (coin).
    """

    ts_ns: int
    command_id: str
    verb: str
    coin: str
    who: str
    why: str
    for_s: float | None = None
    words: str = ""
    by: str = ""
    level: float | None = None


@dataclass(frozen=True, slots=True)
class GammaWanted:
    """What a program that was asked about came to (see `WantGamma`).

    `asked_ns` is the program's own time: an answer that comes late is no answer to a newer one.
    """

    ts_ns: int
    coin: str
    solution: Solution
    asked_ns: int


Event: TypeAlias = (
    Tick
    | Quote
    | Chain
    | InstrumentsListed
    | PositionsReport
    | BalancesReport
    | MarginAnswer
    | AccountSight
    | OrderUpdate
    | OrderDenied
    | Filled
    | LaneChanged
    | HostSeen
    | RivalSeen
    | Settled
    | Operator
    | GammaWanted
)
