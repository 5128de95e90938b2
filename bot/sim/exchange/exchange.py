"""The exchange itself: the market moves it, requests come in, events go out.

Everything is synchronous and in event time. `advance` moves the market and returns what happened;
`place`, `cancel`, `query` and `positions` are requests at the moment at which they arrive and
return the replies. Each event carries the time at which the exchange produced it; how late it
reaches anybody is the network's business. Fills precede the order update that sums them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from bot.domain.errors import BadInputError
from bot.domain.events import (
    Event,
    Filled,
    InstrumentsListed,
    OrderDenied,
    OrderUpdate,
    PositionsReport,
)
from bot.domain.fees import trade_fee
from bot.domain.instruments import FeeTier, Instrument
from bot.domain.orders import TERMINAL, Intent, OrderState, TimeInForce
from bot.domain.positions import Fill, Position
from bot.domain.quotes import Chain
from bot.domain.units import NS_PER_S, Quantity
from bot.sim.exchange.account import Account, Holding, StartingAccount
from bot.sim.exchange.admission import refusal
from bot.sim.exchange.board import Board
from bot.sim.exchange.clearing import Clearing
from bot.sim.exchange.codes import Refusal
from bot.sim.exchange.ladder import Eaten, Level, future_levels, option_levels
from bot.sim.exchange.matching import crosses, executable, option_executable, queue_ahead, walk
from bot.sim.exchange.orders import Order, Orders, rejected
from bot.sim.exchange.settlement import Averages, VenueAverages, next_settlement
from bot.sim.exchange.valuation import Valuation
from bot.sim.ports import Market

BASE_TIER = FeeTier()


class Exchange:
    """One account on one market. Call `advance` at `market.start_ns` first."""

    def __init__(
        self,
        market: Market,
        account: StartingAccount,
        generator: np.random.Generator,
        fee_tier: FeeTier = BASE_TIER,
        published: VenueAverages | None = None,
    ) -> None:
        """Take the parts; `published` where the market is a real one, told as it arrives."""
        self.market = market
        self._start = account
        self._generator = generator
        self._tier = fee_tier
        self._board = Board(market.start_ns, market.start_ns, carried=published is None)
        self._account = Account(dict(account.balances))
        self._orders = Orders()
        self._eaten = Eaten()
        averages = published or Averages(next_settlement(market.start_ns))
        self._valuation = Valuation(self._board, self._account, self._orders, averages)
        self._clearing = Clearing(self._board, self._account, self._orders, averages, fee_tier)
        self._listed: dict[str, tuple[Instrument, ...]] = {}
        self._known: dict[str, Instrument] = {}
        self._next_id = account.first_id
        self._opened = False

    @property
    def index(self) -> Mapping[str, float]:
        """Return the index of each coin now (USD per coin)."""
        return self._board.index

    @property
    def holdings(self) -> Mapping[str, Holding]:
        """Return the net holdings now; those that went back to zero stay until they expire."""
        return self._account.holdings

    @property
    def account(self) -> Account:
        """Return the books: cash, holdings, charges."""
        return self._account

    @property
    def working(self) -> tuple[Order, ...]:
        """Return the orders that rest in the book."""
        return self._orders.working()

    def instrument(self, name: str) -> Instrument | None:
        """Return what the exchange lists, or has listed of late, under a name."""
        return self._known.get(name)

    def equity(self) -> dict[str, float]:
        """Return the equity of each currency at the venue's marks (coins; USD for linear)."""
        return self._valuation.equity()

    def equity_usd(self) -> float:
        """Return the whole account's equity in USD at the index."""
        index = self._board.index
        return sum(worth * index.get(name, 1.0) for name, worth in self.equity().items())

    def open_profit(self) -> dict[str, float]:
        """Return the futures' profit that is not cash yet, by currency."""
        return self._valuation.open_profit()

    def marks(self) -> dict[str, float]:
        """Return the venue's mark of each holding (its own price unit)."""
        return self._valuation.marks(holding.instrument for holding in self.holdings.values())

    def what_if(self, added: Mapping[str, Decimal], *, keep: bool) -> Valuation:
        """Return the valuation of the account with positions added (or in place of its own)."""
        changes = {self._known[name]: quantity for name, quantity in added.items()}
        return self._valuation.changed(changes, keep=keep)

    # --- the market moves -------------------------------------------------------------------------

    def advance(self, now_ns: int) -> list[Event]:
        """Move the market to `now_ns` and return what that brought, market data included.

        Raises BadInputError at the first call when a starting position is not listed.
        """
        board = self._board
        moves = self.market.advance(now_ns)
        board.move(moves, now_ns)
        events = self._clearing.step(now_ns)
        self._list(now_ns, events)
        events += [move.quote for move in moves]
        for coin in self.market.coins:
            if not self._opened or self.market.chain_due(coin, now_ns):
                board.chains[coin] = chain = self.market.chain(coin, now_ns)
                events.append(chain)
        if not self._opened:
            self._open()
        if self._orders.resting:
            moved = {move.quote.instrument for move in moves}
            moved.update(event.coin for event in events if isinstance(event, Chain))
            self._match_resting(moved, now_ns, events)
        return events

    def _open(self) -> None:
        """Book the starting positions, now that the market has prices."""
        self._opened = True
        for position in self._start.positions:
            instrument, mark = self._marked(position)
            self._account.open(instrument, position.quantity.value, mark)

    def adopt(self, position: Position) -> None:
        """Book what somebody else has traded, at the mark and free: equity stays what it was.

        Raises BadInputError where it is not listed.
        """
        instrument, mark = self._marked(position)
        self._account.trade(instrument, position.quantity.value, mark, 0.0)

    def _marked(self, position: Position) -> tuple[Instrument, float]:
        """Return a position's instrument and its mark now."""
        instrument = self._known.get(position.instrument)
        if instrument is None:
            msg = f"expected a position in a listed instrument, found {position.instrument!r}"
            raise BadInputError(msg)
        if position.quantity.unit is not instrument.unit:
            expected = f"expected a quantity of {instrument.name} in {instrument.unit}"
            raise BadInputError(f"{expected}, found {position.quantity}")
        return instrument, self._valuation.marks([instrument])[instrument.name]

    def _list(self, now_ns: int, events: list[Event]) -> None:
        """Take over new listings; the market hands out the same tuple while nothing changes."""
        for coin in self.market.coins:
            listed = self.market.instruments(coin, now_ns)
            if listed is not self._listed.get(coin):
                self._listed[coin] = listed
                self._known.update((instrument.name, instrument) for instrument in listed)
                self._forget(now_ns)
                events.append(InstrumentsListed(now_ns, coin, listed))

    def _forget(self, now_ns: int) -> None:
        """Leave out of every table what expired long ago."""
        old = [name for name, one in self._known.items() if one.is_history(now_ns)]
        for name in old:
            if name not in self._account.holdings:
                del self._known[name]
                for part in (self._board, self._eaten, self._valuation):
                    part.forget(name)

    # --- resting orders ---------------------------------------------------------------------------

    def _match_resting(self, moved: set[str], now_ns: int, events: list[Event]) -> None:
        """Let what just moved (names of futures, coins of new chains) work on resting orders."""
        for order in self._orders.working():
            instrument = order.instrument
            if (instrument.coin if instrument.is_option else instrument.name) not in moved:
                continue
            size = self._resting_fill(order, now_ns)
            if size > 0:
                events.append(self._fill(order, order.intent.price, size, now_ns, maker=True))
                if not order.remaining:
                    self._orders.end(order, OrderState.FILLED)
                events.append(OrderUpdate(now_ns, order.report(now_ns)))

    def _resting_fill(self, order: Order, now_ns: int) -> Decimal:
        """Return how much of a resting order its instrument's last move fills."""
        name = order.instrument.name
        if order.instrument.is_option:
            view = self._board.option_view(order.instrument)
            return Decimal(0) if view is None else option_executable(order, view)
        elapsed_ns = max(self._board.elapsed_ns[name], 1)
        return executable(
            order,
            self._board.moves[name],
            elapsed_s=elapsed_ns / NS_PER_S,
            share=min(1.0, (now_ns - order.rested_ns) / elapsed_ns),
            luck=self._generator.random(),
        )

    # --- requests ---------------------------------------------------------------------------------

    def place(self, intent: Intent, now_ns: int) -> list[Event]:
        """Book an order and match it; return its fills and then its state, or its rejection."""
        instrument = self._known.get(intent.instrument)
        refused = self._refusal(intent, instrument, now_ns)
        if refused is not None or instrument is None:
            return [rejected(intent, refused or Refusal.INVALID_INSTRUMENT, now_ns)]
        order = Order(intent, instrument, f"{instrument.coin}-{self._take_id()}", now_ns)
        levels = self._levels(instrument, buying=order.buying)
        if intent.post_only and crosses(levels[0] if levels else None, order):
            return [rejected(intent, Refusal.POST_ONLY_REJECT, now_ns)]
        self._orders.add(order)
        events = self._take(order, levels, now_ns)
        if not order.remaining:
            order.state = OrderState.FILLED
        elif intent.time_in_force is TimeInForce.IOC:
            order.state = OrderState.CANCELLED
        else:
            move = self._board.future(instrument.name)
            order.ahead = 0.0 if move is None else queue_ahead(order, move)
            self._orders.rest(order)
        events.append(OrderUpdate(now_ns, order.report(now_ns)))
        return events

    def cancel(self, label: str, now_ns: int) -> list[Event]:
        """Cancel the working orders of a label; an ended one is reported as it ended.

        An unknown label brings no event: a venue's "not found" to a cancel proves nothing, only
        the answer to a query does.
        """
        events: list[Event] = []
        for order in self._orders.of_label(label):
            refused = self._cancel_refusal(order, now_ns)
            if refused is None:
                self._orders.end(order, OrderState.CANCELLED)
            code, word = ("", "") if refused is None else refused.value
            events.append(OrderUpdate(now_ns, order.report(now_ns, code, word)))
        return events

    def query(self, label: str, now_ns: int) -> list[Event]:
        """Return every fill and the state of the orders under a label, or that there is none."""
        events: list[Event] = []
        for order in self._orders.of_label(label):
            events += [Filled(now_ns, fill) for fill in order.fills]
            events.append(OrderUpdate(now_ns, order.report(now_ns)))
        return events or [OrderDenied(now_ns, label)]

    def positions(self, now_ns: int) -> PositionsReport:
        """Return the net positions and balances. An exchange does not know whose hedge is whose."""
        held = tuple(
            Position(name, Quantity(holding.quantity, holding.instrument.unit))
            for name, holding in self._account.holdings.items()
            if holding.quantity
        )
        return PositionsReport(now_ns, held, self._valuation.balances())

    def _refusal(
        self, intent: Intent, instrument: Instrument | None, now_ns: int
    ) -> Refusal | None:
        """Return why an order may not be booked, or None."""
        if instrument is None:
            return Refusal.INVALID_INSTRUMENT
        if instrument.expiry_ns is not None and now_ns >= instrument.expiry_ns:
            return Refusal.BOOK_CLOSED
        if now_ns < self._clearing.paused_until_ns:
            return Refusal.SETTLEMENT_IN_PROGRESS
        refused = refusal(intent, instrument, now_ns)
        if refused is None and not self._valuation.affordable(intent, instrument):
            return Refusal.NOT_ENOUGH_FUNDS
        return refused

    def _cancel_refusal(self, order: Order, now_ns: int) -> Refusal | None:
        """Return why an order cannot be cancelled, or None."""
        if order.state in TERMINAL:
            return Refusal.NOT_OPEN_ORDER
        return Refusal.SETTLEMENT_IN_PROGRESS if now_ns < self._clearing.paused_until_ns else None

    def _levels(self, instrument: Instrument, *, buying: bool) -> list[Level]:
        """Return the ladder that a taker of this side meets."""
        if instrument.is_option:
            view = self._board.option_view(instrument)
            return [] if view is None else list(option_levels(instrument, view, buying=buying))
        move = self._board.future(instrument.name)
        return [] if move is None else list(future_levels(instrument, move, buying=buying))

    def _take(self, order: Order, levels: list[Level], now_ns: int) -> list[Event]:
        """Walk the ladder and return the fills."""
        if order.intent.post_only:
            return []
        moved_ns = self._board.moved_ns
        eaten = self._eaten.at(order.instrument, buying=order.buying, moved_ns=moved_ns)
        pieces = walk(levels, eaten, order)
        taken = float(sum(size for _, size in pieces))
        if taken:
            self._eaten.take(order.instrument, taken, buying=order.buying, moved_ns=moved_ns)
        return [self._fill(order, price, size, now_ns, maker=False) for price, size in pieces]

    def _fill(
        self, order: Order, price: Decimal, size: Decimal, now_ns: int, *, maker: bool
    ) -> Filled:
        """Execute a piece of an order: books, fee, record."""
        instrument = order.instrument
        quantity = size if order.buying else -size
        index = self._board.index[instrument.coin]
        fee = trade_fee(instrument, float(size), float(price), index, maker=maker, tier=self._tier)
        self._account.trade(instrument, quantity, float(price), fee)
        fill = Fill(
            trade_id=f"{instrument.coin}-T{self._take_id()}",
            label=order.intent.label,
            instrument=instrument.name,
            quantity=Quantity(quantity, instrument.unit),
            price=price,
            fee=fee,
            fee_unit=instrument.currency,
            maker=maker,
            ts_ns=now_ns,
        )
        order.filled += size
        order.fills.append(fill)
        return Filled(now_ns, fill)

    def _take_id(self) -> int:
        """Return the next number of the venue's own."""
        self._next_id += 1
        return self._next_id - 1
