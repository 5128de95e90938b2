"""A core and a venue that says exactly what a test tells it to: events in, commands out.

Nothing is simulated: the test plays the market, the venue and the operator, one event at a time.
The clock moves only when it is told to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Self, TypeVar

import numpy as np

from bot.book.book import Book, UnderlyingRules
from bot.book.market import LEAP
from bot.book.numeraire import Numeraire
from bot.core import Core
from bot.desk.floor import Floor, Names
from bot.desk.rules import DeskRules
from bot.domain.commands import (
    AskMargin,
    Cancel,
    Command,
    Note,
    Place,
    Query,
    QueryPositions,
    WantGamma,
)
from bot.domain.deribit import parse
from bot.domain.events import (
    Event,
    Filled,
    GammaWanted,
    InstrumentsListed,
    MarginAnswer,
    Operator,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
    Tick,
)
from bot.domain.orders import Intent, OrderState
from bot.domain.positions import Balance, Position
from bot.domain.programs import Program
from bot.domain.quotes import Quote
from bot.domain.records import Record
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.execution.orders import OrderTable
from bot.execution.working import Patience
from bot.risk.limits import LimitRules
from bot.risk.machine import Machine
from bot.strategy.bands import Band, GammaBand, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.solve import solve
from bot.strategy.policies import Fixed
from tests.builders.books import NOW, PERPETUAL, OptionRow, chain, contract_of, quote
from tests.builders.fills import fill, report

R = TypeVar("R")

CALL = contract_of(65_000.0)
PUT = contract_of(55_000.0, call=False)
BALANCE = Balance("BTC", 5.0, 5.0, 0.1, 0.05)


def desk_rules(**changes: object) -> DeskRules:
    """Return rules of a dollar book: owner's band +-0.10, policy +-0.05, no gamma limits."""
    figures: dict[str, object] = {
        "measure": UnderlyingRules("BTC", Numeraire.USD, "exclude", ("perpetual", "future")),
        "delta": DeltaPolicy(Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.TARGET)),
        "gamma": GammaPolicy(GammaBand(), GammaBand(), action="off"),
        "limits": LimitRules(order_usd=1e6),
    }
    return DeskRules(**(figures | changes))  # type: ignore[arg-type]


