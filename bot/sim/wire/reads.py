"""Private methods that read: positions, portfolio, orders, trades, margins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bot.domain.instruments import Instrument
from bot.sim.wire.account import about, summaries
from bot.sim.wire.call import Call
from bot.sim.wire.instruments import CURRENCIES, Json, kind
from bot.sim.wire.public import CURRENCY_WORDS, KINDS, named
from bot.sim.wire.rpc import BOOK_CLOSED, ORDER_NOT_FOUND, RpcError, invalid, method
from bot.sim.wire.tickets import Execution, Ticket

TYPES: Final = ("all", "limit", "market", "trigger_all", "stop_all", "stop_limit", "stop_market")
MOST: Final = 1_000


@method("private/get_positions", "trade:read")
def get_positions(call: Call) -> list[Json]:
    """Return every position that is not flat."""
    wanted = call.params.choice("currency", CURRENCY_WORDS, "any")
    sort = call.params.choice("kind", KINDS, "any")
    return [
        call.hub.account.position(held.instrument)
        for held in call.hub.exchange.holdings.values()
        if held.quantity and _fits(held.instrument, wanted, sort)
    ]


@method("private/get_position", "trade:read")
def get_position(call: Call) -> Json:
    """Return the position in an instrument, flat or not."""
    return call.hub.account.position(traded(call))


@method("private/get_account_summary", "account:read")
def get_account_summary(call: Call) -> Json:
    """Return the portfolio of a currency."""
    wanted = call.params.choice("currency", tuple(CURRENCIES))
    portfolio = call.hub.account.portfolio(wanted)
    return about(portfolio, call.hub.number, extended=call.params.flag("extended"))


@method("private/get_account_summaries", "account:read")
def get_account_summaries(call: Call) -> Json:
    """Return the portfolio of every currency."""
    head = about({}, call.hub.number, extended=call.params.flag("extended"))
    return {"id": call.hub.number, **head, "summaries": summaries(call.hub.account)}


@method("private/simulate_portfolio", "account:read", heavy=True)
def simulate_portfolio(call: Call) -> Json:
    """Return the portfolio with other positions: added to its own, or in their place."""
    wanted = call.params.choice("currency", tuple(CURRENCIES))
    changes = call.params.numbers("simulated_positions")
    for name in changes:
        if call.hub.exchange.instrument(name) is None:
            raise invalid("simulated_positions", f"unknown instrument: {name[:80]}")
    add = call.params.flag("add_positions", default=True)
    return call.hub.account.simulate(wanted, changes, add=add)


@method("private/get_margins", "trade:read")
def get_margins(call: Call) -> Json:
    """Return the margin of buying and selling."""
    amount, price = call.params.number("amount"), call.params.number("price")
    if amount is None or price is None:
        raise invalid("amount" if amount is None else "price", "value required")
    return call.hub.account.margins(traded(call), amount, price)


@method("private/get_order_state", "trade:read")
def get_order_state(call: Call) -> Json:
    """Return one order, ended or not."""
    return call.hub.account.order(ticket(call))


@method("private/get_order_state_by_label", "trade:read")
def get_order_state_by_label(call: Call) -> list[Json]:
    """Return every order under a label, the newest first; an empty list where there is none."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    label = call.params.text("label")
    return [
        call.hub.account.order(one)
        for one in _newest(call)
        if one.label == label and wanted in {"any", one.instrument.coin}
    ]


@method("private/get_open_orders", "trade:read")
def get_open_orders(call: Call) -> list[Json]:
    """Return the open orders."""
    sort = call.params.choice("kind", KINDS, "any")
    return _open(call, lambda one: _fits(one.instrument, "any", sort))


@method("private/get_open_orders_by_currency", "trade:read")
def get_open_orders_by_currency(call: Call) -> list[Json]:
    """Return the open orders of a currency."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    sort = call.params.choice("kind", KINDS, "any")
    return _open(call, lambda one: _fits(one.instrument, wanted, sort))


@method("private/get_open_orders_by_instrument", "trade:read")
def get_open_orders_by_instrument(call: Call) -> list[Json]:
    """Return the open orders in an instrument."""
    instrument = traded(call)
    return _open(call, lambda one: one.instrument is instrument)


@method("private/get_open_orders_by_label", "trade:read")
def get_open_orders_by_label(call: Call) -> list[Json]:
    """Return the open orders under a label."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    label = call.params.text("label", "")
    return _open(
        call,
        lambda one: wanted in {"any", one.instrument.coin} and label in {"", one.label},
    )


