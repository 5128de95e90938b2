"""What the core says about itself: records for the journal and the logs.

A record is written before the commands that follow it in the same answer are carried out, so a
decision and its intents are on disk when an order leaves. Figures name their units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from bot.domain.orders import Intent, OrderState
from bot.domain.positions import Position
from bot.domain.reasons import Because
from bot.domain.states import State

SHADOW: Final = "shadow"
"""The kind of a decision that a second delta would have made, and what its figures begin with."""


@dataclass(frozen=True, slots=True)
class TradeNote:
    """One trade of a plan; `quantity` is signed and in the instrument's own `unit`."""

    instrument: str
    quantity: float
    unit: str
    limit: float
    cost_usd: float
    gamma_coin_per_pct: float = 0.0
    theta_usd_day: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """One hedge cycle that wanted something: inputs, wish, verdict.

    `kind` is delta, gamma, unwind or flatten, or shadow for what a second delta would have done
    with a hedge of its own: nothing was sent for it. Deltas are coins in the underlying's
    numeraire; the interval covers everything that may still fill. `snapshot` holds the inputs
    (quotes, ages, volatility) that were used. `refused` is empty when the plan was allowed.
    """

    id: str
    ts_ns: int
    coin: str
    kind: str
    numeraire: str
    delta_coin: float
    delta_low_coin: float
    delta_high_coin: float
    delta_after_coin: float
    target: float
    lower: float
    upper: float
    policy_lower: float
    policy_upper: float
    gamma_coin_per_pct: float
    gamma_after_coin_per_pct: float
    index: float
    cost_usd: float
    trades: tuple[TradeNote, ...]
    candidates: tuple[TradeNote, ...] = ()
    reasons: tuple[Because, ...] = ()
    refused: tuple[Because, ...] = ()
    snapshot: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HedgeDone:
    """The last order of a decision has ended: what it did to the book and what it cost."""

    decision: str
    ts_ns: int
    coin: str
    kind: str
    delta_before_coin: float
    delta_after_coin: float
    gamma_before_coin_per_pct: float
    gamma_after_coin_per_pct: float
    lower: float
    upper: float
    index: float
    filled: float
    unit: str
    fee_usd: float
    slippage_usd: float
    seconds: float
    orders: int
    reason: str


@dataclass(frozen=True, slots=True)
class Paid:
    """An order is done: what it paid against the mid of the decision that sent it.

    Quantities are signed and in the instrument's own `unit`, `as_maker` is the part of `filled`
    that took nothing; `mid` and `average` are in its price unit, the average and the slippage in
    basis points NaN where nothing was filled. `shown_bps` is what the quote of the decision showed
    that crossing would cost (half spread and impact, without fees). `seconds` are from the decision
    to the end.
    """

    ts_ns: int
    label: str
    decision: str
    coin: str
    instrument: str
    purpose: str
    post_only: bool
    quantity: float
    filled: float
    as_maker: float
    unit: str
    mid: float
    average: float
    shown_bps: float
    slippage_bps: float
    slippage_usd: float
    fee_usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class OrderTransition:
    """An order moved along an edge of its life cycle; `evidence` says what proved it."""

    ts_ns: int
    label: str
    instrument: str
    before: OrderState
    after: OrderState
    evidence: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """The machine changed state, for one underlying or (`coin` empty) for the instance."""

    ts_ns: int
    coin: str
    before: State
    after: State
    reasons: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class ExposureSample:
    """What an underlying meant at one moment; `shocks` maps e.g. `pnl_up_10pct_usd` to figures.

    Among them are the dated futures of each expiry: `basis_27MAR26_coin`, `basis_27MAR26_1pct_usd`.
    Where a second delta runs in the shadow, its figures are there, too: `shadow_delta_coin`, ….
    """

    ts_ns: int
    coin: str
    numeraire: str
    state: State
    index: float
    delta_coin: float
    delta_low_coin: float
    delta_high_coin: float
    target: float
    lower: float
    upper: float
    gamma_coin_per_pct: float
    gamma_expiring_coin_per_pct: float
    vega_usd: float
    theta_usd_day: float
    equity_usd: float
    unknown_orders: int
    shocks: Mapping[str, float]
    vega_by_tenor_usd: Mapping[str, float]
    doubts: tuple[Because, ...] = ()


