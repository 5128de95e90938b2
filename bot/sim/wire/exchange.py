"""The simulated exchange with what a protocol asks of it beyond events: tickets and depth.

A ticket is an order as its owner sees it: id, type, lifetime, times, the connection that it came
over. Orders can be edited, cancelled one by one, sent as market orders, fill-or-kill, reduce-only
and post-only with the price moved away from the market. Terms follow the venue; what is refused
raises `Refused` with the venue's number and word.

The public book shows the market only: our own resting orders are not in it, because they do not
move this market's prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from bot.domain.events import Event, Filled, OrderUpdate
from bot.domain.instruments import Instrument
from bot.domain.orders import Intent, OrderState, TimeInForce
from bot.domain.units import Quantity
from bot.sim.exchange import Exchange
from bot.sim.exchange.board import Board
from bot.sim.exchange.codes import Refusal
from bot.sim.exchange.ladder import Level, lots
from bot.sim.exchange.matching import crosses, queue_ahead, walk
from bot.sim.exchange.orders import Order
from bot.sim.wire.ledger import Ledger
from bot.sim.wire.tickets import Execution, Lifetime, Refused, Terms, Ticket

FAR: Final = 2**63 - 1


class ServedExchange(Exchange):
    """One account on one market, as the protocol sees it. Use `submit`, not `place`."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Take what `Exchange` takes."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.tickets: dict[str, Ticket] = {}
        self.executions: list[Execution] = []
        self.ledger: dict[str, Ledger] = {}
        self.rejected = 0

    @property
    def board(self) -> Board:
        """Return where the market stands."""
        return self._board

    @property
    def settling(self) -> int:
        """Return until when trading is paused for a settlement (0: it never was)."""
        return self._clearing.paused_until_ns

    @property
    def delivered(self) -> Mapping[str, Mapping[int, float]]:
        """Return the settlement prices (USD) by coin and settlement time, oldest first."""
        return self._clearing.delivered

    def listed(self) -> tuple[Instrument, ...]:
        """Return what is listed now, coin by coin."""
        return tuple(one for coin in self.market.coins for one in self._listed.get(coin, ()))

    def open_of(self, connection: int) -> list[Ticket]:
        """Return the open orders that came over a connection."""
        tickets = [self.tickets[order.venue_id] for order in self.working]
        return [ticket for ticket in tickets if ticket.connection == connection]

    def depth(self, instrument: Instrument) -> tuple[list[Level], list[Level]]:
        """Return bids and asks, best first, less what we have just taken from them."""
        return self._side(instrument, buying=False), self._side(instrument, buying=True)

    def taken(self, instrument: Instrument) -> bool:
        """Tell whether anything that we took is still missing from a book."""
        moved_ns = self._board.moved_ns
        missing = (
            self._eaten.at(instrument, buying=side, moved_ns=moved_ns) for side in (True, False)
        )
        return max(missing) > float(instrument.lot) / 2.0

    def advance(self, now_ns: int) -> list[Event]:
        """Move the market; what happened to orders is noted on their tickets too."""
        opening = not self._opened
        events = super().advance(now_ns)
        for event in events:
            if isinstance(event, OrderUpdate) and event.report.venue_id in self.tickets:
                self.tickets[event.report.venue_id].updated_ns = now_ns
        if opening:
            marks = self.marks()
            for name, holding in self.holdings.items():
                self.ledger[name] = Ledger(holding.instrument, marks[name], marks[name])
        for name in [n for n in self.ledger if n not in self.holdings]:
            del self.ledger[name]  # it has been delivered
        return events

    # --- requests ---------------------------------------------------------------------------------

    def submit(self, terms: Terms, now_ns: int, connection: int = 0) -> Ticket:
        """Book an order and match it; raises Refused."""
        try:
            return self._submit(terms, now_ns, connection)
        except Refused:
            self.rejected += 1
            raise

    def _submit(self, terms: Terms, now_ns: int, connection: int) -> Ticket:
        terms = self._reduced(terms)
        instrument = terms.instrument
        levels = self._levels(instrument, buying=terms.buying)
        intent = self._intent(terms, levels, now_ns)
        refused = self._refusal(intent, instrument, now_ns)
        if refused is not None:
            raise Refused.of(refused)
        order = Order(intent, instrument, f"{instrument.coin}-{self._take_id()}", now_ns)
        self._post(order, terms, levels)
        ticket = Ticket(order, terms, now_ns, now_ns, connection)
        self.tickets[order.venue_id] = ticket
        self._orders.add(order)
        self._enter(ticket, levels, now_ns)
        return ticket

    def edit(self, ticket: Ticket, amount: Decimal, price: Decimal | None, now_ns: int) -> None:
        """Change an open order's whole amount and limit; it keeps its id. Raises Refused."""
        order = ticket.order
        self._must_be_open(ticket, now_ns)
        limit = order.intent.price if price is None else price
        signed = amount if order.buying else -amount
        left = signed - (order.filled if order.buying else -order.filled)
        if abs(signed) <= order.filled:
            raise Refused.of(Refusal.QTY_TOO_LOW)
        stays = limit == order.intent.price and amount <= abs(order.intent.quantity.value)
        unit = order.instrument.unit
        whole = replace(order.intent, quantity=Quantity(signed, unit), price=limit)
        self._orders.end(order, OrderState.WORKING)  # out of the queue while it is judged
        levels = self._levels(order.instrument, buying=order.buying)
        probe = replace(whole, quantity=Quantity(left, unit), valid_until_ns=FAR)
        refused = self._refusal(probe, order.instrument, now_ns)
        trial = Order(probe, order.instrument, order.venue_id, now_ns)
        try:
            if refused is not None:
                raise Refused.of(refused)
            self._post(trial, ticket.terms, levels)
        except Refused:
            self._orders.rest(order)
            raise
        order.intent = replace(whole, price=trial.intent.price)
        ticket.replaced, ticket.updated_ns = True, now_ns
        if stays:
            self._orders.rest(order)
        else:
            self._enter(ticket, levels, now_ns)

    def cancel_ticket(self, ticket: Ticket, now_ns: int) -> None:
        """Cancel one open order; raises Refused where it has ended or trading is paused."""
        self._must_be_open(ticket, now_ns)
        self._orders.end(ticket.order, OrderState.CANCELLED)
        ticket.updated_ns = now_ns

    # --- parts of these ---------------------------------------------------------------------------

    def _must_be_open(self, ticket: Ticket, now_ns: int) -> None:
        refused = self._cancel_refusal(ticket.order, now_ns)
        if refused is not None:
            raise Refused.of(refused)

    def _reduced(self, terms: Terms) -> Terms:
        """Cut a reduce-only order to what is held on the other side."""
        if not terms.reduce_only:
            return terms
        held = self.holdings.get(terms.instrument.name)
        signed = Decimal(0) if held is None else held.quantity
        room = -signed if terms.buying else signed
        if room <= 0:
            raise Refused(11030, "other_reject", {"reason": "reduce_only"})
        return replace(terms, amount=min(terms.amount, room))

    def _intent(self, terms: Terms, levels: list[Level], now_ns: int) -> Intent:
        price = terms.price
        if price is None:  # a market order: to the end of the visible book
            if not levels:
                raise Refused(11030, "other_reject", {"reason": "no_liquidity"})
            price = levels[-1].price
        rests = terms.price is not None and terms.lifetime in {Lifetime.GTC, Lifetime.GTD}
        signed = terms.amount if terms.buying else -terms.amount
        return Intent(
            label=terms.label,
            instrument=terms.instrument.name,
            quantity=Quantity(signed, terms.instrument.unit),
            price=price,
            time_in_force=TimeInForce.GTC if rests else TimeInForce.IOC,
            post_only=terms.post_only,
            reduce_delta=False,
            decision="",
            purpose="",
            created_ns=now_ns,
            valid_until_ns=FAR if terms.valid_until_ns is None else terms.valid_until_ns,
        )

    def _post(self, order: Order, terms: Terms, levels: list[Level]) -> None:
        """Keep a post-only order from taking: refuse it, or move its price a tick away."""
        if not terms.post_only or not crosses(levels[0] if levels else None, order):
            return
        if terms.reject_post_only:
            raise Refused.of(Refusal.POST_ONLY_REJECT)
        best = levels[0].price
        below = best - Decimal("1e-9") if order.buying else best
        tick = order.instrument.ticks.at(below)
        price = best - tick if order.buying else best + tick
        if price <= 0:
            raise Refused.of(Refusal.INVALID_PRICE)
        order.intent = replace(order.intent, price=price)

    def _enter(self, ticket: Ticket, levels: list[Level], now_ns: int) -> None:
        """Match an order that has been admitted, and rest or end what is left of it."""
        order = ticket.order
        if ticket.terms.lifetime is Lifetime.FOK and not self._fillable(order, levels):
            order.state = OrderState.CANCELLED
            return
        self._take(order, levels, now_ns)
        if not order.remaining:
            order.state = OrderState.FILLED
        elif order.intent.time_in_force is TimeInForce.IOC:
            order.state = OrderState.CANCELLED
        else:
            move = self._board.future(order.instrument.name)
            order.ahead = 0.0 if move is None else queue_ahead(order, move)
            order.rested_ns = now_ns
            self._orders.rest(order)

    def _fillable(self, order: Order, levels: list[Level]) -> bool:
        moved_ns = self._board.moved_ns
        eaten = self._eaten.at(order.instrument, buying=order.buying, moved_ns=moved_ns)
        return sum(size for _, size in walk(levels, eaten, order)) >= order.remaining

    def _side(self, instrument: Instrument, *, buying: bool) -> list[Level]:
        moved_ns = self._board.moved_ns
        eaten = self._eaten.at(instrument, buying=buying, moved_ns=moved_ns)
        shown: list[Level] = []
        for level in self._levels(instrument, buying=buying):
            left = level.size - eaten
            eaten = max(0.0, -left)
            size = lots(left, instrument)
            if size > 0:
                shown.append(Level(level.price, float(size)))
        return shown

    def _fill(
        self, order: Order, price: Decimal, size: Decimal, now_ns: int, *, maker: bool
    ) -> Filled:
        """Execute a piece; note it on the ticket and in the ledger."""
        name = order.instrument.name
        held = self.holdings.get(name)
        before = Decimal(0) if held is None else held.quantity
        filled = super()._fill(order, price, size, now_ns, maker=maker)
        mark = self._valuation.marks([order.instrument])[name]
        index = self._board.index[order.instrument.coin]
        book = self.ledger.setdefault(name, Ledger(order.instrument, mark, mark))
        book.trade(before, size if order.buying else -size, float(price), index)
        ticket = self.tickets[order.venue_id]
        ticket.updated_ns = now_ns
        vol = self.mark_vol(order.instrument)
        ticket.fees += filled.fill.fee
        execution = Execution(
            filled.fill, ticket, len(self.executions) + 1, index, mark, vol, bool(order.remaining)
        )
        self.executions.append(execution)
        return filled

    def mark_vol(self, instrument: Instrument) -> float:
        """Return an option's mark volatility (1.00 = 100 %); NaN where there is none."""
        chain = self._board.chains.get(instrument.coin)
        row = None if chain is None else chain.listing.row.get(instrument.name)
        return float("nan") if chain is None or row is None else float(chain.vol[row])


def settles_in(instrument: Instrument) -> str:
    """Return the currency of fees and profit under the venue's name (USDC for linear ones)."""
    name = instrument.currency
    return "USDC" if name == "USD" else name
