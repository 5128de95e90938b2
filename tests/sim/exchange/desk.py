"""An exchange on a scripted market, stepped second by second, for the tests of this room."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bot.domain.deribit import parse
from bot.domain.events import Event, Filled, OrderUpdate
from bot.domain.instruments import FeeTier
from bot.domain.orders import Intent, OrderReport
from bot.domain.positions import Fill, Position
from bot.sim.exchange import Exchange, StartingAccount
from tests.builders.scripted_market import ScriptedMarket

PERPETUAL = "BTC-PERPETUAL"


@dataclass
class Desk:
    """The exchange, its market and the time."""

    market: ScriptedMarket
    exchange: Exchange
    now_ns: int

    def step(self, seconds: int = 1) -> list[Event]:
        """Move the market on and return everything that the exchange said."""
        events: list[Event] = []
        for _ in range(seconds):
            self.now_ns += self.market.step_ns
            events += self.exchange.advance(self.now_ns)
        return events

    def place(self, order: Intent) -> tuple[list[Fill], OrderReport]:
        """Place an order now; return its fills and its state."""
        events = self.exchange.place(order, self.now_ns)
        return fills(events), updates(events)[-1]


def fills(events: list[Event]) -> list[Fill]:
    """Return the fills among events."""
    return [event.fill for event in events if isinstance(event, Filled)]


def updates(events: list[Event]) -> list[OrderReport]:
    """Return the order reports among events."""
    return [event.report for event in events if isinstance(event, OrderUpdate)]


def position(name: str, quantity: str) -> Position:
    """Return a position of the owner's book."""
    return Position(name, parse(name).quantity(quantity))


def desk(
    market: ScriptedMarket | None = None,
    balances: Mapping[str, float] | None = None,
    positions: tuple[Position, ...] = (),
    tier: FeeTier | None = None,
    seed: int = 1,
) -> Desk:
    """Return an opened exchange: BTC at 60,000 with 10 coins, unless told otherwise."""
    market = market or ScriptedMarket({"BTC": [60_000.0]})
    account = StartingAccount(balances or {"BTC": 10.0}, positions)
    exchange = Exchange(market, account, np.random.default_rng(seed), tier or FeeTier())
    exchange.advance(market.start_ns)
    return Desk(market, exchange, market.start_ns)