@dataclass
class ScriptedDesk:
    """One core with everything that it was told and that it asked for.

    A question about margin is answered at once with `after`; None leaves it to the test.
    """

    rules: DeskRules = field(default_factory=desk_rules)
    states: dict[str, State] = field(default_factory=dict)
    positions: dict[str, str] = field(default_factory=dict)
    rows: list[OptionRow] = field(default_factory=lambda: [OptionRow(CALL), OptionRow(PUT)])
    futures: tuple[str, ...] = (PERPETUAL,)
    index: float = 60_000.0
    now_ns: int = NOW
    epoch: int = 1
    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    trades: int = 0
    balance: Balance = BALANCE
    after: Balance | None = BALANCE
    program: Program | None = None

    def __post_init__(self) -> None:
        """Build the core as the wiring does."""
        floor = Floor(
            book=Book([self.rules.measure]),
            orders=OrderTable(Patience()),
            machine=Machine(("BTC",), states=dict(self.states)),
            names=Names("test", self.epoch),
        )
        self.core = Core(floor, [self.rules])

    # what happens

    def handle(self, event: Event) -> list[Command]:
        """Let one event happen and return what the core asks for."""
        asked = list(self.core.handle(event))
        self.events.append(event)
        self.commands += asked
        for wish in [c for c in asked if isinstance(c, WantGamma)]:
            self.program = wish.program
        for question in [c for c in asked if isinstance(c, AskMargin)]:
            if self.after is not None:
                asked += self.answers(question, self.after)
        return asked

    def answers(self, asked: AskMargin, after: Balance | None, why: str = "") -> list[Command]:
        """Tell what would become of margin."""
        return self.handle(MarginAnswer(self.now_ns, asked.question, asked.coin, after, why))

    def solved(self) -> list[Command]:
        """Answer the last program that the core asked about."""
        assert self.program is not None
        return self.handle(GammaWanted(self.now_ns, "BTC", solve(self.program), self.program.ts_ns))

    def wait(self, seconds: float) -> Self:
        """Move the clock; nobody is told."""
        self.now_ns += round(seconds * NS_PER_S)
        return self

    def tick(self, seconds: float = 0.0) -> list[Command]:
        """Let time pass."""
        return self.wait(seconds).handle(Tick(self.now_ns))

    def market(self, index: float | None = None, **changes: float) -> list[Command]:
        """Quote everything freshly, at another index if told.

        A far one is come to in prints that nobody decides on: one alone is not believed.
        """
        while index is not None and abs(index / self.index - 1.0) > LEAP:
            self.index *= 1.0 + math.copysign(0.9 * LEAP, index - self.index)
            for name in self.futures:
                self.core.floor.book.apply(self._quote(name))
        self.index = self.index if index is None else index
        asked = [command for name in self.futures for command in self.price(name, **changes)]
        batch = chain(self.rows, index=self.index, ts_ns=self.now_ns, venue_ns=self.now_ns)
        return asked + self.handle(batch)

    def price(self, name: str = PERPETUAL, **changes: float) -> list[Command]:
        """Quote one future."""
        return self.handle(self._quote(name, **changes))

    def _quote(self, name: str, **changes: float) -> Quote:
        figures = {
            "bid": self.index - 0.5,
            "ask": self.index + 0.5,
            "mark": self.index,
            "index": self.index,
            "ts_ns": self.now_ns,
            "ts_venue_ns": self.now_ns,
        }
        return quote(name, **(figures | changes))

    def listed(self) -> list[Command]:
        """List everything that trades."""
        traded = (*map(parse, self.futures), *(row.instrument for row in self.rows))
        return self.handle(InstrumentsListed(self.now_ns, "BTC", traded))

    def told(self, positions: dict[str, str] | None = None) -> list[Command]:
        """Report positions: those that the script keeps, or others."""
        held = self.positions if positions is None else positions
        rows = tuple(
            Position(name, parse(name).quantity(Decimal(quantity)))
            for name, quantity in held.items()
            if Decimal(quantity)
        )
        # An account that holds nothing has no maintenance margin, and says so.
        flat = replace(self.balance, maintenance_margin=0.0)
        return self.handle(PositionsReport(self.now_ns, rows, (self.balance if rows else flat,)))

    def begins(self) -> list[Command]:
        """List everything that trades and report positions, again half a second later."""
        asked = self.listed()
        asked += self.told()
        return asked + self.wait(0.5).told()

    def started(self) -> ScriptedDesk:
        """Bring the core up to RUNNING."""
        self.begins()
        self.market()
        self.wait(0.5).market()
        return self

    def accepts(self, order: Intent, filled: float | str = 0) -> list[Command]:
        """Tell that an order stands."""
        return self.ends(order, OrderState.WORKING, filled)

    def ends(
        self, order: Intent, state: OrderState, filled: float | str = 0, code: str = ""
    ) -> list[Command]:
        """Tell where an order is."""
        said = report(
            state, filled, label=order.label, instrument=order.instrument, ts_ns=self.now_ns,
            code=code,
        )  # fmt: skip
        return self.handle(OrderUpdate(self.now_ns, said))

    def fills(
        self,
        order: Intent,
        quantity: float | str | None = None,
        trade: str = "",
        *,
        maker: bool = False,
    ) -> list[Command]:
        """Fill an order, wholly unless told, and keep the position."""
        amount = order.quantity.value if quantity is None else Decimal(str(quantity))
        self.trades += 1
        held = Decimal(self.positions.get(order.instrument, "0"))
        self.positions[order.instrument] = str(held + amount)
        done = fill(
            order.instrument,
            str(amount),
            label=order.label,
            trade=trade or f"t{self.trades}",
            price=float(order.price),
            fee=1e-5,
            ts_ns=self.now_ns,
            maker=maker,
        )
        return self.handle(Filled(self.now_ns, done))

    def completes(self, order: Intent) -> list[Command]:
        """Fill an order and tell that it is over."""
        asked = self.fills(order)
        return asked + self.ends(order, OrderState.FILLED, str(order.quantity.value))

    def denies(self, label: str) -> list[Command]:
        """Tell that the venue knows no such order."""
        return self.handle(OrderDenied(self.now_ns, label))

    def says(
        self, verb: str, coin: str = "", why: str = "test", for_s: float | None = None
    ) -> list[Command]:
        """Speak as the operator."""
        name = f"c{self.now_ns}"
        return self.handle(Operator(self.now_ns, name, verb, coin, "ann", why, for_s))

    # what is asked for

    def stands(self) -> State:
        """Return the state that applies to the coin."""
        return self.core.floor.machine.at("BTC")


def placed(commands: Iterable[Command]) -> list[Intent]:
    """Return the orders that are to be sent."""
    return [c.intent for c in commands if isinstance(c, Place)]


def cancelled(commands: Iterable[Command]) -> list[str]:
    """Return the labels that are to be cancelled."""
    return [c.label for c in commands if isinstance(c, Cancel)]


def queried(commands: Iterable[Command]) -> list[str]:
    """Return the labels that are asked about; "positions" for those."""
    return [
        c.label if isinstance(c, Query) else "positions"
        for c in commands
        if isinstance(c, Query | QueryPositions)
    ]


def noted(commands: Iterable[Command], kind: type[R]) -> list[R]:
    """Return the records of one kind."""
    records: list[Record] = [c.record for c in commands if isinstance(c, Note)]
    return [r for r in records if isinstance(r, kind)]


def stormy_run(seed: int = 1, minutes: int = 10) -> tuple[Sequence[Event], str]:
    """Return the events of a short-gamma book in a storm, and every answer to them as text."""
    rng = np.random.default_rng(seed)
    desk = ScriptedDesk(positions={CALL.name: "-5", PUT.name: "-5"}).started()
    answered = 0
    for _ in range(minutes * 60):
        desk.wait(1.0)
        desk.market(desk.index * float(np.exp(4e-4 * rng.standard_normal())))
        while answered < len(desk.commands):
            command = desk.commands[answered]
            answered += 1
            if isinstance(command, QueryPositions):
                desk.told()
            elif isinstance(command, Place) and rng.random() < 0.9:
                desk.completes(command.intent)
            elif isinstance(command, Cancel | Query):
                desk.denies(command.label)
    return desk.events, "\n".join(map(repr, desk.commands))
