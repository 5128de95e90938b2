"""The venue's instrument list: raw entries to domain instruments, what is left out with its reason.

Options, perpetuals and dated futures, settled in the coin (inverse) or in USDC or USDT (linear, all
one dollar to us). Combos, spot pairs, inactive and unknown kinds are left out by name. The grid
comes from `tick_size_steps`, the fee rates from the instrument; an option's fee is capped at
12.5 % of its price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.domain.deribit import AVERAGING_S
from bot.domain.instruments import FeeRule, Instrument, Kind, Settlement, TickTable
from bot.venues.deribit.fields import (
    Row,
    each,
    exact_positive,
    number,
    positive,
    rows,
    table,
    text,
    time_ns,
)
from bot.venues.deribit.flaws import Flaw, FlawedError, Flaws, shown

OPTION_FEE_CAP: Final = 0.125
DOLLARS: Final = frozenset({"USDC", "USDT"})
PERPETUAL: Final = "perpetual"


@dataclass(frozen=True, slots=True)
class Contract:
    """An instrument with the venue's own words about it.

    `currency` is what it settles in (BTC, ETH, USDC): the key of accounts and of order look-ups.
    `index_name` is the venue's name of its index, e.g. btc_usd.
    """

    instrument: Instrument
    currency: str
    index_name: str


def money(currency: str) -> str:
    """Return the domain's name of a settlement currency: its coin, or USD for the dollar coins."""
    return "USD" if currency in DOLLARS else currency


def read_contracts(raw: object, flaws: Flaws, now_ns: int) -> Mapping[str, Contract]:
    """Return every usable instrument by name; note why the others are left out.

    Raises FlawedError when the whole is not a list.
    """
    found: dict[str, Contract] = {}
    for entry in rows(raw, "instruments"):
        try:
            contract = read_contract(table(entry, "instrument"))
        except FlawedError as error:
            flaws.caught(now_ns, error)
        else:
            found[contract.instrument.name] = contract
    return found


def read_contract(row: Row) -> Contract:
    """Return one instrument; raises FlawedError with the reason why it cannot be used."""
    name = text(row, "instrument_name")
    try:
        return _contract(row, name)
    except FlawedError as error:
        raise FlawedError(error.flaw, name, f"{error.subject}: {error.sentence}") from error


def _contract(row: Row, name: str) -> Contract:
    kind = _kind(row)
    if row.get("is_active") is False:
        raise FlawedError(Flaw.INACTIVE, "is_active", "expected an active instrument, found none")
    coin, currency = text(row, "base_currency"), text(row, "settlement_currency")
    settlement = _settlement(coin, currency)
    smallest = exact_positive(row, "min_trade_amount")
    contract_size = exact_positive(row, "contract_size")
    is_option = kind is Kind.OPTION
    instrument = Instrument(
        name=name,
        coin=coin,
        kind=kind,
        settlement=settlement,
        lot=smallest if is_option else contract_size,
        min_quantity=smallest,
        ticks=_ticks(row),
        fees=FeeRule(
            maker=number(row, "maker_commission"),
            taker=number(row, "taker_commission"),
            cap_of_price=OPTION_FEE_CAP if is_option else None,
        ),
        contract_size=contract_size,
        expiry_ns=None if kind is Kind.PERPETUAL else time_ns(row, "expiration_timestamp"),
        averaging_s=0.0 if kind is Kind.PERPETUAL else AVERAGING_S,
        strike=positive(row, "strike") if is_option else 0.0,
        is_call=_is_call(row) if is_option else True,
    )
    return Contract(instrument, currency, _index_name(row, coin, settlement))


def nearest_tick(row: Row, price: float | str) -> str:
    """Return a price on an entry's grid, to the nearest tick, as text."""
    exact = Decimal(str(price))
    tick = _ticks(row).at(exact)
    return f"{((exact / tick).to_integral_value() * tick).normalize():f}"


def _kind(row: Row) -> Kind:
    word = text(row, "kind")
    if word.endswith("combo"):
        raise FlawedError(Flaw.COMBO, "kind", f"expected a single instrument, found {word!r}")
    if word == "spot":
        raise FlawedError(Flaw.SPOT, "kind", "expected a derivative, found 'spot'")
    if word == "option":
        return Kind.OPTION
    if word == "future":
        period = row.get("settlement_period")
        return Kind.PERPETUAL if period == PERPETUAL else Kind.FUTURE
    raise FlawedError(Flaw.UNKNOWN_KIND, "kind", f"expected option or future, found {shown(word)}")


def _settlement(coin: str, currency: str) -> Settlement:
    if currency == coin:
        return Settlement.INVERSE
    if currency in DOLLARS:
        return Settlement.LINEAR
    raise FlawedError(
        Flaw.UNKNOWN_SETTLEMENT,
        "settlement_currency",
        f"expected {coin} or one of {', '.join(sorted(DOLLARS))}, found {shown(currency)}",
    )


def _ticks(row: Row) -> TickTable:
    """Return the price grid; steps may come in any order."""
    steps = row.get("tick_size_steps")
    found = sorted(
        (exact_positive(step, "above_price"), exact_positive(step, "tick_size"))
        for step in ([] if steps is None else each(steps, "tick_size_steps"))
    )
    return TickTable(exact_positive(row, "tick_size"), tuple(found))


def _is_call(row: Row) -> bool:
    word = text(row, "option_type")
    if word not in {"call", "put"}:
        raise FlawedError(
            Flaw.UNKNOWN_WORD, "option_type", f"expected call or put, found {shown(word)}"
        )
    return word == "call"


def _index_name(row: Row, coin: str, settlement: Settlement) -> str:
    """Return the name of the index: the venue's word, or what its grammar makes of the coin."""
    if row.get("price_index") is not None:
        return text(row, "price_index")
    return f"{coin.lower()}_{'usd' if settlement is Settlement.INVERSE else 'usdc'}"
