"""The account as the venue sends it: orders, trades, positions, portfolio and what-if margins.

`options_delta` and a position's `delta` are sums of N(d1); `delta_total` is the venue's own sum,
N(d1) less premium plus futures, in coin. Margin is the exchange's (standard margin, segregated).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bot.book.margin import required
from bot.domain.instruments import Instrument
from bot.domain.orders import OrderState
from bot.domain.positions import Balance
from bot.domain.units import NS_PER_MS
from bot.sim.wire.exchange import ServedExchange, settles_in
from bot.sim.wire.figures import FigureDesk
from bot.sim.wire.instruments import CURRENCIES, MAX_LEVERAGE, Json, index_name, kind
from bot.sim.wire.quotes import Quotes, percent
from bot.sim.wire.tickets import Execution, Ticket

STATES: Final = {
    OrderState.WORKING: "open",
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "cancelled",
    OrderState.REJECTED: "rejected",
}
GREEKS: Final = ("delta", "gamma", "vega", "theta")


@dataclass(slots=True)
class AccountView:
    """Everything private, read from the exchange at the moment of the call."""

    exchange: ServedExchange
    desk: FigureDesk
    quotes: Quotes
    limits: Json

    def order(self, ticket: Ticket) -> Json:
        """Return an order object."""
        order, terms = ticket.order, ticket.terms
        amount = float(abs(order.intent.quantity.value))
        market = terms.price is None
        return {
            "order_id": ticket.id,
            "instrument_name": ticket.instrument.name,
            "direction": "buy" if order.buying else "sell",
            "order_type": "market" if market else "limit",
            "order_state": STATES[order.state],
            "price": "market_price" if market else float(order.intent.price),
            "amount": amount,
            "contracts": amount / float(ticket.instrument.contract_size),
            "filled_amount": float(order.filled),
            "average_price": round(ticket.average, 8),
            "time_in_force": terms.lifetime.value,
            "post_only": terms.post_only,
            "reject_post_only": terms.reject_post_only,
            "reduce_only": terms.reduce_only,
            "label": terms.label,
            "api": True,
            "web": False,
            "mmp": False,
            "replaced": ticket.replaced,
            "is_liquidation": False,
            "max_show": amount,
            "creation_timestamp": ticket.created_ns // NS_PER_MS,
            "last_update_timestamp": ticket.updated_ns // NS_PER_MS,
            "commission": round(ticket.fees, 10),
            "profit_loss": 0.0,
        }

    def trade(self, execution: Execution) -> Json:
        """Return a trade object; `state` is the order's after it."""
        fill, ticket = execution.fill, execution.ticket
        amount = float(abs(fill.quantity.value))
        entry: Json = {
            "trade_id": fill.trade_id,
            "trade_seq": execution.number,
            "order_id": ticket.id,
            "instrument_name": fill.instrument,
            "direction": "buy" if fill.quantity.value > 0 else "sell",
            "amount": amount,
            "contracts": amount / float(ticket.instrument.contract_size),
            "price": float(fill.price),
            "index_price": execution.index,
            "mark_price": round(execution.mark, 6),
            "fee": round(fill.fee, 12),
            "fee_currency": settles_in(ticket.instrument),
            "liquidity": "M" if fill.maker else "T",
            "state": "open" if execution.left_open else "filled",
            "order_type": "market" if ticket.terms.price is None else "limit",
            "timestamp": fill.ts_ns // NS_PER_MS,
            "label": ticket.label,
            "tick_direction": 0,
            "self_trade": False,
            "matching_id": None,
            "api": True,
            "mmp": False,
            "post_only": ticket.terms.post_only,
            "reduce_only": ticket.terms.reduce_only,
        }
        if ticket.instrument.is_option:
            entry["iv"] = percent(execution.vol)
        return entry

    def position(self, one: Instrument) -> Json:
        """Return a position object, of size zero where nothing is held."""
        held = self.exchange.holdings.get(one.name)
        size = 0.0 if held is None else held.size
        mark = self._mark(one)
        index = self.quotes.index(one.coin)
        margin = required(one, size, mark, index)
        book = self.exchange.ledger.get(one.name)
        average = book.average if book is not None and size else 0.0
        floating = book.profit(size, mark) if book is not None and size else 0.0
        realised = 0.0 if book is None else book.realised
        entry: Json = {
            "instrument_name": one.name,
            "kind": kind(one),
            "size": size,
            "direction": "buy" if size > 0 else "sell" if size < 0 else "zero",
            "average_price": round(average, 8),
            "mark_price": mark,
            "index_price": index,
            "settlement_price": round(mark if book is None else book.session, 8),
            "initial_margin": round(margin.initial, 10),
            "maintenance_margin": round(margin.maintenance, 10),
            "floating_profit_loss": round(floating, 10),
            "realized_profit_loss": round(realised, 10),
            "total_profit_loss": round(floating + realised, 10),
        }
        if one.is_option:
            usd = 0.0 if book is None or not size else book.average_usd
            entry["average_price_usd"] = round(usd, 2)
            entry["floating_profit_loss_usd"] = round(floating * index, 2)
            return entry | {name: size * self._greek(one, name) for name in GREEKS}
        coins = one.coins(size, mark) if mark else 0.0
        return entry | {
            "size_currency": round(coins, 9),
            "delta": round(coins, 9),
            "leverage": MAX_LEVERAGE,
            "open_orders_margin": 0.0,
            "estimated_liquidation_price": None,
            "realized_funding": 0.0,
            "interest_value": 0.0,
        }

    def portfolio(self, currency: str) -> Json:
        """Return the portfolio object of a currency; zeros where the account has none."""
        report = self.exchange.positions(self.exchange.board.moved_ns)
        own = {balance.coin: balance for balance in report.balances}
        held = {
            name: holding.quantity
            for name, holding in self.exchange.holdings.items()
            if holding.quantity
        }
        return self._portfolio(currency, own.get(_inside(currency)), held)

    def simulate(self, currency: str, changes: dict[str, Decimal], *, add: bool) -> Json:
        """Return the portfolio as it would be with other positions."""
        valuation = self.exchange.what_if(changes, keep=add)
        held = {name: holding.quantity for name, holding in valuation.account.holdings.items()}
        own = {balance.coin: balance for balance in valuation.balances()}
        entry = self._portfolio(currency, own.get(_inside(currency)), held)
        return entry | {
            "projected_initial_margin": entry["initial_margin"],
            "projected_maintenance_margin": entry["maintenance_margin"],
        }

    def margins(self, one: Instrument, amount: Decimal, price: Decimal) -> Json:
        """Return the initial margin of buying and of selling an amount at a price."""
        index, mark = self.quotes.index(one.coin), self._mark(one)
        size = float(amount)
        bought = required(one, size, mark, index).initial
        sold = required(one, -size, mark, index).initial
        if one.is_option:
            bought += size * float(price)
        bounds = self.quotes.ticker(one)
        return {
            "buy": round(bought, 10),
            "sell": round(sold, 10),
            "min_price": bounds["min_price"],
            "max_price": bounds["max_price"],
        }

    def _portfolio(self, currency: str, balance: Balance | None, held: dict[str, Decimal]) -> Json:
        money = balance or Balance(currency, 0.0, 0.0, 0.0, 0.0, delta_total=0.0)
        options = dict.fromkeys((*GREEKS, "value"), 0.0)
        for name, quantity in held.items():
            one = self.exchange.instrument(name)
            if one is None or settles_in(one) != currency:
                continue
            size = float(quantity)
            if not one.is_option:
                continue
            options["value"] += size * self._mark(one)
            for greek in GREEKS:
                options[greek] += size * self._greek(one, greek)
        base = money.cash + money.open_profit
        free = base - money.initial_margin
        total = None if money.delta_total is None else round(money.delta_total, 8)
        return {
            "currency": currency,
            "equity": round(money.equity, 10),
            "balance": round(money.cash, 10),
            "available_funds": round(free, 10),
            "available_withdrawal_funds": round(max(free, 0.0), 10),
            "initial_margin": round(money.initial_margin, 10),
            "maintenance_margin": round(money.maintenance_margin, 10),
            "projected_initial_margin": round(money.initial_margin, 10),
            "projected_maintenance_margin": round(money.maintenance_margin, 10),
            "margin_balance": round(base, 10),
            "delta_total": total,
            "projected_delta_total": total,
            "delta_total_map": {index_name(currency): total} if total else {},
            "options_delta": round(options["delta"], 8),
            "options_gamma": round(options["gamma"], 8),
            "options_vega": round(options["vega"], 5),
            "options_theta": round(options["theta"], 5),
            "options_value": round(options["value"], 8),
            "futures_pl": round(money.open_profit, 10),
            "options_pl": 0.0,
            "total_pl": round(money.open_profit, 10),
            "session_upl": round(money.open_profit, 10),
            "session_rpl": 0.0,
            "session_funding": 0.0,
            "fee_balance": 0.0,
            "portfolio_margining_enabled": False,
            "cross_collateral_enabled": False,
            "margin_model": "segregated_sm",
            "limits": self.limits,
        }

    def _mark(self, one: Instrument) -> float:
        """Return a finite mark: the market's, or what the exchange values a holding at."""
        mark = self.quotes.mark(one)
        if mark is not None:
            return mark
        return self.exchange.marks().get(one.name, 0.0)

    def _greek(self, one: Instrument, name: str) -> float:
        figures = self.desk.of(one.coin)
        row = None if figures is None else figures.row(one.name)
        if figures is None or row is None:
            return 0.0
        value = float(getattr(figures, name)[row])
        return value if math.isfinite(value) else 0.0


def summaries(view: AccountView) -> list[Json]:
    """Return the portfolio of every currency that the venue lists."""
    return [view.portfolio(currency) for currency in CURRENCIES]


def about(portfolio: dict[str, Any], number: int, *, extended: bool) -> Json:
    """Return an account summary: the portfolio, and who it is where that is asked for."""
    if not extended:
        return portfolio
    return portfolio | {
        "id": number,
        "username": "deltaband",
        "system_name": "deltaband",
        "type": "main",
        "email": "desk@example.invalid",
        "creation_timestamp": 1_534_242_287_000,
        "mmp_enabled": False,
        "interuser_transfers_enabled": False,
        "fees": [],
    }


def _inside(currency: str) -> str:
    """Return the exchange's own name of a currency."""
    return "USD" if currency == "USDC" else currency