@dataclass(frozen=True, slots=True)
class MarginSample:
    """An account's margin in one coin at one moment, all in that coin; NaN is not known.

    `down` and `up` are the relative index moves (down < 0) at which maintenance margin would meet
    what it is held against: by the local formula under standard margin, else by the venue's
    estimate; infinite where no move does. `delta_venue` and `delta_ours` are the net delta of all
    that settles in the coin, the venue's and ours in its convention.
    """

    ts_ns: int
    coin: str
    model: str
    cash: float
    equity: float
    funds: float
    initial_margin: float
    maintenance_margin: float
    down: float
    up: float
    delta_venue: float
    delta_ours: float


PROFIT_LINES: Final = (
    *("delta", "gamma", "theta", "vega", "vanna", "volga", "charm", "basis", "funding"),
    *("fees", "slippage", "translation", "unexplained"),
)
GROSS_LINES: Final = PROFIT_LINES[:-2]
"""What is beside the unexplained: translation of a large collateral would excuse anything."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What an account's equity in one currency changed by between two moments, all in USD.

    `coin` is the currency that the account settles in (USD for linear instruments). The
    `PROFIT_LINES` add up to `total`, which is the change of equity (the venue's figure at
    the index of its moment). `hedges` is the part of it that this bot's own positions made, with
    the fees and the slippage of its trades; `unpriced` counts legs that no line could be told of.
    """

    ts_ns: int
    start_ns: int
    coin: str
    delta: float
    gamma: float
    theta: float
    vega: float
    vanna: float
    volga: float
    charm: float
    basis: float
    funding: float
    fees: float
    slippage: float
    translation: float
    unexplained: float
    total: float
    hedges: float
    equity_before: float
    equity: float
    index: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class Breach:
    """A measure was outside its owner's band from `start_ns` to `ts_ns`.

    A long breach is told in parts: it began at `since_ns`, and with this one it is `over` or goes
    on. `kind` is delta, gamma or gamma_expiring; `worst` is how far outside it was, signed (delta
    in coin, gamma in coin per 1 %). `state` is the coin's when it began: in some nothing is hedged.
    """

    ts_ns: int
    start_ns: int
    coin: str
    kind: str
    worst: float
    seconds: float
    state: State
    since_ns: int
    over: bool


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something cannot be trusted (`active`) or can be again; confined to one underlying."""

    ts_ns: int
    coin: str
    because: Because
    active: bool


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What became of an operator's command."""

    ts_ns: int
    command_id: str
    accepted: bool
    outcome: str


class Word(StrEnum):
    """What a word does for as long as it stands; REVIEW is a breaker's, for a person to end."""

    OFF = "off"
    HOLD = "hold"
    REVIEW = "review"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Standing:
    """A word on one underlying that stands from now on (`active`), or no longer.

    OFF sends nothing, HOLD parks what is traded by hand, REVIEW keeps what a breaker stopped until
    a person has looked (`because`), TARGET keeps the owner's band where `because` says, away from
    the settings'. `until_ns` None: until it is taken back.
    """

    ts_ns: int
    coin: str
    word: Word
    until_ns: int | None
    active: bool
    because: Because


@dataclass(frozen=True, slots=True)
class Parked:
    """What a person traded by hand in one instrument, and that is not hedged before a time.

    `position` is the part that is parked, flat when nothing is any more; `held` the owner's whole
    quantity with it. `since_ns` is when the first of it was seen.
    """

    ts_ns: int
    coin: str
    position: Position
    held: Decimal
    since_ns: int
    until_ns: int


Record: TypeAlias = (
    Decision
    | HedgeDone
    | Paid
    | OrderTransition
    | StateChange
    | ExposureSample
    | MarginSample
    | Attribution
    | Breach
    | Doubt
    | CommandOutcome
    | Standing
    | Parked
)

Told: TypeAlias = Record | Intent
"""What observers hear: all that is recorded, and each order that is about to leave."""
