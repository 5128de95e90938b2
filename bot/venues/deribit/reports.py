"""What the venue says about our account: orders, trades, positions, portfolios, read into nouns.

A list that cannot be read as a whole is no list: positions are all or nothing, because a missing
row would look like a closed position.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.domain.orders import OrderReport, OrderState
from bot.domain.positions import Balance, Fill, Position
from bot.domain.units import Quantity, Unit
from bot.venues.deribit.fields import (
    Row,
    each,
    exact,
    exact_positive,
    label,
    number,
    number_or_nan,
    text,
    time_ns,
)
from bot.venues.deribit.flaws import Flaw, FlawedError, shown
from bot.venues.deribit.listing import DOLLARS, Contract, money

Contracts = Mapping[str, Contract]

LONGEST_MODEL: Final = 40
STATES: Final[Mapping[str, OrderState]] = {
    "open": OrderState.WORKING,
    "untriggered": OrderState.WORKING,
    "filled": OrderState.FILLED,
    "cancelled": OrderState.CANCELLED,
    "rejected": OrderState.REJECTED,
}


def read_order(row: Row, contracts: Contracts, now_ns: int) -> OrderReport:
    """Return what is said about one order; its label may be empty (then it is a person's)."""
    contract = _contract(row, contracts)
    word = text(row, "order_state")
    state = STATES.get(word)
    if state is None:
        raise FlawedError(
            Flaw.UNKNOWN_WORD, "order_state", f"expected {', '.join(STATES)}, found {shown(word)}"
        )
    filled = exact(row, "filled_amount")
    return OrderReport(
        label=label(row),
        instrument=contract.instrument.name,
        venue_id=text(row, "order_id"),
        state=state,
        filled=contract.instrument.quantity(_sign(row) * filled),
        ts_ns=now_ns,
        message=_reason(row),
    )


def read_fill(row: Row, contracts: Contracts) -> Fill:
    """Return one trade of ours; its label may be empty (then it is a person's)."""
    contract = _contract(row, contracts)
    return Fill(
        trade_id=text(row, "trade_id"),
        label=label(row),
        instrument=contract.instrument.name,
        quantity=contract.instrument.quantity(_sign(row) * exact_positive(row, "amount")),
        price=exact_positive(row, "price"),
        fee=number(row, "fee"),
        fee_unit=money(text(row, "fee_currency")),
        maker=_is_maker(row),
        ts_ns=time_ns(row, "timestamp"),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One position with the venue's own figures: `delta_coin` as it counts in `delta_total`."""

    position: Position
    delta_coin: float
    mark: float


def read_positions(raw: object, contracts: Contracts) -> dict[str, Line]:
    """Return every position that is not flat, by name; raises FlawedError on any bad row."""
    lines = (read_position(row, contracts) for row in each(raw, "positions"))
    return {line.position.instrument: line for line in lines if line.position.quantity}


def read_position(row: Row, contracts: Contracts) -> Line:
    """Return one position, flat ones included.

    A position in something that is not listed (a combo, an expired option) is kept: the book must
    know of it in order to doubt it.
    """
    name = text(row, "instrument_name")
    size = exact(row, "size")
    contract = contracts.get(name)
    unit = _unit_by_name(row, name) if contract is None else contract.instrument.unit
    word = text(row, "direction")
    if word not in {"buy", "sell", "zero"}:
        raise FlawedError(
            Flaw.UNKNOWN_WORD, "direction", f"expected buy, sell or zero, found {shown(word)}"
        )
    signed = {"buy": abs(size), "sell": -abs(size), "zero": Decimal(0)}[word]
    return Line(
        Position(name, Quantity(signed, unit)),
        delta_coin=number_or_nan(row, "delta"),
        mark=number_or_nan(row, "mark_price"),
    )


@dataclass(frozen=True, slots=True)
class Portfolio:
    """An account's figures in one currency, in that currency unless a name says otherwise.

    NaN is what the venue did not tell. `balance.delta_total` is net delta in coins
    (premium-adjusted for inverse options, futures included); `liquidation` maps an index name to
    the ratio of its price at which the account would be liquidated.
    """

    currency: str
    ts_ns: int
    balance: Balance
    available_funds: float
    projected_delta_total: float
    options_delta: float
    options_gamma: float
    options_vega: float
    options_theta: float
    options_value: float
    liquidation: Mapping[str, float]


def read_portfolio(row: Row, now_ns: int) -> Portfolio:
    """Return the figures of one currency."""
    currency = text(row, "currency").upper()
    cash, equity = number(row, "balance"), number(row, "equity")
    options_value = number_or_nan(row, "options_value")
    liquidation = _ratios(row.get("estimated_liquidation_ratio_map"))
    balance = Balance(
        coin=money(currency),
        cash=cash,
        equity=equity,
        initial_margin=number(row, "initial_margin"),
        maintenance_margin=number(row, "maintenance_margin"),
        # Whatever is neither cash nor the options' worth: the futures' profit of this session.
        open_profit=0.0 if math.isnan(options_value) else equity - cash - options_value,
        margin_balance=_told(row, "margin_balance"),
        model=margin_model(row),
        delta_total=_told(row, "delta_total"),
        option_value=_told(row, "options_value"),
        liquidation_ratio=liquidation.get(f"{currency.lower()}_usd"),
    )
    return Portfolio(
        currency=currency,
        ts_ns=now_ns,
        balance=balance,
        available_funds=number_or_nan(row, "available_funds"),
        projected_delta_total=number_or_nan(row, "projected_delta_total"),
        options_delta=number_or_nan(row, "options_delta"),
        options_gamma=number_or_nan(row, "options_gamma"),
        options_vega=number_or_nan(row, "options_vega"),
        options_theta=number_or_nan(row, "options_theta"),
        options_value=options_value,
        liquidation=liquidation,
    )


def read_portfolios(raw: object, now_ns: int) -> dict[str, Portfolio]:
    """Return the figures of every currency; raises FlawedError on any bad one."""
    found = (read_portfolio(row, now_ns) for row in each(raw, "summaries"))
    return {portfolio.currency: portfolio for portfolio in found}


def balances(portfolios: Iterable[Portfolio]) -> tuple[Balance, ...]:
    """Return the balances by coin; the dollar coins are one."""
    merged: dict[str, Balance] = {}
    for portfolio in portfolios:
        new = portfolio.balance
        old = merged.get(new.coin)
        merged[new.coin] = new if old is None else _added(old, new)
    return tuple(merged.values())


def _added(one: Balance, other: Balance) -> Balance:
    return Balance(
        one.coin,
        one.cash + other.cash,
        one.equity + other.equity,
        one.initial_margin + other.initial_margin,
        one.maintenance_margin + other.maintenance_margin,
        one.open_profit + other.open_profit,
        margin_balance=one.funds + other.funds,
        model=one.model or other.model,
    )


def _told(row: Row, key: str) -> float | None:
    """Return a figure, None where the venue does not tell it."""
    value = number_or_nan(row, key)
    return None if math.isnan(value) else value


def margin_model(row: Row) -> str:
    """Return the margin model in the venue's word; "" where it does not tell."""
    model = row.get("margin_model")
    if isinstance(model, str) and model.isprintable():
        return model[:LONGEST_MODEL]
    enabled = row.get("portfolio_margining_enabled")
    if not isinstance(enabled, bool):
        return ""
    return "segregated_pm" if enabled else "segregated_sm"


def _contract(row: Row, contracts: Contracts) -> Contract:
    name = text(row, "instrument_name")
    contract = contracts.get(name)
    if contract is None:
        raise FlawedError(
            Flaw.UNKNOWN_INSTRUMENT, name, f"expected a listed instrument, found {name!r}"
        )
    return contract


def _sign(row: Row) -> int:
    word = text(row, "direction")
    if word not in {"buy", "sell"}:
        raise FlawedError(
            Flaw.UNKNOWN_WORD, "direction", f"expected buy or sell, found {shown(word)}"
        )
    return 1 if word == "buy" else -1


def _is_maker(row: Row) -> bool:
    word = text(row, "liquidity")
    if word not in {"M", "T"}:
        raise FlawedError(Flaw.UNKNOWN_WORD, "liquidity", f"expected M or T, found {shown(word)}")
    return word == "M"


def _reason(row: Row) -> str:
    """Return the venue's word on why an order ended, where it says so."""
    for key in ("reject_reason", "cancel_reason"):
        if isinstance(row.get(key), str):
            return text(row, key)
    return ""


def _unit_by_name(row: Row, name: str) -> Unit:
    """Return the unit of something that is not listed, by the venue's naming of inverse futures."""
    linear = any(f"_{dollar}" in name for dollar in DOLLARS)
    return Unit.USD if row.get("kind") == "future" and not linear else Unit.COIN


def _ratios(raw: object) -> dict[str, float]:
    if not isinstance(raw, dict):
        return {}
    return {str(key): number(raw, key) for key in raw if raw[key] is not None}
