"""Tickets, trades, fills and ledgers as plain JSON and back: what a state file says of an account.

Decimals are text, so that they come back digit for digit. An instrument is its name; who reads has
to say what a name means (`Lookup`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeAlias

from bot.domain.instruments import Instrument
from bot.domain.orders import Intent, OrderState, TimeInForce
from bot.domain.positions import Fill
from bot.domain.units import Quantity
from bot.sim.exchange.account import Account, Charges, Holding
from bot.sim.exchange.orders import Order
from bot.sim.exchange.settlement import Averages
from bot.sim.wire.instruments import Json
from bot.sim.wire.ledger import Ledger
from bot.sim.wire.tickets import Execution, Lifetime, Terms, Ticket

Lookup: TypeAlias = Callable[[str], Instrument]


def ticket_said(ticket: Ticket) -> Json:
    """Return a ticket with its order and its fills."""
    order, terms = ticket.order, ticket.terms
    return {
        "instrument": ticket.instrument.name,
        "intent": _intent_said(order.intent),
        "rested_ns": order.rested_ns,
        "state": order.state.value,
        "filled": str(order.filled),
        "ahead": order.ahead,
        "fills": [_fill_said(fill) for fill in order.fills],
        "terms": {
            "buying": terms.buying,
            "amount": str(terms.amount),
            "price": None if terms.price is None else str(terms.price),
            "lifetime": terms.lifetime.value,
            "post_only": terms.post_only,
            "reject_post_only": terms.reject_post_only,
            "reduce_only": terms.reduce_only,
            "label": terms.label,
            "valid_until_ns": terms.valid_until_ns,
        },
        "created_ns": ticket.created_ns,
        "updated_ns": ticket.updated_ns,
        "replaced": ticket.replaced,
        "fees": ticket.fees,
    }


def ticket_read(venue_id: str, said: Json, lookup: Lookup) -> Ticket:
    """Return the ticket that was said. It belongs to no connection: the one it came by is gone."""
    instrument = lookup(said["instrument"])
    terms = said["terms"]
    order = Order(
        intent=_intent_read(said["intent"], instrument),
        instrument=instrument,
        venue_id=venue_id,
        rested_ns=said["rested_ns"],
        state=OrderState(said["state"]),
        filled=Decimal(said["filled"]),
        ahead=said["ahead"],
        fills=[_fill_read(fill, instrument) for fill in said["fills"]],
    )
    asked = Terms(
        instrument=instrument,
        buying=terms["buying"],
        amount=Decimal(terms["amount"]),
        price=None if terms["price"] is None else Decimal(terms["price"]),
        lifetime=Lifetime(terms["lifetime"]),
        post_only=terms["post_only"],
        reject_post_only=terms["reject_post_only"],
        reduce_only=terms["reduce_only"],
        label=terms["label"],
        valid_until_ns=terms["valid_until_ns"],
    )
    return Ticket(
        order=order,
        terms=asked,
        created_ns=said["created_ns"],
        updated_ns=said["updated_ns"],
        connection=0,
        replaced=said["replaced"],
        fees=said["fees"],
    )


def execution_said(execution: Execution) -> Json:
    """Return a trade; its fill is told with the ticket."""
    return {
        "order": execution.ticket.id,
        "trade": execution.fill.trade_id,
        "index": execution.index,
        "mark": execution.mark,
        "vol": execution.vol if math.isfinite(execution.vol) else None,
        "left_open": execution.left_open,
    }


def execution_read(number: int, said: Json, tickets: Mapping[str, Ticket]) -> Execution:
    """Return the trade that was said."""
    ticket = tickets[said["order"]]
    (fill,) = (one for one in ticket.order.fills if one.trade_id == said["trade"])
    vol = math.nan if said["vol"] is None else said["vol"]
    return Execution(fill, ticket, number, said["index"], said["mark"], vol, said["left_open"])


def account_said(account: Account) -> Json:
    """Return cash, holdings and charges."""
    return {
        "cash": dict(account.cash),
        "holdings": {
            name: [str(held.quantity), held.basis] for name, held in account.holdings.items()
        },
        "charges": {name: asdict(charges) for name, charges in account.charges.items()},
    }


def account_read(into: Account, said: Json, lookup: Lookup) -> None:
    """Make an account what was said."""
    into.cash.clear()
    into.cash.update(said["cash"])
    into.holdings.clear()
    for name, (quantity, basis) in said["holdings"].items():
        exact = Decimal(quantity)
        into.holdings[name] = Holding(lookup(name), exact, float(exact), basis)
    into.charges.clear()
    into.charges.update({name: Charges(**charges) for name, charges in said["charges"].items()})


def ledger_said(ledger: Ledger) -> list[float]:
    """Return the figures of a ledger."""
    return [ledger.average, ledger.session, ledger.average_usd, ledger.realised]


def ledger_read(said: list[float], instrument: Instrument) -> Ledger:
    """Return the ledger that was said."""
    return Ledger(instrument, *said)


def averages_said(averages: Averages) -> Json:
    """Return the index averages towards the next settlement."""
    return asdict(averages)


def averages_read(said: dict[str, Any]) -> Averages:
    """Return the averages that were said."""
    pairs = {name: {c: (ts, x) for c, (ts, x) in said[name].items()} for name in _PAIRS}
    return Averages(**(said | pairs))


_PAIRS = ("_before", "_after")


def _intent_said(intent: Intent) -> Json:
    return {
        "label": intent.label,
        "quantity": str(intent.quantity.value),
        "price": str(intent.price),
        "time_in_force": intent.time_in_force.value,
        "post_only": intent.post_only,
        "created_ns": intent.created_ns,
        "valid_until_ns": intent.valid_until_ns,
    }


def _intent_read(said: Json, instrument: Instrument) -> Intent:
    return Intent(
        label=said["label"],
        instrument=instrument.name,
        quantity=Quantity(Decimal(said["quantity"]), instrument.unit),
        price=Decimal(said["price"]),
        time_in_force=TimeInForce(said["time_in_force"]),
        post_only=said["post_only"],
        reduce_delta=False,
        decision="",
        purpose="",
        created_ns=said["created_ns"],
        valid_until_ns=said["valid_until_ns"],
    )


def _fill_said(fill: Fill) -> Json:
    return {
        "trade_id": fill.trade_id,
        "quantity": str(fill.quantity.value),
        "price": str(fill.price),
        "fee": fill.fee,
        "fee_unit": fill.fee_unit,
        "maker": fill.maker,
        "ts_ns": fill.ts_ns,
        "label": fill.label,
    }


def _fill_read(said: Json, instrument: Instrument) -> Fill:
    return Fill(
        trade_id=said["trade_id"],
        label=said["label"],
        instrument=instrument.name,
        quantity=Quantity(Decimal(said["quantity"]), instrument.unit),
        price=Decimal(said["price"]),
        fee=said["fee"],
        fee_unit=said["fee_unit"],
        maker=said["maker"],
        ts_ns=said["ts_ns"],
    )
