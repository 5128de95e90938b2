"""What every channel says: one frame per channel and moment, sent to all who listen.

Books are kept per channel, so that each has an unbroken chain of change ids of its own: a change
names the id that the channel showed before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.domain.instruments import Instrument
from bot.domain.units import NS_PER_MS
from bot.sim.exchange.ladder import Level
from bot.sim.wire.account import AccountView
from bot.sim.wire.candles import Candle
from bot.sim.wire.channels import FAST, Channel, Listener
from bot.sim.wire.exchange import ServedExchange
from bot.sim.wire.instruments import Json
from bot.sim.wire.quotes import Quotes, pairs
from bot.sim.wire.rpc import notification
from bot.sim.wire.tickets import Execution, Ticket

PRICES: Final = frozenset({"ticker", "quote", "book", "depth"})
PRINTS: Final = frozenset({"trades", "chart"})


@dataclass(slots=True)
class Change:
    """What happened to one instrument of the account at one moment."""

    instrument: Instrument
    tickets: list[Ticket] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    settled: bool = False


@dataclass(slots=True)
class _Book:
    """What a book channel last showed."""

    bids: dict[float, float]
    asks: dict[float, float]
    change_id: int


@dataclass(slots=True)
class _Shelf:
    """A channel and who listens to it."""

    channel: Channel
    listeners: dict[Listener, None] = field(default_factory=dict)


@dataclass(slots=True)
class Feeds:
    """All channels that somebody listens to."""

    exchange: ServedExchange
    quotes: Quotes
    account: AccountView
    closed: dict[str, Json]
    _shelves: dict[str, _Shelf] = field(default_factory=dict)
    _books: dict[str, _Book] = field(default_factory=dict)
    _candles: dict[str, Candle] = field(default_factory=dict)
    _change_id: int = 1_000

    def subscribe(self, channel: Channel, listener: Listener) -> None:
        """Let somebody listen from now on, beginning with what stands now."""
        self._refresh([channel])  # who listens already hears of a change first
        shelf = self._shelves.setdefault(channel.text, _Shelf(channel))
        shelf.listeners[listener] = None
        data = self._standing(channel)
        if data is not None:
            listener.notify(channel, notification(channel.text, data))

    def unsubscribe(self, text: str, listener: Listener) -> None:
        """Let somebody stop listening to a channel."""
        shelf = self._shelves.get(text)
        if shelf is None:
            return
        shelf.listeners.pop(listener, None)
        if not shelf.listeners:
            del self._shelves[text]
            self._books.pop(text, None)
            self._candles.pop(text, None)

    def forget(self, listener: Listener) -> None:
        """Let somebody stop listening to everything."""
        for text in [t for t, shelf in self._shelves.items() if listener in shelf.listeners]:
            self.unsubscribe(text, listener)

    def moved(self, names: frozenset[str] | None = None, *, fast_only: bool = False) -> None:
        """Send what prices are now; `names` None means of every instrument."""
        wanted = [
            shelf.channel
            for shelf in self._shelves.values()
            if shelf.channel.family in PRICES
            and (names is None or shelf.channel.subject in names)
            and not (fast_only and shelf.channel.interval != FAST)
        ]
        self._refresh(wanted)

    def ticked(self) -> None:
        """Send what comes with every move of the market beside prices of instruments."""
        for shelf in tuple(self._shelves.values()):
            channel = shelf.channel
            if channel.family == "deribit_price_index":
                self._send(channel, self.quotes.price_index(channel.subject))
            elif channel.family == "user.portfolio":
                self._send(channel, self.account.portfolio(channel.subject))
            elif channel.family in PRINTS and (printed := self._printed(channel)):
                self._send(channel, self._candle(channel, printed) or printed)

    def happened(self, changes: Iterable[Change]) -> None:
        """Send what happened to the account."""
        held = tuple(changes)
        if not held:
            return
        for shelf in tuple(self._shelves.values()):
            channel = shelf.channel
            for change in held:
                if channel.private and channel.covers(change.instrument):
                    self._account(channel, change)
            if channel.family == "user.portfolio":
                self._send(channel, self.account.portfolio(channel.subject))

    def listed(self, one: Instrument, state: str) -> None:
        """Send that an instrument was created or settled."""
        for shelf in tuple(self._shelves.values()):
            channel = shelf.channel
            if channel.family == "instrument.state" and channel.covers(one):
                data = {
                    "timestamp": self.quotes.now_ms(),
                    "state": state,
                    "instrument_name": one.name,
                }
                self._send(channel, data)

    def _account(self, channel: Channel, change: Change) -> None:
        """Send one instrument's change on a channel of orders, trades or changes."""
        orders = [self.account.order(ticket) for ticket in change.tickets]
        trades = [self.account.trade(execution) for execution in change.executions]
        if channel.family == "user.orders":
            if channel.interval == FAST:
                for order in orders:
                    self._send(channel, order)
            elif orders:
                self._send(channel, orders)
        elif channel.family == "user.trades" and trades:
            self._send(channel, trades)
        elif channel.family == "user.changes":
            position = self.account.position(change.instrument)
            data = {
                "instrument_name": change.instrument.name,
                "orders": orders,
                "trades": trades,
                "positions": [position] if trades or change.settled else [],
            }
            self._send(channel, data)

    def _refresh(self, channels: Iterable[Channel]) -> None:
        """Send the present prices on channels of prices."""
        for channel in channels:
            if channel.text not in self._shelves or channel.family not in PRICES:
                continue
            if channel.family == "book":
                data = self._book_change(channel)
            else:
                data = self._standing(channel)
            if data is not None:
                self._send(channel, data)

    def _standing(self, channel: Channel) -> Json | None:  # noqa: PLR0911  one per kind
        """Return what a new listener is told first."""
        if channel.family == "deribit_price_index":
            return self.quotes.price_index(channel.subject)
        if channel.family == "user.portfolio":
            return self.account.portfolio(channel.subject)
        if channel.family not in PRICES:
            return None
        one = self.exchange.instrument(channel.subject)
        if one is None:
            closed = self.closed[channel.subject]
            return self.quotes.closed(closed) if channel.family == "ticker" else None
        match channel.family:
            case "ticker":
                return self.quotes.ticker(one)
            case "quote":
                return self.quotes.quote(one)
            case "depth":
                bids, asks = self.exchange.depth(one)
                cut = channel.depth
                return self._head(one) | {"bids": pairs(bids[:cut]), "asks": pairs(asks[:cut])}
            case _:
                return self._snapshot(channel, one)

    def _snapshot(self, channel: Channel, one: Instrument) -> Json:
        book = self._books.get(channel.text)
        if book is None:
            bids, asks = self.exchange.depth(one)
            self._change_id += 1
            book = _Book(_sides(bids), _sides(asks), self._change_id)
            self._books[channel.text] = book
        return {
            "type": "snapshot",
            **self._head(one),
            "change_id": book.change_id,
            "bids": [["new", price, size] for price, size in book.bids.items()],
            "asks": [["new", price, size] for price, size in book.asks.items()],
        }

    def _book_change(self, channel: Channel) -> Json | None:
        book = self._books.get(channel.text)
        one = self.exchange.instrument(channel.subject)
        if book is None or one is None:
            return None
        bids, asks = (_sides(side) for side in self.exchange.depth(one))
        changes = _difference(book.bids, bids), _difference(book.asks, asks)
        if not any(changes):
            return None
        before, self._change_id = book.change_id, self._change_id + 1
        self._books[channel.text] = _Book(bids, asks, self._change_id)
        return {
            "type": "change",
            **self._head(one),
            "prev_change_id": before,
            "change_id": self._change_id,
            "bids": changes[0],
            "asks": changes[1],
        }

    def _printed(self, channel: Channel) -> list[Json]:
        """Return a future's public trades of the last move: one print for each side."""
        board = self.exchange.board
        one = self.exchange.instrument(channel.subject)
        move = board.moves.get(channel.subject)
        if one is None or move is None or move.quote.ts_ns != board.moved_ns:
            return []
        prints = (("buy", move.bought_usd, move.quote.ask), ("sell", move.sold_usd, move.quote.bid))
        lot = float(one.lot)
        number = board.moved_ns // NS_PER_MS
        return [
            {
                "trade_id": f"{number}{direction[0]}",
                "trade_seq": number,
                "instrument_name": one.name,
                "timestamp": number,
                "direction": direction,
                "price": price,
                "amount": float(usd // lot * lot),
                "index_price": move.quote.index,
                "mark_price": move.quote.mark,
                "tick_direction": 0,
            }
            for direction, usd, price in prints
            if usd >= lot
        ]

    def _candle(self, channel: Channel, printed: list[Json]) -> Json | None:
        """Return the candle of a chart after public trades; None on a channel of trades."""
        if channel.family != "chart":
            return None
        return self._candles.setdefault(channel.text, Candle(channel.group)).take(printed)

    def _head(self, one: Instrument) -> Json:
        return {"instrument_name": one.name, "timestamp": self.quotes.now_ms()}

    def _send(self, channel: Channel, data: object) -> None:
        frame = notification(channel.text, data)
        shelf = self._shelves.get(channel.text)
        for listener in tuple(shelf.listeners) if shelf is not None else ():
            listener.notify(channel, frame)


def _sides(levels: list[Level]) -> dict[float, float]:
    return {float(level.price): level.size for level in levels}


def _difference(old: dict[float, float], new: dict[float, float]) -> list[list[str | float]]:
    """Return the steps from one side of a book to another."""
    steps: list[list[str | float]] = []
    for price, size in new.items():
        if price not in old:
            steps.append(["new", price, size])
        elif old[price] != size:
            steps.append(["change", price, size])
    steps += [["delete", price, 0.0] for price in old if price not in new]
    return steps