@method("private/get_order_history_by_currency", "trade:read")
def get_order_history_by_currency(call: Call) -> list[Json]:
    """Return the orders of a currency that have ended, the newest first."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    sort = call.params.choice("kind", KINDS, "any")
    return _ended(call, lambda one: _fits(one.instrument, wanted, sort))


@method("private/get_order_history_by_instrument", "trade:read")
def get_order_history_by_instrument(call: Call) -> list[Json]:
    """Return the orders in an instrument that have ended, the newest first."""
    instrument = traded(call)
    return _ended(call, lambda one: one.instrument is instrument)


@method("private/get_user_trades_by_currency", "trade:read")
@method("private/get_user_trades_by_currency_and_time", "trade:read")
def get_user_trades_by_currency(call: Call) -> Json:
    """Return the trades of a currency, perhaps between two times or after a trade."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    sort = call.params.choice("kind", KINDS, "any")
    found = call.hub.exchange.executions
    return _page(call, [one for one in found if _fits(one.ticket.instrument, wanted, sort)])


@method("private/get_user_trades_by_instrument", "trade:read")
@method("private/get_user_trades_by_instrument_and_time", "trade:read")
def get_user_trades_by_instrument(call: Call) -> Json:
    """Return the trades in an instrument."""
    instrument = traded(call)
    found = call.hub.exchange.executions
    return _page(call, [one for one in found if one.ticket.instrument is instrument])


@method("private/get_user_trades_by_order", "trade:read")
def get_user_trades_by_order(call: Call) -> list[Json]:
    """Return the trades of an order, a bare list."""
    order_id = call.params.text("order_id")
    return [
        call.hub.account.trade(one)
        for one in call.hub.exchange.executions
        if one.ticket.id == order_id
    ]


def traded(call: Call) -> Instrument:
    """Return the traded instrument that a request names; raises where it has no market."""
    one, _closed = named(call)
    if one is None:
        raise RpcError(BOOK_CLOSED)
    return one


def ticket(call: Call) -> Ticket:
    """Return the order that a request names; raises where there is none."""
    found = call.hub.exchange.tickets.get(call.params.text("order_id"))
    if found is None:
        raise RpcError(ORDER_NOT_FOUND)
    return found


def open_tickets(call: Call) -> list[Ticket]:
    """Return the tickets of the orders that rest."""
    tickets = call.hub.exchange.tickets
    return [tickets[order.venue_id] for order in call.hub.exchange.working]


def _newest(call: Call) -> Iterable[Ticket]:
    return reversed(call.hub.exchange.tickets.values())


def _open(call: Call, wanted: Callable[[Ticket], bool]) -> list[Json]:
    call.params.choice("type", TYPES, "all")
    return [call.hub.account.order(one) for one in open_tickets(call) if wanted(one)]


def _ended(call: Call, wanted: Callable[[Ticket], bool]) -> list[Json]:
    count, offset = call.params.integer("count", 20), call.params.integer("offset", 0)
    ended = [one for one in _newest(call) if not one.is_open and wanted(one)]
    return [call.hub.account.order(one) for one in ended[offset : offset + count]]


def _fits(one: Instrument, currency: str, sort: str) -> bool:
    return currency in {"any", one.coin} and sort in {"any", kind(one)}


def _page(call: Call, found: list[Execution]) -> Json:
    """Return trades between what the request asks for, the newest first unless it says asc."""
    params = call.params
    first, last = params.integer("start_timestamp", 0), params.integer("end_timestamp", 2**62)
    start, end = params.integer("start_seq", 0), params.integer("end_seq", 2**62)
    after, before = params.text("start_id", ""), params.text("end_id", "")
    count = max(0, min(params.integer("count", 10), MOST))
    numbers = {one.fill.trade_id: one.number for one in found}
    start = max(start, numbers.get(after, 0))
    end = min(end, numbers.get(before, end))
    trades = [call.hub.account.trade(one) for one in found if start <= one.number <= end]
    trades = [trade for trade in trades if first <= trade["timestamp"] <= last]
    if params.choice("sorting", ("asc", "desc", "default"), "default") == "asc":
        return {"trades": trades[:count], "has_more": len(trades) > count}
    trades.reverse()
    return {"trades": trades[:count], "has_more": len(trades) > count}
