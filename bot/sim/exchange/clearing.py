"""What the exchange does to the account without being asked: funding, and the daily settlement.

Funding accrues with every move of the market at the rate then shown. At 08:00 UTC expired
instruments are delivered at the settlement price, open profit of futures becomes cash, orders in
what expired are cancelled, and trading pauses for two seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.events import Event, OrderUpdate, Settled
from bot.domain.fees import delivery_fee
from bot.domain.instruments import HISTORY_NS, FeeTier, Instrument
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S
from bot.sim.exchange.account import Account, Holding
from bot.sim.exchange.board import Board
from bot.sim.exchange.orders import Orders
from bot.sim.exchange.settlement import PAUSE_NS, Averages, payoff

FUNDING_PERIOD_NS = 8 * 3_600 * NS_PER_S


@dataclass(slots=True)
class Clearing:
    """Funding and settlement of one account; `paused_until_ns` ends the last settlement's pause.

    `delivered` are the settlement prices by coin and time, USD per coin, oldest first.
    """

    board: Board
    account: Account
    orders: Orders
    averages: Averages
    tier: FeeTier
    paused_until_ns: int = 0
    delivered: dict[str, dict[int, float]] = field(default_factory=dict)

    def step(self, now_ns: int) -> list[Event]:
        """Fund and, where it is time, settle after the market's move to `now_ns`."""
        self._fund()
        for coin, index in self.board.index.items():
            self.averages.sample(coin, now_ns, index)
        events: list[Event] = []
        while self.averages.due(now_ns):
            events += self._settle(now_ns)
        return events

    def _fund(self) -> None:
        """Pay funding on perpetuals for the time since the move before, at the rate now shown."""
        elapsed = self.board.moved_ns - self.board.before_ns
        for name, holding in self.account.holdings.items():
            move = self.board.moves.get(name)
            if elapsed and move is not None and move.quote.funding_8h:
                rate = move.quote.funding_8h * elapsed / FUNDING_PERIOD_NS
                self.account.fund(holding, move.quote.mark, rate)

    def _settle(self, now_ns: int) -> list[Event]:
        """Run the settlement that is due and go on to the next."""
        due_ns = self.averages.next_ns
        events: list[Event] = []
        for coin in self.board.index:
            self.delivered.setdefault(coin, {})[due_ns] = self.averages.price(coin)
        for order in self.orders.working():
            if _expired(order.instrument, due_ns):
                self.orders.end(order, OrderState.CANCELLED)
                events.append(OrderUpdate(now_ns, order.report(now_ns)))
        for holding in tuple(self.account.holdings.values()):
            instrument = holding.instrument
            if _expired(instrument, due_ns):
                events.append(self._deliver(holding, now_ns))
            elif not instrument.is_option and instrument.name in self.board.moves:
                self.account.mark_to_market(holding, self.board.future_mark(instrument))
        self.orders.forget(due_ns - HISTORY_NS)
        self.paused_until_ns = due_ns + PAUSE_NS
        self.averages.roll()
        return events

    def _deliver(self, holding: Holding, now_ns: int) -> Settled:
        """Pay out an expired holding."""
        instrument = holding.instrument
        price = self.averages.price(instrument.coin)
        value = payoff(instrument, price)
        fee = delivery_fee(instrument, holding.size, value, price, self.tier)
        self.account.deliver(holding, value, fee)
        return Settled(now_ns, instrument.name, price)


def _expired(instrument: Instrument, due_ns: int) -> bool:
    """Tell whether an instrument ends with the settlement at `due_ns`."""
    return instrument.expiry_ns is not None and instrument.expiry_ns <= due_ns
