"""Private methods that change something: buy, sell, edit, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from bot.domain.units import NS_PER_MS
from bot.sim.wire.call import Call
from bot.sim.wire.instruments import Json, kind
from bot.sim.wire.public import CURRENCY_WORDS, KINDS
from bot.sim.wire.reads import open_tickets, ticket, traded
from bot.sim.wire.rpc import ORDER_NOT_FOUND, TIMED_OUT, RpcError, invalid, method
from bot.sim.wire.tickets import Lifetime, Terms, Ticket

WRITE: Final = "trade:read_write"
ORDER_TYPES: Final = ("limit", "market")
LIFETIMES: Final = tuple(one.value for one in Lifetime)
LONGEST_LABEL: Final = 64


@method("private/buy", WRITE, matching=True, books=True)
def buy(call: Call) -> Json:
    """Place a buy order."""
    return _place(call, buying=True)


@method("private/sell", WRITE, matching=True, books=True)
def sell(call: Call) -> Json:
    """Place a sell order."""
    return _place(call, buying=False)


@method("private/close_position", WRITE, matching=True, books=True)
def close_position(call: Call) -> Json:
    """Place a reduce-only order against the whole position."""
    one = traded(call)
    held = call.hub.exchange.holdings.get(one.name)
    size = Decimal(0) if held is None else held.quantity
    limit = call.params.choice("type", ORDER_TYPES) == "limit"
    price = call.params.number("price") if limit else None
    if limit and price is None:
        raise invalid("price", "value required")
    terms = Terms(one, size < 0, abs(size), price, reduce_only=True)
    return _result(call, call.hub.submit(terms, call.now_ns, call.caller.connection), 0)


@method("private/edit", WRITE, matching=True, books=True)
def edit(call: Call) -> Json:
    """Change an open order's amount and price; it keeps its id."""
    return _edit(call, ticket(call))


@method("private/edit_by_label", WRITE, matching=True, books=True)
def edit_by_label(call: Call) -> Json:
    """Change the one open order under a label."""
    label, one = call.params.text("label"), traded(call)
    found = [t for t in open_tickets(call) if t.label == label and t.instrument is one]
    if len(found) != 1:
        raise RpcError(ORDER_NOT_FOUND)
    return _edit(call, found[0])


@method("private/cancel", WRITE, matching=True)
def cancel(call: Call) -> Json:
    """Cancel an order and return it."""
    (ended,) = call.hub.cancel([ticket(call)], call.now_ns)
    return call.hub.account.order(ended)


@method("private/cancel_by_label", WRITE, matching=True)
def cancel_by_label(call: Call) -> int:
    """Cancel every open order under a label and return how many."""
    label = call.params.text("label")
    wanted = call.params.choice("currency", CURRENCY_WORDS, "any")
    return _cancel(call, lambda one: one.label == label and wanted in {"any", one.instrument.coin})


@method("private/cancel_all", WRITE, matching=True)
def cancel_all(call: Call) -> int:
    """Cancel every open order and return how many."""
    return _cancel(call, lambda _one: True)


@method("private/cancel_all_by_instrument", WRITE, matching=True)
def cancel_all_by_instrument(call: Call) -> int:
    """Cancel every open order in an instrument and return how many."""
    instrument = traded(call)
    return _cancel(call, lambda one: one.instrument is instrument)


@method("private/cancel_all_by_currency", WRITE, matching=True)
def cancel_all_by_currency(call: Call) -> int:
    """Cancel every open order of a currency and return how many."""
    wanted = call.params.choice("currency", CURRENCY_WORDS)
    sort = call.params.choice("kind", KINDS, "any")
    return _cancel(
        call,
        lambda one: (
            wanted in {"any", one.instrument.coin} and sort in {"any", kind(one.instrument)}
        ),
    )


@method("private/cancel_all_by_kind_or_type", WRITE, matching=True)
def cancel_all_by_kind_or_type(call: Call) -> int:
    """Cancel every open order of a currency and kind and return how many."""
    return int(str(cancel_all_by_currency(call)))


def _place(call: Call, *, buying: bool) -> Json:
    params = call.params
    one = traded(call)
    market = params.choice("type", ORDER_TYPES, "limit") == "market"
    price = None if market else params.number("price")
    if not market and price is None:
        raise invalid("price", "value required")
    amount = params.number("amount")
    if amount is None:
        contracts = params.number("contracts")
        if contracts is None:
            raise invalid("amount", "value required")
        amount = contracts * one.contract_size
    label = params.text("label", "")
    if len(label) > LONGEST_LABEL:
        raise invalid("label", f"must be at most {LONGEST_LABEL} characters")
    terms = Terms(
        instrument=one,
        buying=buying,
        amount=amount,
        price=price,
        lifetime=Lifetime(params.choice("time_in_force", LIFETIMES, Lifetime.GTC.value)),
        post_only=params.flag("post_only"),
        reject_post_only=params.flag("reject_post_only"),
        reduce_only=params.flag("reduce_only"),
        label=label,
        valid_until_ns=_valid_until(call),
    )
    before = len(call.hub.exchange.executions)
    return _result(call, call.hub.submit(terms, call.now_ns, call.caller.connection), before)


def _edit(call: Call, found: Ticket) -> Json:
    params = call.params
    amount = params.number("amount")
    if amount is None:
        contracts = params.number("contracts")
        whole = abs(found.order.intent.quantity.value)
        amount = whole if contracts is None else contracts * found.instrument.contract_size
    _valid_until(call)
    before = len(call.hub.exchange.executions)
    return _result(call, call.hub.edit(found, amount, params.number("price"), call.now_ns), before)


def _valid_until(call: Call) -> int | None:
    """Return until when a request counts; raises where that has passed."""
    if call.params.raw.get("valid_until") is None:
        return None
    until_ns = call.params.integer("valid_until") * NS_PER_MS
    if call.now_ns > until_ns:
        raise RpcError(TIMED_OUT)
    return until_ns


def _result(call: Call, done: Ticket, before: int) -> Json:
    account = call.hub.account
    new = call.hub.exchange.executions[before:]
    return {
        "order": account.order(done),
        "trades": [account.trade(one) for one in new if one.ticket is done],
    }


def _cancel(call: Call, wanted: Callable[[Ticket], bool]) -> int:
    chosen: Iterable[Ticket] = [one for one in open_tickets(call) if wanted(one)]
    return len(call.hub.cancel(chosen, call.now_ns))
